"""What a run shows while it learns: draws of the prior as pictures, texts or rows of a table, and the map of items."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st
import torch

from bvae.app import loaders
from bvae.app.state import ink
from bvae.app.widgets import charts, images, small_table, tiles
from bvae.data import MultimodalDataset
from bvae.data.columns import places
from bvae.data.own import OwnData
from bvae.io.storage import StorageError, read_tensors
from bvae.plots import latent, style
from bvae.runs import jobs
from bvae.runs.jobs import Job


def pictures(data_name: str, samples: Mapping[str, torch.Tensor], at: str) -> None:
    """Draws of the prior: views of few columns as a table with a row for each draw, others as a row of pictures.

    Parameters
    ----------
    data_name : str
    samples : mapping of str to Tensor
        view -> (S, ...), the same z for all views.
    at : str
        When they were drawn, in words.
    """
    data = loaders.test_data(data_name)
    known = {view: values.float() for view, values in samples.items()
             if view in data.modalities and tuple(values.shape[1:]) == tuple(data.modalities[view].shape)}
    written = {v: values for v, values in known.items() if 0 < len(data.modalities[v].columns) <= tiles.FEW}
    if written:
        st.html(small_table.table(rows(data, written), f"draws {at}, a row each", stacks=True))
    lines = []
    for m, view in enumerate(data.modalities):
        if view in known and view not in written:
            shown = [images.figure(images.content(data, view, value), f"draw {k + 1} of {view}, {at}", side=84,
                                   shrinks=True) for k, value in enumerate(known[view])]
            lines.append(images.row(view, style.color(m), shown, wraps=False))
    if lines:
        st.html("".join(lines))
        if note := tiles.note(data):
            st.caption(note)


def rows(data: MultimodalDataset, samples: Mapping[str, torch.Tensor]) -> pd.DataFrame:
    """Draws of views of columns, in the columns' own units and words: a row each."""
    count = len(next(iter(samples.values())))
    out: dict[str, list[str]] = {"draw": [str(k + 1) for k in range(count)]}
    for view, values in samples.items():
        columns = data.modalities[view].columns
        for column, place in zip(columns, places(columns), strict=True):
            name = tiles.called(column)
            out[name if name not in out else f"{view}: {name}"] = [tiles.written(column, v[place]) for v in values]
    return pd.DataFrame(out)


def how_to_read(data_name: str) -> str:
    """What a draw is, where it is shown."""
    data = loaders.test_data(data_name)
    table = any(0 < len(m.columns) <= tiles.FEW for m in data.modalities.values())
    pictured = any(not 0 < len(m.columns) <= tiles.FEW for m in data.modalities.values())
    of = "Each row of the table" if table and not pictured else "Each column" if not table else (
        "Each row of the table, and each column of what is below it,")
    return f"{of} is one draw of z from the prior, decoded into all views"


def show_map(job: Job) -> None:
    """The items that are trained on, where the model of a run has them by now; nothing before that."""
    assert job.settings is not None
    try:
        found = read_tensors(job.folder / jobs.MAP)
        points = found["points"].numpy().astype(float)
    except (StorageError, KeyError):
        return
    if points.ndim != 2 or points.shape[1:] != (2,) or not np.isfinite(points).all():
        return
    data = loaders.test_data(job.settings.dataset)
    names = list(data.class_names) if data.labelled else []
    y = found["y"].numpy() if names and "y" in found else np.zeros(len(points), dtype=int)
    if len(y) != len(points) or (names and (y.min(initial=0) < 0 or y.max(initial=0) >= len(names))):
        return
    groups, called, colors = latent.grouped(names, y)
    hover = [names[k] if names else "item" for k in y]
    figure = latent.scatter(points, groups, called, colors, [style.marker(g) for g in range(len(called))],
                            np.arange(len(points)), hover, ink(), ("first component", "second"), 380)
    figure.update_layout(dragmode="pan")
    st.markdown("**Where the items are by now.** Each point is the joint belief of an item that is trained on"
                + (f", coloured by {data.class_column}." if names and isinstance(data, OwnData) else "."))
    charts.show(figure, "train_map", f"Map of {len(points):,} items in the first two components of the latent space.",
                lambda: pd.DataFrame({"first component": points[:, 0], "second": points[:, 1],
                                      **({"class": hover} if names else {})}), f"{job.name}_map",
                caption="First two principal components of the means; each map is turned to lie on the one before.")
