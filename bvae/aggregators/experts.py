"""Experts as rules get them: shapes checked, missing ones out of the way, weights that sum to 1."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.gaussians import full_covariance
from bvae.validation import Checks, NotFiniteError


@dataclass(frozen=True)
class Experts:
    """Unimodal posteriors after the checks; what a rule gets to see.

    Attributes
    ----------
    loc, scale : Tensor
        (M, B, D). Missing experts hold 0 and 1, so that nothing of them reaches the result or a gradient.
    weights : Tensor
        (M, B, 1), or (M, B, D) for weights of single dimensions; non-negative, 0 where missing, sum 1 over the present
        experts (all 0 for an item that has none). (M, 1, 1) or (M, 1, D) if they are the same for all items: then
        all experts are present, and sums over subsets need no pass over the batch to weigh.
    present : Tensor
        (M, B) bool: observed, and of positive weight.
    generator : torch.Generator, optional
        For rules that draw.
    everyone : bool
        Known that all experts of all items are present.
    subset_weights : Tensor, optional
        (2^M - 1,), for mixtures over subsets.
    """

    loc: Tensor
    scale: Tensor
    weights: Tensor
    present: Tensor
    generator: torch.Generator | None = None
    everyone: bool = False
    subset_weights: Tensor | None = None

    @property
    def item_weights(self) -> Tensor:
        """(M, B), for rules that weigh whole vectors; raises ValueError for weights of single dimensions."""
        return _whole(self.weights).expand(self.present.shape)

    @property
    def shared(self) -> Tensor | None:
        """(M,) if one set of weights serves all items and all their dimensions (then all experts are present)."""
        return self.weights[:, 0, 0] if self.everyone and self.weights.shape[1:] == (1, 1) else None

    def in_subsets(self, membership: Tensor) -> Experts:
        """The experts of K subsets as one batch of K x B items: membership (K, M) -> Experts with (M, K*B, ...)."""
        return self.chosen((membership > 0).T.unsqueeze(2) & self.present.unsqueeze(1))

    def chosen(self, member: Tensor) -> Experts:
        """K choices of experts as one batch of K x B items: member (M, K, B) bool -> Experts with (M, K*B, ...)."""
        k = member.shape[1]
        weights = self.weights.unsqueeze(1) * member.unsqueeze(-1)  # (M, K, B, 1 or D), broadcast where shared
        loc, scale, weights, present = _present_only(
            member.flatten(1), weights.flatten(1, 2), self.loc.repeat(1, k, 1), self.scale.repeat(1, k, 1))
        return Experts(loc, scale, weights, present)


@dataclass(frozen=True)
class FullExperts:
    """Like `Experts`, with full covariances (M, B, D, D) instead of scales. Missing ones hold 0 and the identity."""

    loc: Tensor
    covariance: Tensor
    weights: Tensor
    present: Tensor

    @property
    def item_weights(self) -> Tensor:
        """(M, B)."""
        return _whole(self.weights).expand(self.present.shape)

    def in_subsets(self, membership: Tensor) -> FullExperts:
        """See `Experts.in_subsets`."""
        k = len(membership)
        member = (membership > 0).T.unsqueeze(2) & self.present.unsqueeze(1)
        weights = (self.weights.unsqueeze(1) * member.unsqueeze(-1)).flatten(1, 2)
        present = member.flatten(1)
        return FullExperts(
            torch.where(present.unsqueeze(-1), self.loc.repeat(1, k, 1), 0.0),
            or_identity(present, self.covariance.repeat(1, k, 1, 1)), _normalised(weights), present,
        )


def prepare(
    loc: Tensor, scale: Tensor, present: Tensor | None, weights: Tensor | None, checks: Checks | None = None
) -> Experts:
    """Check the arguments of an aggregator and fill in the defaults. See `Aggregator`.

    Parameters
    ----------
    loc, scale, present, weights
        See `Aggregator`.
    checks : Checks, optional
        Whether numbers are checked, and what is to be looked at beside.
    """
    _check_shape(loc)
    if scale.shape != loc.shape:
        raise ValueError(f"scale: expected the shape of loc, {tuple(loc.shape)}, got {tuple(scale.shape)}")
    if loc.dtype in (torch.float16, torch.bfloat16):
        loc, scale = loc.float(), scale.float()
    checks = checks or Checks()
    all_here = present is None and weights is None
    present, weights = _present_and_weights(loc, present, weights, checks)
    missing = None if all_here else ~present  # (M, B): what a missing expert holds is not read
    _require_means(loc, missing, checks)
    _require_scales(scale, missing, checks)
    everyone = checks.look(None if all_here else present.all())
    if all_here or everyone:
        return Experts(loc, scale, _normalised(weights), present, everyone=True)
    weights = torch.where(present.unsqueeze(-1), weights, 0.0)
    loc, scale, weights, present = _present_only(present, weights, loc, scale)
    return Experts(loc, scale, weights, present)


def prepare_full(
    loc: Tensor, covariance: Tensor, present: Tensor | None, weights: Tensor | None, checks: Checks | None = None
) -> FullExperts:
    """Check the arguments of `Aggregator.full` and fill in the defaults."""
    _check_shape(loc)
    wanted = (*loc.shape, loc.shape[-1])
    if covariance.shape != wanted:
        raise ValueError(f"covariance: expected shape (M, B, D, D) = {wanted}, got {tuple(covariance.shape)}")
    checks = checks or Checks()
    present, weights = _present_and_weights(loc, present, weights, checks)
    _whole(weights)
    weights = torch.where(present.unsqueeze(-1), weights, 0.0)
    loc = torch.where(present.unsqueeze(-1), loc, 0.0)
    covariance = or_identity(present, covariance)
    _require_means(loc, None, checks)
    _require_covariances(covariance, checks)
    checks.look()
    return FullExperts(loc, full_covariance.symmetric(covariance), _normalised(weights), present)


def check_scales(scale: Tensor) -> None:
    """Raise ValueError unless all standard deviations are positive and finite."""
    checks = Checks()
    _require_scales(scale, None, checks)
    checks.look()


def _check_shape(loc: Tensor) -> None:
    if loc.ndim != 3:
        raise ValueError(f"loc: expected shape (M, B, D), got {tuple(loc.shape)}")
    if not loc.is_floating_point():
        raise ValueError(f"loc: expected floating-point numbers, got {loc.dtype}")
    if loc.shape[0] == 0:
        raise ValueError("loc: expected at least one modality, got M = 0")


def _between(values: Tensor, low: float, missing: Tensor | None) -> Tensor:
    """Whether numbers (M, B, D) are above `low` and below infinity where nothing is missing (M, B): () bool."""
    if not values.numel():
        return torch.ones((), dtype=torch.bool, device=values.device)
    values = values.detach()
    if missing is None:
        least, most = values.aminmax()  # NaN stays in both
        return (least > low) & (most < torch.inf)
    return ((values.amin(-1) > low) & (values.amax(-1) < torch.inf) | missing).all()  # NaN comes through, too


def _require_means(loc: Tensor, missing: Tensor | None, checks: Checks) -> None:
    checks.require(
        lambda: _between(loc, -torch.inf, missing),
        lambda: NotFiniteError("loc: expected finite means, got NaN or infinity in a modality that is present"),
    )


def _require_scales(scale: Tensor, missing: Tensor | None, checks: Checks) -> None:
    def error() -> ValueError:
        seen = scale if missing is None else torch.where(missing.unsqueeze(-1), 1.0, scale)
        kind = ValueError if bool(torch.isfinite(seen).all()) else NotFiniteError
        return kind("scale: expected positive, finite standard deviations, got "
                    f"{seen.min().item():.3g} to {seen.max().item():.3g}")

    checks.require(lambda: _between(scale, 0.0, missing), error)


def _require_covariances(covariance: Tensor, checks: Checks) -> None:
    def symmetric() -> Tensor:
        size = covariance.abs().amax((-2, -1), keepdim=True)
        return ((covariance - covariance.mT).abs() <= 1e-6 * size).all()

    def smallest() -> Tensor:
        finite = torch.isfinite(covariance).all(-1).all(-1)  # (M, B): eigenvalues exist of these
        return torch.linalg.eigvalsh(or_identity(finite, covariance.detach()))[..., 0]

    def not_positive() -> ValueError:
        values = smallest()
        m = int((values <= 0).any(1).nonzero()[0])
        return ValueError("covariance: expected positive definite matrices, got the eigenvalue "
                          f"{values.min().item():.3g} in modality {m}")

    checks.require(
        lambda: torch.isfinite(covariance).all(),
        lambda: NotFiniteError(
            "covariance: expected finite numbers, got NaN or infinity in a modality that is present"),
    )
    checks.require(
        symmetric,
        lambda: ValueError("covariance: expected symmetric matrices, got one that differs from its transpose"),
    )
    checks.require(lambda: (smallest() > 0).all(), not_positive)


def _present_and_weights(
    loc: Tensor, present: Tensor | None, weights: Tensor | None, checks: Checks
) -> tuple[Tensor, Tensor]:
    """`present` (M, B) and `weights` (M, B or 1, 1 or D), neither 0 where missing nor normalised; see `Experts`."""
    m, b, _ = loc.shape
    if present is not None and (present.shape != (m, b) or present.dtype != torch.bool):
        raise ValueError(f"present: expected bool of shape {(m, b)}, got {present.dtype} of {tuple(present.shape)}")
    if weights is None:
        weights = torch.full((m, 1, 1), 1.0 / m, dtype=loc.dtype, device=loc.device)
    else:
        weights = _checked_weights(weights, loc, checks)
    there = (weights > 0).any(-1).expand(m, b)
    return there if present is None else present & there, weights


def _present_only(present: Tensor, weights: Tensor, loc: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
    """The fields of `Experts`, with nothing left of the missing ones."""
    there = present.unsqueeze(-1)
    return torch.where(there, loc, 0.0), torch.where(there, scale, 1.0), _normalised(weights), present


def _normalised(weights: Tensor) -> Tensor:
    total = weights.sum(0, keepdim=True)
    return weights / torch.where(total > 0, total, torch.ones_like(total))


def or_identity(present: Tensor, covariance: Tensor) -> Tensor:
    """`covariance` (..., D, D) where present (...), else the identity."""
    return torch.where(present[..., None, None], covariance, torch.eye(covariance.shape[-1]).to(covariance))


def _whole(weights: Tensor) -> Tensor:
    if weights.shape[-1] != 1:
        raise ValueError(
            f"weights: expected one weight per modality, (M,) or (M, B), for a rule that weighs whole vectors; got "
            f"weights of {weights.shape[-1]} single dimensions"
        )
    return weights.squeeze(-1)


def _checked_weights(weights: Tensor, loc: Tensor, checks: Checks) -> Tensor:
    """`weights` as (M, 1, 1), (M, B, 1), (M, 1, D) or (M, B, D)."""
    m, b, d = loc.shape
    if weights.shape not in ((m,), (m, b), (m, 1, d), (m, b, d)):
        raise ValueError(
            f"weights: expected shape {(m,)} or {(m, b)}, or {(m, 1, d)} or {(m, b, d)} for single dimensions, "
            f"got {tuple(weights.shape)}"
        )
    weights = weights.to(loc)
    if weights.ndim == 1:
        weights = weights.unsqueeze(1)
    weights = weights.unsqueeze(-1) if weights.ndim == 2 else weights
    total = weights.sum(0)

    def negative() -> ValueError:
        kind = NotFiniteError if bool(weights.isnan().any()) else ValueError
        return kind(f"weights: expected non-negative numbers, got {weights.min().item():.3g}")

    def other_sum() -> ValueError:
        worst = total.flatten()[(total - 1).abs().argmax()].item()
        return ValueError(f"weights: expected the sum 1 over modalities, got {worst:.6g}")

    checks.require(lambda: (weights >= 0).all(), negative)
    checks.require(lambda: torch.isclose(total, torch.ones_like(total), atol=1e-4, rtol=0).all(), other_sum)
    return weights
