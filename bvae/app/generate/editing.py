"""Edit a row: cells of an item's tables are changed or emptied one by one, and all other views follow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import streamlit as st
from torch import Tensor

from bvae.app import links
from bvae.app.beliefs import columns, sheet
from bvae.app.beliefs.columns import Cell
from bvae.app.generate import cells
from bvae.app.generate.cells import Changes, Place
from bvae.app.generate.generate_panels import Shown, Task, draws_sheet, numbers
from bvae.app.generate.state import Generate, tasks
from bvae.app.generate.tasks import DRAW_OR_WRITE, EDIT
from bvae.app.state import Form
from bvae.app.widgets import tiles
from bvae.app.widgets.markdown import plain
from bvae.data import MultimodalDataset

CHANGED, BEGUN = "generate_cells", "generate_row"
"""In the session: the changed cells, and of which item of which data set they are."""
CHOSEN = "generate_columns"
LINK = "cells"
CELL = "cell_"
"""How keys of the fields begin."""
OPEN = "left open"
MOST_OFFERED = 3000
"""Columns that are offered where not all of them have a field."""
MOVED, MOST_MOVED = 0.1, 3
"""Standard deviations of a column from which a change of the belief is told, and of how many columns."""


def forget() -> None:
    """All changes and their fields."""
    for key in [k for k in st.session_state if isinstance(k, str) and k.startswith(CELL)]:
        del st.session_state[key]
    st.session_state.pop(CHOSEN, None)
    st.session_state[CHANGED] = {}


def forget_link() -> None:
    """Another task: its address holds no cells."""
    links.hold({LINK: ""})


def another_data_set(form: Form[Generate]) -> None:
    """Before the choice of the task: where one was drawing, one edits a row of tables, and the other way round."""
    held, offered = st.session_state.get("task"), tasks(form.about)
    other = {DRAW_OR_WRITE: EDIT, EDIT: DRAW_OR_WRITE}.get(held or "")
    if other and held not in offered and other in offered:
        st.session_state["task"] = other


def begin(data_name: str, data: MultimodalDataset, item: int) -> Changes:
    """The changes of this item: none of another one, those of a link that has just come."""
    base = (data_name, item)
    if st.session_state.get(BEGUN) != base or CHANGED not in st.session_state:
        forget()
        st.session_state[BEGUN] = base
    if (link := links.news(LINK)) is not None:
        forget()
        try:
            st.session_state[CHANGED] = cells.decode(link[0], data, item) if link[0] else {}
        except ValueError:
            links.say("Changed cells", link[0], "the item as it is")
    return st.session_state[CHANGED]


def edit(c: Task) -> Shown | None:
    """Fields at the left, what the model makes of them at the right."""
    item = c.form.answer("item")
    changes = begin(c.form.about.data_name, c.data, item)
    left, right = st.columns([1, 1.7], gap="large")
    with left:
        st.subheader("The row")
        given = c.form.ask(st.pills, "given", "Views that are filled in",
                           help="What is not filled in is left to the model, whatever its cells hold.")
        _fields(c, item, changes, given)
        st.button("The item as it is", icon=":material/undo:", key="generate_as_it_is", on_click=forget,
                  disabled=not changes)
    fits = len(changes) <= cells.MOST_IN_LINK
    links.hold({LINK: cells.encode(changes) if changes and fits else ""})
    with right:
        st.subheader("What follows")
        if not fits:
            st.caption(f"More than {cells.MOST_IN_LINK} changed cells: the address does not hold them.")
        x = enters(c.data, item, changes, given)
        if not x:
            st.info("Nothing is filled in. Give the model a value to begin with.", icon=":material/edit_note:")
            return None
        return _follows(c, item, changes, x)


# -- the fields --------------------------------------------------------------------------------------------------------


def _fields(c: Task, item: int, changes: Changes, given: Sequence[str]) -> None:
    """A field for each column of the views that are filled in, or for those that a person chooses."""
    every = [(m, k) for m, view in enumerate(c.views) for k in range(len(c.data.modalities[view].columns))]
    shown = every if len(every) <= columns.IN_THE_COLUMN else _choose(c.data, every, changes)
    for m, view in enumerate(c.views):
        mine = [place for place in shown if place[0] == m]
        if not mine or view not in given:
            continue
        st.html(sheet.head(view, m, c.data.modalities[view].label))
        with st.container(horizontal=True, gap="small"):
            for place in mine:
                _field(c.data, item, place, changes)
    st.caption(f"Clear a field, or choose *{OPEN}*: then it is imputed."
               + ("" if len(shown) == len(every) else " Columns without a field are as the item has them."))


def _choose(data: MultimodalDataset, every: list[Place], changes: Changes) -> list[Place]:
    """Which of many columns have a field; at first, the first of each view and those that are changed."""
    offered = list(dict.fromkeys([*sorted(changes), *every[:MOST_OFFERED]]))
    views = list(data.modalities)
    first = sorted({*changes, *(place for place in offered if place[1] == 0)})
    return sorted(st.multiselect(
        "Columns to change", offered, first, key=CHOSEN, placeholder="Type to search",
        format_func=lambda p: f"{views[p[0]]}: {tiles.called(data.modalities[views[p[0]]].columns[p[1]])}"))


def _field(data: MultimodalDataset, item: int, place: Place, changes: Changes) -> None:
    """One cell; what differs from the item's own is a change."""
    column = cells.found(data, place)[1]
    mine, key = cells.own(data, item, place), f"{CELL}{place[0]}_{place[1]}"
    now = changes.get(place, mine)
    name = plain(tiles.called(column))
    if cells.of_words(column):
        options = [None, *range(len(cells.words(column)))]
        st.session_state.setdefault(key, None if now is None else int(now))
        value = st.selectbox(name, options, key=key, width=165, format_func=lambda k: (
            OPEN if k is None else cells.words(column)[k]))
    else:
        count = column.type == "count"
        kind = int if count else float
        low, high = cells.usual(data, place)
        st.session_state.setdefault(key, None if now is None else kind(now))
        least, most = cells.bounds(data, item, place)
        value = st.number_input(
            f"{name}, {tiles.number(low)} to {tiles.number(high)}", kind(least), kind(most), None, key=key, width=165,
            step=kind(max(1.0, cells.step(data, place))) if count else cells.step(data, place),
            format="%d" if count else "%.6g", placeholder=OPEN)
        if value is not None and not low <= value <= high:
            st.caption(f"{name} lies beyond all items: there the model only guesses.")
    if value == mine:
        changes.pop(place, None)
    else:
        changes[place] = None if value is None else float(value)


