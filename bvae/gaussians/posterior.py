"""`Posterior`: what every aggregator returns and every objective, metric and page consumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bvae.gaussians import diagonal, full_covariance, iteration
from bvae.gaussians.randomness import multinomial, normal, own, whole


class UnimodalPosteriors(NamedTuple):
    """One Gaussian per modality and item, over all latent dimensions.

    Attributes
    ----------
    loc, scale : Tensor
        (M, B, L) means and standard deviations; 0 and 1 (the prior) where the modality is missing, and in the private
        dimensions of the other modalities. L = D without private latents, see `MultimodalVAE.latent_dim`.
    present : Tensor
        (M, B) bool.
    """

    loc: Tensor
    scale: Tensor
    present: Tensor


@dataclass(frozen=True)
class Posterior:
    """A mixture of K diagonal Gaussians for each of B items; K = 1 is the plain Gaussian.

    Parameters
    ----------
    weights : Tensor
        (K, B), non-negative, sum 1 over K. A component of weight 0 is never sampled and counts nowhere.
    loc : Tensor
        (K, B, D) means.
    scale : Tensor
        (K, B, D) standard deviations, positive.

    Examples
    --------
    >>> q = Posterior.gaussian(torch.zeros(3, 2), torch.ones(3, 2))
    >>> q.rsample((5,), generator=torch.Generator().manual_seed(0)).shape
    torch.Size([5, 3, 2])
    """

    weights: Tensor
    loc: Tensor
    scale: Tensor

    def __post_init__(self) -> None:
        if self.loc.ndim != 3 or self.scale.shape != self.loc.shape or self.weights.shape != self.loc.shape[:2]:
            raise ValueError(
                "Posterior: expected weights (K, B), loc (K, B, D) and scale (K, B, D), got "
                f"{tuple(self.weights.shape)}, {tuple(self.loc.shape)} and {tuple(self.scale.shape)}"
            )

    @classmethod
    def gaussian(cls, loc: Tensor, scale: Tensor) -> Posterior:
        """One Gaussian for each item: loc, scale (B, D)."""
        return cls(torch.ones_like(loc[:, 0]).unsqueeze(0), loc.unsqueeze(0), scale.unsqueeze(0))

    @property
    def num_components(self) -> int:
        """K."""
        return self.loc.shape[0]

    @property
    def mean(self) -> Tensor:
        """(B, D): mean of the mixture."""
        return (self.weights.unsqueeze(-1) * self.loc).sum(0)

    @property
    def variance(self) -> Tensor:
        """(B, D): variance of the mixture in each dimension, between-component part included."""
        return diagonal.mixture_moments(self.weights, self.loc, self.scale)[1]

    def log_prob(self, z: Tensor) -> Tensor:
        """log density in nats, summed over D.

        Parameters
        ----------
        z : Tensor
            (..., B, D).

        Returns
        -------
        Tensor
            (..., B).
        """
        alive = self.weights > 0  # (K, B)
        per_component = diagonal.log_prob(z.unsqueeze(-3), self.loc, self.scale)  # (..., K, B)
        joint = per_component + torch.where(alive, self.weights, 1.0).log()
        return torch.logsumexp(joint.masked_fill(~alive, -torch.inf), dim=-2)

    def rsample(self, sample_shape: tuple[int, ...] = (), generator: torch.Generator | None = None) -> Tensor:
        """Samples, reparameterised in `loc` and `scale` of the component that was drawn; no gradient reaches `weights`.

        Parameters
        ----------
        sample_shape : tuple of int
        generator : torch.Generator, optional

        Returns
        -------
        Tensor
            (*sample_shape, B, D).
        """
        count = int(torch.Size(sample_shape).numel())
        noise, index = self.chance(count, generator)
        if self.num_components == 1:
            loc, scale = self.loc, self.scale  # (1, B, D), broadcast over samples
        else:
            loc, scale = self._pick(self.loc, index), self._pick(self.scale, index)  # (S, B, D)
        return (loc + scale * noise).view(*sample_shape, *self.loc.shape[1:])

    def common(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Samples with the same chance for every item: what is drawn for one does not depend on the others.

        The noise is the same, and so are the levels between 0 and 1 by which a mixture's components are taken.

        Parameters
        ----------
        count : int
            S.
        generator : torch.Generator, optional

        Returns
        -------
        Tensor
            (S, B, D).
        """
        k, _, d = self.loc.shape
        noise = normal((count, 1, d), 1, generator, self.loc.dtype, self.loc.device)
        if k == 1:
            return self.loc + self.scale * noise
        level = (torch.arange(count, device=self.loc.device) + 0.5) / count  # the noise is in no order
        cumulated = self.weights.double().cumsum(0).T.contiguous()  # (B, K)
        levels = (level.double() * cumulated[:, -1:]).contiguous()  # (B, S)
        index = torch.searchsorted(cumulated, levels, right=True).clamp_max(k - 1).T  # (S, B)
        return self._pick(self.loc, index) + self._pick(self.scale, index) * noise

    def chance(self, count: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """What :meth:`rsample` leaves to chance, z = loc[k] + scale[k] * e, for S = `count` samples.

        Returns
        -------
        noise : Tensor
            (S, B, D): e ~ N(0, I).
        index : Tensor
            (S, B) int64: the component k.
        """
        k, b, d = self.loc.shape
        # The noise comes first, so that with one seed every posterior of this shape gets the same noise.
        noise = normal((count, b, d), 1, generator, self.loc.dtype, self.loc.device)
        if k == 1:
            return noise, torch.zeros(count, b, dtype=torch.int64, device=self.loc.device)
        return noise, multinomial(self.weights.float(), count, generator, replacement=True).T

    @staticmethod
    def _pick(values: Tensor, index: Tensor) -> Tensor:
        """values (K, B, D), index (S, B) -> (S, B, D)."""
        rows = index * values.shape[1] + torch.arange(values.shape[1], device=index.device)
        return values.flatten(0, 1).index_select(0, rows.flatten()).unflatten(0, index.shape)

    def component(self, index: Tensor) -> Posterior:
        """One component per item as a plain Gaussian: index (B,) int64 -> Posterior with K = 1."""
        if self.num_components == 1:
            return self
        row = index.unsqueeze(0)
        return Posterior(torch.ones_like(self.weights[:1]), self._pick(self.loc, row), self._pick(self.scale, row))

    def stratified(self, generator: torch.Generator | None = None) -> Tensor:
        """A component for every item such that the batch as a whole follows the weights as closely as it can.

        The batch is cut into parts, one per component, by systematic sampling: item b, at a random place of the
        batch, takes the component into whose interval of cumulated weight (place + u) / B falls. Each item's
        component has exactly the probability that `weights` gives it, so estimates stay unbiased.

        Returns
        -------
        Tensor
            (B,) int64.
        """
        k, b = self.weights.shape
        device = self.weights.device
        if k == 1:
            return torch.zeros(b, dtype=torch.int64, device=device)
        whole_batch = whole(b, generator)  # of all processes
        place = own(torch.randperm(whole_batch, generator=generator, device=device), 0, generator)
        u = torch.rand((), generator=generator, device=device)
        level = (place + u) / whole_batch  # (B,) in [0, 1), each uniform
        cumulated = self.weights.detach().cumsum(0).T.contiguous()  # (B, K)
        index = torch.searchsorted(cumulated, (level * cumulated[:, -1]).unsqueeze(1), right=True).squeeze(1)
        last = k - 1 - (self.weights > 0).to(torch.uint8).flip(0).argmax(0)  # (B,) guards against rounding at 1
        return torch.minimum(index, last)

    def draw(self, generator: torch.Generator | None = None) -> Tensor:
        """A component for every item, drawn independently with the probabilities `weights`: (B,) int64."""
        return multinomial(self.weights.detach().float(), 1, generator).squeeze(1)

    def alive(self) -> Posterior:
        """The same distribution without the components that have weight 0 for every item."""
        counts = (self.weights > 0).any(dim=1)  # (K,)
        return self if bool(counts.all()) else Posterior(self.weights[counts], self.loc[counts], self.scale[counts])

    def component_kl_to_prior(self) -> Tensor:
        """KL(q_k || N(0, I)) of every component, in nats: (K, B)."""
        return diagonal.kl_to_standard(self.loc, self.scale)

    def kl_to_prior(self) -> Tensor:
        """KL to N(0, I) in nats, (B,): exact for K = 1; for a mixture the upper bound sum_k w_k KL(q_k || p).

        The bound (convexity of KL) is the term of the MoPoE objective, Sutter et al., ICLR 2021.
        """
        each = self.component_kl_to_prior()
        return each[0] if self.num_components == 1 else (self.weights * each).sum(0)

    def sampled_kl_to_prior(self, z: Tensor) -> Tensor:
        """log q(z) - log p(z) for z ~ q, an unbiased estimate of KL to N(0, I) for any K: (..., B, D) -> (..., B)."""
        return self.log_prob(z) - diagonal.log_prob(z, torch.zeros_like(z), torch.ones_like(z))

    def detach(self) -> Posterior:
        """The same numbers without their history."""
        return Posterior(self.weights.detach(), self.loc.detach(), self.scale.detach())

    def items(self, index: Tensor | slice | list[int]) -> Posterior:
        """The posterior of some of the items."""
        return Posterior(self.weights[:, index], self.loc[:, index], self.scale[:, index])


@dataclass(frozen=True)
class FullPosterior:
    """A mixture of K Gaussians with full covariance for each of B items; see `Posterior` for the diagonal case.

    Parameters
    ----------
    weights : Tensor
        (K, B), non-negative, sum 1 over K.
    loc : Tensor
        (K, B, D).
    covariance : Tensor
        (K, B, D, D), symmetric and positive definite.
    convergence : Convergence, optional
        How the iteration ended, for rules that need one.
    """

    weights: Tensor
    loc: Tensor
    covariance: Tensor
    convergence: iteration.Convergence | None = None

    def __post_init__(self) -> None:
        if (self.loc.ndim != 3 or self.covariance.shape != (*self.loc.shape, self.loc.shape[-1])
                or self.weights.shape != self.loc.shape[:2]):
            raise ValueError(
                "FullPosterior: expected weights (K, B), loc (K, B, D) and covariance (K, B, D, D), got "
                f"{tuple(self.weights.shape)}, {tuple(self.loc.shape)} and {tuple(self.covariance.shape)}"
            )

    @classmethod
    def gaussian(cls, loc: Tensor, covariance: Tensor) -> FullPosterior:
        """One Gaussian for each item: loc (B, D), covariance (B, D, D)."""
        return cls(torch.ones_like(loc[:, 0]).unsqueeze(0), loc.unsqueeze(0), covariance.unsqueeze(0))

    @classmethod
    def of(cls, q: Posterior | FullPosterior) -> FullPosterior:
        """The same distribution, its covariances written out."""
        if isinstance(q, FullPosterior):
            return q
        return cls(q.weights, q.loc, torch.diag_embed(q.scale.square()))

    @property
    def num_components(self) -> int:
        """K."""
        return self.loc.shape[0]

    @property
    def mean(self) -> Tensor:
        """(B, D): mean of the mixture."""
        return (self.weights.unsqueeze(-1) * self.loc).sum(0)

    @property
    def total_covariance(self) -> Tensor:
        """(B, D, D): covariance of the mixture, between-component part included."""
        return full_covariance.mixture_moments(self.weights, self.loc, self.covariance)[1]

    def log_prob(self, z: Tensor) -> Tensor:
        """See `Posterior.log_prob`: (..., B, D) -> (..., B)."""
        alive = self.weights > 0
        # Components of weight 0 may hold anything.
        covariance = torch.where(alive[..., None, None], self.covariance, torch.eye(z.shape[-1]).to(self.covariance))
        joint = full_covariance.log_prob(z.unsqueeze(-3), self.loc, covariance)
        joint = joint + torch.where(alive, self.weights, 1.0).log()
        return torch.logsumexp(joint.masked_fill(~alive, -torch.inf), dim=-2)

    def rsample(self, sample_shape: tuple[int, ...] = (), generator: torch.Generator | None = None) -> Tensor:
        """See `Posterior.rsample`: (*sample_shape, B, D)."""
        count = int(torch.Size(sample_shape).numel())
        k, b, d = self.loc.shape
        noise = torch.randn((count, b, d), generator=generator, dtype=self.loc.dtype, device=self.loc.device)
        root = torch.linalg.cholesky(self.covariance)  # (K, B, D, D)
        index = torch.zeros(count, b, dtype=torch.int64, device=self.loc.device)
        if k > 1:
            index = torch.multinomial(self.weights.T.float(), count, replacement=True, generator=generator).T  # (S, B)
        items = torch.arange(b, device=self.loc.device)
        moved = (root[index, items] @ noise.unsqueeze(-1)).squeeze(-1)
        return (self.loc[index, items] + moved).view(*sample_shape, b, d)

    def items(self, index: Tensor | slice | list[int]) -> FullPosterior:
        """The posterior of some of the items."""
        return FullPosterior(self.weights[:, index], self.loc[:, index], self.covariance[:, index])
