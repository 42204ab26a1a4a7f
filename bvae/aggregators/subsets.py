"""Mixtures over all subsets of modalities: MoPoE, MWB, and any other rule inside the subsets."""

from __future__ import annotations

import functools
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.aggregators.base import AGGREGATORS, Aggregator, Experts, GaussianAggregator, with_prior
from bvae.aggregators.poe import PriorExpert, ProductOfExperts
from bvae.aggregators.wasserstein import WassersteinBarycenter
from bvae.posterior import Posterior


@functools.lru_cache(maxsize=16)
def subset_membership(num_modalities: int) -> Tensor:
    """All non-empty subsets: (2^M - 1, M) bool, single modalities first, the full set last.

    Ordered by size, then as ``itertools.combinations`` orders them.
    """
    bits = torch.arange(1, 2**num_modalities)
    table = (bits[:, None] >> torch.arange(num_modalities)) & 1 == 1  # (K, M)
    reversed_bits = (table.long() * 2 ** torch.arange(num_modalities - 1, -1, -1)).sum(1)
    order = sorted(range(len(table)), key=lambda k: (int(table[k].sum()), -int(reversed_bits[k])))
    return table[order]


class SubsetMixture(Aggregator):
    """Mixture over the non-empty subsets of the modalities present, of a rule's barycenter in each subset.

    Without weights the mixture is uniform. With weights, they act inside each subset, and a subset counts in
    proportion to the geometric mean of its members' weights: uniform weights give the uniform mixture, and a weight
    that goes to 0 removes its modality continuously.
    """

    @abstractmethod
    def inner(self) -> GaussianAggregator:
        """The rule inside each subset."""

    def conditional(self) -> Aggregator:
        """See `Aggregator.conditional`: the rule inside the subset."""
        return self.inner()

    def aggregate(self, experts: Experts) -> Posterior:
        """See `Aggregator.aggregate`: K = 2^M - 1, in the order of :func:`subset_membership`."""
        members = subset_membership(experts.loc.shape[0]).to(experts.loc.device)
        membership = members.to(experts.loc.dtype)  # (K, M)
        size = membership.sum(1, keepdim=True)  # (K, 1)
        valid = (membership @ (~experts.present).to(membership.dtype)) == 0  # (K, B): all members present
        log_weights = torch.where(experts.present, experts.weights, torch.ones_like(experts.weights)).log()  # (M, B)
        weights = ((membership @ log_weights) / size).exp()  # (K, B)
        loc, scale = self.inner().barycenters(experts, membership)
        return with_prior(weights, loc, scale, valid)


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

    divergence: ClassVar[str] = "reverse KL inside each subset (as a product), forward KL between the subsets"
    formula: ClassVar[str] = r"q(z) = \frac{1}{2^M-1} \sum_{S} \frac{1}{Z_S}\prod_{m \in S} q_m(z)"

    def __post_init__(self) -> None:
        self.inner()  # checks the option

    def inner(self) -> GaussianAggregator:
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

    divergence: ClassVar[str] = "squared 2-Wasserstein distance inside each subset, forward KL between the subsets"
    formula: ClassVar[str] = (
        r"q(z) = \frac{1}{2^M-1} \sum_{S} \mathcal N\Big(z;\, \tfrac{1}{|S|}\sum_{m \in S} \mu_m,\, "
        r"\big(\tfrac{1}{|S|}\sum_{m \in S} \sigma_m\big)^2\Big)"
    )

    def inner(self) -> GaussianAggregator:
        """See `SubsetMixture.inner`."""
        return WassersteinBarycenter()
