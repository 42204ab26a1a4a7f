"""What the Latent space page draws, computed once for all sessions; t-SNE runs beside the page and can be stopped."""

from __future__ import annotations

import base64
import io
import secrets
import threading
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from bvae.app import loaders
from bvae.app.loaders import ModelKey
from bvae.app.widgets import images
from bvae.data.sheet import drawable
from bvae.gaussians.dimensions import axis_title
from bvae.maps import map_files, maps
from bvae.maps.maps import Clouds
from bvae.maps.modality_gap import ModalityGap
from bvae.maps.projections import STEPS
from bvae.runs import isolated
from bvae.runs.isolated import gaps, modality_gap, neighbours, pca
from bvae.runs.supervisor import WatchedComputation
from bvae.training import load_checkpoint

CELLS, WORDS = 20, 9
NEAR = 10
ASKED = 5_000
"""Points whose neighbours are looked for at the most, spread over all."""
SILENT = 15.0
"""Seconds after which a session that asks no more is taken to have gone."""


class Made(Enum):
    """Where a t-SNE comes from."""

    BEFORE = auto()
    """The file beside the checkpoint, in half precision."""
    HERE = auto()
    """Computed for this session or another one."""


class Map(NamedTuple):
    """Where the points of a map are.

    Attributes
    ----------
    points : ndarray
        (P, 2).
    projection : str
        "plane", "pca" or "tsne": that which is shown, PCA while t-SNE is not ready.
    shares : ndarray or None
        (2,) of the variance, for PCA.
    titles : tuple of str
        Of the axes.
    made : Made or None
        Where a t-SNE comes from; None for all else.
    """

    points: np.ndarray
    projection: str
    shares: np.ndarray | None
    titles: tuple[str, str]
    made: Made | None = None


@st.cache_resource(max_entries=24, show_spinner=False)
def clouds(key: ModelKey, which: str) -> Clouds:
    """See `bvae.maps.maps.clouds`."""
    this = loaders.loaded(key)
    return maps.clouds(this.model, this.experts, which)


@st.cache_data(max_entries=24, show_spinner=False)
def components(key: ModelKey, which: str) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of :func:`clouds`: (P, 2), and their shares of the variance."""
    return pca(clouds(key, which).loc)


@st.cache_data(max_entries=24, show_spinner=False)
def same_class(key: ModelKey, which: str) -> tuple[float, float]:
    """Share of the 10 nearest points in all latent dimensions that are of a point's class; and the same by chance."""
    found = clouds(key, which)
    labels = loaders.test_data(key.data_name).y.numpy()[found.item]
    of = maps.spread(len(labels), min(len(labels), ASKED))
    near = neighbours(found.loc, NEAR, of)
    counts = np.bincount(labels)
    chance = (counts * (counts - 1)).sum() / max(1, len(labels) * (len(labels) - 1))
    return float((labels[near] == labels[of, None]).mean()) if near.size else np.nan, float(chance)


@st.cache_data(max_entries=12, show_spinner="Measuring the gap between the modalities")
def gap(key: ModelKey) -> tuple[ModalityGap, np.ndarray]:
    """The modality gap of the views, and the distances of all clouds with the joint one, (M + 1, M + 1)."""
    found = clouds(key, maps.EVERYTHING)
    each = [found.of(n) for n in found.names]
    return modality_gap([c.loc for c in each[:-1]], [c.item for c in each[:-1]]), gaps([c.loc for c in each])


