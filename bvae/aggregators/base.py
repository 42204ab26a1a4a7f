"""What all rules share: checks, missing modalities, weights. A rule itself is a few lines of mathematics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.posterior import Posterior
from bvae.registry import Registry

AGGREGATORS: Registry[type[Aggregator]] = Registry("aggregator")


@dataclass(frozen=True)
class Experts:
    """Unimodal posteriors after the checks; what a rule gets to see.

    Attributes
    ----------
    loc, scale : Tensor
        (M, B, D). Missing experts hold 0 and 1, so that nothing of them reaches the result or a gradient.
    weights : Tensor
        (M, B), non-negative, 0 where missing, sum 1 over the present ones (all 0 for an item that has none).
    present : Tensor
        (M, B) bool: observed, and of positive weight.
    """

    loc: Tensor
    scale: Tensor
    weights: Tensor
    present: Tensor


class Aggregator(ABC):
    """Maps unimodal posteriors to a joint posterior.

    Called as ``agg(loc, scale, present=None, weights=None)``:

    Parameters
    ----------
    loc, scale : Tensor
        (M, B, D) means and standard deviations, float32 or float64.
    present : Tensor, optional
        (M, B) bool: which modalities each item has; all by default. An item that has none gets the prior N(0, I).
    weights : Tensor, optional
        (M,) or (M, B), non-negative, sum 1 over M; uniform by default. Renormalised over the modalities present.
        A weight of 0 is the same as a missing modality.

    Returns
    -------
    Posterior
        K depends on the rule.

    Raises
    ------
    ValueError
        If a shape, a scale or a weight is not as above; names the argument, what was wanted and what came.
    """

    formula: ClassVar[str] = ""
    """LaTeX of the rule, for people."""
    divergence: ClassVar[str] = ""
    """The divergence whose weighted sum the rule minimises, in words; empty if there is none."""

    def __call__(
        self, loc: Tensor, scale: Tensor, present: Tensor | None = None, weights: Tensor | None = None
    ) -> Posterior:
        # Half precision has too few digits for precisions and log-densities, so autocast stops here.
        with torch.autocast(loc.device.type, enabled=False):
            return self.aggregate(prepare(loc, scale, present, weights))

    @abstractmethod
    def aggregate(self, experts: Experts) -> Posterior:
        """The rule. Items without any expert must come out as N(0, I)."""

    def conditional(self) -> Aggregator:
        """The rule for q(z | x_S) when S is one fixed set of modalities, as generation and metrics use it.

        It is the rule itself, except for mixtures over subsets: their published evaluations use the component of S
        alone and not the mixture over the subsets of S (Sutter et al., ICLR 2021).
        """
        return self


class GaussianAggregator(Aggregator):
    """A rule that gives one Gaussian per set of experts. Subclasses write :meth:`barycenters` for many sets at once."""

    @abstractmethod
    def barycenters(self, experts: Experts, membership: Tensor) -> tuple[Tensor, Tensor]:
        """One Gaussian for each of K subsets.

        Parameters
        ----------
        experts : Experts
        membership : Tensor
            (K, M), 1 where the modality belongs to the subset, in the dtype of the experts.

        Returns
        -------
        loc, scale : Tensor
            (K, B, D). For a subset of which an item has no expert: anything finite.
        """

    def aggregate(self, experts: Experts) -> Posterior:
        """See `Aggregator.aggregate`: the barycenter of the experts that are present."""
        everyone = torch.ones_like(experts.weights[:, 0]).unsqueeze(0)  # (1, M)
        loc, scale = self.barycenters(experts, everyone)
        return with_prior(torch.ones_like(experts.weights[:1]), loc, scale, experts.present.any(0, keepdim=True))


def with_prior(weights: Tensor, loc: Tensor, scale: Tensor, valid: Tensor) -> Posterior:
    """A posterior whose invalid components stand at the prior; an item without any valid one is the prior.

    Parameters
    ----------
    weights : Tensor
        (K, B), not yet normalised.
    loc, scale : Tensor
        (K, B, D).
    valid : Tensor
        (K, B) bool.
    """
    loc = torch.where(valid.unsqueeze(-1), loc, torch.zeros_like(loc))
    scale = torch.where(valid.unsqueeze(-1), scale, torch.ones_like(scale))
    first = torch.zeros_like(valid)
    first[0] = ~valid.any(0)
    weights = torch.where(valid, weights, first.to(weights.dtype))
    return Posterior(weights / weights.sum(0, keepdim=True), loc, scale)


def prepare(loc: Tensor, scale: Tensor, present: Tensor | None, weights: Tensor | None) -> Experts:
    """Check the arguments of an aggregator and fill in the defaults. See `Aggregator`."""
    if loc.ndim != 3:
        raise ValueError(f"loc: expected shape (M, B, D), got {tuple(loc.shape)}")
    if scale.shape != loc.shape:
        raise ValueError(f"scale: expected the shape of loc, {tuple(loc.shape)}, got {tuple(scale.shape)}")
    m, b, _ = loc.shape
    if m == 0:
        raise ValueError("loc: expected at least one modality, got M = 0")
    if loc.dtype in (torch.float16, torch.bfloat16):
        loc, scale = loc.float(), scale.float()
    if present is None:
        present = torch.ones(m, b, dtype=torch.bool, device=loc.device)
    elif present.shape != (m, b) or present.dtype != torch.bool:
        raise ValueError(f"present: expected bool of shape {(m, b)}, got {present.dtype} of {tuple(present.shape)}")
    if weights is None:
        weights = torch.full((m, b), 1.0 / m, dtype=loc.dtype, device=loc.device)
    else:
        weights = _checked_weights(weights, m, b, loc)
        present = present & (weights > 0)
    weights = torch.where(present, weights, torch.zeros_like(weights))
    total = weights.sum(0, keepdim=True)
    weights = weights / torch.where(total > 0, total, torch.ones_like(total))
    loc = torch.where(present.unsqueeze(-1), loc, torch.zeros_like(loc))
    scale = torch.where(present.unsqueeze(-1), scale, torch.ones_like(scale))
    if not bool(torch.isfinite(loc).all()):
        raise ValueError("loc: expected finite means, got NaN or infinity in a modality that is present")
    if not bool(((scale > 0) & torch.isfinite(scale)).all()):
        raise ValueError(
            "scale: expected positive, finite standard deviations, got "
            f"{scale.min().item():.3g} to {scale.max().item():.3g}"
        )
    return Experts(loc, scale, weights, present)


def _checked_weights(weights: Tensor, m: int, b: int, like: Tensor) -> Tensor:
    if weights.shape not in ((m,), (m, b)):
        raise ValueError(f"weights: expected shape {(m,)} or {(m, b)}, got {tuple(weights.shape)}")
    weights = weights.to(like)
    if weights.ndim == 1:
        weights = weights.unsqueeze(1).expand(m, b)
    if not bool((weights >= 0).all()):
        raise ValueError(f"weights: expected non-negative numbers, got {weights.min().item():.3g}")
    total = weights.sum(0)
    if not bool(torch.isclose(total, torch.ones_like(total), atol=1e-4, rtol=0).all()):
        worst = total[(total - 1).abs().argmax()].item()
        raise ValueError(f"weights: expected the sum 1 over modalities, got {worst:.6g}")
    return weights
