"""A person's own posteriors in this session, and nowhere else.

Neither Streamlit's caches nor the disk hold them: two sessions never see each other's file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st
import torch

from bvae.aggregators import aggregator
from bvae.aggregators.comparison import means_of
from bvae.app import loaders
from bvae.app.state import forget
from bvae.app.widgets.choose import FIRST_DATA
from bvae.app.widgets.markdown import plain
from bvae.app.your_data.state import CLOUDS, JOINT
from bvae.data import uploads
from bvae.data.uploads import PosteriorSet, UploadError
from bvae.io.storage import StorageError
from bvae.runs import isolated

UPLOAD, PROBLEM, KEPT, REVISION = "my_upload", "my_problem", "my_kept", "my_revision"
EXAMPLE_MODEL, EXAMPLE_ITEMS = "wb-vae", 300
MOST_KEPT = 16


def keep_in_memory() -> None:
    """Let the server hold uploads in memory: beyond a megabyte its form parser would use a temporary file."""
    try:
        from starlette.formparsers import MultiPartParser
    except ImportError:  # an older server, which has no such parser and holds everything in memory
        return
    MultiPartParser.spool_max_size = 2 * uploads.MAX_FILE


keep_in_memory()


def widget() -> None:
    """Where a file is given, and what is wrong with it."""
    isolated.prepare()
    st.file_uploader(
        f"A file of beliefs (posteriors; .npz or .safetensors, at most {uploads.MAX_FILE // uploads.MIB} MB)",
        type=list(uploads.FILE_TYPES), on_change=_adopt, key=f"my_file_{st.session_state.get(REVISION, 0)}",
        max_upload_size=uploads.MAX_FILE // uploads.MIB,
        help="Means and standard deviations of what each view makes the model believe; the format is below.")
    if problem := st.session_state.get(PROBLEM):
        st.error(plain(problem), icon=":material/error:")


def current() -> tuple[PosteriorSet, bool, bytes]:
    """What is shown, whether that is the example, and the example as a file."""
    content, example = _example()
    mine = st.session_state.get(UPLOAD)
    return (example, True, content) if mine is None else (mine, False, content)


def forget_file() -> None:
    """Back to the example."""
    st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1  # an empty uploader
    _replace(None, "")


def kept(key: tuple, compute: Callable[[], Any]) -> Any:
    """The result of something slow, kept in this session until another file comes; a few of them."""
    store = st.session_state.setdefault(KEPT, {})
    if key not in store:
        while len(store) >= MOST_KEPT:
            store.pop(next(iter(store)))
        store[key] = compute()
    return store[key]


def means(
    data: PosteriorSet, which: str, views: Sequence[str], rule_name: str, most: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Posterior means for a map: of one modality, of all (:data:`JOINT`), or of each alone (:data:`CLOUDS`).

    Returns
    -------
    means : ndarray
        (n, D).
    item : ndarray
        (n,) the item of each.
    cloud : ndarray
        (n,) position in `views`; 0 for joint means.
    """
    if which == JOINT:
        items = loaders.spread(len(data), min(len(data), most))
        return joint_means(data, rule_name, [True] * len(views), items), items, np.zeros(len(items), dtype=int)
    parts: list[np.ndarray] = []
    each: list[np.ndarray] = []
    clouds: list[np.ndarray] = []
    for m, view in enumerate(views):
        if which in (view, CLOUDS):
            there = np.flatnonzero(data.experts.present[m].numpy())
            some = there[loaders.spread(len(there), min(len(there), most))] if len(there) else there
            parts.append(data.experts.loc[m, some].numpy())
            each.append(some)
            clouds.append(np.full(len(some), m))
    return np.concatenate(parts), np.concatenate(each), np.concatenate(clouds)


def joint_means(data: PosteriorSet, rule_name: str, observed: Sequence[bool], items: np.ndarray) -> np.ndarray:
    """(n, D) means of the joint posteriors of some items, given some of the modalities."""
    def compute() -> np.ndarray:
        loc, scale, present = (v[:, items] for v in data.experts)
        seen = present & torch.tensor(observed).unsqueeze(1)
        with torch.inference_mode():
            return means_of(aggregator(rule_name).conditional(), loc, scale, seen).numpy()

    return kept(("means", rule_name, tuple(observed), len(items)), compute)


def _example() -> tuple[bytes, PosteriorSet]:
    names = loaders.trained(FIRST_DATA)
    if names:
        name = EXAMPLE_MODEL if EXAMPLE_MODEL in names else names[0]
        try:
            key = loaders.ModelKey.on_disk(FIRST_DATA, name)
            return loaders.example_file(key, EXAMPLE_ITEMS), loaders.example(key, EXAMPLE_ITEMS)
        except StorageError:
            pass
    content = synthetic()
    return content, uploads.read(content)


def synthetic() -> bytes:
    """An example without a model: three modalities of three classes, drawn at random."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 3
    centre = 2 * torch.randn(3, 6, generator=generator)[labels]
    loc = centre + 0.5 * torch.randn(3, 90, 6, generator=generator)
    scale = 0.3 + torch.rand(3, 90, 6, generator=generator)
    return uploads.write(loc, scale, ["image", "sound", "text"], labels=labels.numpy(), name="synthetic")


def _adopt() -> None:
    """Read the file that has just been given, or forget the one that has just been removed."""
    file = st.session_state.get(f"my_file_{st.session_state.get(REVISION, 0)}")
    if file is None:
        _replace(None, "")
        return
    try:
        _replace(uploads.read(file.getvalue()), "")
    except UploadError as error:
        _replace(None, str(error))


def _replace(data: PosteriorSet | None, problem: str) -> None:
    st.session_state[UPLOAD], st.session_state[PROBLEM], st.session_state[KEPT] = data, problem, {}
    of_the_old = [k for k in st.session_state if isinstance(k, str) and k.startswith(("my_w_", "my_map_"))]
    forget("my_item", "my_views", "my_which", "my_color", "picked", "changed", *of_the_old)