@st.cache_data(max_entries=16, show_spinner=False)
def decoded(
    key: ModelKey, view: str, limits: tuple[tuple[float, float], tuple[float, float]]
) -> str | list[list[str]]:
    """What a view's decoder makes of the plane: one picture as a data URI, or a grid of words."""
    model, data = loaders.loaded(key).model, loaders.test_data(key.data_name)
    picture = data.modalities[view].kind == "image"
    if not drawable(data, data.modalities[view]):
        return [[]]
    grid = maps.decoded_plane(model, view, limits, CELLS if picture else WORDS)  # (n, n, ...)
    if not picture:
        return [[str(images.content(data, view, value)).strip() for value in row] for row in grid]
    n, _, channels, height, width = grid.shape
    pixels = (grid.clamp(0, 1) * 255).round().byte().permute(0, 3, 1, 4, 2).reshape(n * height, n * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(pixels.expand(-1, -1, 3).numpy()).save(buffer, format="JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def located(key: ModelKey, which: str, projection: str, perplexity: int, seed: int) -> Map:
    """The map of :func:`clouds`. While a t-SNE is not ready, its progress is written and PCA is the map."""
    found = clouds(key, which)
    if projection == maps.PLANE:
        return Map(found.loc.astype(float), projection, None, (axis_title(0), axis_title(1)))
    if projection == maps.TSNE:
        ready = map_files.read(load_checkpoint(key.data_name, key.model_name), which, perplexity, seed, len(found.loc))
        if ready is not None:
            return Map(ready, projection, None, ("", ""), Made.BEFORE)
        points = computed(key, which, perplexity, seed)
        if points is not None:
            return Map(points, projection, None, ("", ""), Made.HERE)
    points, shares = components(key, which)
    return Map(points, maps.PCA, shares,
               (f"first principal component ({shares[0]:.0%} of the variance)", f"second ({shares[1]:.0%})"))


# -- t-SNE beside the page -------------------------------------------------------------------------------------------


@dataclass
class Slot:
    """One t-SNE, for all sessions that want it.

    Attributes
    ----------
    computation : WatchedComputation or None
        None before its turn.
    asked : dict
        Session -> when it last asked.
    """

    computation: WatchedComputation | None = None
    asked: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, who: str, points: np.ndarray, perplexity: int, seed: int) -> str:
        """State of the computation for a session that wants it; "waiting" while too many others run."""
        with self.lock:
            self.asked[who] = time.monotonic()
            if self.computation is None:
                self.computation = isolated.watched_tsne(points, perplexity, seed)
            return "waiting" if self.computation is None else self.computation.state

    def leave(self, who: str, again: bool = False) -> None:
        """A session wants it no more; if no other does, it is stopped. `again`: forget a failure too."""
        with self.lock:
            self.asked.pop(who, None)
            now = time.monotonic()
            alone = all(now - when > SILENT for when in self.asked.values())
            if self.computation is not None and (alone or again):
                self.computation.stop()
                if self.computation.state != "done":
                    self.computation = None

    def __del__(self) -> None:
        if self.computation is not None:  # nobody can ask for it any more
            self.computation.stop()


@st.cache_resource(max_entries=48, show_spinner=False)
def slot(key: ModelKey, which: str, perplexity: int, seed: int) -> Slot:
    """The one t-SNE with these settings."""
    return Slot()


WHO, WANTED, STOPPED = "_map_session", "_map_wanted", "_map_stopped"


def computed(key: ModelKey, which: str, perplexity: int, seed: int) -> np.ndarray | None:
    """A t-SNE that is done, (P, 2); else None, and its progress is on the page."""
    who = st.session_state.setdefault(WHO, secrets.token_hex(8))
    wanted = (key, which, perplexity, seed)
    before = st.session_state.get(WANTED)
    if before not in (None, wanted):
        slot(*before).leave(who)
    st.session_state[WANTED] = wanted
    points = clouds(key, which).loc
    what = f"t-SNE of {len(points):,} points, perplexity {perplexity}, seed {seed}"
    if st.session_state.get(STOPPED) == wanted:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"Stopped: {what}. Below is PCA.")
            st.button("Compute it", icon=":material/play_arrow:", on_click=_resume, key="tsne_start")
        return None
    state = slot(*wanted).look(who, points, perplexity, seed)
    if state == "done":
        done = slot(*wanted).computation
        return None if done is None else done.result
    if state == "failed":
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            why = getattr(slot(*wanted).computation, "why", "") or "It could not be computed."
            st.markdown(f":material/warning: No {what}. {why} Below is PCA.")
            st.button("Try again", icon=":material/refresh:", on_click=_resume, key="tsne_start")
        return None
    with st.container(border=True):
        _progress(wanted, who, points, what)
    return None


@st.fragment(run_every=2.0)
def _progress(wanted: tuple, who: str, points: np.ndarray, what: str) -> None:
    """How far it is; the page is drawn anew when it is done."""
    this = slot(*wanted)
    state = this.look(who, points, *wanted[-2:])
    computation = this.computation  # another session may take it away at any moment
    if state in ("done", "failed") or (state != "waiting" and computation is None):
        st.rerun()
    row = st.columns([4, 1], vertical_alignment="center")
    if state == "waiting":
        row[0].progress(0.0, f"{what}: waits until another map is ready. Until then, below is PCA.")
    else:
        assert computation is not None
        share, seconds = computation.share, computation.seconds
        left = f"about {seconds / share * (1 - share):.0f} s left" if share > 0 else "finding the neighbours"
        row[0].progress(share, f"{what}: step {share * STEPS:.0f} of {STEPS}, {seconds:.0f} s, {left}. Until "
                               "then, below is PCA.")
    row[1].button("Stop t-SNE", icon=":material/stop:", on_click=_stop, args=(wanted, who), width="stretch",
                  key="tsne_stop")


def _stop(wanted: tuple, who: str) -> None:
    slot(*wanted).leave(who)
    st.session_state[STOPPED] = wanted


def _resume() -> None:
    st.session_state.pop(STOPPED, None)
    wanted, who = st.session_state.get(WANTED), st.session_state.get(WHO)
    if wanted and who:
        slot(*wanted).leave(who, again=True)
