"""How far unimodal posteriors are from a joint one, in numbers. Used by pages and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bvae import gaussian
from bvae.aggregators.hoelder import GridPool
from bvae.divergences import Divergence, Estimate, Unavailable, find_closed_form, kind, quadrature_grid
from bvae.posterior import FullPosterior, Posterior


class Distances(NamedTuple):
    """Of M experts to one aggregate, for B items.

    Attributes
    ----------
    wasserstein2 : Tensor
        (M, B): 2-Wasserstein distance, in units of the latent space; for a mixture Gelbrich's lower bound.
    kl_from_aggregate, kl_to_aggregate : Tensor
        (M, B) nats: KL(q || q_m) (reverse) and KL(q_m || q) (forward).
    exact : bool
        False if the aggregate is a mixture: then the KLs are Monte Carlo estimates.
    """

    wasserstein2: Tensor
    kl_from_aggregate: Tensor
    kl_to_aggregate: Tensor
    exact: bool


def distances(loc: Tensor, scale: Tensor, q: Posterior, num_samples: int = 1024, seed: int = 0) -> Distances:
    """Distances between each expert and the aggregate.

    Parameters
    ----------
    loc, scale : Tensor
        (M, B, D).
    q : Posterior
    num_samples, seed : int
        Of the Monte Carlo estimates for mixtures.
    """
    if q.num_components == 1:
        mean, std = q.loc, q.scale  # (1, B, D)
        return Distances(
            gaussian.wasserstein2(loc, scale, mean, std),
            gaussian.kl(mean, std, loc, scale),
            gaussian.kl(loc, scale, mean, std),
            True,
        )
    generator = torch.Generator().manual_seed(seed)
    reverse = sampled_reverse_kl(loc, scale, q, num_samples, generator)
    noise = torch.randn((num_samples, *loc.shape), generator=generator)  # (S, M, B, D)
    points = loc + scale * noise
    forward = torch.stack(
        [(gaussian.log_prob(points[:, m], loc[m], scale[m]) - q.log_prob(points[:, m])).mean(0)
         for m in range(len(loc))]
    )
    return Distances(gelbrich(loc, scale, q), reverse.clamp_min(0), forward.clamp_min(0), False)


def sampled_reverse_kl(
    loc: Tensor, scale: Tensor, q: Posterior, num_samples: int, generator: torch.Generator
) -> Tensor:
    """KL(q || q_m) of every expert by Monte Carlo, with the same samples for all: (M, B) nats."""
    z = q.rsample((num_samples,), generator=generator)  # (S, B, D)
    own = q.log_prob(z)  # (S, B)
    return torch.stack([(own - gaussian.log_prob(z, m, s)).mean(0) for m, s in zip(loc, scale, strict=True)])


def gelbrich(loc: Tensor, scale: Tensor, q: Posterior) -> Tensor:
    """W2 between each expert and the Gaussian with the mixture's mean and full covariance: (M, B).

    A lower bound of W2 to the mixture itself (Gelbrich, Math. Nachr. 1990).
    """
    full = FullPosterior.of(q)
    squared = gaussian.full_squared_wasserstein2(
        loc.double(), torch.diag_embed(scale.double().square()), full.mean.double(), full.total_covariance.double()
    )
    return squared.clamp_min(0).sqrt().to(loc.dtype)


def divergence_matrix(
    aggregates: Mapping[str, FullPosterior | GridPool], experts: Sequence[FullPosterior],
    measures: Mapping[str, Divergence],
    most: int = 320,
) -> dict[tuple[str, str], list[Estimate] | None]:
    """Every divergence between every aggregate and every expert, in one or two dimensions, for one item (B = 1).

    Where there is no closed form, all integrals are taken on one grid, so that the densities are computed once.

    Parameters
    ----------
    aggregates, measures : mapping
        By name. An aggregate may be a `GridPool` too.
    experts : sequence of FullPosterior
        M.
    most : int
        Largest number of grid points a side, in two dimensions.

    Returns
    -------
    dict
        (name of the measure, name of the aggregate) -> M estimates; None where the divergence is not defined.
    """
    # What has no components of its own lies where the experts are.
    components = [q for q in aggregates.values() if isinstance(q, FullPosterior)]
    grid = quadrature_grid([*components, *experts], reach=7.0, most=most)
    log_p = [p.log_prob(grid.points) for p in experts]  # (P, 1)
    log_q = {name: q.log_prob(grid.points) for name, q in aggregates.items()}
    result: dict[tuple[str, str], list[Estimate] | None] = {}
    for measure_name, measure in measures.items():
        for name, q in aggregates.items():
            closed = find_closed_form(type(measure), kind(q), "full") is not None
            integral = type(measure).integrand is not Divergence.integrand
            try:
                result[measure_name, name] = [
                    measure(q, p) if closed or not integral
                    else measure.on_grid(log_q[name], log_p[m], grid)
                    for m, p in enumerate(experts)
                ]
            except Unavailable:
                result[measure_name, name] = None
    return result
