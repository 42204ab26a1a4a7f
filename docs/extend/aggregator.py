"""An aggregator of one's own. Put this file into bvae/aggregators/: it registers itself, nothing else is edited."""

from dataclasses import dataclass
from typing import ClassVar

from bvae.aggregators.base import AGGREGATORS, Experts, GaussianAggregator


@AGGREGATORS.register("average-variance")
@dataclass(frozen=True)
class AverageVariance(GaussianAggregator):
    """Means of the means and of the variances: as unsure as its experts are on average, whatever they disagree on."""

    formula: ClassVar[str] = r"\mu = \sum_m w_m \mu_m, \qquad \sigma^2 = \sum_m w_m \sigma_m^2"

    def barycenter(self, experts: Experts):
        variance = (experts.weights * experts.scale**2).sum(0)  # (M, B, 1) * (M, B, D) -> (B, D)
        return (experts.weights * experts.loc).sum(0), variance.clamp_min(1e-12).sqrt()
