"""Pure functions on Gaussians. Diagonal ones are given by `loc` and `scale` (standard deviations), shape (..., D).

Letters for axes, here and everywhere: M modalities, B batch, D latent dimensions, K mixture components, S samples.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


def log_prob(z: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """log N(z; loc, diag scale^2), summed over D: (..., D) -> (...)."""
    return -0.5 * (((z - loc) / scale).square() + LOG_2PI).sum(-1) - scale.log().sum(-1)


def entropy(scale: Tensor) -> Tensor:
    """Differential entropy in nats: sum_d (log s_d + (1 + log 2 pi) / 2), shape (..., D) -> (...)."""
    return (scale.log() + 0.5 * (1 + LOG_2PI)).sum(-1)


def kl(loc_p: Tensor, scale_p: Tensor, loc_q: Tensor, scale_q: Tensor) -> Tensor:
    """KL(p || q) in nats: sum_d log(s_q/s_p) + (s_p^2 + (mu_p - mu_q)^2) / (2 s_q^2) - 1/2; (..., D) -> (...)."""
    ratio = scale_p / scale_q
    shift = (loc_p - loc_q) / scale_q
    return (0.5 * (ratio.square() + shift.square() - 1) - ratio.log()).sum(-1)


def kl_to_standard(loc: Tensor, scale: Tensor) -> Tensor:
    """KL(N(loc, scale^2) || N(0, I)) in nats, (..., D) -> (...)."""
    return (0.5 * (scale.square() + loc.square() - 1) - scale.log()).sum(-1)


def wasserstein2(loc_p: Tensor, scale_p: Tensor, loc_q: Tensor, scale_q: Tensor) -> Tensor:
    """2-Wasserstein distance of diagonal Gaussians: sqrt(|mu_p - mu_q|^2 + |s_p - s_q|^2), (..., D) -> (...).

    In the units of the latent space. Agueh & Carlier, SIAM J. Math. Anal. 2011.
    """
    return ((loc_p - loc_q).square() + (scale_p - scale_q).square()).sum(-1).sqrt()


def pool(values: Tensor, weights: Tensor, membership: Tensor) -> Tensor:
    """Weighted sums over the members of subsets, all subsets in one matrix product.

    Parameters
    ----------
    values : Tensor
        (M, B, D).
    weights : Tensor
        (M, B), 0 where a modality is missing.
    membership : Tensor
        (K, M), 1 where the modality belongs to the subset.

    Returns
    -------
    Tensor
        (K, B, D): sum_m membership[k, m] weights[m, b] values[m, b, d].
    """
    weighted = weights.unsqueeze(-1) * values  # (M, B, D)
    return (membership @ weighted.flatten(1)).view(len(membership), *values.shape[1:])  # (K, M) @ (M, B*D)


def product(loc: Tensor, scale: Tensor, exponents: Tensor, membership: Tensor) -> tuple[Tensor, Tensor]:
    """Normalised product of powers of Gaussians: prod_m N(mu_m, s_m^2)^(e_m), one per subset.

    precision = sum e_m / s_m^2,  mu = sum e_m mu_m / s_m^2 / precision.

    Parameters
    ----------
    loc, scale : Tensor
        (M, B, D).
    exponents : Tensor
        (M, B), at least one of them positive in each subset; 0 leaves an expert out.
    membership : Tensor
        (K, M), see :func:`pool`.

    Returns
    -------
    loc, scale : Tensor
        (K, B, D).
    """
    precision = scale.reciprocal().square()  # (M, B, D)
    total = pool(precision, exponents, membership)  # (K, B, D)
    empty = total == 0
    total = torch.where(empty, torch.ones_like(total), total)
    return pool(precision * loc, exponents, membership) / total, total.rsqrt()


def wasserstein_barycenter(loc: Tensor, scale: Tensor, weights: Tensor, membership: Tensor) -> tuple[Tensor, Tensor]:
    """2-Wasserstein barycenters of diagonal Gaussians, one per subset: means of means and of standard deviations.

    See :func:`product` for the shapes; `weights` are normalised within each subset.
    Agueh & Carlier, SIAM J. Math. Anal. 2011; Alvarez-Esteban et al., J. Math. Anal. Appl. 2016.
    """
    total = (membership @ weights).unsqueeze(-1)  # (K, B, 1)
    empty = total == 0
    total = torch.where(empty, torch.ones_like(total), total)
    spread = pool(scale, weights, membership) / total
    return pool(loc, weights, membership) / total, torch.where(empty, torch.ones_like(spread), spread)


def mixture_moments(weights: Tensor, loc: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of mixtures: (K, B), (K, B, D), (K, B, D) -> (B, D), (B, D)."""
    w = weights.unsqueeze(-1)  # (K, B, 1)
    mean = (w * loc).sum(0)
    # The centred form: no cancellation when the means are far from 0.
    return mean, (w * (scale.square() + (loc - mean).square())).sum(0)
