"""A mixture of Gaussians with full covariances."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bvae.samplers.base import SAMPLERS, Draws, Sampler

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture as Estimate

COMPONENTS = 50
FEW = 40
"""Of fewer draws than this for each component, their number is chosen by what held-out draws say."""
TRIED = (1, 2, 3, 5, 10, 20)
FLOOR = 1e-4
"""Added to every variance: the draws are in units of the prior's standard deviation."""
HELD_OUT = 5  # every fifth draw


@SAMPLERS.register("gaussian-mixture")
@dataclass(frozen=True)
class GaussianMixture(Sampler):
    """sum_k w_k N(mu_k, R_k R_k^T), by expectation maximisation (scikit-learn's).

    50 components; of fewer than 40 draws a component, as many as give held-out draws the highest likelihood.

    Parameters
    ----------
    weights : Tensor
        (K,), positive, sum 1.
    loc : Tensor
        (K, D).
    root : Tensor
        (K, D, D) lower triangular with a positive diagonal: R_k.

    References
    ----------
    Ghosh, Sajjadi, Vergari, Black, Schölkopf: *From Variational to Deterministic Autoencoders*, ICLR 2020, fit one to
    the latent vectors of items after training.
    """

    name = "gaussian-mixture"
    weights: Tensor
    loc: Tensor
    root: Tensor

    def __post_init__(self) -> None:
        k, d = self.loc.shape if self.loc.ndim == 2 else (0, 0)
        if not k or self.weights.shape != (k,) or self.root.shape != (k, d, d):
            raise ValueError("gaussian mixture: expected weights (K,), loc (K, D) and root (K, D, D), got "
                             f"{tuple(self.weights.shape)}, {tuple(self.loc.shape)} and {tuple(self.root.shape)}")
        numbers = (self.weights, self.loc, self.root)
        if not all(bool(v.isfinite().all()) for v in numbers) or bool((self.weights < 0).any()) \
                or not float(self.weights.sum()) > 0 or bool((self.root.diagonal(dim1=1, dim2=2) <= 0).any()):
            raise ValueError("gaussian mixture: expected finite numbers, weights of at least 0 and positive diagonals")

    @classmethod
    def fitted(cls, draws: Draws, seed: int = 0) -> GaussianMixture:
        """See `Sampler.fitted`. Raises ValueError for fewer than two draws."""
        return cls.of_estimate(estimate(draws.z, seed))

    @classmethod
    def of_estimate(cls, found: Estimate) -> GaussianMixture:
        """What scikit-learn found, in float32."""
        root = torch.linalg.cholesky(torch.from_numpy(found.covariances_))
        weights = torch.from_numpy(found.weights_)
        return cls((weights / weights.sum()).float(), torch.from_numpy(found.means_).float(), root.float())

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """See `Sampler.sample`."""
        noise = torch.randn(count, self.dim, generator=generator)  # first: the same noise as the prior's
        return self._placed(noise, torch.multinomial(self.weights, count, replacement=True, generator=generator))

    def _placed(self, noise: Tensor, k: Tensor) -> Tensor:
        """mu_k + R_k e: noise (S, D), components (S,) -> (S, D)."""
        return self.loc[k] + (self.root[k] @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, z: Tensor) -> Tensor:
        """See `Sampler.log_prob`."""
        each = [torch.distributions.MultivariateNormal(m, scale_tril=r, validate_args=False).log_prob(z)
                for m, r in zip(self.loc.double(), self.root.double(), strict=True)]  # K of (N,)
        return torch.logsumexp(torch.stack(each) + self.weights.double().log().unsqueeze(1), 0).to(z.dtype)

    def state(self) -> dict[str, Tensor]:
        """See `Sampler.state`: of each R_k the lower triangle, row by row."""
        row, column = torch.tril_indices(self.dim, self.dim)
        return {"weights": self.weights, "loc": self.loc, "root": self.root[:, row, column]}

    @classmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> GaussianMixture:
        """See `Sampler.of_state`."""
        return cls(**cls._parts(state))

    @staticmethod
    def _parts(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        weights, loc, packed = (state[key].float() for key in ("weights", "loc", "root"))
        d = loc.shape[-1]
        if loc.ndim != 2 or packed.shape != (len(loc), d * (d + 1) // 2):
            raise ValueError(f"gaussian mixture: expected the triangles of {tuple(loc.shape)} means, got "
                             f"{tuple(packed.shape)}")
        root = torch.zeros(len(loc), d, d)
        row, column = torch.tril_indices(d, d)
        root[:, row, column] = packed
        return {"weights": weights, "loc": loc, "root": root}

    @property
    def num_components(self) -> int:
        """K."""
        return len(self.weights)

    @property
    def dim(self) -> int:
        """See `Sampler.dim`."""
        return self.loc.shape[1]


def estimate(z: Tensor, seed: int, components: int = COMPONENTS) -> Estimate:
    """A mixture fitted to draws (N, D); fewer components where they are few, see `GaussianMixture`."""
    points = z.detach().double().cpu().numpy()
    if len(points) < 2:
        raise ValueError(f"gaussian mixture: expected at least two draws, got {len(points)}")
    if len(points) >= FEW * components:
        return _estimate(points, components, seed)
    held = np.arange(len(points)) % HELD_OUT == HELD_OUT - 1
    kept, told = points[~held], points[held]
    best, highest = 1, -np.inf
    for k in (k for k in (*TRIED, components) if k <= components and 2 * k <= len(kept)):
        if not len(told):
            break
        found = _estimate(kept, k, seed).score(told)
        if found < highest:  # further ones would be narrower still
            break
        best, highest = k, found
    return _estimate(points, best, seed)


def _estimate(points: np.ndarray, components: int, seed: int) -> Estimate:
    from sklearn.exceptions import ConvergenceWarning  # here: a second to import
    from sklearn.mixture import GaussianMixture as Estimate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what 100 steps found serves as well
        return Estimate(components, covariance_type="full", reg_covar=FLOOR, random_state=seed).fit(points)
