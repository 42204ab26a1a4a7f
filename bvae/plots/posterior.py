"""Posteriors in a plane and along single dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from bvae.gaussians.dimensions import axis_title, z_name
from bvae.gaussians.points import centred
from bvae.plots import style
from bvae.plots.sketch import Sketch

CIRCLE = np.linspace(0, 2 * np.pi, 73)
FEW = 8  # components of a mixture that are drawn one by one; of more, only their means
MASSES = (0.9, 0.6, 0.3)


@dataclass(frozen=True)
class Aggregate:
    """One item's joint posterior, as arrays.

    Attributes
    ----------
    rule : str
        Registered name of the aggregator: chooses the line style.
    label : str
    weights : ndarray
        (K,).
    loc, scale : ndarray
        (K, D).
    """

    rule: str
    label: str
    weights: np.ndarray
    loc: np.ndarray
    scale: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """(D,) mean of the mixture."""
        return self.weights @ self.loc

    @property
    def variance(self) -> np.ndarray:
        """(D,) variance of the mixture."""
        return self.weights @ (self.scale**2 + (self.loc - self.mean) ** 2)


@dataclass(frozen=True)
class Plane:
    """A two-dimensional view of the latent space.

    Attributes
    ----------
    axes : ndarray
        (2, D), orthonormal rows.
    origin : ndarray
        (D,), the point that lands at (0, 0).
    names : tuple of str
        Titles of both axes.
    """

    axes: np.ndarray
    origin: np.ndarray
    names: tuple[str, str]

    def point(self, z: np.ndarray) -> np.ndarray:
        """(..., D) -> (..., 2)."""
        return (z - self.origin) @ self.axes.T

    def covariance(self, scale: np.ndarray) -> np.ndarray:
        """Of diagonal Gaussians with standard deviations (..., D): (..., 2, 2)."""
        return np.einsum("id,...d,jd->...ij", self.axes, scale**2, self.axes)


def disagreement(loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """How much M experts disagree in each dimension: spread of the means over the typical width, (M, D) -> (D,)."""
    return loc.std(axis=0) / scale.mean(axis=0)


def most_disagreed(loc: np.ndarray, scale: np.ndarray, count: int) -> np.ndarray:
    """The dimensions in which the experts disagree most, in this order: (M, D), (M, D) -> (count,)."""
    return np.argsort(-disagreement(loc, scale), kind="stable")[:count]


def dimension_plane(loc: np.ndarray, scale: np.ndarray) -> Plane:
    """The two latent dimensions in which the experts disagree most. loc, scale: (M, D)."""
    first, second = np.argsort(-disagreement(loc, scale), kind="stable")[:2] if loc.shape[1] > 1 else (0, 0)
    axes = np.zeros((2, loc.shape[1]))
    axes[0, first], axes[1, second] = 1, float(first != second)
    return Plane(axes, np.zeros(loc.shape[1]), (axis_title(first), axis_title(second)))


def principal_plane(loc: np.ndarray) -> Plane:
    """The plane in which the experts' means (M, D) spread most: their first two principal components."""
    cloud = centred(loc)  # in a size whose squares exist: means of 1e-30 have directions too
    _, spread, axes = np.linalg.svd(cloud.offsets, full_matrices=True)
    share = spread**2 / max((spread**2).sum(), 1e-12)
    axes = np.concatenate([axes, np.zeros((1, 1))]) if len(axes) == 1 else axes  # one dimension: no second direction
    rows = axes[:2]
    rows = rows * np.where(rows[np.arange(2), np.abs(rows).argmax(axis=1)] < 0, -1, 1)[:, None]  # a fixed sign
    shares = [share[i] if i < len(share) else 0.0 for i in range(2)]
    first, second = (f"direction {i + 1} ({s:.0%} of the disagreement)" for i, s in enumerate(shares))
    return Plane(rows, cloud.centre, (first, second))


