"""Mixtures over all subsets of modalities: MoPoE, MWB, and any other rule inside the subsets."""

from __future__ import annotations

import functools
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from bvae.aggregators.base import AGGREGATORS, Aggregator, Family, full_with_prior, validating, with_prior
from bvae.aggregators.experts import Experts, FullExperts, prepare
from bvae.aggregators.poe import PriorExpert, ProductOfExperts
from bvae.aggregators.wasserstein import WassersteinBarycenter
from bvae.aggregators.worked import OneDimension, Worked, components, mixture, moments, normal, number, total
from bvae.gaussians.posterior import FullPosterior, Posterior
from bvae.gaussians.randomness import multinomial
from bvae.validation import Checks, NotFiniteError

MOST_MODALITIES = 16


@functools.lru_cache(maxsize=16)
def subset_membership(num_modalities: int) -> Tensor:
    """All non-empty subsets: (2^M - 1, M) bool, single modalities first, the full set last.

    Ordered by size, then as ``itertools.combinations`` orders them. Raises ValueError for more than 16 modalities.
    """
    if num_modalities > MOST_MODALITIES:
        raise ValueError(f"loc: expected at most {MOST_MODALITIES} modalities for a mixture over subsets, got "
                         f"M = {num_modalities}")
    bits = torch.arange(1, 2**num_modalities)
    table = (bits[:, None] >> torch.arange(num_modalities)) & 1 == 1  # (K, M)
    reversed_bits = (table.long() * 2 ** torch.arange(num_modalities - 1, -1, -1)).sum(1)
    order = sorted(range(len(table)), key=lambda k: (int(table[k].sum()), -int(reversed_bits[k])))
    return table[order]


@functools.lru_cache(maxsize=16)
def _membership_on(num_modalities: int, device: torch.device) -> Tensor:
    """:func:`subset_membership` there: what is there already need not be waited for."""
    with torch.inference_mode(False):  # a tensor of inference mode could not take part in training later
        return subset_membership(num_modalities).to(device)


