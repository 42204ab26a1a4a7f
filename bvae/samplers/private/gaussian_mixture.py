"""A mixture of Gaussians over shared and private part together, of which the conditional is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.samplers.gaussian_mixture import GaussianMixture, estimate
from bvae.samplers.private.base import PRIVATE_SAMPLERS, PrivateDraws, PrivateSampler

COMPONENTS = 50
SHARED = "shared"


@PRIVATE_SAMPLERS.register("gaussian-mixture")
@dataclass(frozen=True)
class ConditionalMixture(PrivateSampler):
    """p(w | z) of a mixture sum_k pi_k N((z, w); mu_k, R_k R_k^T) that was fitted to (z, w) of training items.

    With R_k = [[A, 0], [B, C]], lower triangular, z = mu_z + A e gives e, and w given z and k is N(mu_w + B e, C C^T);
    k has the probability of its component given z.

    Parameters
    ----------
    joint : mapping of str to GaussianMixture
        Modality -> the mixture over D + P dimensions.
    shared : int
        D.
    """

    name = "gaussian-mixture"
    joint: Mapping[str, GaussianMixture]
    shared: int

    def __post_init__(self) -> None:
        for modality, mixture in self.joint.items():
            if not 0 < self.shared < mixture.dim:
                raise ValueError(f"private sampler: expected more than {self.shared} dimensions for {modality!r}, got "
                                 f"{mixture.dim}")

    @classmethod
    def fitted(cls, draws: Mapping[str, PrivateDraws], seed: int = 0) -> ConditionalMixture:
        """See `PrivateSampler.fitted`. Raises ValueError for fewer than two draws of a modality, or without any."""
        if not draws:
            raise ValueError("private sampler: expected draws of at least one modality, got none")
        joint = {name: GaussianMixture.of_estimate(estimate(torch.cat([d.z, d.w], 1), seed, COMPONENTS))
                 for name, d in draws.items()}
        return cls(joint, next(iter(draws.values())).z.shape[1])

    def placed(self, modality: str, z: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """See `PrivateSampler.placed`."""
        q, d = self.joint[modality], self.shared
        log_weight, e = self._given(q, z.float())
        cumulated = log_weight.softmax(1).cumsum(1).contiguous()
        k = torch.searchsorted(cumulated, (level.unsqueeze(1) * cumulated[:, -1:]).contiguous(), right=True)
        k = k.squeeze(1).clamp_max(q.num_components - 1)  # (N,)
        below, own = q.root[k, d:, :d], q.root[k, d:, d:]
        chosen = e[torch.arange(len(z)), k].unsqueeze(2)  # (N, D, 1)
        return q.loc[k, d:] + (below @ chosen + own @ noise.unsqueeze(2)).squeeze(2)

    def log_prob(self, modality: str, z: Tensor, w: Tensor) -> Tensor:
        """See `PrivateSampler.log_prob`."""
        q, d = self.joint[modality], self.shared
        log_weight, e = self._given(q, z.float())
        mean = q.loc[:, d:] + torch.einsum("kpd,nkd->nkp", q.root[:, d:, :d], e)
        each = torch.distributions.MultivariateNormal(mean, scale_tril=q.root[:, d:, d:], validate_args=False)
        return (log_weight.log_softmax(1) + each.log_prob(w.unsqueeze(1))).logsumexp(1).to(w.dtype)

    def _given(self, q: GaussianMixture, z: Tensor) -> tuple[Tensor, Tensor]:
        """Log weights of the components given z, up to a constant, (N, K), and e, (N, K, D)."""
        d = self.shared
        root = q.root[:, :d, :d]
        apart = (z.unsqueeze(0) - q.loc[:, None, :d]).mT  # (K, D, N)
        e = torch.linalg.solve_triangular(root, apart, upper=False)
        log_det = root.diagonal(dim1=1, dim2=2).log().sum(1)
        log_weight = (q.weights.log() - log_det).unsqueeze(1) - e.square().sum(1) / 2  # (K, N)
        return log_weight.T, e.permute(2, 0, 1)

    def state(self) -> dict[str, Tensor]:
        """See `PrivateSampler.state`."""
        own = {f"{key}/{name}": value for name, q in self.joint.items() for key, value in q.state().items()}
        return {SHARED: torch.tensor([self.shared]), **own}

    @classmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> ConditionalMixture:
        """See `PrivateSampler.of_state`."""
        parts: dict[str, dict[str, Tensor]] = {}
        for key, value in state.items():
            if key != SHARED:
                kind, _, name = key.partition("/")
                parts.setdefault(name, {})[kind] = value
        return cls({name: GaussianMixture.of_state(own) for name, own in parts.items()}, int(state[SHARED]))

    def sizes(self) -> dict[str, tuple[int, int]]:
        """See `PrivateSampler.sizes`."""
        return {name: (self.shared, q.dim - self.shared) for name, q in self.joint.items()}
