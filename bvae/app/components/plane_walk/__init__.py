"""A plane to walk on: a point z, or beliefs, that one drags over the map of a latent space of two dimensions.

The browser draws the map and what is dragged (the modules beside this file); what the decoders make of a place it asks
of whoever decodes, one question at a time (``courier.mjs``): Python for now. What it asks is checked here.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from bvae.app.components.playground.modules import bundle

HERE = Path(__file__).parent
NARROWEST, WIDEST = 0.25, 64.0
"""How many times as wide as its encoder said a belief can be made."""


@dataclass(frozen=True)
class Moved:
    """A belief that was moved.

    Attributes
    ----------
    mean : tuple of float
        Where it is now.
    width : float
        How many times as wide it is as its encoder said, `NARROWEST` to `WIDEST`.
    """

    mean: tuple[float, float]
    width: float = 1.0


@dataclass(frozen=True)
class Position:
    """Where everything is that can be dragged.

    Attributes
    ----------
    z : tuple of float
    beliefs : tuple of Moved or None
        M; None where a belief is as its encoder said.
    """

    z: tuple[float, float]
    beliefs: tuple[Moved | None, ...]


@dataclass(frozen=True)
class Query:
    """What a browser wants to see.

    Attributes
    ----------
    revision : str
        Of the map that it has; "" if it has none.
    number : int
        The answer has the same.
    rests : bool
        Whether a gesture has ended with it.
    position : Position
    """

    revision: str
    number: int
    rests: bool
    position: Position


@functools.cache
def component():
    """Registered once per process, at the first use."""
    return st.components.v2.component(
        "bvae_plane_walk",
        html='<div class="bvae-walk"></div>\n<!-- filled by the script -->\n',
        css=(HERE / "plane_walk.css").read_text(encoding="utf-8"),
        js=bundle(HERE / "plane_walk.mjs"),
    )


def show(stage: dict[str, Any] | None, answer: dict[str, Any], *, key: str) -> None:
    """Show the plane.

    Parameters
    ----------
    stage : dict or None
        The map and what lies on it; None if the browser has it, see `Query.revision`::

            {"revision": "…",                       # another one for another map
             "place": "…",                          # the browser adopts `position` whenever this is another one
             "position": {"z": [x, y], "beliefs": [[x, y, width] or null, ...]},
             "start": {"z": [x, y]},                # where Start again puts z
             "mode": "point" or "beliefs",
             "limits": [[x0, x1], [y0, y1]], "alt": "what the map shows",
             "behind": {"uri": "data:…", "drawn": true} or {"words": [["one", ...], ...]} or null,
             "classes": "data:…" or null,           # a colour for each cell
             "sheets": ["data:…" or null, ...],     # for each view the map's pictures in one, to show something at once
             "cells": 20,                           # of them a side
             "live": {"model", "modules", "runtime"} or null,   # addresses of what decodes in the browser
             "points": [[x, y, group], ...], "colors": ["#0072B2", ...],
             "views": [{"name", "color", "mean": [x, y], "scale": [a, b], "there": true}, ...], "dash": "6 4"}
    answer : dict
        What is at the place that was asked for::

            {"number": 7, "rests": true, "said": "a sentence",
             "joint": [{"weight", "mean", "scale", "decoded": true}, ...],          # empty for a point
             "rows": [{"head": "", "tiles": [{"uri" or "text", "alt", "caption"}, ...]}, ...]}
    key : str
        Streamlit's key.
    """
    component()(key=key, data={"stage": stage, "answer": answer}, on_query_change=lambda: None)


def asked(key: str, views: int, limits: tuple[tuple[float, float], tuple[float, float]]) -> Query | None:
    """What the browser last asked; None if it has not, or if that is no question. See :func:`checked`."""
    return checked((st.session_state.get(key) or {}).get("query"), views, limits)


def checked(sent: Any, views: int, limits: tuple[tuple[float, float], tuple[float, float]]) -> Query | None:
    """What a browser sent, if it is a question; places are moved inside the map.

    Parameters
    ----------
    sent
        Anything.
    views : int
        How many beliefs there are.
    limits : tuple of tuple of float
        Of both axes.
    """
    try:
        beliefs = [None if b is None else moved(b, limits) for b in sent["beliefs"]]
        if len(beliefs) != views:
            return None
        return Query(str(sent["revision"])[:64], int(sent["number"]), bool(sent["rests"]),
                     Position(inside(sent["z"], limits), tuple(beliefs)))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def moved(three: Any, limits: tuple[tuple[float, float], tuple[float, float]]) -> Moved:
    """A belief from x, y and its width; ValueError if these are no numbers."""
    x, y, width = (float(v) for v in three)
    return Moved(inside((x, y), limits), _between(width, NARROWEST, WIDEST))


def inside(place: Any, limits: tuple[tuple[float, float], tuple[float, float]]) -> tuple[float, float]:
    """The place of the map that is nearest to one; ValueError if it is none."""
    x, y = (float(v) for v in place)
    return _between(x, *limits[0]), _between(y, *limits[1])


def _between(value: float, low: float, high: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"value: expected a finite number, got {value}")
    return min(max(value, low), high)
