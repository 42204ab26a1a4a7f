"""Pure functions on Gaussians. Diagonal ones are given by `loc` and `scale` (standard deviations), shape (..., D);
those with full covariance, by `loc` (..., D) and `covariance` (..., D, D), in the second half.

Letters for axes, here and everywhere: M modalities, B batch, D latent dimensions, K mixture components, S samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)
STALLED, NEARLY = 8, 1e-9  # see :func:`iterate`


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
        one = torch.ones_like(weights)
        return pool(loc, one, each), pool(scale, one, each)
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


# -- full covariance: `covariance` (..., D, D), symmetric and positive definite --------------------------------------


class _Sylvester(torch.autograd.Function):
    """The X of R X + X R = G, (..., D, D), for positive definite R and symmetric G: differentiable again and again."""

    @staticmethod
    def forward(ctx, root: Tensor, gradient: Tensor) -> Tensor:
        roots, vectors = torch.linalg.eigh(root)
        inner = vectors.mT @ gradient @ vectors / (roots.unsqueeze(-1) + roots.unsqueeze(-2))
        out = symmetric(vectors @ inner @ vectors.mT)
        ctx.save_for_backward(root, out)
        return out

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        root, out = ctx.saved_tensors
        by_gradient = _Sylvester.apply(root, symmetric(gradient))
        return -symmetric(by_gradient @ out + out @ by_gradient), by_gradient


class _SquareRoot(torch.autograd.Function):
    """Symmetric square root whose gradient exists for equal eigenvalues too, unlike that of an eigendecomposition."""

    @staticmethod
    def forward(ctx, matrix: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(matrix)
        root = (vectors * values.clamp_min(0).sqrt().unsqueeze(-2)) @ vectors.mT
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (root,) = ctx.saved_tensors
        return _Sylvester.apply(root, symmetric(gradient))  # of R R = matrix: dR R + R dR = d matrix


def symmetric(matrix: Tensor) -> Tensor:
    """(A + A^T) / 2, (..., D, D)."""
    return 0.5 * (matrix + matrix.mT)


def is_diagonal(covariance: Tensor) -> bool:
    """Whether all of the matrices (..., D, D) are diagonal, but for rounding."""
    variances = covariance.diagonal(dim1=-2, dim2=-1)
    return bool((covariance - torch.diag_embed(variances)).abs().amax() <= 1e-9 * variances.amax())


def sqrtm(covariance: Tensor) -> Tensor:
    """Symmetric positive square root, (..., D, D) -> (..., D, D)."""
    return _SquareRoot.apply(symmetric(covariance))


def matrix_geometric_mean(a: Tensor, b: Tensor) -> Tensor:
    """a # b = a^1/2 (a^-1/2 b a^-1/2)^1/2 a^1/2, the solution X of X a^-1 X = b; (..., D, D).

    Bhatia, *Positive Definite Matrices*, Princeton 2007, chapter 4.
    """
    root = sqrtm(a)
    inverse = torch.linalg.inv(root)
    return symmetric(root @ sqrtm(inverse @ b @ inverse) @ root)


def full_log_prob(z: Tensor, loc: Tensor, covariance: Tensor) -> Tensor:
    """log N(z; loc, covariance): (..., D), (..., D), (..., D, D) -> (...)."""
    root = torch.linalg.cholesky(covariance)
    white = torch.linalg.solve_triangular(root, (z - loc).unsqueeze(-1), upper=False).squeeze(-1)
    return -0.5 * (white.square() + LOG_2PI).sum(-1) - root.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def full_entropy(covariance: Tensor) -> Tensor:
    """Differential entropy in nats: (log det covariance + D (1 + log 2 pi)) / 2, (..., D, D) -> (...)."""
    return 0.5 * (torch.logdet(covariance) + covariance.shape[-1] * (1 + LOG_2PI))


def full_kl(loc_p: Tensor, cov_p: Tensor, loc_q: Tensor, cov_q: Tensor) -> Tensor:
    """KL(p || q) in nats: (tr(Q^-1 P) + d^T Q^-1 d - D + log det Q - log det P) / 2, d = mu_q - mu_p; -> (...)."""
    shift = (loc_q - loc_p).unsqueeze(-1)
    trace = torch.linalg.solve(cov_q, cov_p).diagonal(dim1=-2, dim2=-1).sum(-1)
    distance = (shift.mT @ torch.linalg.solve(cov_q, shift)).squeeze(-1).squeeze(-1)
    return 0.5 * (trace + distance - loc_p.shape[-1] + torch.logdet(cov_q) - torch.logdet(cov_p))


def full_squared_wasserstein2(loc_p: Tensor, cov_p: Tensor, loc_q: Tensor, cov_q: Tensor) -> Tensor:
    """W2^2(p, q) = |mu_p - mu_q|^2 + tr(P + Q - 2 (P^1/2 Q P^1/2)^1/2), (...), in squared units of the latent space.

    Givens & Shortt, Michigan Math. J. 1984.
    """
    root = sqrtm(cov_p)
    cross = sqrtm(root @ cov_q @ root)
    trace = (cov_p + cov_q - 2 * cross).diagonal(dim1=-2, dim2=-1).sum(-1)
    return (loc_p - loc_q).square().sum(-1) + trace


def full_mixture_moments(weights: Tensor, loc: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of mixtures: (K, B), (K, B, D), (K, B, D, D) -> (B, D), (B, D, D)."""
    w = weights.unsqueeze(-1)
    mean = (w * loc).sum(0)
    apart = loc - mean
    return mean, (w.unsqueeze(-1) * (covariance + apart.unsqueeze(-1) * apart.unsqueeze(-2))).sum(0)


