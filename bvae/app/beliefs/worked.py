"""Formulas of the rules in one latent dimension, with a scene's own numbers, as LaTeX. No widgets here.

Where a rule has a formula for one dimension, it is computed a second time here, in double precision. The Fisher-Rao
barycenter is an iteration, and the components of pools know all dimensions: those are read off the result. A rule that
has no entry gets a list of what goes in and what comes out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import singledispatch
from typing import NamedTuple

import numpy as np

from bvae.aggregators import Aggregator
from bvae.aggregators.code import ConsensusOfDependentExperts
from bvae.aggregators.fisher_rao import FisherRaoBarycenter
from bvae.aggregators.hoelder import HellingerMoments, HoelderPool
from bvae.aggregators.jeffreys import JeffreysBarycenter
from bvae.aggregators.moe import MixtureOfExperts, MomentMatching
from bvae.aggregators.poe import GeometricMean, ProductOfExperts
from bvae.aggregators.subsets import SubsetMixture
from bvae.aggregators.wasserstein import WassersteinBarycenter
from bvae.app.beliefs.scene import Scene
from bvae.gaussians.posterior import Posterior
from bvae.plots import style

HEAVIEST = 3  # components that are written out


class Experts(NamedTuple):
    """The observed experts of positive weight in one latent dimension.

    Attributes
    ----------
    names : list of str
        LaTeX, in the colours of the modalities.
    w, mu, sigma : ndarray
        (n,); the weights sum to 1.
    everyone : bool
        Whether these are all modalities that the model has.
    places : ndarray
        (n,): their positions among the modalities.
    """

    names: list[str]
    w: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray
    everyone: bool
    places: np.ndarray


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


def experts_in(scene: Scene, d: int, views: Sequence[str]) -> Experts:
    """The experts as the rule that is decoded sees them in dimension d."""
    rule, used = scene.rule.conditional(), scene.used
    if used is not None and len(used) != len(scene.loc):
        used = None  # weights of subsets: one subset alone has no use for them
    seen = rule.prepare(scene.loc, scene.scale, scene.present, used)
    there = np.flatnonzero(seen.present[:, 0].numpy())
    w = seen.weights.expand(*scene.loc.shape)[there, 0, d].double().numpy()
    return Experts([named(views[m], m) for m in there], w, scene.loc[there, 0, d].double().numpy(),
                   scene.scale[there, 0, d].double().numpy(), len(there) == len(scene.loc), there)


def work_out(scene: Scene, d: int, views: Sequence[str]) -> Worked:
    """The scene's rule in dimension d; N(0, 1) if nothing is observed."""
    e = experts_in(scene, d, views)
    if not len(e.w):
        return Worked([r"q(z) &= \mathcal N(0, 1), \; \text{the prior}"], 0.0, 1.0)
    return worked(scene.rule, e, scene, d)


# -- writing ---------------------------------------------------------------------------------------------------------


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


def named(view: str, m: int) -> str:
    """A modality's name in its colour."""
    return rf"\textcolor{{{style.color(m)}}}{{\text{{{re.sub(r'[^A-Za-z0-9 .-]', ' ', view)}}}}}"


def normal(mu: float, sigma: float) -> str:
    """A normal distribution."""
    return rf"\mathcal N({number(mu)},\, {number(sigma)}^2)"


def total(name: str, terms: Sequence[str], result: str = "", in_line: int = 2) -> list[str]:
    """A sum over several lines, so that it fits a phone."""
    rows = [" + ".join(terms[i : i + in_line]) for i in range(0, len(terms), in_line)]
    lines = [f"{name} &= {rows[0]}", *(rf"&\quad + {row}" for row in rows[1:])]
    return [*lines, f"&= {result}"] if result else lines


def aligned(lines: Sequence[str]) -> str:
    """Rows as one formula, small enough for a phone."""
    return r"\small\begin{aligned}" + r"\\[3pt]".join(lines) + r"\end{aligned}"


