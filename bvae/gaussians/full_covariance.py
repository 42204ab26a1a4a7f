"""Pure functions on Gaussians with full covariance, given by `loc` (..., D) and `covariance` (..., D, D), symmetric and
positive definite. Letters for axes as in `bvae.gaussians.diagonal`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bvae.gaussians.diagonal import LOG_2PI
from bvae.gaussians.iteration import Convergence, iterate


class _Sylvester(torch.autograd.Function):
    """The X of R X + X R = G, (..., D, D), for positive definite R and symmetric G: differentiable again and again."""

    @staticmethod
    def forward(ctx: Any, root: Tensor, gradient: Tensor) -> Tensor:
        roots, vectors = torch.linalg.eigh(root)
        inner = vectors.mT @ gradient @ vectors / (roots.unsqueeze(-1) + roots.unsqueeze(-2))
        out = symmetric(vectors @ inner @ vectors.mT)
        ctx.save_for_backward(root, out)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        root, out = ctx.saved_tensors
        by_gradient = _Sylvester.apply(root, symmetric(gradient))
        return -symmetric(by_gradient @ out + out @ by_gradient), by_gradient


class _SquareRoot(torch.autograd.Function):
    """Symmetric square root whose gradient exists for equal eigenvalues too, unlike that of an eigendecomposition."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(matrix)
        root = (vectors * values.clamp_min(0).sqrt().unsqueeze(-2)) @ vectors.mT
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
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


def log_prob(z: Tensor, loc: Tensor, covariance: Tensor) -> Tensor:
    """log N(z; loc, covariance): (..., D), (..., D), (..., D, D) -> (...)."""
    root = torch.linalg.cholesky(covariance)
    white = torch.linalg.solve_triangular(root, (z - loc).unsqueeze(-1), upper=False).squeeze(-1)
    return -0.5 * (white.square() + LOG_2PI).sum(-1) - root.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def entropy(covariance: Tensor) -> Tensor:
    """Differential entropy in nats: (log det covariance + D (1 + log 2 pi)) / 2, (..., D, D) -> (...)."""
    return 0.5 * (torch.logdet(covariance) + covariance.shape[-1] * (1 + LOG_2PI))


def kl(loc_p: Tensor, cov_p: Tensor, loc_q: Tensor, cov_q: Tensor) -> Tensor:
    """KL(p || q) in nats: (tr(Q^-1 P) + d^T Q^-1 d - D + log det Q - log det P) / 2, d = mu_q - mu_p; -> (...)."""
    shift = (loc_q - loc_p).unsqueeze(-1)
    trace = torch.linalg.solve(cov_q, cov_p).diagonal(dim1=-2, dim2=-1).sum(-1)
    distance = (shift.mT @ torch.linalg.solve(cov_q, shift)).squeeze(-1).squeeze(-1)
    return 0.5 * (trace + distance - loc_p.shape[-1] + torch.logdet(cov_q) - torch.logdet(cov_p))


def squared_wasserstein2(loc_p: Tensor, cov_p: Tensor, loc_q: Tensor, cov_q: Tensor) -> Tensor:
    """W2^2(p, q) = |mu_p - mu_q|^2 + tr(P + Q - 2 (P^1/2 Q P^1/2)^1/2), (...), in squared units of the latent space.

    Givens & Shortt, Michigan Math. J. 1984.
    """
    root = sqrtm(cov_p)
    cross = sqrtm(root @ cov_q @ root)
    trace = (cov_p + cov_q - 2 * cross).diagonal(dim1=-2, dim2=-1).sum(-1)
    return (loc_p - loc_q).square().sum(-1) + trace


def mixture_moments(weights: Tensor, loc: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of mixtures: (K, B), (K, B, D), (K, B, D, D) -> (B, D), (B, D, D)."""
    w = weights.unsqueeze(-1)
    mean = (w * loc).sum(0)
    apart = loc - mean
    return mean, (w.unsqueeze(-1) * (covariance + apart.unsqueeze(-1) * apart.unsqueeze(-2))).sum(0)


def normal_of_powers(exponents: Tensor, loc: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """See `bvae.gaussians.diagonal`; (K, M), (M, B, D), (M, B, D, D) -> (K, B, D), (K, B, D, D), (K, B)."""
    inverse = torch.linalg.inv(covariance)
    precision = torch.einsum("km,mbij->kbij", exponents, inverse)
    pulled = torch.einsum("km,mbij,mbj->kbi", exponents, inverse, loc)
    together = symmetric(torch.linalg.inv(precision))
    mean = (together @ pulled.unsqueeze(-1)).squeeze(-1)
    apart = loc - mean.unsqueeze(1)  # (K, M, B, D)
    lost = torch.einsum("km,kmbi,mbij,kmbj->kb", exponents, apart, inverse, apart)
    volume = torch.einsum("km,mb->kb", exponents, torch.logdet(covariance))
    return mean, together, 0.5 * (torch.logdet(together) - volume - lost)


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
