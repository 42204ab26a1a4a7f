"""Where everything is on the plane that one walks on: kept in the session, held by the link."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import streamlit as st

from bvae.app import links
from bvae.app.components.plane_walk import Moved, Position, inside, moved
from bvae.app.loaders import ModelKey

Limits = tuple[tuple[float, float], tuple[float, float]]
HELD, TURN = "_walk_held", "_walk_turn"
Z, BELIEFS = "z", "beliefs"  # in the address
NOT_MOVED, BETWEEN = "-", "~"


@dataclass(frozen=True)
class Held:
    """A position and whose it is."""

    key: ModelKey
    item: int
    position: Position


def written(position: Position) -> tuple[str, str]:
    """z and the beliefs as links hold them: "1.2,-0.5", and "-~0.3,1,2" for two of which the second was moved."""
    def rounded(*values: float) -> str:
        return ",".join(f"{v:.3f}".rstrip("0").rstrip(".") for v in values)

    return rounded(*position.z), BETWEEN.join(
        NOT_MOVED if b is None else rounded(*b.mean, b.width) for b in position.beliefs)


def read(z: str | None, beliefs: str | None, start: Position, limits: Limits) -> Position:
    """What :func:`written` wrote, of somebody's link: what cannot be read is as at the start, the rest on the map."""
    place, there = start.z, list(start.beliefs)
    with contextlib.suppress(ValueError):
        place = inside((z or "")[:64].split(","), limits) if z else place
    for m, text in enumerate((beliefs or "")[:1000].split(BETWEEN)[: len(there)]):
        with contextlib.suppress(ValueError):
            there[m] = moved(text.split(","), limits) if text not in ("", NOT_MOVED) else None
    return Position(place, tuple(there))


def find(key: ModelKey, item: int, start: Position, limits: Limits) -> Position:
    """The position that a run of the page begins with: of a link that was just opened, else of this session.

    For another item the beliefs are as its encoders say, z stays; for another model all begins anew.
    """
    held: Held | None = st.session_state.get(HELD)
    if (link := links.news(Z, BELIEFS)) is not None:
        z, beliefs = link
        position = read(z, beliefs, start, limits)
    elif held is None or held.key != key:
        position = start
    elif held.item != item:
        position = Position(inside(held.position.z, limits), start.beliefs)
    else:
        return held.position
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    keep(Held(key, item, position))
    return position


def keep(held: Held) -> None:
    """Remember a position for this session."""
    st.session_state[HELD] = held


def link(position: Position, start: Position) -> None:
    """Let the address hold a position, as far as it is not the one at first."""
    texts = zip((Z, BELIEFS), written(position), written(start), strict=True)
    links.hold({name: text if text != initial else "" for name, text, initial in texts})


def unlink() -> None:
    """Nobody walks: the address does not hold where one was; the session does."""
    links.hold({Z: "", BELIEFS: ""})


def first(z: tuple[float, float], views: int) -> Position:
    """Nothing has been moved yet."""
    no_one: tuple[Moved | None, ...] = (None,) * views
    return Position(z, no_one)
