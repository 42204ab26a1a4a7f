"""Contenders beside each other, and the table of all their numbers: on Compare and Your data."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from bvae.app.beliefs import wording
from bvae.app.beliefs.belief_charts import plane_numbers
from bvae.app.beliefs.contenders import Contender
from bvae.app.beliefs.quantities import Number
from bvae.app.state import ink
from bvae.app.widgets import charts, legends, small_table
from bvae.app.widgets.layout import strip
from bvae.app.widgets.markdown import plain
from bvae.plots import posterior as posterior_plots
from bvae.plots import style


def contender_columns(
    contenders: Sequence[Contender], views: Sequence[str], one_space: bool, briefs: Sequence[Sequence[Number]],
    below: Callable[[Contender], None] | None = None,
) -> Callable[[], None]:
    """Posteriors of all contenders side by side, on axes of one span, each with its key numbers.

    Parameters
    ----------
    contenders : sequence of Contender
    views : sequence of str
    one_space : bool
        Whether all share their plane and its limits.
    briefs : sequence of sequence of Number
        Of each, see `numbers.key_numbers`.
    below : callable, optional
        Writes what comes under a contender's numbers.

    Returns
    -------
    callable
        Draws `below` and then the planes, when whatever should be there before them is there.
    """
    drawn = [c.scene.drawn() for c in contenders]
    limits = posterior_plots.common_windows([c.plane for c in contenders], [c.loc for c in contenders],
                                  [c.scale for c in contenders], drawn)
    observed = contenders[0].observed
    st.html(legends.legend([v for v, o in zip(views, observed, strict=True) if o],
                           [style.color(m) for m, o in enumerate(observed) if o],
                           [style.marker(m) for m, o in enumerate(observed) if o],
                           "in the rule's colour: the joint belief · grey: the prior, 1σ · ellipses: 1σ and 2σ"))
    slots = []
    for place, c, brief in zip(strip(len(contenders), "contenders"), contenders, briefs, strict=True):
        with place:
            st.markdown(f"##### {plain(c.title)}")
            picture = st.container()
            st.html(small_table.table(pd.DataFrame({"in brief": [wording.brief(n) for n in brief],
                                                    "value": [n.value for n in brief]}), f"{c.short} in brief"))
            slots.append((picture, st.container()))

    def finish() -> None:
        for c, (_, under) in zip(contenders, slots, strict=True):
            if below:
                with under:
                    below(c)
        for c, (picture, _), limit, joint in zip(contenders, slots, limits, drawn, strict=True):
            figure = posterior_plots.plane_figure(c.plane, views, c.loc, c.scale, c.observed, joint, ink(),
                                        height=400 if len(contenders) == 2 else 320, limits=limit)
            figure.update_layout(showlegend=False)
            charts.show_lines(
                figure, f"plane_{c.key}",
                f"{c.title}: mean standard deviation {c.width:.2f}, "
                + ("a mixture" if c.scene.posterior.num_components > 1 else "one Gaussian")
                + ", on the same axes as the others." * one_space,
                lambda c=c, joint=joint: plane_numbers(c.plane, views, c.loc, c.scale, c.observed, joint, None),
                f"plane_{c.key}", place=picture)

    return finish


def numbers_table(found: Sequence[Number], exact: bool, contenders: Sequence[Contender], file_name: str,
                  height: int = 420) -> None:
    """All numbers of a comparison, at most so many pixels high, and the same as CSV; see `numbers.numbers`."""
    table = wording.table(found, {c.key: c.short for c in contenders})
    st.html(small_table.table(table, "All numbers", height=height))
    st.caption("No column is marked as the best: wide is not wrong and near is not right. "
               + ("All numbers are exact." if exact else
                  "Of mixtures, entropy and KL are Monte Carlo estimates, and W2 is Gelbrich's lower bound from the "
                  "mean and covariance."))
    st.download_button("Download as CSV", lambda: table.to_csv(index=False), file_name, "text/csv",
                       icon=":material/download:", on_click="ignore", key=f"csv_{file_name}")
