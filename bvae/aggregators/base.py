"""What all rules share. A rule itself is a few lines of mathematics; what it gets is checked in `experts`."""

from __future__ import annotations

import contextlib
import copy
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from bvae.aggregators.experts import Experts, FullExperts, or_identity, prepare, prepare_full
from bvae.aggregators.worked import InThePlane, OneDimension, Worked, in_and_out, listed
from bvae.gaussians import iteration
from bvae.gaussians.divergences import divergence
from bvae.gaussians.posterior import FullPosterior, Posterior
from bvae.registry import Registry
from bvae.validation import Checks

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
    keeps_one: ClassVar[bool] = True
    """Whether one expert alone comes out as it is. If not, an expert is no belief, but what the rule reads."""
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

    def held(self, num_modalities: int) -> Tensor:
        """Which modalities each component of the joint posterior is made of: (K, M) bool.

        All of them for a rule that gives one Gaussian. Raises ValueError where that is not known before an item is
        seen.
        """
        return torch.ones(1, num_modalities, dtype=torch.bool)

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
        if experts.everyone:
            return Posterior(one, loc.unsqueeze(0), scale.unsqueeze(0))
        return with_prior(one, loc.unsqueeze(0), scale.unsqueeze(0), experts.present.any(0, keepdim=True))

    def aggregate_full(self, experts: FullExperts) -> FullPosterior:
        """See `Aggregator.aggregate_full`: K = 1."""
        loc, covariance, convergence = self.full_barycenter(experts)
        some = experts.present.any(0)
        q = FullPosterior.gaussian(torch.where(some.unsqueeze(-1), loc, 0.0), or_identity(some, covariance))
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
    covariance = or_identity(valid, covariance)
    placed = with_prior(weights, loc, torch.ones_like(loc), valid)
    return FullPosterior(placed.weights, placed.loc, covariance)


def validating(rule: Aggregator, on: bool | None) -> Aggregator:
    """The rule, with this word on whether the numbers in its arguments are checked; a copy if it is another word."""
    if on is None or rule.validate_args is on:
        return rule
    rule = copy.copy(rule)
    object.__setattr__(rule, "validate_args", on)  # rules are frozen
    return rule
