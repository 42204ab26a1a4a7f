"""Pure functions on Gaussians with diagonal covariance, given by `loc` and `scale` (standard deviations), (..., D).

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
        (M, B, D), or (M, B, 1).
    weights : Tensor
        (M, B, 1), or (M, B, D) for weights of single dimensions; 0 where a modality is missing. (M, 1, 1) if they are
        the same for all items: then nothing of the size of the batch is multiplied.
    membership : Tensor
        (K, M), 1 where the modality belongs to the subset.

    Returns
    -------
    Tensor
        (K, B, D): sum_m membership[k, m] weights[m, b, d] values[m, b, d].
    """
    if weights.shape[1:] == (1, 1):
        return ((membership * weights[:, 0, 0]) @ values.flatten(1)).unflatten(1, values.shape[1:])
    weighted = weights * values  # (M, B, D)
    return (membership @ weighted.flatten(1)).unflatten(1, weighted.shape[1:])  # (K, M) @ (M, B*D)


def product(
    loc: Tensor, scale: Tensor, exponents: Tensor, membership: Tensor, everyone: bool = False
) -> tuple[Tensor, Tensor]:
    """Normalised product of powers of Gaussians: prod_m N(mu_m, s_m^2)^(e_m), one per subset.

    precision = sum e_m / s_m^2,  mu = sum e_m mu_m / s_m^2 / precision.

    Parameters
    ----------
    loc, scale : Tensor
        (M, B, D).
    exponents : Tensor
        (M, B, 1) or (M, B, D), at least one of them positive in each subset; 0 leaves an expert out.
    membership : Tensor
        (K, M), see :func:`pool`; any non-negative numbers, which multiply the exponents.
    everyone : bool
        Known that every subset of every item has an expert.

    Returns
    -------
    loc, scale : Tensor
        (K, B, D).
    """
    precision = scale.reciprocal().square()  # (M, B, D)
    total = pool(precision, exponents, membership)  # (K, B, D)
    if not everyone:
        total = torch.where(total == 0, torch.ones_like(total), total)
    return pool(precision * loc, exponents, membership) / total, total.rsqrt()


def shares(weights: Tensor, membership: Tensor) -> Tensor:
    """Weights normalised within each subset: (M,), (K, M) -> (K, M), through float64.

    A subset whose weights are all tiny (a softmax that has gone to 0) would otherwise divide by the square of their sum
    in the gradient.
    """
    product = membership.double() * weights.double()
    return (product / product.sum(1, keepdim=True)).to(membership.dtype)


def wasserstein_barycenter(
    loc: Tensor, scale: Tensor, weights: Tensor, membership: Tensor, everyone: bool = False
) -> tuple[Tensor, Tensor]:
    """2-Wasserstein barycenters of diagonal Gaussians, one per subset: means of means and of standard deviations.

    See :func:`product` for the shapes; `weights` are normalised within each subset.
    Agueh & Carlier, SIAM J. Math. Anal. 2011; Alvarez-Esteban et al., J. Math. Anal. Appl. 2016.
    """
    if everyone and weights.shape[1:] == (1, 1):
        each = shares(weights[:, 0, 0], membership)  # shared by all items: normalise the small matrix, not the results
        means, spreads = each @ loc.flatten(1), each @ scale.flatten(1)  # (K, M) @ (M, B*D)
        return means.unflatten(1, loc.shape[1:]), spreads.unflatten(1, loc.shape[1:])
    total = pool(torch.ones_like(weights), weights, membership)  # (K, B, 1) or (K, B, D)
    empty = total == 0
    total = torch.where(empty, torch.ones_like(total), total)
    spread = pool(scale, weights, membership) / total
    return pool(loc, weights, membership) / total, torch.where(empty, torch.ones_like(spread), spread)


def mixture_moments(weights: Tensor, loc: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of mixtures: (K, B), (K, B, D), (K, B, D) -> (B, D), (B, D). Weights may be (K, B, 1 or D)."""
    w = weights if weights.ndim == 3 else weights.unsqueeze(-1)  # (K, B, 1)
    mean = (w * loc).sum(0)
    # The centred form: no cancellation when the means are far from 0.
    return mean, (w * (scale.square() + (loc - mean).square())).sum(0)


def normal_of_powers(exponents: Tensor, loc: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The Gaussians proportional to prod_m q_m^(t_km) with sum_m t_km = 1, and the logarithm of what they integrate to.

    log Z_k = sum_d [ -log s_m t_km + log s_k - t_km (mu_m - mu_k)^2 / (2 s_m^2) ], summed over m.

    Parameters
    ----------
    exponents : Tensor
        (K, M), non-negative, rows of sum 1.
    loc, scale : Tensor
        (M, B, D).

    Returns
    -------
    loc, scale : Tensor
        (K, B, D).
    log_integral : Tensor
        (K, B), 0 if all experts agree and negative otherwise (Hoelder's inequality).
    """
    ones = torch.ones_like(loc[:, :, :1])
    mean, std = product(loc, scale, ones, exponents)
    # Centred at each component's own mean: no cancellation between far experts. (K, M, B, D)
    apart = ((loc - mean.unsqueeze(1)) / scale).square()
    lost = torch.einsum("km,kmbd->kb", exponents, apart)
    return mean, std, std.log().sum(-1) - torch.einsum("km,mbd->kb", exponents, scale.log()) - 0.5 * lost
