"""What rules write their formula with when it gets one item's numbers, see `Aggregator.worked_formula`: LaTeX."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bvae.gaussians.posterior import Posterior

if TYPE_CHECKING:
    from bvae.aggregators.experts import Experts

HEAVIEST = 3  # components that are written out


class Worked(NamedTuple):
    """A formula with its numbers.

    Attributes
    ----------
    lines : list of str
        Rows of LaTeX, aligned at "&".
    mean, scale : float
        What it comes to: mean and standard deviation.
    """

    lines: list[str]
    mean: float
    scale: float


@dataclass(frozen=True)
class OneDimension:
    """One item in one latent dimension, from which a rule's formula is filled in. At least one expert is present.

    Attributes
    ----------
    experts : Experts
        (M, 1, D), what the rule gets to see.
    joint : Posterior
        What the rule makes of them.
    d : int
        The dimension.
    views : sequence of str
        (M,): names of the modalities, LaTeX.
    """

    experts: Experts
    joint: Posterior
    d: int
    views: Sequence[str]

    @cached_property
    def places(self) -> np.ndarray:
        """(n,): the present experts' positions among the modalities."""
        return np.flatnonzero(self.experts.present[:, 0].cpu().numpy())

    @property
    def everyone(self) -> bool:
        """Whether these are all modalities."""
        return len(self.places) == len(self.experts.loc)

    @property
    def names(self) -> list[str]:
        """(n,): of the present experts."""
        return [self.views[m] for m in self.places]

    @cached_property
    def w(self) -> np.ndarray:
        """(n,): weights of the present experts, sum 1."""
        return self._of(self.experts.weights.expand(*self.experts.loc.shape))

    @cached_property
    def mu(self) -> np.ndarray:
        """(n,): means."""
        return self._of(self.experts.loc)

    @cached_property
    def sigma(self) -> np.ndarray:
        """(n,): standard deviations."""
        return self._of(self.experts.scale)

    def _of(self, values: Tensor) -> np.ndarray:
        return values[self.places, 0, self.d].detach().cpu().double().numpy()


@dataclass(frozen=True)
class InThePlane:
    """Experts with full covariances in one or two dimensions, and what a rule makes of them. At least one expert.

    Attributes
    ----------
    names : sequence of str
        (n,): one letter each, of the present experts.
    w : sequence of float
        (n,), sum 1.
    means, covariances : sequence of Tensor
        (n,) of (D,) and (D, D).
    mean, covariance : Tensor
        Of the rule.
    everyone : bool
        Whether no expert is missing.
    """

    names: Sequence[str]
    w: Sequence[float]
    means: Sequence[Tensor]
    covariances: Sequence[Tensor]
    mean: Tensor
    covariance: Tensor
    everyone: bool

    def mean_of_means(self) -> list[str]:
        """Rows of the weighted sum of means, for the rules whose mean it is."""
        return total(r"\mu", [f"{w:.2f}\\,{column(v)}" for w, v in zip(self.w, self.means, strict=True)],
                     column(self.mean), in_line=1)

    def sum_of_precisions(self, exponents: Sequence[float], prior: bool) -> list[str]:
        """Rows of the weighted sum of precisions; prior: whether that of N(0, I) takes part."""
        terms = [f"{x:.2f}\\,{matrix(torch.linalg.inv(s))}" for x, s in zip(exponents, self.covariances, strict=True)]
        return total(r"\Sigma^{-1}", terms + ["I"] * prior, matrix(torch.linalg.inv(self.covariance)), in_line=1)


def listed(case: InThePlane) -> list[str]:
    """What goes in, where a rule writes no formula of its own."""
    return [f"w_{n} &= {w:.2f}, \\; \\mu_{n} = {column(v)}, \\; \\Sigma_{n} = {matrix(s)}"
            for n, w, v, s in zip(case.names, case.w, case.means, case.covariances, strict=True)]


