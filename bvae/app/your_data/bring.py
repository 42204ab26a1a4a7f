"""Your data, where a person brings tables, pictures, texts or sounds: what was understood, and what is missing."""

from __future__ import annotations

import functools
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.errors import StreamlitAPIException

from bvae.app import pages
from bvae.app.state import Form
from bvae.app.templates import render
from bvae.app.widgets import choose as names_of
from bvae.app.widgets import fold, images, share, small_table
from bvae.app.widgets.layout import gallery
from bvae.app.widgets.markdown import plain
from bvae.app.your_data import brought, missing
from bvae.app.your_data.brought import DONE, GO, Brought
from bvae.app.your_data.state import BELIEFS, BRINGS, EXAMPLES, Bring, YourData
from bvae.app.your_data.understood import KINDS, Understood
from bvae.data import DATASETS
from bvae.data.base import DataError
from bvae.data.own.manifest import read_manifest
from bvae.data.own.receiving import LIMITS, MIB
from bvae.plots import style
from bvae.runs import kept

UP = "bring_up"
"""In the session: how often the page was to be seen from its top again."""
NOTES, WIDE, MOST_NAMED = 12, 90, 300
"""Sentences about the data that are shown, pixels of a view of an item, and columns among which labels are chosen."""
ALONE = ("This app can be reached from other computers: what you give is looked at and kept nowhere, and no model of "
         "it can be trained. Start the app on your own computer (bvae app) for both.")


LATER = ("Models that were trained before keep the columns that they know: where the views have changed, they say so "
         "and are to be trained anew. Another column of names also means other items that are kept to test.")


def choose() -> Form[Bring]:
    """What a person brings: an address from before there was this choice shows beliefs, as it did."""
    form = Form(Bring)
    key = form.key("brings")
    older = {c.key for c in YourData.controls().values() if isinstance(c.key, str)}
    if key not in st.session_state and key not in st.query_params and any(
            name in older or name.startswith("my_w_") for name in st.query_params):
        try:
            st.query_params[key] = BRINGS[BELIEFS]
        except StreamlitAPIException:  # the widget of the page that one came from still has the parameter
            st.session_state[key] = BELIEFS
        else:
            st.rerun()
    form.ask(st.segmented_control, "brings", "What you bring", label_visibility="collapsed", wrap=True)
    return form


def show(form: Form[Bring]) -> None:
    """Where files are given, what can be done with them, and what was understood."""
    _go()
    local = kept.may_keep(st.get_option("server.address"))
    problems = kept.register_kept() if local else []
    mine = list(kept.kept()) if local else []
    form.about = [*EXAMPLES, *(name for name in mine if name in DATASETS)]
    now = brought.current()
    left, right = st.columns([1, 1.7], gap="large")
    with left:
        st.markdown("**What is in your files, and what is missing?** Give them, and see at once. "
                    "Until you do, an example is shown.")
        give(local)
        if now is None:
            names_of.accept_names(form.key("shown"), form.about, names_of.data_label)
            form.ask(st.segmented_control, "shown", "Or look at an example" + (" or at what you keep" if mine else ""),
                     wrap=True)
        else:
            form.keep("shown")
    with right, st.container(key="bring_understood"):
        found = understood(now, form.answer("shown"))
    with left, st.container(key="after_picture_do"):
        do(now, found, form.answer("shown"), local)
        with st.container(horizontal=True):
            share.button("Your files and what you keep are not in it.", form)
            form.reset_button()
            if now is not None:
                st.button("Forget my files" if now.folder is None else
                          f"Leave {now.kept_as} as it was" if now.kept_as else "Forget this folder",
                          icon=":material/close:", on_click=brought.forget, key="bring_forget")
        more(local)
    if found is not None:
        with st.container(key="below_picture_first"):
            st.subheader("The first items")
            first_items(found)
    if mine:
        with st.container(key="at_the_end_kept"):
            listed(mine, problems)


def give(local: bool) -> None:
    """The uploader."""
    st.file_uploader(f"Your files: a table for each view, or a ZIP of pictures or sounds (up to {LIMITS.bytes // MIB} "
                     "MB)", accept_multiple_files=True, key=brought.uploader(), on_change=brought.adopt_files,
                     max_upload_size=LIMITS.bytes // MIB,
                     help="CSV, TSV, Excel (.xlsx), Parquet, NPZ, safetensors, AnnData (.h5ad), MuData (.h5mu), "
                          "or a ZIP of them. The rows of an item belong together by a column that names it.")
    st.caption("Your files stay in the memory of this session; while they are read they lie in a folder that is "
               "deleted at once." + (" They are kept only if you say so." if local else ""))


def more(local: bool) -> None:
    """A folder on one's own computer, and what is taken."""
    if local:
        st.text_input("Or a folder on this computer, of any size", key="bring_folder", on_change=brought.adopt_folder,
                      placeholder="/home/me/birds")
    fold.show("What files are taken", "description", "bring_format", _taken)