@dataclass(frozen=True, kw_only=True)
class SubsetMixture(Aggregator):
    """Mixture over the non-empty subsets of the modalities present, of a rule's barycenter in each subset.

    Without weights the mixture is uniform. With weights, they act inside each subset, and a subset counts in
    proportion to the geometric mean of its members' weights: uniform weights give the uniform mixture, and a weight
    that goes to 0 removes its modality continuously.

    Parameters
    ----------
    num_subsets : int, optional
        Draw so many subsets for each item and call, with replacement and with the probabilities above, instead of
        enumerating all 2^M - 1. The drawn ones weigh the same, so that the mean over them of any function of a
        component (its KL to the prior, its reconstruction) is an unbiased estimate of the mean under the whole
        mixture. The density of the drawn mixture is *not* that of the whole one, and no gradient reaches the weights:
        learned ones are refused.
    """

    num_subsets: int | None = None

    family: ClassVar[Family] = "density"
    minimises: ClassVar[str] = "forward-kl"
    takes_subset_weights: ClassVar[bool] = True

    def prepare(self, loc: Tensor, scale: Tensor, present: Tensor | None, weights: Tensor | None) -> Experts:
        """See `Aggregator.prepare`. `weights` may also be (2^M - 1,), those of the subsets in the order of
        :func:`subset_membership`; they are renormalised over the subsets that an item has."""
        m = len(loc)
        if weights is None or m < 2 or weights.shape != (2**m - 1,):
            return super().prepare(loc, scale, present, weights)
        checks, given = Checks(self.validate_args), weights.detach()

        def error() -> ValueError:
            kind = ValueError if bool(given.isfinite().all()) else NotFiniteError
            return kind("weights: expected non-negative weights of subsets with the sum 1, got the smallest "
                        f"{given.min().item():.3g} and the sum {given.sum().item():.6g}")

        checks.require(lambda: (given >= 0).all() & ((given.sum() - 1).abs() <= 1e-4), error)
        return replace(prepare(loc, scale, present, None, checks), subset_weights=weights.to(loc))


    def __post_init__(self) -> None:
        if self.num_subsets is not None and (not isinstance(self.num_subsets, int) or self.num_subsets < 1):
            raise ValueError(f"num_subsets: expected a positive integer or None, got {self.num_subsets!r}")
        self.inner()  # checks its options

    @abstractmethod
    def inner(self) -> Aggregator:
        """The rule inside each subset."""

    @property
    def counts_experts(self) -> bool:  # type: ignore[override]
        """See `Aggregator`: as the rule inside."""
        return self.inner().counts_experts

    @property
    def extrapolates(self) -> bool:  # type: ignore[override]
        """See `Aggregator`: as the rule inside."""
        return self.inner().extrapolates

    def conditional(self) -> Aggregator:
        """See `Aggregator.conditional`: the rule inside the subset."""
        return validating(self.inner(), self.validate_args)

    def aggregate(self, experts: Experts) -> Posterior:
        """See `Aggregator.aggregate`: K = (2^M - 1) J, subsets as in :func:`subset_membership`, J of the rule."""
        members = _membership_on(experts.loc.shape[0], experts.loc.device)
        membership = members.to(experts.loc.dtype)  # (K, M)
        valid, weights = self._subsets(experts, membership)
        if experts.subset_weights is not None:
            weights = experts.subset_weights.unsqueeze(1).expand_as(weights)
        if self.num_subsets is not None:
            return self._sampled(experts, members, weights)
        inside, loc, scale = self.inner().components(experts, membership)  # (J, K, B), (J, K, B, D)
        return with_prior((inside * weights).flatten(0, 1), loc.flatten(0, 1), scale.flatten(0, 1),
                          valid.repeat(len(inside), 1), experts.everyone)

    def aggregate_full(self, experts: FullExperts) -> FullPosterior:
        """See `Aggregator.aggregate_full`."""
        members = _membership_on(experts.loc.shape[0], experts.loc.device)
        valid, weights = self._subsets(experts, members.to(experts.loc.dtype))
        q = self.inner().aggregate_full(experts.in_subsets(members))
        k, b, d = *weights.shape, experts.loc.shape[-1]
        j = q.num_components
        mixture = full_with_prior((q.weights.view(j, k, b) * weights).flatten(0, 1), q.loc.view(j * k, b, d),
                                  q.covariance.view(j * k, b, d, d), valid.repeat(j, 1))
        return replace(mixture, convergence=q.convergence)

    def targets(self, experts: FullExperts) -> list[tuple[Tensor, FullPosterior]]:
        """See `Aggregator.targets`: the barycenters of the subsets."""
        q = self.aggregate_full(experts)
        return [(weight, FullPosterior.gaussian(loc, covariance)) for weight, loc, covariance
                in zip(q.weights, q.loc, q.covariance, strict=True) if bool((weight > 0).any())]

    def held(self, num_modalities: int) -> Tensor:
        """See `Aggregator.held`: of each subset its members, or those of them that the rule inside makes it of.

        Raises ValueError with `num_subsets`: which subsets there are is drawn.
        """
        if self.num_subsets is not None:
            raise ValueError("num_subsets: expected None where the members of every subset have to be known before "
                             f"they are drawn, got {self.num_subsets}")
        inside = self.inner().held(num_modalities)  # (J, M)
        return (inside.unsqueeze(1) & subset_membership(num_modalities)).flatten(0, 1)

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`: the mixture, then the rule inside the subset of all."""
        weights, loc, scale = components(case.joint, case.d)
        ends = [0, len(weights) - 1] if len(weights) > 1 else [0]
        terms = [rf"{number(weights[k])}\,{normal(loc[k], scale[k])}" for k in ends]
        if len(weights) > 2:
            terms.insert(1, rf"\text{{{len(weights) - 2} more}}")
        lines = [*total("q(z)", terms, in_line=1), *moments(*mixture(weights, loc, scale))]
        rule = self.inner()
        inside = rule.worked_formula(replace(case, joint=rule.aggregate(case.experts)))
        return Worked([*lines, r"&\textbf{decoded: all observed views}", *inside.lines], inside.mean, inside.scale)

    @staticmethod
    def _subsets(experts: Experts | FullExperts, membership: Tensor) -> tuple[Tensor, Tensor]:
        """Which subsets each item has all members of, (K, B) bool, and their weights (K, B), not normalised."""
        size = membership.sum(1, keepdim=True)  # (K, 1)
        valid = (membership @ (~experts.present).to(membership.dtype)) == 0
        each = experts.weights.mean(-1).expand(experts.present.shape)  # (M, B)
        log_weights = torch.where(experts.present, each, torch.ones_like(each)).log()
        return valid, ((membership @ log_weights) / size).exp()

    def _sampled(self, experts: Experts, members: Tensor, weights: Tensor) -> Posterior:
        """The mixture of `num_subsets` subsets drawn for each item."""
        if weights.requires_grad:
            raise ValueError("num_subsets: expected None with learned weights, which no gradient would reach, got "
                             f"{self.num_subsets}")
        assert self.num_subsets is not None
        valid = (members.unsqueeze(2) & ~experts.present).sum(1) == 0  # (K, B)
        nothing = ~experts.present.any(0)
        p = torch.where(valid | nothing, weights.detach(), 0.0)
        drawn = multinomial(p, self.num_subsets, experts.generator, replacement=True).T  # (S, B)
        s, b = drawn.shape
        chosen = members[drawn].permute(2, 0, 1) & experts.present.unsqueeze(1)  # (M, S, B)
        q = self.inner().aggregate(experts.chosen(chosen))
        j, d = q.num_components, q.loc.shape[-1]
        return Posterior(q.weights.view(j * s, b) / s, q.loc.view(j * s, b, d), q.scale.view(j * s, b, d))


@dataclass(frozen=True)
class Mixture(SubsetMixture):
    """Mixture over subsets of any rule: ``aggregator("mixture(jeffreys)")``, or ``Mixture(rule)``.

    ``mixture(poe)`` is MoPoE and ``mixture(wasserstein)`` is MWB.

    Parameters
    ----------
    rule : Aggregator
        The rule inside each subset.
    """

    rule: Aggregator

    @property
    def divergence(self) -> str:  # type: ignore[override]
        """See `Aggregator`."""
        return f"{self.rule.divergence or 'no divergence'} inside each subset, forward KL between the subsets"

    @property
    def formula(self) -> str:  # type: ignore[override]
        """See `Aggregator`."""
        return rf"q(z) = \frac{{1}}{{2^M-1}} \sum_S q_S(z), \qquad q_S:\; {self.rule.formula}"

    def inner(self) -> Aggregator:
        """See `SubsetMixture.inner`."""
        return self.rule


@AGGREGATORS.register("mopoe")
@dataclass(frozen=True)
class MixtureOfProductsOfExperts(SubsetMixture):
    """Mixture over subsets of products of experts.

    Parameters
    ----------
    prior_expert : {"never", "always", "full"}
        See `ProductOfExperts`. The published MoPoE uses "full".

    References
    ----------
    Sutter, Daunhawer, Vogt, ICLR 2021 (MoPoE-VAE).
    """

    prior_expert: PriorExpert = "never"

    title: ClassVar[str] = "Mixture of products (MoPoE)"
    short: ClassVar[str] = "MoPoE"
    order: ClassVar[float] = 60
    divergence: ClassVar[str] = "reverse KL inside each subset (as a product), forward KL between the subsets"
    formula: ClassVar[str] = r"q(z) = \frac{1}{2^M-1} \sum_{S} \frac{1}{Z_S}\prod_{m \in S} q_m(z)"

    def inner(self) -> Aggregator:
        """See `SubsetMixture.inner`."""
        return ProductOfExperts(self.prior_expert)


@AGGREGATORS.register("mwb")
@dataclass(frozen=True)
class MixtureOfWassersteinBarycenters(SubsetMixture):
    """Mixture over subsets of 2-Wasserstein barycenters.

    References
    ----------
    Qiu et al., AAAI 2025 (MWB-VAE).
    """

    title: ClassVar[str] = "Mixture of WBs (MWB)"
    short: ClassVar[str] = "MWB"
    order: ClassVar[float] = 70
    divergence: ClassVar[str] = "squared 2-Wasserstein distance inside each subset, forward KL between the subsets"
    formula: ClassVar[str] = (
        r"q(z) = \frac{1}{2^M-1} \sum_{S} \mathcal N\Big(z;\, \tfrac{1}{|S|}\sum_{m \in S} \mu_m,\, "
        r"\big(\tfrac{1}{|S|}\sum_{m \in S} \sigma_m\big)^2\Big)"
    )

    def inner(self) -> Aggregator:
        """See `SubsetMixture.inner`."""
        return WassersteinBarycenter()
