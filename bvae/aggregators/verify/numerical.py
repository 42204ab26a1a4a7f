"""Barycenters found by minimisation, for any divergence: the second route to every closed form.

It is slow and meant for proofs, pictures and new divergences, not for training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor

from bvae.aggregators.experts import check_scales, prepare_full
from bvae.gaussians import full_covariance
from bvae.gaussians.divergences import Distribution, Divergence, find_closed_form, quadrature_grid
from bvae.gaussians.posterior import FullPosterior, Posterior

Family = Literal["diagonal", "full"]


class NumericalBarycenter(NamedTuple):
    """The best Gaussian that was found for each of B items.

    Attributes
    ----------
    posterior : Posterior or FullPosterior
        K = 1; a `Posterior` for the family "diagonal".
    objective : Tensor
        (B,): the weighted sum of divergences there.
    gradient_norm : Tensor
        (B,): Euclidean norm of the objective's gradient there, with respect to means and the (log-)entries of the
        Cholesky factor.
    converged : Tensor
        (B,) bool: that norm is at most the tolerance times (1 + |objective|).
    """

    posterior: Distribution
    objective: Tensor
    gradient_norm: Tensor
    converged: Tensor

    def __str__(self) -> str:
        if bool(self.converged.all()):
            return f"converged, largest gradient norm {self.gradient_norm.max().item():.1e}"
        worst = int(torch.where(self.converged, -torch.inf, self.gradient_norm).argmax())
        return (f"NOT converged for {int((~self.converged).sum())} of {len(self.converged)} items, largest gradient "
                f"norm {self.gradient_norm[worst].item():.1e} (item {worst})")


def numerical_barycenter(
    experts: Distribution | tuple[Tensor, Tensor],
    divergence: Divergence,
    weights: Tensor | None = None,
    family: Family = "full",
    tolerance: float = 1e-6,
) -> NumericalBarycenter:
    """argmin over Gaussians q of sum_m w_m D(q, q_m), for any divergence.

    Parameters
    ----------
    experts : Posterior, FullPosterior or tuple of Tensor
        Component m is expert m (K = M; its own weights are not read), or loc (M, B, D) with scale (M, B, D) or
        covariance (M, B, D, D).
    divergence : Divergence
        With a closed form for one Gaussian, or an integral: by quadrature in one and two dimensions, beyond by
        importance sampling from 16,384 fixed points, whose minimum is that of the sample.
    weights : Tensor, optional
        (M,) or (M, B), sum 1; uniform by default.
    family : {"full", "diagonal"}
    tolerance : float

    Raises
    ------
    ValueError
        If an argument is not as above; names it, what was wanted and what came.

    Examples
    --------
    >>> from bvae.gaussians.divergences import divergence
    >>> loc, scale = torch.tensor([[[0.0]], [[4.0]]]), torch.ones(2, 1, 1)
    >>> numerical_barycenter((loc, scale), divergence("renyi", alpha=0.3)).posterior.mean
    tensor([[2.]], dtype=torch.float64)
    """
    if family not in get_args(Family):
        raise ValueError(f"family: expected one of {get_args(Family)}, got {family!r}")
    if not tolerance > 0:
        raise ValueError(f"tolerance: expected a positive number, got {tolerance!r}")
    if isinstance(experts, tuple):
        loc, spread = experts
        if spread.ndim == 3:
            check_scales(spread)
            spread = torch.diag_embed(spread.double().square())
    else:
        loc, spread = experts.loc, FullPosterior.of(experts).covariance
    # The checks of all rules: shapes, positive definiteness, weights.
    checked = prepare_full(loc.double(), spread.double(), None, None if weights is None else weights.double())
    weights = checked.item_weights
    full = FullPosterior(weights, checked.loc, checked.covariance)
    m, _, d = full.loc.shape
    alone = [FullPosterior.gaussian(full.loc[k], full.covariance[k]) for k in range(m)]
    closed = find_closed_form(type(divergence), family, family) is not None
    points = None if closed or d <= 2 else fixed_points(full, weights)

    def cost(q: Distribution, item: int) -> Tensor:
        if points is not None:
            z, log_proposal = points[0][:, item : item + 1], points[1][:, item : item + 1]
            log_q = q.log_prob(z)
            terms = [weights[k, item] * divergence.on_points(log_q, alone[k].items([item]).log_prob(z), log_proposal)[0]
                     for k in range(m)]
        else:
            terms = [weights[k, item] * divergence(q, narrow(alone[k].items([item]), family)).value[0]
                     for k in range(m)]
        return torch.stack(terms).sum()

    return minimise(cost, starts(full, weights), family, tolerance)


def fixed_points(experts: FullPosterior, weights: Tensor, count: int = 16384) -> tuple[Tensor, Tensor]:
    """Points (S, B, D) that cover the experts and what lies between them, and their log-density (S, B)."""
    mean, covariance = starts(experts, weights)[0]
    share = torch.cat([0.5 * weights, torch.full_like(weights[:1], 0.5)])
    proposal = FullPosterior(share, torch.cat([experts.loc, mean.unsqueeze(0)]),
                             torch.cat([experts.covariance, covariance.unsqueeze(0)]))
    z = proposal.rsample((count,), generator=torch.Generator().manual_seed(0))
    return z, proposal.log_prob(z)


def narrow(q: FullPosterior, family: Family) -> Distribution:
    """A Gaussian as a diagonal one, if the family asks for that and it is one."""
    if family == "diagonal" and full_covariance.is_diagonal(q.covariance):
        return Posterior(q.weights, q.loc, q.covariance.diagonal(dim1=-2, dim2=-1).sqrt())
    return q


def starts(experts: FullPosterior, weights: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Where to begin: a Gaussian wider than the mixture, a sharper one of the same mean, and every expert."""
    mean = torch.einsum("mb,mbd->bd", weights, experts.loc)
    apart = experts.loc - mean
    within = torch.einsum("mb,mbij->bij", weights, experts.covariance)
    between = torch.einsum("mb,mbi,mbj->bij", weights, apart, apart)
    return [(mean, 1.5 * within + between), (mean, within), *zip(experts.loc, experts.covariance, strict=True)]