# -- what follows ------------------------------------------------------------------------------------------------------


def enters(
    data: MultimodalDataset, item: int, changes: Mapping[Place, float | None], given: Sequence[str]
) -> dict[str, Tensor]:
    """What the model sees: view -> (1, ...), without those of which nothing is filled in."""
    x = {**data.of_item(item), **cells.changed(data, item, changes)}
    return {v: x[v] for v in data.modalities if v in given and v in x and not bool(x[v].isnan().all())}


def believed(c: Task, item: int, x: Mapping[str, Tensor]) -> dict[str, list[Cell]]:
    """Every column, given what the model sees; the same numbers as `bvae.models.imputation.impute`."""
    z = c.studio.common(x, columns.DRAWS, c.seed)
    return columns.of_draws(c.studio.model, c.data, z, x,
                            {v: values[0] for v, values in c.data.of_item(item).items()},
                            c.studio.rule == c.studio.model.aggregator)


def marked(found: Mapping[str, list[Cell]], x: Mapping[str, Tensor], changes: Changes) -> dict[str, list[Cell]]:
    """Emptied cells keep what stood there as a mark; changed ones come first where a view has many columns."""
    out = {}
    for m, (view, all_of) in enumerate(found.items()):
        touched = {k for v, k in changes if v == m}
        told = [dataclasses.replace(cell, emptied=view in x and bool(cell.given.isnan().any())
                                    and not bool(cell.true.isnan().any())) for cell in all_of]
        many = len(told) > columns.AT_FIRST
        first = [cell for k, cell in enumerate(told) if many and k in touched]
        out[view] = first + [cell for k, cell in enumerate(told) if not (many and k in touched)]
    return out


