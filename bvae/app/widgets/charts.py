"""What every chart has: alt text, its numbers as a table, and both as files.

Lines are pictures (:func:`show_lines`); what one selects in, zooms or points at is Plotly's (:func:`show`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from bvae.app.state import ink
from bvae.plots import drawing

ROWS = 200  # of a table, by which its width is guessed
WIDEST, AIR, LETTER = 1000, 30, 7  # pixels: of a table, around a cell, of a letter


def show(
    figure: go.Figure, key: str, alt: str, table: Callable[[], pd.DataFrame], file_name: str, *, place: Any = None,
    caption: str = "", live: bool = False, **options: Any,
) -> Any:
    """A Plotly chart with a button for its numbers under it.

    The table and its files are made when somebody opens them, not at every run: `table` is called then.

    Parameters
    ----------
    figure : Figure
    key : str
        Of the chart; the button's is ``{key}_twin``.
    alt : str
        What the chart says, in a sentence.
    table : callable
        () -> DataFrame with the numbers that are drawn. It is called later, perhaps after the page has ended: bind
        variables that get another value meanwhile as defaults.
    file_name : str
        Of the files, without an ending.
    place : Streamlit container, optional
        Where it goes; the page itself by default.
    caption : str
        Markdown below the table: what its columns mean.
    live : bool
        Whether it stands in a fragment that runs by itself; see :func:`numbers`.
    **options
        To `streamlit.plotly_chart`, such as `on_select`.

    Returns
    -------
    object
        What `streamlit.plotly_chart` returns.
    """
    place = place or st
    _show_camera(figure)
    selects = options.get("on_select", "ignore") != "ignore"
    event = place.plotly_chart(figure, width="stretch", key=key, alt=alt, config=config(file_name, selects), **options)
    with place.container():
        (numbers if live else numbers_button)(key, table, file_name, caption, figure)
    return event


def show_lines(
    figure: go.Figure, key: str, alt: str, table: Callable[[], pd.DataFrame], file_name: str, *, place: Any = None,
    caption: str = "", zoom: bool = False,
) -> None:
    """A figure of lines and markers as a picture, which is there with the page: without Plotly, which takes seconds to
    arrive at a first visit. A figure that :mod:`bvae.plots.drawing` cannot draw is shown by :func:`show`.

    Parameters: see :func:`show`; with `zoom` a button shows the same figure as Plotly's, to zoom into and point at.
    """
    if not figure.data or not drawing.drawable(figure):
        show(figure, key, alt, table, file_name, place=place, caption=caption)
        return
    with (place or st).container(key=key):
        st.html(drawing.picture(figure, alt, ink()))
        with st.container(horizontal=True, gap="small"):
            numbers_button(key, table, file_name, caption, figure, drawn=True)
            if zoom:
                zoom_button(key, alt, file_name, figure)


@st.fragment
def zoom_button(key: str, alt: str, file_name: str, figure: go.Figure) -> None:
    """A button that shows a figure as Plotly's over the page; it reruns nothing else. See :func:`show_lines`."""
    if st.button("Zoom", icon=":material/zoom_in:", type="tertiary", key=f"{key}_zoom"):
        _closer(key, alt, file_name, figure)


@st.dialog("A closer look", width="large")
def _closer(key: str, alt: str, file_name: str, figure: go.Figure) -> None:
    _show_camera(figure)
    st.plotly_chart(figure, width="stretch", key=f"{key}_closer", alt=alt,
                    config={**config(file_name), "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]})


def _show_camera(figure: go.Figure) -> None:
    """The camera is always there: it gets room of its own."""
    colors = ink()
    figure.update_layout(margin_t=max(figure.layout.margin.t or 0, 34), modebar={
        "bgcolor": "rgba(0,0,0,0)", "color": colors.faint, "activecolor": colors.aggregate})


@st.fragment
def numbers_button(
    key: str, table: Callable[[], pd.DataFrame], file_name: str, caption: str = "",
    figure: go.Figure | Callable[[], go.Figure] | None = None, title: str = "Numbers and files", drawn: bool = False,
) -> None:
    """The button under a chart or under pictures; opening it reruns nothing else. See :func:`show`.

    `figure` may be what makes one: it is called when somebody takes the figure away.
    """
    numbers(key, table, file_name, caption, figure, title, drawn)


def numbers(
    key: str, table: Callable[[], pd.DataFrame], file_name: str, caption: str = "",
    figure: go.Figure | Callable[[], go.Figure] | None = None, title: str = "Numbers and files", drawn: bool = False,
) -> None:
    """What :func:`numbers_button` shows, as a part of the fragment that it is called in.

    A fragment that runs by itself holds no other: when the browser is slow, Streamlit drops the elements that the
    last run of the outer one has left unsent and sends those of the inner one, to a place that is not there yet. Then
    the whole page is gone.
    """
    with st.popover(title, icon=":material/table:", type="tertiary", key=f"{key}_twin", on_change="rerun") as twin:
        if twin.open:
            shown = table()
            st.dataframe(shown, hide_index=True, width=_width_of(shown), column_config={
                c: st.column_config.NumberColumn(format="%.3g") for c in shown.select_dtypes("floating").columns})
            if caption:
                st.caption(caption)
            st.download_button("Numbers as CSV", lambda: shown.to_csv(index=False), f"{file_name}.csv", "text/csv",
                               icon=":material/download:", on_click="ignore", key=f"{key}_csv")
            if figure is None:
                return
            make = figure if callable(figure) else lambda: figure
            if drawn:
                colors = ink()
                st.download_button("Figure as SVG", lambda: drawing.file(make(), colors),
                                   f"{file_name}.svg", "image/svg+xml", icon=":material/download:", on_click="ignore",
                                   key=f"{key}_svg")
            st.download_button("Figure as a web page", lambda: make().to_html(include_plotlyjs=True),
                               f"{file_name}.html", "text/html", icon=":material/download:", on_click="ignore",
                               key=f"{key}_html", help="One file that needs nothing else; it can be zoomed." + (
                                   "" if drawn else " For SVG, use the camera above the figure."))


def _width_of(shown: pd.DataFrame) -> int:
    """Pixels that a table's columns need beside each other; a popover grows with what it holds, as far as it can."""
    longest = (max(len(str(name)), *(len(f"{value:.3g}" if isinstance(value, float) else str(value))
                                     for value in shown[name].head(ROWS)), 4) for name in shown.columns)
    return min(WIDEST, sum(round(AIR + LETTER * letters) for letters in longest))


def config(file_name: str, selects: bool = False) -> dict[str, Any]:
    """Plotly's settings: a camera that saves an SVG, always there; beside it the tools of selection, or none."""
    drop = ["zoomIn2d", "zoomOut2d", "autoScale2d"] if selects else [
        "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d", "select2d", "lasso2d"]
    return {"displaylogo": False, "displayModeBar": True, "modeBarButtonsToRemove": drop,
            "toImageButtonOptions": {"format": "svg", "filename": file_name}}
