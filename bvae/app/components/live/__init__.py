"""Models that run in the browser: what follows a finger is decoded there, and exactly by Python when it rests.

The modules in ``browser/`` are served as files (`bvae.app.live_files`), not put together as those of other components:
the static edition has the same ones. ``runtime.py`` fetches what executes the models.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from bvae.data import Modality

HERE = Path(__file__).parent
MODULES, RUNTIME = "live/components/live/browser/", "live/runtime/"
"""Where the server has them, see `bvae.app.live_files`."""


@functools.cache
def component():
    """Registered once per process, at the first use."""
    return st.components.v2.component(
        "bvae_live",
        html='<div class="bvae-live"><div class="stage"></div></div>\n<!-- filled by the script -->\n',
        css=(HERE / "live.css").read_text(encoding="utf-8"),
        js=(HERE / "stub.js").read_text(encoding="utf-8"),
    )


def show(
    view: str, scene: dict[str, Any], answer: dict[str, Any], *, key: str, rested: Callable[[], None] = lambda: None,
) -> None:
    """Show a live view.

    Parameters
    ----------
    view : str
        The module that shows it, such as "explore".
    scene, answer : dict
        As that module takes them.
    key : str
        Streamlit's key.
    rested : callable
        Called when a gesture has ended, see :func:`sent`.
    """
    component()(key=key, data={"view": view, "modules": MODULES, "runtime": RUNTIME, "scene": scene, "answer": answer},
                on_rest_change=rested)


def sent(key: str, **of: str) -> dict[str, Any] | None:
    """What the browser sent when a gesture ended, as it came; None if it is of another scene or item, or nothing."""
    rest = (st.session_state.get(key) or {}).get("rest")
    if not isinstance(rest, dict) or any(rest.get(name) != value for name, value in of.items()):
        return None
    return rest


def vector(given: Any, size: int, most: float = 1e4) -> Tensor | None:
    """So many finite numbers from a browser, as float32; None for anything else."""
    try:
        values = torch.tensor([float(v) for v in given], dtype=torch.float32)
    except (TypeError, ValueError, OverflowError):
        return None
    return values if values.shape == (size,) and bool((values.abs() <= most).all()) else None


def packed(values: Mapping[str, Tensor], modalities: Mapping[str, Modality]) -> dict[str, str]:
    """Items for a browser: base64 of bytes for pictures, of float32 for all else; see ``browser/answers.mjs``."""
    out = {}
    for name, value in values.items():
        image = modalities[name].kind == "image"
        numbers = (value.clamp(0, 1) * 255).round().byte() if image else value.float()
        out[name] = base64.b64encode(numbers.contiguous().numpy().tobytes()).decode("ascii")
    return out
