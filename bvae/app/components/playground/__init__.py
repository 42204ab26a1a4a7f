"""The playground: Gaussian experts in the plane that one drags, and their aggregates, which follow at once.

The browser computes and draws them (the modules in ``browser/``); Python hears of a scene when a gesture ends. What a
scene is says ``scene.schema.json``, to both. Rules that the browser does not know are computed by Python then.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from bvae.aggregators import AGGREGATORS, naming
from bvae.app.components.playground.modules import bundle
from bvae.app.components.playground.schema import NAMES
from bvae.plots import style

HERE = Path(__file__).parent


def default_styles() -> dict[str, Any]:
    """Names, colours, markers and line styles of experts and rules, as the rest of the app draws them.

    Returns
    -------
    dict
        ``{"experts": [{"name", "color", "marker"}], "rules": {name: {"short", "title", "dash", "light", "dark"}},
        "broken": {file: sentence}}``; all registered rules, in the order in which one explains them. ``broken`` are
        files of rules that cannot be read.
    """
    experts = [
        {"name": name, "color": style.color(m), "marker": style.marker(m)} for m, name in enumerate(NAMES)
    ]
    rules = {
        rule: {
            "short": naming.short(rule),
            "title": naming.title(rule),
            "dash": style.dash(rule),
            "light": style.rule_color(rule, dark=False),
            "dark": style.rule_color(rule, dark=True),
        }
        for rule in naming.ordered(AGGREGATORS.names())
    }
    return {"experts": experts, "rules": rules, "broken": dict(AGGREGATORS.broken)}


def script() -> str:
    """The component's one module, made of those in ``browser/``."""
    return bundle(HERE / "browser" / "playground.mjs")


@functools.cache
def component():
    """Registered once per process, at the first use: registering needs no running app, mounting does."""
    return st.components.v2.component(
        "bvae_playground",
        html='<div class="bvae-playground"></div>\n<!-- filled by the script -->\n',
        css=(HERE / "playground.css").read_text(encoding="utf-8"),
        js=script(),
    )


def playground(
    scene: dict[str, Any], *, revision: int, key: str, styles: dict[str, Any] | None = None,
    answer: Callable[[dict[str, Any]], dict[str, Any] | None] | None = None, story: dict[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Show the playground and return the scene that the browser last sent.

    Parameters
    ----------
    scene : dict
        What to show, as ``scene.schema.json`` says, for example::

            {"v": 1,
             "experts": [{"mean": [0, 1], "cov": [1, 0.2, 0.5], "present": True},
                         {"mean": [2, 0], "cov": [1, 0, 1], "present": True}],
             "weights": [1, 1], "rules": ["poe", "moe"], "fill": "moe", "alpha": 0.5, "rho": 0.5, "prior": False,
             "layers": {"experts": True, "prior": True, "samples": False, "path": False}, "view": "plane"}

        What is outside its limits is moved inside; missing or bad values fall back, unknown keys are dropped.
    revision : int
        The browser adopts ``scene`` when it first appears and whenever this number changes, and at no other time: a
        rerun never moves what somebody is dragging.
    key : str
        Streamlit's key of this playground.
    styles : dict, optional
        As `default_styles` returns them.
    answer : callable, optional
        Gets the scene that is shown, as the browser sent it, and returns the aggregates that the browser cannot compute
        itself, or None if there are none::

            {"scene": scene, "rules": {name: {"weights": [w, ...], "means": [[x, y], ...], "covs": [[xx, xy, yy], ...],
                                              "note": ""}                     # of the mixture's Gaussians
                                       or {"problem": "why there is none"}}}

    story : dict, optional
        The small form of the playground: the line alone, with photographs at its side and pictures below it::

            {"photographs": [{"means": [x, x], "pictures": [uri, uri], "digits": [3, 2]}, ...],  # one for each expert
             "film": {"strip": uri, "frames": n, "reach": r, "reads": [[digit, p], ...], "says": ""},  # from -r to r
             "rules": {name: "what it says in a few words"}, "steps": [{"title", "text", "scene"}, ...],
             "own": "what is said of a scene that is no step"}

        A photograph is the first of its two pictures where its expert is nearer to the first of the means.

    Returns
    -------
    dict or None
        The last scene that the browser sent, numbers rounded to three decimals; None before the first gesture since
        ``revision`` changed: then what is shown is ``scene``.
    """
    before = _sent(st.session_state.get(key), revision)
    result = component()(
        key=key,
        data={"scene": scene, "revision": revision, "styles": styles or default_styles(),
              "answers": answer(before or scene) if answer else None, **({"story": story} if story else {})},
        on_scene_change=lambda: None,
    )
    return _sent(result, revision)


def _sent(result: Any, revision: int) -> dict[str, Any] | None:
    """The scene in what Streamlit has of the component; None if there is none, or one that has been replaced since."""
    sent = result.get("scene") if result else None
    if not isinstance(sent, dict) or sent.get("revision") != revision:
        return None
    return {name: value for name, value in sent.items() if name != "revision"}