def mixture(weights: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of a mixture."""
    mean = float(weights @ loc)
    return mean, float(np.sqrt(weights @ (scale**2 + (loc - mean) ** 2)))


def components(q: Posterior, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and standard deviations of the components that count, in dimension d."""
    weights, loc, scale = (v.double().numpy() for v in (q.weights[:, 0], q.loc[:, 0, d], q.scale[:, 0, d]))
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


def moments(mean: float, scale: float) -> list[str]:
    """The last lines of a mixture."""
    return [rf"\operatorname{{mean}} &= {number(mean)}", rf"\operatorname{{sd}} &= {number(scale)}"]


# -- the rules -------------------------------------------------------------------------------------------------------


@singledispatch
def worked(rule: Aggregator, e: Experts, scene: Scene, d: int) -> Worked:
    """The formula of a rule with its numbers; of an unknown one, what goes in and what comes out."""
    mean, scale = mixture(*components(scene.decoded, d))
    lines = [rf"w &= {number(w)},\; {normal(m, s)} \quad {n}" for n, w, m, s in zip(*e[:4], strict=True)]
    return Worked([*lines, *moments(mean, scale)], mean, scale)


@worked.register
def _(rule: ProductOfExperts, e: Experts, scene: Scene, d: int) -> Worked:
    prior = rule.prior_expert == "always" or (rule.prior_expert == "full" and e.everyone)
    return _product(len(e.w) * e.w, e, prior)


@worked.register
def _(rule: GeometricMean, e: Experts, scene: Scene, d: int) -> Worked:
    return _product(e.w, e, False)


def _product(exponents: np.ndarray, e: Experts, prior: bool) -> Worked:
    precisions = exponents / e.sigma**2
    over = precisions.sum() + prior
    mean, scale = float(precisions @ e.mu / over), float(over**-0.5)
    whole = np.allclose(exponents, 1)
    terms = [rf"\tfrac{{{'1' if whole else number(x)}}}{{{number(s)}^2}}"
             for x, s in zip(exponents, e.sigma, strict=True)]
    if prior:
        terms.append(r"\underbrace{1}_{\text{prior}}")
    pulled = [rf"{number(p)}\cdot {factor(m)}" for p, m in zip(precisions, e.mu, strict=True)]
    pull = float(precisions @ e.mu)
    return Worked([
        *total(r"\tfrac{1}{\sigma^2}", terms, rf"{number(over)}\\[3pt]\sigma &= {number(scale)}"),
        *total(r"\tfrac{\mu}{\sigma^2}", pulled, rf"{number(pull)}\\[3pt]\mu &= "
               rf"\tfrac{{{number(pull)}}}{{{number(over)}}} = {number(mean)}"),
    ], mean, scale)


@worked.register
def _(rule: WassersteinBarycenter, e: Experts, scene: Scene, d: int) -> Worked:
    mean, scale = float(e.w @ e.mu), float(e.w @ e.sigma)
    return Worked([*total(r"\mu", _weighted(e.w, e.mu), number(mean)),
                   *total(r"\sigma", _weighted(e.w, e.sigma), number(scale))], mean, scale)


def _weighted(w: np.ndarray, values: np.ndarray) -> list[str]:
    return [rf"{number(a)}\cdot {factor(b)}" for a, b in zip(w, values, strict=True)]


@worked.register
def _(rule: MomentMatching, e: Experts, scene: Scene, d: int) -> Worked:
    mean, scale = mixture(e.w, e.mu, e.sigma)
    spread = [rf"{number(w)}\big({number(s)}^2 + ({number(m - mean)})^2\big)"
              for w, m, s in zip(e.w, e.mu, e.sigma, strict=True)]
    return Worked([*total(r"\mu", _weighted(e.w, e.mu), number(mean)),
                   *total(r"\sigma^2", spread, rf"{number(scale**2)}\\[3pt]\sigma &= {number(scale)}")],
                  mean, scale)


@worked.register
def _(rule: MixtureOfExperts, e: Experts, scene: Scene, d: int) -> Worked:
    mean, scale = mixture(e.w, e.mu, e.sigma)
    terms = [rf"{number(w)}\,{normal(m, s)}" for w, m, s in zip(e.w, e.mu, e.sigma, strict=True)]
    return Worked([*total("q(z)", terms), *moments(mean, scale)], mean, scale)


@worked.register
def _(rule: HoelderPool, e: Experts, scene: Scene, d: int) -> Worked:
    terms, mean, scale = heaviest(scene.decoded, d)
    return Worked([rf"\alpha &= {number(rule.alpha)}", *total("q(z)", terms, in_line=1),
                   *moments(mean, scale)], mean, scale)


@worked.register
def _(rule: HellingerMoments, e: Experts, scene: Scene, d: int) -> Worked:
    used = scene.used if scene.used is not None and len(scene.used) == len(scene.loc) else None
    pool = HoelderPool(0.5)(scene.loc, scene.scale, scene.present, used)
    terms, mean, scale = heaviest(pool, d)
    return Worked([*total(r"\text{pool}", terms, in_line=1), rf"\mu &= \text{{its mean}} = {number(mean)}",
                   rf"\sigma &= \text{{its sd}} = {number(scale)}"], mean, scale)


@worked.register
def _(rule: JeffreysBarycenter, e: Experts, scene: Scene, d: int) -> Worked:
    a, b, c = float(e.w @ e.sigma**-2), float(e.w @ (e.mu / e.sigma**2)), float(e.w @ e.mu)
    mean, variance = c, 1 / a
    for _ in range(500):  # the fixed point, see `JeffreysBarycenter`
        variance = math.sqrt(e.w @ (e.sigma**2 + (e.mu - mean) ** 2) / a)
        mean = (c / variance + b) / (1 / variance + a)
    scale = math.sqrt(variance)
    return Worked([
        *total("a", [rf"\tfrac{{{number(w)}}}{{{number(s)}^2}}" for w, s in zip(e.w, e.sigma, strict=True)], number(a)),
        *total("b", [rf"\tfrac{{{number(w)}\cdot {factor(m)}}}{{{number(s)}^2}}"
                     for w, m, s in zip(e.w, e.mu, e.sigma, strict=True)], number(b)),
        *total("c", _weighted(e.w, e.mu), number(c)),
        rf"\mu &= \tfrac{{{number(c)}/{number(scale)}^2 + {factor(b)}}}{{1/{number(scale)}^2 + {number(a)}}} = "
        rf"{number(mean)}", rf"\sigma &= {number(scale)}"], mean, scale)


@worked.register
def _(rule: FisherRaoBarycenter, e: Experts, scene: Scene, d: int) -> Worked:
    mean, scale = mixture(*components(scene.decoded, d))
    ratio = ((mean - e.mu) ** 2 / 2 + (scale - e.sigma) ** 2) / (2 * scale * e.sigma)
    distance = math.sqrt(2) * np.arccosh(1 + ratio)
    terms = [rf"{number(w)}\cdot {number(x)}^2" for w, x in zip(e.w, distance, strict=True)]
    least = rf"{number(e.w @ distance**2)}, \; \text{{the least}}"
    return Worked([rf"\mu &= {number(mean)}\\[3pt]\sigma &= {number(scale)}",
                   *total(r"\sum_m w_m d_m^2", terms, least)], mean, scale)


@worked.register
def _(rule: ConsensusOfDependentExperts, e: Experts, scene: Scene, d: int) -> Worked:
    s = e.sigma / np.sqrt(len(e.w) * e.w)
    matrix = np.where(np.eye(len(s), dtype=bool), 1.0, rule.rho) * np.outer(s, s)
    row = np.linalg.solve(matrix, np.ones(len(s)))  # 1' S^-1
    over, pull = float(row.sum()), float(row @ e.mu)
    mean, scale = pull / over, over**-0.5
    cells = r"\\".join("&".join(number(v) for v in line) for line in matrix)
    return Worked([rf"S &= \begin{{pmatrix}}{cells}\end{{pmatrix}}, \; \rho = {number(rule.rho)}",
                   rf"\mathbf 1^\top S^{{-1}} \mathbf 1 &= {number(over)}\\[3pt]\sigma &= {number(scale)}",
                   *total(r"\mathbf 1^\top S^{-1} m", _weighted(row, e.mu), rf"{number(pull)}\\[3pt]\mu &= "
                          rf"\tfrac{{{number(pull)}}}{{{number(over)}}} = {number(mean)}")], mean, scale)


@worked.register
def _(rule: SubsetMixture, e: Experts, scene: Scene, d: int) -> Worked:
    weights, loc, scale = components(scene.posterior, d)
    ends = [0, len(weights) - 1] if len(weights) > 1 else [0]
    terms = [rf"{number(weights[k])}\,{normal(loc[k], scale[k])}" for k in ends]
    if len(weights) > 2:
        terms.insert(1, rf"\text{{{len(weights) - 2} more}}")
    lines = [*total("q(z)", terms, in_line=1), *moments(*mixture(weights, loc, scale))]
    inside = worked(rule.inner(), e, scene, d)
    return Worked([*lines, r"&\textbf{decoded: all observed views}", *inside.lines], inside.mean, inside.scale)