def _taken() -> None:
    st.markdown(
        "- **Tables** (CSV, TSV, Excel, Parquet): the first row names the columns, and one column, the same in every "
        "file, names the item. An empty cell, `NA`, `?` or `-` is a gap. Several files are several views; so are the "
        "sheets of an Excel file, and groups of columns of one file whose names begin alike (`beak_length`, "
        "`beak_depth`, `body_mass`).\n"
        "- **Pictures, sounds**: a ZIP; a file's name is the item's, in a table of captions beside it, too.\n"
        "- **Arrays** (NPZ, safetensors): one array a view, and one called `ids`.\n"
        "- **Cells** (`.h5ad`, `.h5mu`): as AnnData and MuData write them.\n"
        "- Items that lack a view stay: a model fills what is missing, and says how sure it is.\n\n"
        f"A ZIP may hold {LIMITS.files:,} files and {LIMITS.unpacked // MIB:,} MB unpacked; no links, no ZIPs in it.")


def understood(now: Brought | None, name: str) -> Understood | None:
    """What is known of what was brought, or of the example; None, and why, where it cannot be read."""
    if now is not None and now.found is None and not now.problem:
        with st.spinner("Looking into your files"):
            now.look()
    problem, notes = ("", ()) if now is None else (now.problem, now.notes)
    if now is not None:
        found = now.found
    else:
        try:
            found = brought.of_name(name)
        except (DataError, OSError) as error:
            found, problem = None, str(error)
    known = names_of.data_label(name) if now is None else now.kept_as
    st.subheader("What we understood" + (f": {plain(known)}" if known else ""))
    if problem:
        box = st.warning if found is not None or now is None else st.error
        box(plain(problem) + ("" if problem.endswith((".", "?")) else "."),
            icon=":material/error:" if found is None and now is not None else ":material/info:")
    if found is None:
        return None
    st.markdown(headline(found))
    views(now, found)
    labels(now, found)
    if told := (*notes, *found.notes):
        further = [f"and {len(told) - NOTES:,} further notes"] if len(told) > NOTES else []
        st.html(render("brought_notes", notes=[*told[:NOTES], *further]))
    st.subheader("What is missing")
    missing.show(found)
    return found


def headline(found: Understood) -> str:
    """How many items, how they are named, which labels they have."""
    count = len(found.views)
    parts = [f"**{found.items:,} items**, seen through **{count} {'view' if count == 1 else 'views'}**: "
             f"{found.train:,} to learn from, {found.test:,} kept to test."]
    if found.manifest is not None:
        parts.append(f"The column **{plain(found.item_column)}** names the items." if found.item_column else
                     "No column names the items: rows belong together by their order.")
    for column, words in found.labels:
        parts.append(f"Label **{plain(column)}**: {plain(words if len(words) < 120 else words[:120] + '…')}.")
    return " ".join(parts)


def views(now: Brought | None, found: Understood) -> None:
    """A line for each view, with the kinds that it could be."""
    changeable = now is not None and any(len(view.fits) > 1 for view in found.views)
    for m, view in enumerate(found.views):
        several = now is not None and len(view.fits) > 1
        line = render("brought_view", color=style.color(m), name=view.name, size=view.size, where=view.where,
                      kind="" if several else KINDS[view.kind])
        if not changeable:
            st.html(line)
            continue
        left, right = st.columns([1, 1.5], vertical_alignment="center")
        left.html(line)
        if several:
            key = f"bring_kind_{st.session_state.get(brought.REVISION, 0)}_{m}"
            st.session_state[key] = view.kind  # what was understood, also where a choice was refused
            right.segmented_control(f"Kind of {plain(view.name)}", view.fits, required=True,
                                    format_func=KINDS.__getitem__, key=key, on_change=brought.change_kind,
                                    args=(view.name, key), wrap=True, label_visibility="collapsed")


def labels(now: Brought | None, found: Understood) -> None:
    """Which column names the items, and which are labels, to be changed where there are not too many of them."""
    if now is None or found.manifest is None or not found.tables:
        return
    ids = list(dict.fromkeys(c for c in (found.item_column, *found.item_columns) if c))
    if ids and ids != [found.item_column]:
        key = f"bring_item_column_{st.session_state.get(brought.REVISION, 0)}"
        st.session_state[key] = found.item_column or None
        st.selectbox("The column that names the items", ids, index=0 if found.item_column else None, key=key,
                     on_change=brought.change_item_column, args=(key,))
    names = list(dict.fromkeys((*found.manifest.labels, *(c for table in found.tables for c in table.columns
                                                          if c != found.item_column))))
    if 0 < len(names) <= MOST_NAMED:
        key = f"bring_labels_{st.session_state.get(brought.REVISION, 0)}"
        st.session_state[key] = list(found.manifest.labels)
        st.multiselect("Label columns: they colour maps, and no model learns from them", names, key=key,
                       on_change=brought.change_labels, args=(key,))


