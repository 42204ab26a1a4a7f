"""Consensus of dependent experts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from bvae.aggregators.base import AGGREGATORS, FullGaussian, GaussianAggregator
from bvae.aggregators.experts import Experts, FullExperts
from bvae.aggregators.worked import OneDimension, Worked, number, total, weighted
from bvae.gaussians import full_covariance
from bvae.gaussians.posterior import FullPosterior
from bvae.registry import require_number


@AGGREGATORS.register("code")
@dataclass(frozen=True)
class ConsensusOfDependentExperts(GaussianAggregator):
    """Experts that make correlated errors: mu = 1' S^-1 m / 1' S^-1 1, v = 1 / 1' S^-1 1 in every dimension.

    S holds v_m on the diagonal and rho s_i s_j beside it: experts who know the same thing are not counted twice.
    rho = 0 is the product of experts without a prior. Of two experts the sharper one alone decides at rho = s_1/s_2;
    beyond, the wider one gets a negative influence, because its error is mostly the sharper one's, magnified: the mean
    leaves the range of the experts' means on the other side, and the joint posterior becomes sharper again (N(0, 1)
    and N(1, 4) with rho .999: mean -.994, scale .089). A mean outside of the experts' range is thus no fault of the
    computation: the rule takes a wide expert's disagreement for a magnified copy of the sharp one's error, and
    corrects the sharp one by it. Where errors are not so dependent, it corrects what was right.

    With weights, expert m has the variance v_m / ((number of present experts) x w_m), as in `ProductOfExperts`.
    For full covariances, ours: the blocks S_ij = rho Sigma_i^1/2 Sigma_j^1/2.

    Parameters
    ----------
    rho : float
        Correlation between the errors of any two experts, in [0, 1).

    References
    ----------
    Mancisidor et al., *Aggregation of Dependent Expert Distributions in Multimodal Variational Autoencoders*,
    ICML 2025; Winkler, Management Science 1981.
    """

    rho: float = 0.5

    title: ClassVar[str] = "Consensus of dependent experts (CoDE)"
    short: ClassVar[str] = "CoDE"
    order: ClassVar[float] = 120
    divergence: ClassVar[str] = "reverse KL to the experts' joint likelihood, their errors being correlated"
    formula: ClassVar[str] = (
        r"\mu = \frac{\mathbf 1^\top S^{-1} m}{\mathbf 1^\top S^{-1} \mathbf 1}, \qquad "
        r"\sigma^2 = \frac{1}{\mathbf 1^\top S^{-1} \mathbf 1}, \qquad S_{ij} = \rho\,\sigma_i\sigma_j,\; "
        r"S_{ii} = \sigma_i^2"
    )
    counts_experts: ClassVar[bool] = True
    extrapolates: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_number("rho", self.rho, lambda r: 0 <= r < 1, "a number in [0, 1)")

    def barycenter(self, experts: Experts) -> tuple[Tensor, Tensor]:
        """See `GaussianAggregator.barycenter`.

        S = R ((1 - rho) I + rho 1 1') R with R = diag(s / sqrt(n w)) is inverted by hand (Sherman & Morrison).
        """
        count, shared = self._counts(experts.present, experts.loc)  # (B, 1)
        root = (count * experts.weights).clamp_min(0)
        root = torch.where(root > 0, root, 1.0).sqrt() * (root > 0) / experts.scale  # (M, B, D): sqrt of precisions
        # In units of the sharpest expert: sums of squares neither overflow nor vanish.
        unit = root.detach().amax(0)
        unit = torch.where(unit > 0, unit, 1.0)
        root = root / unit
        centre = (experts.weights * experts.loc).sum(0)
        total = root.sum(0)
        # sum r^2 - k (sum r)^2 without cancellation: the spread of the roots plus what is left of their mean.
        n = count.clamp_min(1)
        mean_root = total / n
        there = experts.present.unsqueeze(-1)
        spread = (there * (root - mean_root).square()).sum(0)
        precision = spread + n * mean_root.square() * (1 - shared * n)
        precision = torch.where(count > 0, precision, 1.0)
        pull = (root.square() * (experts.loc - centre)).sum(0) - shared * total * (root * (experts.loc - centre)).sum(0)
        return centre + pull / precision, ((1 - self.rho) / precision).sqrt() / unit

    def full_barycenter(self, experts: FullExperts) -> FullGaussian:
        """See `GaussianAggregator.full_barycenter`."""
        count, shared = self._counts(experts.present, experts.loc)
        exponents = count.squeeze(-1) * experts.item_weights  # (M, B)
        factor = torch.where(exponents > 0, exponents, 1.0).sqrt() * (exponents > 0)
        root = factor[..., None, None] * torch.linalg.inv(full_covariance.sqrtm(experts.covariance))  # (M, B, D, D)
        total = root.sum(0)
        identity = torch.eye(experts.loc.shape[-1]).to(experts.loc)
        precision = (root @ root).sum(0) - shared.unsqueeze(-1) * total @ total
        precision = precision / (1 - self.rho) + (count == 0).unsqueeze(-1) * identity
        white = (root @ experts.loc.unsqueeze(-1))  # (M, B, D, 1)
        pull = ((root @ white).sum(0) - shared.unsqueeze(-1) * total @ white.sum(0)) / (1 - self.rho)
        covariance = full_covariance.symmetric(torch.linalg.inv(precision))
        return FullGaussian((covariance @ pull).squeeze(-1), covariance)

    def cost(self, q: FullPosterior, experts: FullExperts) -> Tensor:
        """See `Aggregator.cost`: -entropy of q + E_q[(m - 1 z)' S^-1 (m - 1 z)] / 2, S written out and inverted."""
        _, b, d = experts.loc.shape
        values = []
        for item in range(b):
            there = experts.present[:, item]
            exponents = (there.sum() * experts.item_weights[there, item])[:, None, None]
            roots = full_covariance.sqrtm(experts.covariance[there, item] / exponents)  # (n, D, D)
            n = len(roots)
            correlation = (1 - self.rho) * torch.eye(n).to(roots) + self.rho
            s = torch.einsum("ij,iab,jbc->iajc", correlation, roots, roots).reshape(n * d, n * d)
            inverse = torch.linalg.inv(s)
            ones = torch.eye(d).to(roots).repeat(n, 1)  # (n D, D)
            apart = experts.loc[there, item].flatten() - ones @ q.loc[0, item]
            quadratic = apart @ inverse @ apart + (ones.T @ inverse @ ones * q.covariance[0, item]).sum()
            values.append(0.5 * quadratic - full_covariance.entropy(q.covariance[0, item]))
        return torch.stack(values)

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`: S written out and inverted."""
        s = case.sigma / np.sqrt(len(case.w) * case.w)
        matrix = np.where(np.eye(len(s), dtype=bool), 1.0, self.rho) * np.outer(s, s)
        row = np.linalg.solve(matrix, np.ones(len(s)))  # 1' S^-1
        over, pull = float(row.sum()), float(row @ case.mu)
        mean, scale = pull / over, over**-0.5
        cells = r"\\".join("&".join(number(v) for v in line) for line in matrix)
        return Worked([rf"S &= \begin{{pmatrix}}{cells}\end{{pmatrix}}, \; \rho = {number(self.rho)}",
                       rf"\mathbf 1^\top S^{{-1}} \mathbf 1 &= {number(over)}\\[3pt]\sigma &= {number(scale)}",
                       *total(r"\mathbf 1^\top S^{-1} m", weighted(row, case.mu), rf"{number(pull)}\\[3pt]\mu &= "
                              rf"\tfrac{{{number(pull)}}}{{{number(over)}}} = {number(mean)}")], mean, scale)

    def _counts(self, present: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """The number n of experts of each item, and rho / (1 + (n - 1) rho); (B, 1)."""
        count = present.sum(0).to(like.dtype).unsqueeze(-1)
        return count, self.rho / (1 + (count - 1).clamp_min(0) * self.rho)
