"""What one takes away of a model of tables, or of what one brought: embedding, filled tables, a report, commands."""

from __future__ import annotations

import io
import shlex
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from bvae.app import loaders
from bvae.app.widgets import making
from bvae.app.widgets.choose import label
from bvae.app.widgets.markdown import plain
from bvae.data import DATASETS, DataError
from bvae.data.own import OwnData
from bvae.data.own.registering import FOLDERS
from bvae.evaluation import own_items
from bvae.training import load_checkpoint

TITLE, ANCHOR = "Take it with you", "take-it-with-you"
MOST_CELLS = 20_000_000
"""Of the test items, times five for all: more are a matter for the command line, beside the app."""


def offered(data_name: str) -> bool:
    """Whether there is something to take away: a model of tables, or of what a person brought."""
    return issubclass(DATASETS[data_name], OwnData) and bool(loaders.trained(data_name))


def show(data_name: str) -> None:
    """The choice of a model, and buttons that make their files when they are pressed."""
    st.subheader(TITLE, anchor=ANCHOR)
    model_name = st.selectbox("Model", loaders.trained(data_name), format_func=label, key="train_take",
                              help="Of the data set that is chosen above.")
    where = str(FOLDERS.get(data_name, data_name))
    try:
        test = loaders.test_data(data_name)
    except DataError as error:
        st.error(f"These data cannot be read: {plain(str(error))}", icon=":material/error:")
        return
    cells = 5 * sum(values.numel() for values in test.x.values())
    if cells > MOST_CELLS:
        st.caption("These data are large; the commands below make the files without holding up the app.")
    else:
        stem = f"{data_name}_{model_name}"

        def ask(make: Callable[[str, str], bytes]) -> Callable[[], bytes]:
            return making.later(partial(make, data_name, model_name))

        with st.container(horizontal=True):
            st.download_button("Embedding (CSV)", ask(embedding), f"{stem}_latent.csv",
                               "text/csv", icon=":material/scatter_plot:", on_click="ignore", key="take_embedding",
                               help="Where every item is, with standard deviations and labels.")
            st.download_button("Filled tables (ZIP)", ask(filled), f"{stem}_filled.zip",
                               "application/zip", icon=":material/table_view:", on_click="ignore", key="take_filled",
                               help="Your files again, their gaps imputed, and beside each how uncertain that is.")
            st.download_button("Report (HTML)", ask(report), f"{stem}_report.html",
                               "text/html", icon=":material/description:", on_click="ignore", key="take_report",
                               help="What the data are, how it was trained, what it can and cannot do: one file.")
    st.code("\n".join(shlex.join(["python", "-m", "bvae", command, where, model_name, "--to", to]) for command, to in (
        ("embed", "latent.csv"), ("impute", "filled"), ("report", "report.html"))), language="bash", wrap_lines=True)


def items_of(data_name: str, model_name: str) -> own_items.Items:
    """All items of a data set as a model knows them."""
    return own_items.items_of(data_name, loaders.load_model(data_name, model_name).model)


def embedding(data_name: str, model_name: str) -> bytes:
    """The embedding as CSV."""
    from bvae.data.own.writing import write_table

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "latent.csv"
        write_table(path, own_items.embedding(items_of(data_name, model_name)))
        return path.read_bytes()


def filled(data_name: str, model_name: str) -> bytes:
    """Every view with its gaps imputed, and what is uncertain, as a ZIP."""
    held = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        own_items.write_filled(Path(folder), items_of(data_name, model_name))
        for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
            archive.write(path, path.relative_to(folder).as_posix())
    return held.getvalue()


def report(data_name: str, model_name: str) -> bytes:
    """The report as one HTML file."""
    from bvae.app.own_report import report as written  # here: it brings all of the training along

    return str(written(load_checkpoint(data_name, model_name), items_of(data_name, model_name))).encode()
