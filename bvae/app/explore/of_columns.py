"""Views of columns on Explore: what was measured, beside what the joint belief makes of it, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from torch import Tensor

from bvae.app.beliefs import columns, item_beliefs
from bvae.app.beliefs.columns import Cell
from bvae.app.beliefs.item_beliefs import ItemBeliefs
from bvae.app.widgets import charts, fold, small_table
from bvae.data import MultimodalDataset
from bvae.models.vae import MultimodalVAE


def cells(
    model: MultimodalVAE, data: MultimodalDataset, item: int, scene: ItemBeliefs, shown: Mapping[str, Tensor], seed: int
) -> dict[str, list[Cell]]:
    """Every column of every view that has columns, of an item as it is observed: view -> its cells.

    Parameters
    ----------
    model : MultimodalVAE
    data : MultimodalDataset
    item : int
    scene : ItemBeliefs
    shown : mapping of str to Tensor
        Observed view -> (1, ...).
    seed : int
    """
    true = {name: data.x[name][item] for name in data.modalities if data.has(name, item)}
    own = scene.rule == model.aggregator and scene.weights is None
    return columns.of_draws(model, data, item_beliefs.draw(scene, columns.DRAWS, seed).z, shown, true, own)


def show(
    data: MultimodalDataset, found: Mapping[str, Sequence[Cell]], observed: Mapping[str, bool], lying: Sequence[str],
    file_name: str,
) -> None:
    """The blocks and how to read them; all columns one click away where some are left out."""
    if not columns.narrow(found):
        st.subheader("Column by column")
    states = {v: columns.state(all_of, observed[v], v in lying) for v, all_of in found.items()}
    st.html(columns.html(data, found, states))
    there = [v for v in found if not observed[v]]
    of = ("For a view that is hidden or not there the belief is what is imputed; a true value was not shown to the "
          "model. " if there
          else "Hide a view to see what is imputed in its place. ")
    words = "Words: their probabilities." if any(c.words for all_of in found.values() for c in all_of) else ""
    st.caption(f"Dot: the value measured. Line and band: what the joint belief makes of it, mean and 90 % interval, in "
               f"the column's own unit, on an axis that reaches over all items. {of}{words}")
    if all(len(all_of) <= columns.AT_FIRST for all_of in found.values()):
        charts.numbers_button("columns", lambda: columns.frame(found, observed), file_name)
        return

    def all_columns() -> None:
        """The table of all of them."""
        st.html(small_table.table(columns.frame(found, observed), "All columns", height=420))

    fold.show(f"All {sum(map(len, found.values())):,} columns as numbers", "table_rows", "explore_columns", all_columns)