def full_normal_of_powers(exponents: Tensor, loc: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """See :func:`normal_of_powers`: (K, M), (M, B, D), (M, B, D, D) -> (K, B, D), (K, B, D, D), (K, B)."""
    inverse = torch.linalg.inv(covariance)
    precision = torch.einsum("km,mbij->kbij", exponents, inverse)
    pulled = torch.einsum("km,mbij,mbj->kbi", exponents, inverse, loc)
    together = symmetric(torch.linalg.inv(precision))
    mean = (together @ pulled.unsqueeze(-1)).squeeze(-1)
    apart = loc - mean.unsqueeze(1)  # (K, M, B, D)
    lost = torch.einsum("km,kmbi,mbij,kmbj->kb", exponents, apart, inverse, apart)
    volume = torch.einsum("km,mb->kb", exponents, torch.logdet(covariance))
    return mean, together, 0.5 * (torch.logdet(together) - volume - lost)


class Convergence(NamedTuple):
    """How an iteration ended.

    Attributes
    ----------
    iterations : int
        Of the whole batch, until its slowest item was done or the limit was reached.
    residual : Tensor
        (B,) relative change in the last step.
    converged : Tensor
        (B,) bool.
    """

    iterations: int
    residual: Tensor
    converged: Tensor


def bures_barycenter(
    covariance: Tensor, weights: Tensor, tolerance: float = 1e-12, max_iterations: int = 200
) -> tuple[Tensor, Convergence]:
    """Covariances of 2-Wasserstein barycenters: fixed point of S = S^-1/2 (sum_m w_m (S^1/2 S_m S^1/2)^1/2)^2 S^-1/2.

    Parameters
    ----------
    covariance : Tensor
        (M, B, D, D).
    weights : Tensor
        (M, B), non-negative, sum 1 over M.
    tolerance : float
        Largest relative change (Frobenius norm) that counts as converged.
    max_iterations : int

    Returns
    -------
    covariance : Tensor
        (B, D, D), differentiable through the iterations.
    convergence : Convergence

    References
    ----------
    Alvarez-Esteban et al., J. Math. Anal. Appl. 2016; Agueh & Carlier, SIAM J. Math. Anal. 2011.
    """
    w = weights[..., None, None]
    start = (w * sqrtm(covariance)).sum(0)
    now = start @ start  # exact if the covariances commute

    roots = sqrtm(covariance)  # (M, B, D, D)

    def step(now: Tensor) -> Tensor:
        # S^-1/2 (...)^2 S^-1/2 = T S T with T = sum_m w_m T_m, T_m = S_m^1/2 (S_m^1/2 S S_m^1/2)^-1/2 S_m^1/2, the map
        # that transports N(0, S) to N(0, S_m): no inverse of S, so that a narrow S loses no digits.
        inner = torch.linalg.inv(sqrtm(roots @ now @ roots))
        transport = (w * (roots @ inner @ roots)).sum(0)
        return symmetric(transport @ now @ transport)

    return iterate(step, now, tolerance, max_iterations)


def iterate(
    step: Callable[[Tensor], Tensor], start: Tensor, tolerance: float, max_iterations: int, size: Tensor | None = None
) -> tuple[Tensor, Convergence]:
    """Repeat ``now = step(now)`` on a batch (B, ...) until its change, relative to `size` (B,), is small.

    `size` is the norm of `now` by default. An item that has stopped coming closer below 1e-9 counts as converged: that
    is rounding. Returns the last `now` and how the iteration ended.
    """
    now, count = start, 0
    stalled = torch.zeros(start.shape[:1], dtype=torch.int64, device=start.device)
    done = stalled > 0
    best = residual = torch.full(start.shape[:1], torch.inf, dtype=start.dtype, device=start.device)
    for count in range(1, max_iterations + 1):  # noqa: B007
        following = step(now)
        with torch.no_grad():
            change = (following - now).flatten(1).norm(dim=1)
            scale = now.flatten(1).norm(dim=1) if size is None else size
            residual = change / scale.clamp_min(torch.finfo(now.dtype).tiny)
            # Rounding sets a floor: an item that no longer comes closer after having come close is done.
            best, stalled = torch.minimum(best, residual), torch.where(residual < 0.95 * best, 0, stalled + 1)
            done = (residual <= tolerance) | ((stalled >= STALLED) & (residual <= NEARLY))
        now = following
        if bool(done.all()):
            break
    return now, Convergence(count, residual, done)
