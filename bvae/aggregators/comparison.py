"""How far unimodal posteriors are from a joint one, in numbers. Used by pages and metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bvae.aggregators import Aggregator
from bvae.aggregators.hoelder import GridPool
from bvae.gaussians import diagonal, full_covariance
from bvae.gaussians.divergences import Divergence, Estimate, Unavailable, find_closed_form, kind, quadrature_grid
from bvae.gaussians.posterior import FullPosterior, Posterior


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
    q = q.alive()
    if q.num_components == 1:
        mean, std = q.loc, q.scale  # (1, B, D)
        return Distances(
            diagonal.wasserstein2(loc, scale, mean, std),
            diagonal.kl(mean, std, loc, scale),
            diagonal.kl(loc, scale, mean, std),
            True,
        )
    generator = torch.Generator().manual_seed(seed)
    reverse = sampled_reverse_kl(loc, scale, q, num_samples, generator)
    noise = torch.randn((num_samples, *loc.shape), generator=generator)  # (S, M, B, D)
    points = loc + scale * noise
    joint = _mixture_log_prob(q, points.flatten(0, 1)).view(points.shape[:3])  # (S, M, B)
    forward = (diagonal.log_prob(points, loc, scale) - joint).mean(0)
    return Distances(gelbrich(loc, scale, q), reverse.clamp_min(0), forward.clamp_min(0), False)


def sampled_reverse_kl(
    loc: Tensor, scale: Tensor, q: Posterior, num_samples: int, generator: torch.Generator
) -> Tensor:
    """KL(q || q_m) of every expert by Monte Carlo, with the same samples for all: (M, B) nats."""
    z = q.rsample((num_samples,), generator=generator)  # (S, B, D)
    own = _mixture_log_prob(q, z)  # (S, B)
    return torch.stack([(own - diagonal.log_prob(z, m, s)).mean(0) for m, s in zip(loc, scale, strict=True)])


def _mixture_log_prob(q: Posterior, z: Tensor) -> Tensor:
    """`Posterior.log_prob` of z (S, B, D) by matrix products: nothing of size S x K x D is made, and pages wait for it.

    The squares are written out, which costs digits: in float64 enough are left.
    """
    weights, loc, scale = q.weights.double(), q.loc.double(), q.scale.double()
    precision, x = scale.square().reciprocal(), z.double()
    squared = (torch.einsum("sbd,kbd->skb", x.square(), precision)
               - 2 * torch.einsum("sbd,kbd->skb", x, precision * loc) + (precision * loc.square()).sum(-1))
    constant = weights.log() - scale.log().sum(-1) - z.shape[-1] / 2 * math.log(2 * math.pi)  # (K, B), -inf at weight 0
    return torch.logsumexp(constant - squared / 2, dim=1).to(z.dtype)


def gelbrich(loc: Tensor, scale: Tensor, q: Posterior) -> Tensor:
    """W2 between each expert and the Gaussian with the mixture's mean and full covariance: (M, B).

    A lower bound of W2 to the mixture itself (Gelbrich, Math. Nachr. 1990).
    """
    mean, covariance = mixture_covariance(q)
    std = scale.double().unsqueeze(-1)  # (M, B, D, 1)
    # The expert's own covariance is diagonal: the trace of the root needs the eigenvalues of S^1/2 Q S^1/2 alone.
    roots = torch.linalg.eigvalsh(full_covariance.symmetric(std * covariance * std.mT)).clamp_min(0).sqrt().sum(-1)
    variances = std.square().sum((-2, -1)) + covariance.diagonal(dim1=-2, dim2=-1).sum(-1)
    squared = (loc.double() - mean).square().sum(-1) + variances - 2 * roots
    return squared.clamp_min(0).sqrt().to(loc.dtype)


def posterior_wasserstein2(p: Posterior, q: Posterior) -> tuple[Tensor, bool]:
    """W2 between two joint posteriors, (B,), and whether it is exact.

    Between mixtures it is Gelbrich's lower bound, from their means and full covariances. See :func:`gelbrich`.
    """
    p, q = p.alive(), q.alive()
    if p.num_components == q.num_components == 1:
        return diagonal.wasserstein2(p.loc[0], p.scale[0], q.loc[0], q.scale[0]), True
    squared = full_covariance.squared_wasserstein2(*mixture_covariance(p), *mixture_covariance(q))
    return squared.clamp_min(0).sqrt().to(p.loc.dtype), False


def wasserstein_spread(loc: Tensor, scale: Tensor, present: Tensor) -> Tensor:
    r"""How much the experts of an item disagree, by the Wasserstein distance: (M, B, D) -> (B,).

    The standard deviation around their barycenter, :math:`\sqrt{\frac1M \sum_m W_2^2(q_m, q)}`, where q is the
    unweighted Wasserstein barycenter: mean and standard deviation are those of the experts on average. It depends on
    no rule of aggregation; 0 if all experts are the same, or only one is there.

    Parameters
    ----------
    loc, scale : Tensor
        (M, B, D).
    present : Tensor
        (M, B) bool.
    """
    there = present.unsqueeze(-1).to(loc)
    count = there.sum(0).clamp_min(1)  # (B, 1)
    squared = torch.zeros_like(loc[0, :, 0])
    for value in (loc, scale):
        centre = (value * there).sum(0) / count
        squared = squared + ((value - centre).square() * there).sum((0, -1))
    return (squared / count.squeeze(-1)).sqrt()


def mixture_covariance(q: Posterior) -> tuple[Tensor, Tensor]:
    """Mean (B, D) and full covariance (B, D, D) of a mixture of diagonal Gaussians, in float64.

    No matrix of a component is written out: K of them would not fit for many modalities.
    """
    weights, loc, scale = q.weights.double(), q.loc.double(), q.scale.double()
    mean = torch.einsum("kb,kbd->bd", weights, loc)
    apart = weights.sqrt().unsqueeze(-1) * (loc - mean)  # (K, B, D)
    within = torch.einsum("kb,kbd->bd", weights, scale.square())
    return mean, torch.einsum("kbi,kbj->bij", apart, apart) + torch.diag_embed(within)


def entropy(q: Posterior, num_samples: int = 1024, seed: int = 0) -> Estimate:
    """Differential entropy in nats, (B,): exact for one Gaussian, for a mixture -log q(z) averaged over z ~ q."""
    q = q.alive()
    if q.num_components == 1:
        value = diagonal.entropy(q.scale[0])
        return Estimate(value, torch.zeros_like(value), "closed form")
    z = q.rsample((num_samples,), generator=torch.Generator().manual_seed(seed))  # (S, B, D)
    surprise = -_mixture_log_prob(q, z)
    return Estimate(surprise.mean(0), surprise.std(0) / num_samples**0.5, "Monte Carlo")


def means_of(
    rule: Aggregator, loc: Tensor, scale: Tensor, present: Tensor, weights: Tensor | None = None,
    numbers: int = 20_000_000,
) -> Tensor:
    """Means of the joint posteriors of many items, (B, D), in batches that bound the memory of mixtures over subsets.

    Parameters
    ----------
    rule, loc, scale, present, weights
        See `Aggregator`; weights that are the same for all items.
    numbers : int
        About how many numbers an intermediate may hold.
    """
    m, b, d = loc.shape
    step = max(1, numbers // (2**m * d))
    parts = [slice(start, start + step) for start in range(0, b, step)]
    return torch.cat([rule(loc[:, i], scale[:, i], present[:, i], weights).mean for i in parts])


def affordable_samples(q: Posterior, most: int = 1024, numbers: int = 2_000_000) -> int:
    """Samples for a Monte Carlo estimate of one item, so that `numbers` bounds its intermediates of S K D numbers."""
    return int(max(32, min(most, numbers // (q.alive().num_components * q.loc.shape[-1]))))


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
        q: Any  # a pool on a grid can do what a divergence asks of it
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
