"""What all rules share: checks, missing modalities, weights. A rule itself is a few lines of mathematics."""

from __future__ import annotations

import contextlib
import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from bvae.aggregators.worked import InThePlane, OneDimension, Worked, in_and_out, listed
from bvae.gaussians import full_covariance, iteration
from bvae.gaussians.divergences import divergence
from bvae.gaussians.posterior import FullPosterior, Posterior
from bvae.registry import Registry
from bvae.validation import Checks, NotFiniteError

AGGREGATORS: Registry[type[Aggregator]] = Registry("aggregator")
Family = Literal["gaussian", "density"]


def without_autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Autocast off; "meta" knows none."""
    kind = device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else contextlib.nullcontext()


class FullGaussian(NamedTuple):
    """loc (B, D), covariance (B, D, D), and how the iteration ended if there was one."""

    loc: Tensor
    covariance: Tensor
    convergence: iteration.Convergence | None = None


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
            _or_identity(present, self.covariance.repeat(1, k, 1, 1)), _normalised(weights), present,
        )


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
        A weight of 0 is the same as a missing modality. Rules that work on every latent dimension by itself take
        (M, 1, D) and (M, B, D) too, the weights of single dimensions.
    generator : torch.Generator, optional
        For rules that draw: mixtures over sampled subsets.

    Returns
    -------
    Posterior
        K depends on the rule.

    Raises
    ------
    ValueError
        If a shape, a scale or a weight is not as above; names the argument, what was wanted and what came. Numbers are
        looked at only where `validate_args`, or :func:`bvae.set_validate_args`, says so.
    """

    title: ClassVar[str] = ""
    """The rule's name for a person; its registered name if empty. See `bvae.aggregators.naming`."""
    short: ClassVar[str] = ""
    """Its short name, for links, buttons and tables; the registered name if empty. Links hold it: it does not change,
    and no two rules have the same."""
    order: ClassVar[float] = 1000
    """Its place among the rules, in the order in which one explains them; those with the same go by their names."""
    validate_args = None  # bool | None; without an annotation, so that it is no option of a rule's dataclass
    """Whether the numbers in arguments are checked; None for what :func:`bvae.set_validate_args` says."""

    formula: ClassVar[str] = ""
    """LaTeX of the rule, for people."""
    divergence: ClassVar[str] = ""
    """The divergence whose weighted sum the rule minimises, in words; empty if there is none."""
    minimises: ClassVar[str] = ""
    """The same as a registered name, see `bvae.gaussians.divergences`; empty if :meth:`cost` says something else."""
    family: ClassVar[Family] = "gaussian"
    """Among which distributions the rule is the minimiser."""
    counts_experts: ClassVar[bool] = False
    """Whether the number of experts matters beside their weights: then a weight that goes to 0 is no smooth removal."""
    takes_subset_weights: ClassVar[bool] = False
    """Whether `weights` may also be those of the 2^M - 1 subsets."""
    extrapolates: ClassVar[bool] = False
    """Whether the mean may lie outside the range of the experts' means."""
    takes_correlated: ClassVar[bool] = True
    """Whether :meth:`full`, if there is one, takes covariances that are not diagonal."""

    def __call__(
        self, loc: Tensor, scale: Tensor, present: Tensor | None = None, weights: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Posterior:
        # Half precision has too few digits for precisions and log-densities, so autocast stops here.
        with without_autocast(loc.device):
            return self.aggregate(replace(self.prepare(loc, scale, present, weights), generator=generator))

    def prepare(self, loc: Tensor, scale: Tensor, present: Tensor | None, weights: Tensor | None) -> Experts:
        """Check the arguments and fill in the defaults. Overridden by rules that take other weights too."""
        return prepare(loc, scale, present, weights, Checks(self.validate_args))

    def full(
        self, loc: Tensor, covariance: Tensor, present: Tensor | None = None, weights: Tensor | None = None
    ) -> FullPosterior:
        """The same rule for experts with full covariance.

        Parameters
        ----------
        loc : Tensor
            (M, B, D).
        covariance : Tensor
            (M, B, D, D), symmetric and positive definite.
        present, weights : Tensor, optional
            See `Aggregator`.

        Raises
        ------
        ValueError
            As above, and if the rule has no form for full covariances.
        """
        with without_autocast(loc.device):
            # Roots and inverses of matrices need the digits of float64.
            experts = prepare_full(loc, covariance, present, weights, Checks(self.validate_args))
            q = self.aggregate_full(FullExperts(experts.loc.double(), experts.covariance.double(),
                                                experts.weights.double(), experts.present))
            return replace(q, weights=q.weights.to(loc), loc=q.loc.to(loc), covariance=q.covariance.to(loc))

    @abstractmethod
    def aggregate(self, experts: Experts) -> Posterior:
        """The rule. Items without any expert must come out as N(0, I)."""

    def aggregate_full(self, experts: FullExperts) -> FullPosterior:
        """The rule for full covariances; raises ValueError where there is none."""
        raise ValueError(f"covariance: {type(self).__name__} has no form for full covariances")

    def components(self, experts: Experts, membership: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The rule inside K subsets at once.

        Parameters
        ----------
        experts : Experts
        membership : Tensor
            (K, M), 1 where the modality belongs to the subset, in the dtype of the experts.

        Returns
        -------
        weights : Tensor
            (J, K, B): of J components in each subset, sum 1 over J.
        loc, scale : Tensor
            (J, K, B, D). For a subset of which an item has no expert: anything finite.
        """
        q = self.aggregate(experts.in_subsets(membership))
        shape = (q.num_components, len(membership), -1)
        return q.weights.view(shape), q.loc.view(*shape, q.loc.shape[-1]), q.scale.view(*shape, q.loc.shape[-1])

    def conditional(self) -> Aggregator:
        """The rule for q(z | x_S) when S is one fixed set of modalities, as generation and metrics use it.

        It is the rule itself, except for mixtures over subsets: their published evaluations use the component of S
        alone and not the mixture over the subsets of S (Sutter et al., ICLR 2021).
        """
        return self

    def worked_formula(self, case: OneDimension) -> Worked:
        """The rule in one latent dimension with one item's numbers, for people: LaTeX, and what it comes to.

        It is of :meth:`conditional`, like what is decoded, after what is said about the mixture. A rule that doesn't
        override it shows what goes in and what comes out. One that does computes its formula a second time, in double
        precision; `bvae.aggregators.worked` has what to write it with.
        """
        return in_and_out(case)

    def worked_covariances(self, case: InThePlane) -> list[str]:
        """The same of :meth:`full`, as rows of LaTeX up to where the mean and the covariance follow by themselves."""
        return listed(case)

    # What the rule claims to minimise, so that a second route can check it.

    def targets(self, experts: FullExperts) -> list[tuple[Tensor, FullPosterior]]:
        """The weights (B,) and distributions to which the divergences are summed: the experts that are present."""
        return [
            (weight, FullPosterior.gaussian(loc, covariance))
            for weight, loc, covariance in zip(experts.item_weights, experts.loc, experts.covariance, strict=True)
            if bool((weight > 0).any())
        ]

    def cost(self, q: FullPosterior, experts: FullExperts) -> Tensor:
        """What the rule minimises over q, (B,): sum_m w_m D(q, q_m). Overridden where `minimises` is empty."""
        measure = divergence(self.minimises, **self.divergence_options())
        return torch.stack([weight * measure(q, target).value for weight, target in self.targets(experts)]).sum(0)

    def divergence_options(self) -> dict[str, float]:
        """Options of the divergence `minimises`."""
        return {}


class GaussianAggregator(Aggregator):
    """A rule that gives one Gaussian. Subclasses write :meth:`barycenter`, and :meth:`full_barycenter` if there is."""

    @abstractmethod
    def barycenter(self, experts: Experts) -> tuple[Tensor, Tensor]:
        """loc and scale, (B, D), of the rule. For an item without any expert: anything finite."""

    def full_barycenter(self, experts: FullExperts) -> FullGaussian:
        """loc (B, D) and covariance (B, D, D) of the rule."""
        raise ValueError(f"covariance: {type(self).__name__} has no form for full covariances")

    def aggregate(self, experts: Experts) -> Posterior:
        """See `Aggregator.aggregate`: K = 1."""
        loc, scale = self.barycenter(experts)
        one = torch.ones_like(experts.loc[:1, :, 0])
        return with_prior(one, loc.unsqueeze(0), scale.unsqueeze(0), experts.present.any(0, keepdim=True),
                          experts.everyone)

    def aggregate_full(self, experts: FullExperts) -> FullPosterior:
        """See `Aggregator.aggregate_full`: K = 1."""
        loc, covariance, convergence = self.full_barycenter(experts)
        some = experts.present.any(0)
        q = FullPosterior.gaussian(torch.where(some.unsqueeze(-1), loc, 0.0), _or_identity(some, covariance))
        return replace(q, convergence=convergence)


class PooledAggregator(GaussianAggregator):
    """A rule made of weighted sums over experts: all subsets come out of one matrix product."""

    @abstractmethod
    def barycenters(self, experts: Experts, membership: Tensor) -> tuple[Tensor, Tensor]:
        """One Gaussian for each of K subsets, see `Aggregator.components`: loc, scale (K, B, D)."""

    def barycenter(self, experts: Experts) -> tuple[Tensor, Tensor]:
        """See `GaussianAggregator.barycenter`: the subset of all."""
        loc, scale = self.barycenters(experts, torch.ones_like(experts.loc[:, 0, 0]).unsqueeze(0))
        return loc[0], scale[0]

    def components(self, experts: Experts, membership: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `Aggregator.components`: J = 1."""
        loc, scale = self.barycenters(experts, membership)
        return torch.ones_like(loc[..., 0]).unsqueeze(0), loc.unsqueeze(0), scale.unsqueeze(0)


def with_prior(weights: Tensor, loc: Tensor, scale: Tensor, valid: Tensor, everyone: bool = False) -> Posterior:
    """A posterior whose invalid components stand at the prior; an item without any valid one is the prior.

    Parameters
    ----------
    weights : Tensor
        (K, B), not yet normalised.
    loc, scale : Tensor
        (K, B, D).
    valid : Tensor
        (K, B) bool.
    everyone : bool
        Known that all are valid, see `Experts`.
    """
    if not everyone:
        loc = torch.where(valid.unsqueeze(-1), loc, torch.zeros_like(loc))
        scale = torch.where(valid.unsqueeze(-1), scale, torch.ones_like(scale))
        first = torch.zeros_like(valid)
        first[0] = ~valid.any(0)
        weights = torch.where(valid, weights, first.to(weights.dtype))
    return Posterior(weights / weights.sum(0, keepdim=True), loc, scale)


def full_with_prior(weights: Tensor, loc: Tensor, covariance: Tensor, valid: Tensor) -> FullPosterior:
    """See :func:`with_prior`; covariance (K, B, D, D)."""
    covariance = _or_identity(valid, covariance)
    placed = with_prior(weights, loc, torch.ones_like(loc), valid)
    return FullPosterior(placed.weights, placed.loc, covariance)


def validating(rule: Aggregator, on: bool | None) -> Aggregator:
    """The rule, with this word on whether the numbers in its arguments are checked; a copy if it is another word."""
    if on is None or rule.validate_args is on:
        return rule
    rule = copy.copy(rule)
    object.__setattr__(rule, "validate_args", on)  # rules are frozen
    return rule


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
    covariance = _or_identity(present, covariance)
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
    good = (values.amin(-1) > low) & (values.amax(-1) < torch.inf)  # one pass each, which NaN comes through
    return (good if missing is None else good | missing).all()


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
        return torch.linalg.eigvalsh(_or_identity(finite, covariance.detach()))[..., 0]

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


def _or_identity(present: Tensor, covariance: Tensor) -> Tensor:
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