def minimise(
    cost: Callable[[Distribution, int], Tensor], starts: list[tuple[Tensor, Tensor]], family: Family,
    tolerance: float = 1e-6,
) -> NumericalBarycenter:
    """The Gaussian of the least cost, item by item: BFGS from every start, then Newton steps from the best.

    Parameters
    ----------
    cost : callable
        (q with B = 1, item) -> scalar Tensor.
    starts : list of (loc, covariance)
        (B, D), (B, D, D).
    """
    from scipy.optimize import minimize

    b, d = starts[0][0].shape
    rows, columns = torch.tril_indices(d, d, -1)

    def unpack(flat: Tensor) -> Distribution:
        loc, log_diagonal = flat[:d], flat[d : 2 * d]
        if family == "diagonal":
            return Posterior.gaussian(loc.unsqueeze(0), log_diagonal.exp().unsqueeze(0))
        lower = torch.zeros(d, d, dtype=flat.dtype).index_put((rows, columns), flat[2 * d :])
        lower = lower + torch.diag_embed(log_diagonal.exp())
        return FullPosterior.gaussian(loc.unsqueeze(0), (lower @ lower.mT).unsqueeze(0))

    def pack(loc: Tensor, covariance: Tensor) -> np.ndarray:
        if family == "diagonal":
            return torch.cat([loc, 0.5 * covariance.diagonal().log()]).numpy()
        lower = torch.linalg.cholesky(covariance)
        return torch.cat([loc, lower.diagonal().log(), lower[rows, columns]]).numpy()

    found, objectives, norms = [], [], []
    for item in range(b):
        def value(flat: Tensor, item: int = item) -> Tensor:
            return cost(unpack(flat), item)

        def value_and_gradient(x: np.ndarray, value: Callable[[Tensor], Tensor] = value) -> tuple[float, np.ndarray]:
            flat = torch.from_numpy(x.copy()).requires_grad_()
            out = value(flat)
            (gradient,) = torch.autograd.grad(out, flat)
            if not bool(torch.isfinite(out) & torch.isfinite(gradient).all()):
                return 1e30, np.zeros_like(x)
            return out.item(), gradient.numpy()

        tried = [minimize(value_and_gradient, pack(loc[item].detach(), covariance[item].detach()), jac=True,
                          method="BFGS", options={"gtol": 1e-10, "maxiter": 400}) for loc, covariance in starts]
        x = min(tried, key=lambda result: result.fun).x
        x, best, norm = _polish(value_and_gradient, x)
        found.append(torch.from_numpy(x))
        objectives.append(best)
        norms.append(norm)
    parts = [unpack(flat) for flat in found]
    objective, gradient_norm = torch.tensor(objectives, dtype=torch.float64), torch.tensor(norms, dtype=torch.float64)
    weights, loc = torch.cat([q.weights for q in parts], 1), torch.cat([q.loc for q in parts], 1)
    if family == "diagonal":
        scales = [q.scale for q in parts if isinstance(q, Posterior)]
        posterior: Distribution = Posterior(weights, loc, torch.cat(scales, 1))
    else:
        covariances = [q.covariance for q in parts if isinstance(q, FullPosterior)]
        posterior = FullPosterior(weights, loc, torch.cat(covariances, 1))
    return NumericalBarycenter(posterior, objective, gradient_norm, gradient_norm <= tolerance * (1 + objective.abs()))