def first_items(found: Understood) -> None:
    """The first rows as they were read, and pictures and texts to look at."""
    if found.heads:
        st.html(small_table.table(pd.DataFrame([(item.id, *item.cells) for item in found.first],
                                               columns=["item", *_apart(found.heads)]), "The first items"))
        if len(found.columns) > len(found.heads):
            st.caption(f"The first columns of {len(found.columns):,}.")
    if any(item.looks for item in found.first):
        views = [view for view in found.views if view.name in found.first[0].looks]
        st.html(gallery([images.of_item(item.id, 0, item.looks) for item in found.first], WIDE * len(views)))


def _apart(heads: tuple[str, ...]) -> list[str]:
    """Names of columns of several views, each once, as a table needs them."""
    return [head + " " * heads[:k].count(head) for k, head in enumerate(heads)]


def do(now: Brought | None, found: Understood | None, name: str, local: bool) -> None:
    """Keep it, and train a model on it."""
    if done := st.session_state.get(DONE):
        (st.success if done[0] else st.warning)(plain(done[1]))
    if not local:
        st.info(ALONE, icon=":material/info:")
        return
    if found is None:
        return
    if now is None:
        st.page_link(pages.script("train"), label=f"Train a model on {names_of.data_label(name)}",
                     icon=":material/model_training:", query_params={"train_data": names_of.data_label(name)})
        return
    if now.kept_as:
        folder = kept.kept().get(now.kept_as)
        unchanged = folder is not None and found.manifest == read_manifest(folder)
        st.button(f"Save {now.kept_as} so", icon=":material/save:", type="primary", width="stretch", key="bring_save",
                  disabled=unchanged, on_click=brought.save,
                  help="Change a kind, the labels or the column that names the items first." if unchanged else None)
        st.caption(LATER)
        return
    st.text_input("Name of these data", value=now.called, key="bring_name", max_chars=60,
                  help="Small letters, digits and hyphens: it stands in addresses and as a folder.")
    st.button("Train a model on it", icon=":material/model_training:", type="primary", width="stretch",
              key="bring_train", on_click=brought.keep, args=(True,))
    st.button("Keep it on this computer", icon=":material/save:", width="stretch", key="bring_keep",
              on_click=brought.keep, args=(False,))
    st.caption(f"Both copy {_size(now.bytes)} into {plain(str(kept.kept_root()))}. Nothing leaves this computer.")


def listed(names: list[str], problems: list[str]) -> None:
    """What is kept on this computer, with a button to delete each; what cannot be read says why."""
    st.subheader("Kept on this computer")
    for name in names:
        with st.container(horizontal=True, vertical_alignment="center", key=f"bring_kept_{name}"):
            st.markdown(f"**{plain(name)}** {_size(kept.size(name))}" + (
                "" if name in DATASETS else ", which cannot be read"), width=260)
            if name in DATASETS:
                st.button(f"Look at {name}", icon=":material/visibility:", key=f"bring_look_{name}", on_click=_look,
                          args=(name,))
                st.button(f"Change {name}", icon=":material/edit:", key=f"bring_change_{name}",
                          on_click=_change, args=(name,),
                          help="What its views, labels and items' names are taken for")
                st.page_link(pages.script("train"), label=f"Train on {name}", icon=":material/model_training:",
                             query_params={"train_data": name})
            with st.popover(f"Delete {name}", icon=":material/delete:", key=f"bring_ask_{name}"):
                st.write(f"The files of {plain(name)} that are kept here go, and the models of it. Your own files stay "
                         "where they are.")
                st.button(f"Delete {name} for good", key=f"bring_delete_{name}", on_click=brought.delete, args=(name,),
                          type="primary")
    for problem in problems:
        st.caption(f":material/error: {plain(problem)}")
    upwards()(data={"times": st.session_state.get(UP, 0)}, key="bring_upwards")


def _look(name: str) -> None:
    brought.forget()
    st.session_state["bring_data"] = name
    _up()


def _change(name: str) -> None:
    brought.adopt_kept(name)
    _up()


def _up() -> None:
    """Let the page be seen from its top: what was asked for below is shown there."""
    st.session_state[UP] = st.session_state.get(UP, 0) + 1


@functools.cache
def upwards() -> Any:
    """A component without anything to see, which scrolls up whenever its number is another one."""
    return st.components.v2.component("bvae_your_data_upwards", js="""
        let known = null;
        export default function ({ data }) {
          if (known !== null && known !== data.times) {
            document.querySelector('[data-testid="stMain"]')?.scrollTo({ top: 0 });
          }
          known = data.times;
        }""")


def _go() -> None:
    """After what was brought is kept: on to the page that trains."""
    if name := st.session_state.pop(GO, ""):
        st.switch_page(pages.script("train"), query_params={"train_data": name})


def _size(count: int) -> str:
    return f"{count / MIB:,.1f} MB" if count >= MIB / 10 else f"{count / 1024:,.1f} kB"
