"""An aggregator of one's own. Put this file into bvae/aggregators/: it registers itself, nothing else is edited."""

from dataclasses import dataclass
from typing import ClassVar

from bvae.aggregators.base import AGGREGATORS, Experts, GaussianAggregator


@AGGREGATORS.register("average-variance")
@dataclass(frozen=True)
class AverageVariance(GaussianAggregator):
    """Means of the means and of the variances: as unsure as its experts are on average, whatever they disagree on."""

    title: ClassVar[str] = "Average variance"  # as pages write it, and short as links hold it: both may be left out,
    short: ClassVar[str] = "Average"  # as may `order`, and `worked_formula` with the numbers of an item
    formula: ClassVar[str] = r"\mu = \sum_m w_m \mu_m, \qquad \sigma^2 = \sum_m w_m \sigma_m^2"

    def barycenter(self, experts: Experts):
        variance = (experts.weights * experts.scale**2).sum(0)  # (M, B, 1) * (M, B, D) -> (B, D)
        return (experts.weights * experts.loc).sum(0), variance.clamp_min(1e-12).sqrt()