def _polish(
    value_and_gradient: Callable[[np.ndarray], tuple[float, np.ndarray]], x: np.ndarray, steps: int = 4
) -> tuple[np.ndarray, float, float]:
    """Newton steps with the Hessian by differences of gradients, as long as the gradient becomes smaller."""
    best, gradient = value_and_gradient(x)
    for _ in range(steps):
        h = 1e-5 * (1 + np.abs(x))
        hessian = np.array([(value_and_gradient(x + e)[1] - value_and_gradient(x - e)[1]) / (2 * e.sum())
                            for e in np.diag(h)])
        try:
            trial = x - np.linalg.solve(0.5 * (hessian + hessian.T), gradient)
        except np.linalg.LinAlgError:
            break
        new, new_gradient = value_and_gradient(trial)
        if not (np.linalg.norm(new_gradient) < np.linalg.norm(gradient) and new <= best + 1e-9 * (1 + abs(best))):
            break
        x, best, gradient = trial, new, new_gradient
    return x, best, float(np.linalg.norm(gradient))


class GridBarycenter(NamedTuple):
    """The best density on a grid for one item.

    Attributes
    ----------
    points : Tensor
        (P, 1, D).
    density : Tensor
        (P,).
    cell : float
        Volume of a cell: density.sum() * cell = 1.
    objective : float
    gradient_norm : float
        Of the objective with respect to the logarithms of the densities, on the simplex.
    """

    points: Tensor
    density: Tensor
    cell: float
    objective: float
    gradient_norm: float

    @property
    def mean(self) -> Tensor:
        """(D,)."""
        return (self.density.unsqueeze(1) * self.points[:, 0]).sum(0) * self.cell

    @property
    def covariance(self) -> Tensor:
        """(D, D)."""
        apart = self.points[:, 0] - self.mean
        return torch.einsum("p,pi,pj->ij", self.density, apart, apart) * self.cell


def grid_barycenter(
    targets: list[tuple[Tensor, FullPosterior]], divergence: Divergence, points_per_side: int
) -> GridBarycenter:
    """argmin over *all* densities on a grid of sum_m w_m D(q, q_m), for a divergence that is an integral.

    Parameters
    ----------
    targets : list of (weight (1,), FullPosterior)
        One item (B = 1), one or two dimensions.
    divergence : Divergence
    points_per_side : int
    """
    from scipy.optimize import minimize

    components = [q for _, q in targets]
    grid = quadrature_grid(components, reach=6.0, most=points_per_side, resolution=1e-9)
    if grid.points.shape[-1] == 1:
        keep = torch.linspace(0, len(grid.points) - 1, points_per_side).round().long()
        low, high = grid.points[0], grid.points[-1]
        points = low + (high - low) * (keep / (len(grid.points) - 1)).view(-1, 1, 1).double()
        cell = float(((high - low) / (points_per_side - 1)).item())
    else:
        points, cell = grid.points, float(grid.cell.item())
    log_p = [q.log_prob(points)[:, 0] for q in components]  # (P,)

    def value(logits: Tensor) -> Tensor:
        log_q = logits.log_softmax(0) - np.log(cell)
        terms = [w[0] * divergence.finish(divergence.integrand(log_q, p).sum() * cell)
                 for (w, _), p in zip(targets, log_p, strict=True)]
        return torch.stack(terms).sum()

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        flat = torch.from_numpy(x.copy()).requires_grad_()
        out = value(flat)
        (gradient,) = torch.autograd.grad(out, flat)
        return out.item(), gradient.numpy()

    start = torch.stack([w[0].log() + p for (w, _), p in zip(targets, log_p, strict=True)]).logsumexp(0)
    flat = (0.5 * start.clamp_min(start.max() - 60)).numpy()  # flatter than the mixture: not the answer itself
    result = minimize(value_and_gradient, flat, jac=True, method="L-BFGS-B",
                      options={"maxiter": 2000, "maxfun": 4000, "ftol": 1e-14, "gtol": 1e-10, "maxcor": 20})
    logits = torch.from_numpy(result.x)
    density = (logits.log_softmax(0) - np.log(cell)).exp()
    return GridBarycenter(points, density, cell, float(result.fun), float(np.linalg.norm(result.jac)))
