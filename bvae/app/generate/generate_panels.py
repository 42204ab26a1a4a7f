"""What the tasks of the Generate page have in common: what they are given, sheets, and what stands below each."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from bvae.app import pages
from bvae.app.beliefs import sheet
from bvae.app.beliefs.generation import Generated, Studio, count_places
from bvae.app.generate.state import Generate
from bvae.app.state import Form
from bvae.app.widgets.choose import Choice, data_label, label
from bvae.data import MultimodalDataset
from bvae.maps.latent_distance import AMONG_THE_DATA, AT_THE_EDGE, BEYOND_THE_DATA, LatentCloud


@dataclass(frozen=True)
class Task:
    """What all tasks share: the page's controls, and a model to generate with."""

    form: Form[Generate]
    studio: Studio

    @property
    def data(self) -> MultimodalDataset:
        """The test items."""
        return self.form.about.data

    @property
    def views(self) -> list[str]:
        """All views."""
        return list(self.data.modalities)

    @property
    def num_samples(self) -> int:
        """How many draws are decoded."""
        return self.form.answer("num_samples")

    @property
    def seed(self) -> int:
        """Of the noise."""
        return self.form.answer("seed")


@dataclass(frozen=True)
class Shown:
    """What the page adds below a task: a table of the numbers, all that was generated, and what one z is called."""

    table: list[dict]
    generated: list[Generated]
    one: str = "draw"


def heads(c: Task, names: list[str]) -> list[str]:
    """Heads of columns: targets."""
    return [sheet.head(name, c.views.index(name), c.data.modalities[name].label) for name in names]


def widths(c: Task, names: list[str]) -> list[int]:
    """Of columns of targets."""
    return [sheet.width_of(c.data, name) for name in names]


def numbers(count: int) -> list[str]:
    """Heads of rows."""
    return [str(s + 1) for s in range(count)]


def draws_sheet(c: Task, generated: Generated, names: list[str], label: str, row_heads: list[str]) -> None:
    """Rows are draws, each with its distance to the data once; columns are targets."""
    row_heads = [name + sheet.small(sheet.far(generated, s)) for s, name in enumerate(row_heads)]
    st.html(sheet.table(label, heads(c, names), row_heads, [
        [sheet.cell(c.data, generated, name, s, f"{name} generated, draw {s + 1}", distance=False) for name in names]
        for s in range(len(generated))], widths=widths(c, names), side=52))


# -- below every task ------------------------------------------------------------------------------------------------


def where_they_lie(generated: list[Generated], one: str) -> str:
    """Where the decoder is guessing, in a sentence of Markdown."""
    counts = count_places(generated)
    among, edge, beyond = (counts[place] for place in (AMONG_THE_DATA, AT_THE_EDGE, BEYOND_THE_DATA))
    total = among + edge + beyond
    if beyond:
        return (f"**{beyond} of {total} {one}s {'lies' if beyond == 1 else 'lie'} beyond the data:** there the decoder "
                "only guesses.")
    if not edge:
        return f"All {total} {one}s lie among the data." if total > 1 else f"The {one} lies among the data."
    return (f"{among} of {total} {one}s {'lies' if among == 1 else 'lie'} among the data, {edge} at their edge. None "
            "lies beyond, where the decoder would only guess.")


def warn(shown: Shown) -> None:
    """Where the decoder is guessing, said under the pictures, and what the marks mean."""
    st.markdown(where_they_lie(shown.generated, shown.one))
    st.caption(sheet.MARKS_SAY)


def numbers_table(table: list[dict], name: str, cloud: LatentCloud) -> None:
    """The twin of the pictures."""
    frame = pd.DataFrame(table)
    st.dataframe(frame, hide_index=True, width="stretch", column_config={
        head: st.column_config.NumberColumn(format="%.3g") for head in frame.select_dtypes("floating").columns})
    st.caption(sheet.distances_say(cloud))
    st.download_button("Download as CSV", lambda: frame.to_csv(index=False), f"{name}.csv", "text/csv",
                       icon=":material/download:", on_click="ignore")


def plane_link(chosen: Choice) -> None:
    """Where the latent space is a plane, the way to the page on which one walks in it."""
    if chosen.loaded.model.shared_dim == 2:
        st.page_link(pages.script("latent_space"), icon=":material/map:",
                     label="This model's latent space is a plane: walk in it on Latent space",
                     query_params={"data": data_label(chosen.data_name), "model": label(chosen.key.model_name),
                                   "look": "Walk the plane", "map": "Plane"})
