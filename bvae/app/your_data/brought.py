"""What a person has brought in this session: files in memory, or a folder of this computer, and what was understood.

Files lie on the disk while they are read, and longer only where she keeps them on her own computer.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st

from bvae.app.your_data import corrected, understood
from bvae.app.your_data.understood import Understood
from bvae.data.base import DATASETS, DataError
from bvae.data.own.manifest import Manifest
from bvae.data.own.receiving import receive
from bvae.data.own.registering import FOLDERS
from bvae.io.storage import WriteError
from bvae.runs import kept

BROUGHT, REVISION, DONE, GO = "bring_brought", "bring_revision", "bring_done", "bring_go"
"""In the session: what was brought, a number of the uploader, what was done, and the data set to be trained on."""
CHOICES = ("bring_kind_", "bring_labels_", "bring_item_column_")
"""How the keys of those widgets begin that correct what was understood."""


@dataclass
class Brought:
    """Files or a folder, and what is known of them.

    Attributes
    ----------
    files : tuple of (str, bytes)
        () for a folder.
    folder : Path or None
    found : Understood or None
        None before it was looked at, or where it cannot be read.
    problem : str
        Why not.
    notes : tuple of str
        What was renamed or left out.
    kept_as : str
        Name of the kept data set whose folder it is, to be changed; "" for anything else.
    """

    files: tuple[tuple[str, bytes], ...] = ()
    folder: Path | None = None
    found: Understood | None = None
    problem: str = ""
    notes: tuple[str, ...] = ()
    kept_as: str = ""

    @property
    def bytes(self) -> int:
        """Of the files."""
        return sum(len(content) for _, content in self.files) if self.folder is None else sum(
            p.stat().st_size for p in self.folder.rglob("*") if p.is_file() and not p.is_symlink())

    @property
    def called(self) -> str:
        """A name that a data set of it may have: that of the folder or of the one file, and a number if it is taken."""
        first = self.folder.name if self.folder else Path(self.files[0][0]).stem if len(self.files) == 1 else "my-data"
        name = re.sub(r"[^a-z0-9]+", "-", first.lower()).strip("-")[:40] or "my-data"
        taken, k, free = {*DATASETS, *kept.kept()}, 1, name
        while free in taken:
            k += 1
            free = f"{name}-{k}"
        return free

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """The folder, or one that holds the files until the block ends."""
        if self.folder is not None:
            yield self.folder
            return
        with tempfile.TemporaryDirectory(prefix="bvae-") as place:
            self.notes = tuple(receive(self.files, Path(place)))
            yield Path(place)

    def look(self, manifest: Manifest | None = None) -> None:
        """Find out what it is; with a manifest, what it is as that says. :attr:`problem` says why it cannot be read."""
        said = self.found.said if self.found else ()
        try:
            with self.on_disk() as place:
                try:
                    found = understood.of_folder(place, manifest, said)
                except DataError as error:  # where they lie meanwhile says nothing to a person
                    raise DataError(re.sub(rf"{re.escape(str(place))}(: |/)?", "", str(error))) from error
            self.found, self.problem = found, ""
        except (DataError, OSError) as error:
            self.problem = str(error)
        except MemoryError:
            self.problem = "there is not enough memory to read it: give fewer rows or columns"
        except Exception as error:  # a library that stumbles over a damaged file is a sentence, too
            self.problem = f"it cannot be read ({type(error).__name__}): save it again, or as CSV"


def current() -> Brought | None:
    """What was brought in this session and was not taken away again."""
    return st.session_state.get(BROUGHT)


def adopt_files() -> None:
    """Take the files that are in the uploader now; it is looked at when the page is drawn."""
    files = st.session_state.get(uploader()) or []
    _bring(Brought(tuple((f.name, f.getvalue()) for f in files)) if files else None)


def adopt_folder() -> None:
    """Take the folder whose name was typed."""
    given = str(st.session_state.get("bring_folder", "")).strip().strip("\"'")
    if not given:
        return
    folder = Path(given).expanduser()
    brought = Brought(folder=folder)
    if not folder.is_absolute() or not folder.is_dir():
        brought.problem = f"{given[:200]}: expected a folder of this computer with its whole path, got no such folder"
    _bring(brought)


def adopt_kept(name: str) -> None:
    """Take a data set that is kept, so that what was understood of it can be put right."""
    forget()
    if folder := kept.kept().get(name):
        _bring(Brought(folder=folder, kept_as=name))


def save() -> None:
    """Write what was put right of a kept data set."""
    brought = current()
    if brought is None or brought.found is None or brought.found.manifest is None or not brought.kept_as:
        return
    name, manifest = brought.kept_as, brought.found.manifest

    def write() -> None:
        kept.change(name, manifest)
        forget()
        st.session_state["bring_data"] = name

    attempt(write, f"{name} is saved as it is understood now.")


def uploader() -> str:
    """Key of the uploader: another one after everything was taken away, so that it is empty."""
    return f"bring_files_{st.session_state.get(REVISION, 0)}"


def forget() -> None:
    """Take away what was brought."""
    st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1
    _bring(None)


def change_kind(view: str, key: str) -> None:
    """Let a view be of the kind that was chosen; if it cannot be read so, it stays as it was."""
    _change(key, lambda found, manifest, chosen: corrected.with_kind(manifest, view, chosen))


def change_labels(key: str) -> None:
    """Let other columns be labels; if the rest cannot be read so, they stay as they were."""
    _change(key, lambda found, manifest, chosen: corrected.with_labels(manifest, chosen, found.tables))


def change_item_column(key: str) -> None:
    """Let another column name the items; if they cannot be read so, it stays as it was."""
    _change(key, lambda found, manifest, chosen: corrected.with_item_column(manifest, chosen, found.tables))


def _change(key: str, changed: Callable[[Understood, Manifest, Any], Manifest]) -> None:
    """Read what was brought as the widget of a key says; if that cannot be, it stays as it was."""
    brought = current()
    if brought is None or brought.found is None or brought.found.manifest is None:
        return
    try:
        manifest = changed(brought.found, brought.found.manifest, st.session_state[key])
    except DataError as error:
        brought.problem = str(error)
    else:
        brought.look(manifest)


def keep(train: bool) -> None:
    """Keep what was brought on this computer, under the name that was typed; then perhaps train a model on it."""
    brought, name = current(), str(st.session_state.get("bring_name", "")).strip()
    if brought is None or brought.found is None or brought.found.manifest is None:
        return
    manifest = brought.found.manifest
    attempt(lambda: _keep(brought, manifest, name), f"{name} is kept on this computer.")
    if name in kept.kept() and current() is None:
        st.session_state["bring_data"] = name
        st.session_state[GO] = name if train else ""


def _keep(brought: Brought, manifest: Manifest, name: str) -> None:
    with brought.on_disk() as place:
        kept.keep(place, manifest, name)
    kept.register_kept()
    forget()


def delete(name: str) -> None:
    """Delete a kept data set and its models."""
    def gone() -> None:
        kept.forget(name)
        if (brought := current()) is not None and brought.kept_as == name:
            forget()

    attempt(gone, f"{name} and its models are deleted.")


def attempt(do: Callable[[], object], done: str) -> None:
    """Do something and remember what to say of it: (whether it was done, a sentence)."""
    try:
        do()
        st.session_state[DONE] = (True, done)
    except (kept.KeptError, WriteError, DataError) as error:
        st.session_state[DONE] = (False, str(error))


def of_name(name: str) -> Understood:
    """An example, or a data set that is kept. Raises DataError if it cannot be read."""
    if name in FOLDERS:
        return _of_folder(name, str(FOLDERS[name]), (FOLDERS[name] / understood.FILE).stat().st_mtime_ns)
    return _of_ours(name)


@st.cache_resource(max_entries=8, show_spinner="Reading the data")
def _of_folder(name: str, folder: str, changed: int) -> Understood:
    found = understood.of_folder(Path(folder))
    return replace(found, views=tuple(replace(v, fits=(v.kind,)) for v in found.views))


@st.cache_resource(max_entries=8, show_spinner="Reading the data")
def _of_ours(name: str) -> Understood:
    return understood.of_name(name)


def _bring(brought: Brought | None) -> None:
    st.session_state[BROUGHT] = brought
    for key in [k for k in st.session_state if isinstance(k, str) and k.startswith(CHOICES)]:
        del st.session_state[key]
    st.session_state.pop("bring_name", None)
    st.session_state.pop(DONE, None)
