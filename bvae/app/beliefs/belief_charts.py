"""One item's posteriors, drawn and in numbers: on Explore and Your data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from bvae.aggregators import naming
from bvae.aggregators.comparison import affordable_samples
from bvae.app.beliefs import wording
from bvae.app.beliefs.item_beliefs import ItemBeliefs
from bvae.app.beliefs.numbers import of_views
from bvae.app.state import ink
from bvae.app.widgets import charts, small_table
from bvae.gaussians.dimensions import z_name
from bvae.plots import posterior as posterior_plots
from bvae.plots.ghost import add_ghost

NUM_DIMENSIONS = 6
READ_BY_A_NETWORK = ("This rule is a network that was trained with the model. An ellipse of one view is what the "
                     "network reads, and no belief by itself: to see what one view alone says, switch the others off.")
Limits = tuple[tuple[float, float], tuple[float, float]]


def belief_charts(
    plane: posterior_plots.Plane, views: Sequence[str], scene: ItemBeliefs,
    aggregates: Sequence[posterior_plots.Aggregate], samples: np.ndarray | None = None,
    before: np.ndarray | None = None, file_name: str = "posteriors",
) -> None:
    """One item's posteriors in a plane and along the dimensions of most disagreement; see :func:`plane_chart`."""
    plane_chart(plane, views, scene, aggregates, samples, before, file_name)
    interval_chart(views, scene, aggregates, file_name)


def plane_chart(
    plane: posterior_plots.Plane, views: Sequence[str], scene: ItemBeliefs,
    aggregates: Sequence[posterior_plots.Aggregate], samples: np.ndarray | None = None,
    before: np.ndarray | None = None, file_name: str = "posteriors", limits: Limits | None = None,
    ghost: posterior_plots.Aggregate | None = None, height: int = 500,
) -> None:
    """One item's posteriors in a plane.

    Parameters
    ----------
    plane : posterior_plots.Plane
    views : sequence of str
    scene : ItemBeliefs
    aggregates : sequence of Aggregate
        The first one is the chosen one; none shows the experts alone.
    samples : ndarray, optional
        (S, D), see `posterior_plots.plane_figure`.
    before : ndarray, optional
        (M, D), see `posterior_plots.plane_figure`.
    file_name : str
        Of the chart's files.
    limits : tuple of tuple of float, optional
        Of both axes; by default such that all is inside.
    ghost : Aggregate, optional
        The joint posterior of before a change, see `bvae.plots.ghost`.
    height : int
        Pixels.
    """
    loc, scale, observed = scene.loc[:, 0].numpy(), scene.scale[:, 0].numpy(), scene.present[:, 0].tolist()
    seen = ", ".join(v for v, o in zip(views, observed, strict=True) if o) or "no view"
    experts = f"is {float(scale[observed].mean()) if any(observed) else 1.0:.2f} on average."
    width = f"Their standard deviation {experts}"
    if aggregates:
        width = (f"The standard deviation of the joint posterior, {naming.title(scene.rule_name)}, is "
                 f"{float(np.sqrt(aggregates[0].variance).mean()):.2f} on average. That of the experts {experts}")
    figure = posterior_plots.plane_figure(plane, views, loc, scale, observed, aggregates, ink(), samples, height,
                                          limits, before)
    if ghost is not None and aggregates:
        add_ghost(figure, plane, ghost, aggregates[0], ink())
    charts.show_lines(
        figure, "plane_chart", f"Posteriors of {seen} in a plane of the latent space. {width}",
        lambda: plane_numbers(plane, views, loc, scale, observed, aggregates, samples), f"{file_name}_plane",
        zoom=True, caption="Means and standard deviations along both axes of the plane, of every expert, of every "
                           "component of the joint posterior and of the samples.")
    if aggregates and len(aggregates[0].weights) > 1:
        masses = ", ".join(f"{m:.0%}" for m in sorted(posterior_plots.MASSES))
        st.caption(f"Contours: {masses} of the mixture's mass in this plane. Thin ellipses or small dots: its "
                   "components.")
    if not scene.rule.keeps_one:
        st.caption(READ_BY_A_NETWORK)
    if not any(observed):
        st.info("No view is seen: the joint belief is the prior, and every draw is a free invention.")


