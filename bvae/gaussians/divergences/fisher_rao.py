"""The squared Fisher-Rao distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from bvae.gaussians import full_covariance, halfplane
from bvae.gaussians.divergences.base import DIVERGENCES, Divergence, Unavailable, register_closed_form
from bvae.gaussians.posterior import FullPosterior, Posterior


@DIVERGENCES.register("fisher-rao")
@dataclass(frozen=True)
class SquaredFisherRao(Divergence):
    """Squared geodesic distance of the Fisher metric, for diagonal Gaussians; see `bvae.gaussians.halfplane`."""

    title: ClassVar[str] = "squared Fisher–Rao"
    formula: ClassVar[str] = r"d_{\mathrm{FR}}^2(q, q_m)"


@register_closed_form(SquaredFisherRao, "diagonal", "diagonal")
def _(measure: SquaredFisherRao, q: Posterior, p: Posterior) -> Tensor:
    return halfplane.squared_distance(q.loc[0], q.scale[0], p.loc[0], p.scale[0]).sum(-1)


@register_closed_form(SquaredFisherRao, "full", "full")
def _(measure: SquaredFisherRao, q: FullPosterior, p: FullPosterior) -> Tensor:
    if not all(full_covariance.is_diagonal(one.covariance) for one in (q, p)):
        raise Unavailable("squared Fisher–Rao: no closed form is known for correlated Gaussians")
    scales = [one.covariance.diagonal(dim1=-2, dim2=-1)[0].sqrt() for one in (q, p)]
    return halfplane.squared_distance(q.loc[0], scales[0], p.loc[0], scales[1]).sum(-1)