def moved(
    data: MultimodalDataset, before: Mapping[str, list[Cell]], after: Mapping[str, list[Cell]], changes: Changes
) -> list[str]:
    """The columns of which the belief moved most, in words; those that a person filled in are left out."""
    views = list(data.modalities)
    filled = {place for place, value in changes.items() if value is not None}
    told = []
    for view in after:
        deviation = tiles.usual(data, view)[1]
        at = 0
        for k, (old, new) in enumerate(zip(before[view], after[view], strict=True)):
            unit = 1.0 if new.words else float(deviation[at])
            far = float((new.mean - old.mean).abs().max()) / unit
            at += new.column.width
            if far >= MOVED and (views.index(view), k) not in filled:
                was, is_ = (tiles.written(cell.column, cell.mean) for cell in (old, new))
                told.append((far, f"**{plain(tiles.called(new.column))}** from {plain(was)} to {plain(is_)}"))
    return [text for _, text in sorted(told, key=lambda pair: -pair[0])[:MOST_MOVED]]


def _follows(c: Task, item: int, changes: Changes, x: Mapping[str, Tensor]) -> Shown:
    """The belief in every column, and draws of what is a picture or has many columns."""
    found = believed(c, item, x)
    if changes and (honest := {v: values for v, values in c.data.of_item(item).items() if v in x}):
        told = moved(c.data, believed(c, item, honest), found, changes)
        st.markdown("Your changes move " + (f"{', '.join(told)}." if told else "no column by much."))
    drawn = [v for v in c.views if not 0 < len(c.data.modalities[v].columns) <= tiles.FEW]
    generated = c.studio.translate(x, drawn, c.num_samples, c.seed, [item])
    if drawn:
        draws_sheet(c, generated, drawn, f"Your row in {', '.join(drawn)}", numbers(len(generated)))
        st.caption("Each row is another draw from the joint belief.")
    states = {v: columns.FILLED_IN if v in x else columns.LEFT_OPEN for v in found}
    st.html(columns.html(c.data, marked(found, x, changes), states))
    st.caption("Dot: what is filled in; a ring: what stood there and the model does not see. Line and band: what the "
               "joint belief makes of it, mean and 90 % interval, on an axis that reaches over all items.")
    return Shown(columns.frame(found, {v: v in x for v in found}).to_dict("records"), [generated])


# -- the same in Python ------------------------------------------------------------------------------------------------


def script(c: Task) -> list[str]:
    """Lines of Python that fill and impute the row that is shown; before them: `data`, `model` and `rule`."""
    return lines(c.data, c.form.answer("item"), st.session_state[CHANGED], c.form.answer("given"), c.seed)


def lines(data: MultimodalDataset, item: int, changes: Changes, given: Sequence[str], seed: int) -> list[str]:
    """See :func:`script`."""
    seen = list(enters(data, item, changes, given))
    lacks = [v for v in seen if not data.has(v, item)]
    out = ["from bvae.models.imputation import impute", "",
           f"x = {{v: values.clone() for v, values in data.of_item({item}).items() if v in {seen!r}}}",
           *(f"x[{v!r}] = torch.full((1, {data.modalities[v].shape[0]}), torch.nan)" for v in lacks)]
    for place, value in sorted(changes.items()):
        view, column, at = cells.found(data, place)
        if view not in seen:
            continue
        put = "torch.nan" if value is None else f"torch.tensor({cells.cells_of(column, value)!r})"
        said = OPEN if value is None else (
            cells.words(column)[int(value)] if cells.of_words(column) else "")
        out.append(f"x[{view!r}][0, {at.start}:{at.stop}] = {put}  # {column.name}{': ' if said else ''}{said}")
    return [*out,
            f"filled = impute(model, x, num_draws={columns.DRAWS}, generator=torch.Generator().manual_seed({seed}),",
            "                aggregator=rule)  # what is left open: means and standard deviations, in the data's units",
            "for view, row in filled.items():", "    print(view, row.mean[0], row.scale[0])"]