def interval_chart(
    views: Sequence[str], scene: ItemBeliefs, aggregates: Sequence[posterior_plots.Aggregate],
    file_name: str = "posteriors", dimensions: np.ndarray | None = None,
) -> None:
    """One item's posteriors along some dimensions, by default those in which the experts disagree most."""
    loc, scale, observed = scene.loc[:, 0].numpy(), scene.scale[:, 0].numpy(), scene.present[:, 0].tolist()
    if dimensions is None:
        dimensions = posterior_plots.most_disagreed(loc, scale, NUM_DIMENSIONS)
    charts.show_lines(
        posterior_plots.interval_figure(views, loc, scale, observed, aggregates, ink(), dimensions=dimensions),
        "interval_chart",
        "Mean and two-sigma interval of every expert and of the joint posterior in the latent dimensions in which the "
        f"experts disagree most: {', '.join(map(z_name, dimensions))}.",
        lambda: _interval_numbers(views, loc, scale, observed, aggregates, dimensions), f"{file_name}_dimensions",
        zoom=True)


def plane_numbers(plane, views, loc, scale, observed, aggregates, samples) -> pd.DataFrame:
    """What the plane shows, as a table."""
    rows = [(v, 1.0, loc[m], scale[m]) for m, v in enumerate(views) if observed[m]]
    rows += [(f"{q.label}, component {k + 1}" if len(q.weights) > 1 else q.label, float(q.weights[k]), q.loc[k],
              q.scale[k]) for q in aggregates for k in np.flatnonzero(q.weights > 0)]
    first, second = plane.names if plane.names[0] != plane.names[1] else (plane.names[0], "no second dimension")
    table = []
    for name, weight, mean, sigma in rows:
        centre, spread = plane.point(mean), np.sqrt(np.diagonal(plane.covariance(sigma)))
        table.append({"of": name, "weight": weight, f"mean, {first}": centre[0], f"mean, {second}": centre[1],
                      f"σ, {first}": spread[0], f"σ, {second}": spread[1]})
    for s, z in enumerate(samples if samples is not None else ()):
        centre = plane.point(z)
        table.append({"of": f"sample {s + 1}", f"mean, {first}": centre[0], f"mean, {second}": centre[1]})
    return pd.DataFrame(table)


def _interval_numbers(views, loc, scale, observed, aggregates, dimensions) -> pd.DataFrame:
    """What the intervals show, as a table."""
    rows = [(v, loc[m], scale[m]) for m, v in enumerate(views) if observed[m]]
    rows += [(q.label, q.mean, np.sqrt(q.variance)) for q in aggregates]
    return pd.DataFrame([{"dimension": z_name(d), "of": name, "mean": mean[d], "σ": sigma[d]}
                         for d in dimensions for name, mean, sigma in rows])


def expert_numbers(views: Sequence[str], scene: ItemBeliefs, known: Sequence[bool] | None = None) -> None:
    """Distances of every view's posterior to the joint one, as a table; `known`: which posteriors exist at all."""
    far = scene.distances()
    there = [True] * len(views) if known is None else known
    table = pd.DataFrame({
        "view": list(views), "observed": scene.present[:, 0].tolist(),
        **{wording.HEADS[quantity]: [value if k else np.nan for value, k in zip(values, there, strict=True)]
           for quantity, values in of_views(scene, far).items()}})
    st.html(small_table.table(table, "Distances of every view's posterior to the joint one"))
    if not far.exact and bool(scene.present.any()):
        st.caption(f"The joint posterior is a mixture: KL is a Monte Carlo estimate from "
                   f"{affordable_samples(scene.posterior):,} samples, W2 is Gelbrich's lower bound from its "
                   "mean and covariance.")


def meaning(scene: ItemBeliefs) -> str:
    """What the joint posterior's width says beside the experts', and what the rule minimises, as Markdown."""
    q = scene.drawn()[0]
    width = float(np.sqrt(q.variance).mean())
    if bool(scene.present.any()):
        experts = float(scene.scale[scene.present].mean())
        said = (f"{naming.title(scene.rule_name)}: on average over {len(q.mean)} dimensions the joint belief is "
                f"**{width / experts:.2f} times** as wide as an observed expert (standard deviation {width:.2f} "
                f"against {experts:.2f}).")
    else:
        said = f"No expert speaks, so the joint belief is the prior (standard deviation {width:.2f})."
    if scene.decoded is not scene.posterior and bool(scene.present.any()):
        alone = float(np.sqrt(scene.alone().variance).mean())
        groups = int((scene.posterior.weights[:, 0] > 0).sum())
        said += (f"\n\nAll of these numbers are of the mixture over {groups} groups of views. Its part of all observed "
                 "views together, which the picture above shows and from which pictures are drawn, has a standard "
                 f"deviation of {alone:.2f}.")
    if scene.rule.divergence:
        said += f"\n\nIt minimises: {scene.rule.divergence}. Step 3 has the formula with this item's numbers."
    return said
