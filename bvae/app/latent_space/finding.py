"""Items by their id, by a word, or by a column and a value: the field that marks them on the map."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import streamlit as st

from bvae.app import loaders
from bvae.app.beliefs.selection import MOST_PICKED, as_text, select
from bvae.app.latent_space import columns
from bvae.app.widgets.markdown import plain
from bvae.data import DATASETS, MultimodalDataset, dataset
from bvae.data.own.own_data import OwnData
from bvae.data.own.words import is_gap, word

KEY, FOUND = "find", "_found"
LONGEST = 200
COMPARES = {"=": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
CLASS = "class"


def find(data: MultimodalDataset, text: str) -> list[int]:
    """Items that a text means: its id; else those of a column and a value, such as "year > 2007"; else those with a
    value that is this word; else those in whose id or text it stands.
    """
    asked = text.strip()[:LONGEST]
    if not asked:
        return []
    ids = list(data.ids) if isinstance(data, OwnData) else [str(i) for i in range(len(data))]
    folded = asked.casefold()
    if exact := [i for i, name in enumerate(ids) if name.casefold() == folded]:
        return exact
    compared = re.fullmatch(r"(.+?)\s*(<=|>=|=|<|>)\s*(.+)", asked)
    if compared and (named := _column(data, compared[1])):
        return sorted({i for values in named for i in _which(values, compared[2], compared[3])})
    has = {i for _, words, values in _words(data) if not words or folded in map(str.casefold, words)
           for i in _which(values(), "=", asked)}
    if has:
        return sorted(has)
    within = [data.read_text(data.x[view]) for view, m in data.modalities.items() if m.kind == "text"]
    if isinstance(data, OwnData):  # numbers of items stand in each other
        within.append(ids)
    return [i for i in range(len(ids)) if any(folded in said[i].casefold() for said in within)]


def _words(data: MultimodalDataset) -> Iterator[tuple[str, tuple[str, ...], Callable[[], np.ndarray]]]:
    """Columns in which a word alone is looked for: name, the words that it can have (() if any), its (N,) values."""
    if data.labelled:
        yield CLASS, (), lambda: np.array(data.class_names, dtype=object)[data.y.numpy()]
    for name in columns.labels(data):
        yield name, (), partial(columns.values, data, name)
    for name, column in zip(columns.cells(data), (c for m in data.modalities.values() for c in m.columns), strict=True):
        if column.categories:
            yield name, column.categories, partial(columns.values, data, name)
    if data.attributes is None:
        return
    for name, has in zip(data.attribute_names, data.attributes.T.numpy(), strict=True):
        said = name.replace("_", " ").lower()
        yield said, (said,), partial(operator.getitem, np.array([None, said], dtype=object), has.astype(int))


def _column(data: MultimodalDataset, name: str) -> list[np.ndarray]:
    """Values of the columns of a name, with that of the view or without."""
    folded = name.strip().casefold()
    found = [values() for called, _, values in _words(data) if called.casefold() == folded]
    return found or [columns.values(data, called) for called in columns.cells(data)
                     if folded in (called.casefold(), called.split(columns.BETWEEN, 1)[1].casefold())]


def _which(values: np.ndarray, sign: str, asked: str) -> list[int]:
    """Positions whose value is as asked: numbers by their size, words by their letters."""
    compare = COMPARES[sign]
    try:
        number = float(asked.replace(",", "."))
    except ValueError:
        number = None
    out = []
    for i, value in enumerate(values):
        if is_gap(value):
            continue
        if number is not None and (size := _number(value)) is not None:
            near = np.isclose(size, number, rtol=1e-6, atol=0.0)
            hit = bool(near) if sign == "=" else bool(compare(size, number)) or bool(near and "=" in sign)
        else:
            hit = sign == "=" and word(value).casefold() == asked.casefold()
        if hit:
            out.append(i)
    return out


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def field(data_name: str) -> None:
    """The field; what it finds becomes the selection."""
    st.text_input("Find items", key=KEY, max_chars=LONGEST, placeholder="an id, a word, year > 2007",
                  on_change=_adopt, args=(data_name,),
                  help="By the id or number; by a word that is one of the item's values or stands in its text; or by a "
                       "column and a value, such as `class = 7` or `year > 2007`. What is found is selected.")
    text, said, items = st.session_state.get(FOUND, ("", "", None))
    if text and text == st.session_state.get(KEY) and (items is None or items == st.session_state.get("picked")):
        st.caption(said)


def unfound(data_name: str, text: str) -> str:
    """Why nothing is selected: Markdown."""
    learnt: Sequence[str] = ()
    if issubclass(DATASETS[data_name], OwnData) and isinstance(known := dataset(data_name, "train"), OwnData):
        learnt = known.ids
    if (name := {i.casefold(): i for i in learnt}.get(text.casefold())) is not None:
        return (f"{plain(name)} is one of the {len(learnt):,} items that models learn from; the map has those that are "
                "kept to test. Where it lies and what it lacks, imputed, are in the files under Take it with you, on "
                "the page Train.")
    return f"None of the items kept to test is called {plain(text)}, and no value of theirs is."


def _adopt(data_name: str) -> None:
    text = st.session_state[KEY]
    found = find(loaders.test_data(data_name), text)
    if not found:
        none = unfound(data_name, text.strip()) if text.strip() else ""
        st.session_state[FOUND] = (text, none, None)
        return
    select(found)
    many = f"{len(found):,} items" if len(found) > 1 else "1 item"
    some = f"; {MOST_PICKED} of them, from everywhere, are selected" if len(found) > MOST_PICKED else ""
    st.session_state[FOUND] = (text, f"{many} found{some}.", as_text(found))