def ellipse(centre: np.ndarray, covariance: np.ndarray, radius: float) -> np.ndarray:
    """Outline of {x: Mahalanobis distance = radius}: (73, 2)."""
    values, vectors = np.linalg.eigh(covariance)
    circle = np.stack([np.cos(CIRCLE), np.sin(CIRCLE)], axis=1)
    return centre + radius * circle * np.sqrt(np.clip(values, 0, None)) @ vectors.T


def window(
    plane: Plane, loc: np.ndarray, scale: np.ndarray, aggregates: Sequence[Aggregate] = (),
    samples: np.ndarray | None = None,
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of both axes, of one span, that cut off nothing of what :func:`plane_figure` draws.

    They hold all experts (M, D), observed or not, and every aggregate at 2 sigma (components of mixtures at 1), the
    prior at 1 sigma, and the samples (S, D).
    """
    dimensions = loc.shape[1]
    drawn = [(loc, scale, 2.0), (np.zeros((1, dimensions)), np.ones((1, dimensions)), 1.0)]
    for q in aggregates:
        there = q.weights > 0
        drawn.append((q.loc[there], q.scale[there], 2.0 if len(q.weights) == 1 else 1.0))
    if samples is not None and len(samples):
        drawn.append((samples, np.zeros_like(samples), 0.0))
    centres = [plane.point(m) for m, _, _ in drawn]
    reach = [r * np.sqrt(np.diagonal(plane.covariance(s), axis1=-2, axis2=-1)) for _, s, r in drawn]
    low = np.concatenate([m - r for m, r in zip(centres, reach, strict=True)]).min(axis=0)
    high = np.concatenate([m + r for m, r in zip(centres, reach, strict=True)]).max(axis=0)
    middle, half = (low + high) / 2, float((high - low).max()) / 2 * 1.05
    return (middle[0] - half, middle[0] + half), (middle[1] - half, middle[1] + half)


def common_windows(
    planes: Sequence[Plane], locs: Sequence[np.ndarray], scales: Sequence[np.ndarray],
    aggregates: Sequence[Sequence[Aggregate]] | None = None,
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Limits for planes of several latent spaces: each around what it shows, all of the same span."""
    each = [window(*of) for of in zip(planes, locs, scales, aggregates or [()] * len(planes), strict=True)]
    half = max(x1 - x0 for (x0, x1), _ in each) / 2

    def about(middle: float) -> tuple[float, float]:
        return middle - half, middle + half

    return [(about((x0 + x1) / 2), about((y0 + y1) / 2)) for (x0, x1), (y0, y1) in each]


def density(plane: Plane, q: Aggregate, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Density of the projected mixture on the grid x (I,), y (J,): (J, I), single precision."""
    kept = q.weights > 0
    centre = plane.point(q.loc[kept]).astype(np.float32)  # (K, 2)
    precision = np.linalg.inv(plane.covariance(q.scale[kept]) + 1e-12 * np.eye(2))  # (K, 2, 2)
    height = (q.weights[kept] * np.sqrt(np.linalg.det(precision)) / (2 * np.pi)).astype(np.float32)  # (K,)
    a, b, c = (-0.5 * precision[:, i, j].astype(np.float32)[:, None, None] for i, j in ((0, 0), (0, 1), (1, 1)))
    dx = np.asarray(x, dtype=np.float32)[None, None, :] - centre[:, 0, None, None]  # (K, 1, I)
    dy = np.asarray(y, dtype=np.float32)[None, :, None] - centre[:, 1, None, None]  # (K, J, 1)
    return np.einsum("k,kji->ji", height, np.exp(a * dx**2 + 2 * b * dx * dy + c * dy**2))


def plane_figure(
    plane: Plane,
    names: Sequence[str],
    loc: np.ndarray,
    scale: np.ndarray,
    observed: Sequence[bool],
    aggregates: Sequence[Aggregate],
    ink: style.Ink,
    samples: np.ndarray | None = None,
    height: int = 430,
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
    before: np.ndarray | None = None,
) -> go.Figure:
    """Experts, prior and one or several aggregates in a plane, as 1- and 2-sigma ellipses with dots for the means.

    Mixtures are contours of their density that hold 30, 60 and 90 percent of the mass of the picture, with their
    components as thin ellipses, or as dots if there are many; a component's weight is its opacity.

    Parameters
    ----------
    plane : Plane
    names : sequence of str
        M names of modalities.
    loc, scale : ndarray
        (M, D) experts; those that are not observed set the limits of the axes but are not drawn.
    observed : sequence of bool
        M.
    aggregates : sequence of Aggregate
        The first one is the chosen one: a mixture's contours are drawn of this one only.
    ink : style.Ink
    samples : ndarray, optional
        (S, D) draws from the first aggregate.
    height : int
        Pixels.
    limits : tuple of tuple of float, optional
        Of both axes; by default those of :func:`window`.
    before : ndarray, optional
        (M, D) means of the experts before something was done to them: a dotted line leads from where they were.
    """
    figure = Sketch()
    (x0, x1), (y0, y1) = limits or window(plane, loc, scale, aggregates, samples)
    if aggregates and len(aggregates[0].weights) > 1:
        _add_contours(figure, plane, aggregates[0], (x0, x1), (y0, y1), ink)
    prior = plane.covariance(np.ones(loc.shape[1]))
    origin = plane.point(np.zeros(loc.shape[1]))
    outline = ellipse(origin, prior, 1)
    figure.add_scatter(
        x=outline[:, 0], y=outline[:, 1], mode="lines", name="prior, 1σ", hoverinfo="name",
        line={"color": ink.faint, "width": 1},
    )
    for m, name in enumerate(names):
        if observed[m]:
            _add_gaussian(figure, plane, loc[m], scale[m], name, style.color(m), style.marker(m))
            if before is not None and not np.allclose(before[m], loc[m], atol=1e-4):
                way = plane.point(np.stack([before[m], loc[m]]))
                figure.add_scatter(
                    x=way[:, 0], y=way[:, 1], mode="lines+markers", name=f"{name}: from where it was", legendgroup=name,
                    hoverinfo="name", line={"color": style.color(m), "dash": "dot", "width": 1.5},
                    marker={"symbol": style.marker(m) + "-open", "size": [10, 0], "color": style.color(m)})
    for i, q in enumerate(aggregates):
        _add_aggregate(figure, plane, q, ink, strong=i == 0)
    if samples is not None and len(samples):
        points = plane.point(samples)
        figure.add_scatter(
            x=points[:, 0], y=points[:, 1], mode="markers", name="draws", hoverinfo="name",
            marker={"symbol": "cross-thin", "size": 8, "line": {"width": 1.5, "color": ink.aggregate}},
        )
    style.layout(figure, ink, height)
    style.fix_margins(figure, left=58)
    figure.update_xaxes(title=plane.names[0], range=[x0, x1], constrain="domain")
    figure.update_yaxes(title=plane.names[1], range=[y0, y1], scaleanchor="x", scaleratio=1, constrain="domain")
    return figure.figure()


def _add_gaussian(
    figure: Sketch, plane: Plane, loc: np.ndarray, scale: np.ndarray, name: str, color: str, symbol: str
) -> None:
    centre, covariance = plane.point(loc), plane.covariance(scale)
    for radius, opacity in ((2, 0.08), (1, 0.16)):
        outline = ellipse(centre, covariance, radius)
        figure.add_scatter(
            x=outline[:, 0], y=outline[:, 1], mode="lines", fill="toself", fillcolor=style.rgba(color, opacity),
            line={"color": color, "width": 1.5 if radius == 1 else 0.8}, legendgroup=name, showlegend=False,
            name=name, hoverinfo="name",
        )
    figure.add_scatter(
        x=[centre[0]], y=[centre[1]], mode="markers", name=name, legendgroup=name, hoverinfo="name",
        marker={"color": color, "symbol": symbol, "size": 10, "line": {"color": "white", "width": 1}},
    )


def _add_aggregate(figure: Sketch, plane: Plane, q: Aggregate, ink: style.Ink, strong: bool) -> None:
    color = ink.of(q.rule)
    line = {"color": color, "dash": style.dash(q.rule), "width": 3 if strong else 1.6}
    alive = np.flatnonzero(q.weights > 0)
    mixture, shown = len(q.weights) > 1, True
    opacity = np.clip(0.75 * q.weights / q.weights.max(), 0.08, 0.75)
    for k in alive if len(alive) <= FEW else ():
        centre, covariance = plane.point(q.loc[k]), plane.covariance(q.scale[k])
        for radius in (1,) if mixture else (1, 2):
            outline = ellipse(centre, covariance, radius)
            figure.add_scatter(
                x=outline[:, 0], y=outline[:, 1], mode="lines", name=q.label, legendgroup=q.label, showlegend=shown,
                hoverinfo="name", line={**line, "width": 1.2} if mixture else line,
                opacity=float(opacity[k]) if mixture else (1.0 if radius == 1 else 0.6),
            )
            shown = False
    if len(alive) > FEW:
        points = plane.point(q.loc[alive])
        figure.add_scatter(
            x=points[:, 0], y=points[:, 1], mode="markers", name=f"its {len(alive)} components", hoverinfo="name",
            legendgroup=q.label, showlegend=False,
            marker={"color": color, "size": 4, "symbol": "circle", "opacity": opacity[alive].tolist()},
        )
    centre = plane.point(q.mean)
    figure.add_scatter(
        x=[centre[0]], y=[centre[1]], mode="markers", legendgroup=q.label, showlegend=shown, name=q.label,
        hoverinfo="name",
        marker={"color": color, "size": 9 if strong else 6, "symbol": "circle-open" if mixture else "circle",
                "line": {"width": 2, "color": color}},
    )


def _add_contours(
    figure: Sketch, plane: Plane, q: Aggregate, xs: tuple[float, float], ys: tuple[float, float], ink: style.Ink
) -> None:
    x, y = np.linspace(*xs, 64), np.linspace(*ys, 64)
    values = density(plane, q, x, y)
    if not values.any():  # so narrow that no point of the grid meets it: its mean is drawn
        return
    levels = mass_levels(values, MASSES)
    for level, mass in zip(levels, MASSES, strict=True):
        # One contour line each, filled upwards: areas of less mass lie on those of more and become darker.
        figure.add_contour(
            x=x, y=y, z=values, showscale=False, hoverinfo="skip", name=f"{mass:.0%} of the mass", showlegend=False,
            legendgroup=q.label, line={"width": 0.9, "color": style.rgba(ink.of(q.rule), 0.55)},
            contours={"type": "constraint", "operation": "<", "value": level},  # Plotly fills what is outside of it
            fillcolor=style.rgba(ink.of(q.rule), 0.09),
        )


def mass_levels(values: np.ndarray, masses: Sequence[float]) -> list[float]:
    """Densities above which lie the given shares of what is on the grid."""
    heights = np.sort(values, axis=None)[::-1].astype(np.float64)  # for float32, 1e-300 is 0
    held = np.cumsum(heights) / max(heights.sum(), 1e-300)
    return [float(heights[min(int(np.searchsorted(held, mass)), len(heights) - 1)]) for mass in masses]


def interval_figure(
    names: Sequence[str],
    loc: np.ndarray,
    scale: np.ndarray,
    observed: Sequence[bool],
    aggregates: Sequence[Aggregate],
    ink: style.Ink,
    num_dimensions: int = 6,
    height: int = 360,
    dimensions: np.ndarray | None = None,
) -> go.Figure:
    """Mean and 2-sigma interval of every expert and aggregate, in the dimensions of most disagreement or others.

    Parameters: see :func:`plane_figure`. The dimensions are chosen from all experts, observed or not, so that they
    stay the same while modalities are switched.
    """
    chosen = most_disagreed(loc, scale, num_dimensions) if dimensions is None else dimensions
    figure = Sketch()
    drawn = [m for m in range(len(names)) if observed[m]]
    lanes = len(drawn) + len(aggregates)
    offset = np.linspace(0.34, -0.34, max(lanes, 2))
    rows = np.arange(len(chosen))
    for lane, m in enumerate(drawn):
        figure.add_scatter(
            x=loc[m, chosen], y=rows + offset[lane], mode="markers", name=names[m],
            marker={"color": style.color(m), "symbol": style.marker(m), "size": 7},
            error_x={"array": 2 * scale[m, chosen], "color": style.color(m), "thickness": 1.5, "width": 0},
            hovertemplate="%{x:.2f} ± %{error_x.array:.2f}<extra>" + names[m] + "</extra>",
        )
    for lane, q in enumerate(aggregates, start=len(drawn)):
        whole_mixture = len(q.weights) > 1 and len(aggregates) > 1
        color = ink.faint if whole_mixture else ink.of(q.rule)
        figure.add_scatter(
            x=q.mean[chosen], y=rows + offset[lane], mode="markers", name=q.label,
            marker={"color": color, "symbol": "circle", "size": 8},
            error_x={"array": 2 * np.sqrt(q.variance[chosen]), "color": color, "thickness": 2.5, "width": 4},
            hovertemplate="%{x:.2f} ± %{error_x.array:.2f}<extra>" + q.label + "</extra>",
        )
    limit_low = min(0.0, float((loc - 2 * scale)[:, chosen].min()))
    limit_high = max(0.0, float((loc + 2 * scale)[:, chosen].max()))
    style.layout(figure, ink, height, showlegend=False)
    style.fix_margins(figure, left=58)
    figure.update_xaxes(title="value of z: mean and 2σ interval", range=[limit_low - 0.2, limit_high + 0.2])
    figure.update_yaxes(
        tickvals=rows, ticktext=[z_name(d) for d in chosen], range=[len(chosen) - 0.5, -0.5], showgrid=False
    )
    for row in rows[:-1]:
        figure.add_hline(y=row + 0.5, line={"color": ink.grid, "width": 1})
    return figure.figure()


def density_figure(
    names: Sequence[str], loc: np.ndarray, scale: np.ndarray, aggregates: Sequence[Aggregate], ink: style.Ink,
    limits: tuple[float, float], height: int = 360,
) -> go.Figure:
    """Densities on a line: experts (M,) filled in their colours, aggregates as lines of their own styles."""
    x = np.linspace(*limits, 400)
    figure = Sketch()
    beliefs = [normal_density(x, m, s) for m, s in zip(loc, scale, strict=True)]
    for m, name in enumerate(names):
        figure.add_scatter(
            x=x, y=beliefs[m], mode="lines", name=name, fill="tozeroy",
            fillcolor=style.rgba(style.color(m), 0.14),
            line={"color": style.color(m), "width": 1.2, "simplify": False},  # leaving points out shows as corners
            hoverinfo="name",
        )
    for q in aggregates:
        parts = zip(q.weights, q.loc, q.scale, strict=True)
        beliefs.append(sum(w * normal_density(x, m[0], s[0]) for w, m, s in parts))
        figure.add_scatter(
            x=x, y=beliefs[-1], mode="lines", name=q.label, hoverinfo="name",
            line={"color": ink.of(q.rule), "width": 3.5 if q.rule == "wasserstein" else 2.5,
                  "dash": style.dash(q.rule), "simplify": False},
        )
    style.layout(figure, ink, height)
    figure.update_layout(legend=style.LEGEND_BELOW)
    figure.update_xaxes(title="z", range=list(limits))
    figure.update_yaxes(title="density", range=[0, 1.06 * max(float(y.max()) for y in beliefs)])
    return figure.figure()


def normal_density(x: np.ndarray, mean: float, scale: float) -> np.ndarray:
    """Density of a normal distribution."""
    return np.exp(-0.5 * ((x - mean) / scale) ** 2) / (scale * np.sqrt(2 * np.pi))
