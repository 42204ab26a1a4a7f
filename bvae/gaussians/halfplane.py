"""Univariate normal distributions as points of the hyperbolic half-plane: Fisher-Rao geometry, elementwise.

The point of N(mu, s^2) is (mu / sqrt 2, s), and the Fisher-Rao distance is sqrt 2 times the hyperbolic one.
Miyamoto et al., *On closed-form expressions for the Fisher-Rao distance*, arXiv 2304.14885.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

ROOT2 = math.sqrt(2)
MAX_STEPS = 100
UNSEEN_STEPS = 24
"""Enough for experts whose scales are e^6 and whose means a million apart; usual ones take three to eight."""


def squared_distance(loc_p: Tensor, scale_p: Tensor, loc_q: Tensor, scale_q: Tensor) -> Tensor:
    """d^2 with d = sqrt 2 arcosh(1 + ((mu_p - mu_q)^2 / 2 + (s_p - s_q)^2) / (2 s_p s_q)), of each element."""
    half = 0.25 * (0.5 * (loc_p - loc_q).square() + (scale_p - scale_q).square()) / (scale_p * scale_q)
    return 8 * _squared_arsinh_of_root(half)  # arcosh(1 + 2 h) = 2 arsinh(sqrt h)


def _squared_arsinh_of_root(h: Tensor) -> Tensor:
    """arsinh(sqrt h)^2 for h >= 0, with its derivative at 0."""
    small = h < 1e-4
    safe = torch.where(small, torch.ones_like(h), h)
    series = h - h.square() / 3 + 8 * h.pow(3) / 45
    return torch.where(small, series, safe.sqrt().arcsinh().square())


def _logarithm(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Tangent vector at (0, 1) of the geodesic to (x, y) that arrives at time 1, and d coth d of its length d."""
    half = (x.square() + (y - 1).square()) / (4 * y)  # sinh^2(d/2)
    small = half < 1e-4
    safe = torch.where(small, torch.ones_like(half), half)
    root = safe.sqrt().arcsinh()  # d/2
    ratio = torch.where(small, 1 - 2 * half / 3 + 8 * half.square() / 15, root / (safe * (1 + safe)).sqrt())
    # sinh d = 2 sqrt(h (1 + h)), so ratio = d / sinh d.
    first, second = x / y, (x.square() + (y - 1) * (y + 1)) / (2 * y)
    cosh = 1 + 2 * half
    return ratio * first, ratio * second, ratio * cosh


def _exponential(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The point that the geodesic from (0, 1) with velocity (a, b) reaches at time 1."""
    r = torch.hypot(a, b).clamp_min(1e-30)
    sinh_over_r = torch.where(r < 1e-6, torch.ones_like(r), r.sinh() / r)
    # 1/y = cosh r - sinh r b/r; for b > 0 written without the cancellation of two large numbers.
    inverse = torch.where(b > 0, (-r).exp() + sinh_over_r * a.square() / (r + b.clamp_min(0))
                          , r.cosh() - sinh_over_r * b)
    y = inverse.reciprocal()
    return y * sinh_over_r * a, y


def looked_at(values: Tensor) -> bool:
    """Whether a look at numbers is no wait for a device."""
    return values.device.type == "cpu"


def karcher_mean(loc: Tensor, scale: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """argmin of sum_m w_m d^2 in each element, by Riemannian Newton steps.

    Parameters
    ----------
    loc, scale : Tensor
        (M, ...).
    weights : Tensor
        Broadcasts with them; sum 1 over M.

    Returns
    -------
    loc, scale : Tensor
        (...), differentiable by the implicit function theorem.

    Raises
    ------
    ArithmeticError
        If the iteration has not converged after 100 steps. On another device than a CPU every look at a number is a
        wait for the device: there it makes `UNSEEN_STEPS` steps, and what has not converged is NaN.
    """
    seen = looked_at(loc)
    with torch.no_grad():
        points = loc.double() / ROOT2, scale.double()
        w = weights.double()
        x, y = (w * points[0]).sum(0), (w * points[1].log()).sum(0).exp()
        value = _value(points, w, x, y)
        damping = torch.ones_like(value)
        for _ in range(MAX_STEPS if seen else UNSEEN_STEPS):
            a, b = _newton(points, w, x, y)
            length = torch.hypot(a, b)
            factor = damping * (2.0 / length.clamp_min(2.0))  # never further than 2 at once
            dx, dy = _exponential(a * factor, b * factor)
            new_x, new_y = x + y * dx, y * dy
            new_value = _value(points, w, new_x, new_y)
            better = (new_value <= value + 1e-13 * value.abs()) & torch.isfinite(new_value)
            x, y = torch.where(better, new_x, x), torch.where(better, new_y, y)
            value = torch.where(better, new_value, value)
            damping = torch.where(better, (2 * damping).clamp_max(1.0), damping / 4)
            # Steps that no longer improve the value are rounding, if they are small.
            if seen and bool(((length < 1e-9) | ((length < 1e-6) & ~better)).all()):
                break
        else:
            if not seen:
                x, y = torch.where(length < 1e-6, x, torch.nan), torch.where(length < 1e-6, y, torch.nan)
            elif not bool((length < 1e-6).all()):
                raise ArithmeticError("Fisher-Rao barycenter: not converged after "
                                      f"{MAX_STEPS} steps, last step {length.max().item():.2g}")
    # One more Newton step, of first order only, whose derivative is that of the minimiser.
    points = loc.double() / ROOT2, scale.double()
    a, b = _newton(points, weights.double(), x, y)
    return (ROOT2 * (x + y * a)).to(loc.dtype), (y * b.exp()).to(loc.dtype)


def _value(points: tuple[Tensor, Tensor], w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return (w * squared_distance(ROOT2 * points[0], points[1], ROOT2 * x, y)).sum(0)


def _newton(points: tuple[Tensor, Tensor], w: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The Newton step at (x, y), in the coordinates in which that is (0, 1). Its matrix takes no part in gradients.

    The Hessian of d^2/2 is 1 along the geodesic to the point and d coth d across it.
    """
    first, second, across = _logarithm((points[0] - x) / y, points[1] / y)
    with torch.no_grad():
        square = (first.square() + second.square()).clamp_min(1e-300)
        extra = (across - 1) / square
        h11 = (w * (1 + extra * second.square())).sum(0)
        h22 = (w * (1 + extra * first.square())).sum(0)
        h12 = -(w * extra * first * second).sum(0)
        det = h11 * h22 - h12.square()
    g1, g2 = (w * first).sum(0), (w * second).sum(0)
    return (h22 * g1 - h12 * g2) / det, (h11 * g2 - h12 * g1) / det