def in_and_out(case: OneDimension) -> Worked:
    """What goes into a rule and what comes out, where it writes no formula of its own."""
    mean, scale = mixture(*components(case.joint, case.d))
    lines = [rf"w &= {number(w)},\; {normal(m, s)} \quad {n}"
             for n, w, m, s in zip(case.names, case.w, case.mu, case.sigma, strict=True)]
    return Worked([*lines, *moments(mean, scale)], mean, scale)


# -- numbers as they are written --------------------------------------------------------------------------------------


def number(x: float) -> str:
    """Three significant digits."""
    if not math.isfinite(x):
        return r"\infty" if x > 0 else r"-\infty"
    if x and not 1e-3 <= abs(x) < 1e6:
        digits, power = f"{x:.2e}".split("e")
        return rf"{digits}\cdot 10^{{{int(power)}}}"
    text = f"{x:.3g}"
    return f"{x:.0f}" if "e" in text else text


def factor(x: float) -> str:
    """A number that is multiplied."""
    text = number(x)
    return f"({text})" if text.startswith("-") or "cdot" in text else text


def normal(mu: float, sigma: float) -> str:
    """A normal distribution."""
    return rf"\mathcal N({number(mu)},\, {square(sigma)})"


def square(x: float) -> str:
    """A number that is squared: a power of ten in it must not be taken for the exponent."""
    return f"{factor(x)}^2"


def weighted(w: np.ndarray, values: np.ndarray) -> list[str]:
    """The terms of a weighted sum."""
    return [rf"{number(a)}\cdot {factor(b)}" for a, b in zip(w, values, strict=True)]


def total(name: str, terms: Sequence[str], result: str = "", in_line: int = 2) -> list[str]:
    """A sum over several lines, so that it fits a phone."""
    rows = [" + ".join(terms[i : i + in_line]) for i in range(0, len(terms), in_line)]
    lines = [f"{name} &= {rows[0]}", *(rf"&\quad + {row}" for row in rows[1:])]
    return [*lines, f"&= {result}"] if result else lines


def moments(mean: float, scale: float) -> list[str]:
    """The last lines of a mixture."""
    return [rf"\operatorname{{mean}} &= {number(mean)}", rf"\operatorname{{sd}} &= {number(scale)}"]


def column(v: Tensor) -> str:
    """A vector, two decimals."""
    if len(v) == 1:
        return f"({v.item():.2f})"
    return r"\begin{pmatrix}" + r"\\".join(f"{x:.2f}" for x in v.tolist()) + r"\end{pmatrix}"


def matrix(a: Tensor) -> str:
    """A matrix, two decimals."""
    if len(a) == 1:
        return f"({a.item():.2f})"
    return r"\begin{pmatrix}" + r"\\".join("&".join(f"{x:.2f}" for x in row) for row in a.tolist()) + r"\end{pmatrix}"


def aligned(lines: Sequence[str]) -> str:
    """Rows as one formula, small enough for a phone."""
    return r"\small\begin{aligned}" + r"\\[3pt]".join(lines) + r"\end{aligned}"


# -- mixtures ---------------------------------------------------------------------------------------------------------


def mixture(weights: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of a mixture."""
    mean = float(weights @ loc)
    return mean, float(np.sqrt(weights @ (scale**2 + (loc - mean) ** 2)))


def components(q: Posterior, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and standard deviations of the components that count, in dimension d."""
    weights, loc, scale = (v.detach().cpu().double().numpy() for v in (q.weights[:, 0], q.loc[:, 0, d],
                                                                       q.scale[:, 0, d]))
    return weights[weights > 0], loc[weights > 0], scale[weights > 0]


def heaviest(q: Posterior, d: int) -> tuple[list[str], float, float]:
    """The heaviest components of a mixture as a sum, with its mean and standard deviation."""
    weights, loc, scale = components(q, d)
    order = np.argsort(-weights, kind="stable")[:HEAVIEST]
    terms = [f"{number(weights[k])}\\,{normal(loc[k], scale[k])}" for k in order]
    rest = len(weights) - len(order)
    if rest > 0:
        terms.append(rf"\text{{{rest} more, in all }} {number(max(0.0, 1 - weights[order].sum()))}")
    return terms, *mixture(weights, loc, scale)
