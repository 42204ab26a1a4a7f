"""Who says what: the views' shares in the joint belief, what each dimension explains, and views that do not fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from bvae.app import pages, reproduce
from bvae.app.beliefs.selection import select
from bvae.app.latent_space import who
from bvae.app.latent_space.state import LOOKS, MAP, LatentSpace
from bvae.app.state import Form, ink
from bvae.app.widgets import charts, images, tiles
from bvae.app.widgets.choose import Choice, label
from bvae.gaussians.dimensions import z_name
from bvae.metrics.misfit import Misfit
from bvae.plots import contributions as plots

SHOWN = 8
"""Items whose views fit least."""
MOST_ROWS = 16
"""Latent dimensions in the heat map, those that explain most; the table has all."""
TASK = "**Look at the items at the bottom:** are their views mixed up, or only unusual?"


def show(form: Form[LatentSpace]) -> None:
    """All of it, below the page's controls. What takes longest is filled in last."""
    choice, state = form.about, form.state(shown=form.about.key)
    left, right = st.columns([1, 1.15], gap="large")
    with left:
        _shares(choice)
    slow = right.container()
    _items(choice)
    with slow:
        _explained(choice)
    reproduce.show(state.who_script(who.DECODED, SHOWN), f"{choice.key.data_name}_{choice.key.model_name}_who.py",
                   checkpoints=[f"{choice.key.model_name} {choice.key.weights_hash[:12]}"],
                   commands=[(state.who_command(who.DECODED), "the same as two tables")])


def _shares(choice: Choice) -> None:
    st.subheader("Whom the joint belief follows")
    found, views = who.shares(choice.key), choice.views
    if not found.items or bool(np.isnan(found.mean).all()):
        st.markdown("No item has two views that say something different, so nobody can be left out.")
        return
    order = np.argsort(-np.nan_to_num(found.mean), kind="stable")
    most, least = views[order[0]], views[order[-1]]
    alike = found.mean[order[0]] - found.mean[order[-1]] < 0.01
    says = ("All views have the same share." if alike else
            f"{most} has the largest share, {found.mean[order[0]]:.0%}; {least} the smallest, "
            f"{found.mean[order[-1]]:.0%}.")
    figure = plots.shares_figure(views, np.nan_to_num(found.mean), np.nan_to_num(found.low),
                                 np.nan_to_num(found.high), ink())
    charts.show(figure, "who_shares", f"Share of each view in the joint belief. {says}",
                lambda: pd.DataFrame({"view": views, "share": found.mean, "10% of the items below": found.low,
                                      "10% of the items above": found.high}),
                f"{choice.key.data_name}_{choice.key.model_name}_shares")
    st.markdown(says)
    halves = (" With two views and a rule that meets in the middle both have half, whatever they say."
              if len(views) == 2 else "")
    st.caption("A view's share: how far the joint belief moves (W2) when this view is left out, beside the others; "
               f"mean over {found.items:,} items. Thin lines: the middle 80% of the items; dotted: equal shares. It "
               f"says whom the rule follows, not who is right: a view that repeats the others has a small share."
               f"{halves}")


def _explained(choice: Choice) -> None:
    st.subheader("What each latent dimension tells of each view")
    found, views = who.explained(choice.key), choice.views
    values = found.by_dimension.numpy()
    order = np.argsort(-np.nan_to_num(values).sum(1), kind="stable")
    drawn = order[:MOST_ROWS]
    parts = []
    for m, view in enumerate(views):
        if bool(np.isfinite(values[:, m]).any()):
            best = int(np.nanargmax(values[:, m]))
            parts.append(f"{view} loses most without {z_name(best)} ({values[best, m]:.2f})")
    says = f"{'; '.join(parts)}."
    figure = plots.explained_figure(views, [z_name(k) for k in drawn], values[drawn], ink())
    charts.show(figure, "who_explained", f"Heat map of {len(drawn)} latent dimensions by {len(views)} views. {says}",
                lambda: pd.DataFrame({
                    "latent dimension": ["all", *map(z_name, order)], "active": ["", *(
                        "yes" if found.active[k] else "no" for k in order)],
                    **{f"explained of {v}": [float(found.total[m]), *values[order, m].astype(float)]
                       for m, v in enumerate(views)}}),
                f"{choice.key.data_name}_{choice.key.model_name}_explained")
    st.markdown(says)
    left = len(order) - len(drawn)
    totals = ", ".join(f"{v} {t:.2f}" for v, t in zip(views, found.total.tolist(), strict=True))
    st.caption("Explained (R²): 1, a view comes back exactly from the joint belief; 0, no better than the average "
               f"item. With all dimensions: {totals}. A cell: how much of that is lost when this dimension alone is "
               "set to its average. Dimensions that tell the same hide each other's loss, so a column need not add up. "
               f"{int(found.active.sum())} of {len(order)} dimensions are active"
               + (f"; the {left} that explain least are in the table only" if left else "") + ".")


def _items(choice: Choice) -> None:
    st.subheader("Items whose views fit each other least")
    key, data = choice.key, choice.data
    found = who.misfits(key)
    worst = found.worst(SHOWN) if found.tells else []
    if not worst:
        st.markdown("The views share nothing here that can be told from chance, so no item stands out.")
        return
    said = found.of_item[~found.of_item.isnan()]
    strange = int((said > 0).sum())
    st.markdown(f"In **{strange:,} of {len(said):,} items** the views fit each other less than views that are put "
                "together by chance. These fit least; look at them one by one. "
                + ("Some are mixed up or wrongly labelled, others only unusual or hard to see." if strange else
                   "They are probably unusual rather than mixed up."))
    places = [place for k in range(0, len(worst), 2) for place in st.columns(2, gap="small")]
    for item, place in zip(worst, places, strict=False):
        with place:
            odd = _odd(choice, found, item)
            st.html(images.item(data, item, f" · misfit {float(found.of_item[item]):.3g}"
                                            + (f", least of all {odd}" if odd else "")))
            st.page_link(pages.script("explore"), label=f"Explore {data.called(item).split(',')[0]}",
                         icon=":material/explore:",
                         query_params={"data": key.data_name, "item": str(item), "model": label(key.model_name)})
    if note := tiles.note(data):
        st.caption(note)
    with st.container(horizontal=True, gap="small"):
        st.button("See them on the map", icon=":material/scatter_plot:", on_click=_to_map, args=(worst,),
                  key="who_to_map", help=f"Selects these items and opens the {LOOKS[MAP].lower()}.")
        charts.numbers_button("who_items", lambda: _table(choice, found), f"{key.data_name}_{key.model_name}_misfit")
    st.caption("Misfit (in nats): how much more probable what a view says is beside the other views of a random item "
               "than beside those of its own; mean over the item's views. Above 0, strangers would fit better. It is "
               "learned from how the views go together in all items, so what a view alone knows and where its beliefs "
               "lie as a whole count for nothing.")


def _odd(choice: Choice, found: Misfit, item: int) -> str:
    """The view that fits the others least; "" of two."""
    odd = found.view(item)
    return "" if odd is None else choice.views[odd]


def _table(choice: Choice, found: Misfit) -> pd.DataFrame:
    """All items, those whose views fit least first."""
    order = found.worst(len(found.of_item))
    return pd.DataFrame({
        "item": [choice.data.called(i) for i in order], "misfit": found.of_item[order].double().numpy(),
        "fits least": [_odd(choice, found, i) for i in order],
        **{f"misfit of {v}": found.of_view[m, order].double().numpy() for m, v in enumerate(choice.views)}})


def _to_map(items: list[int]) -> None:
    select(items)
    st.session_state["look"] = MAP
