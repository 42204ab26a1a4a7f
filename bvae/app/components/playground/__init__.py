"""The playground: Gaussian experts in the plane that one drags, and their aggregates, which follow at once.

The browser computes (``math.js``) and draws (``playground.js``) them; Python hears of a scene when a gesture ends.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import streamlit as st

from bvae.aggregators import aggregators, naming
from bvae.plots import style

HERE = Path(__file__).parent
NAMES = "ABCDEF"


def default_styles() -> dict[str, Any]:
    """Names, colours, markers and line styles of experts and rules, as the rest of the app draws them.

    Returns
    -------
    dict
        ``{"experts": [{"name", "color", "marker"}], "rules": {name: {"short", "title", "dash", "light", "dark"}},
        "ink": {"light", "dark"}}``; the rules in the order in which one explains them. Their own colours are for
        pictures that hold so many that lines do not tell them apart; else all are drawn in ink.
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
        for rule in naming.ordered(aggregators())
    }
    return {"experts": experts, "rules": rules,
            "ink": {"light": style.LIGHT.aggregate, "dark": style.DARK.aggregate}}


def script() -> str:
    """The component's one module: ``math.js`` without its exports, then ``playground.js``."""
    math = (HERE / "math.js").read_text(encoding="utf-8")
    lines = [line for line in math.splitlines() if not line.startswith("export {")]
    return "\n".join(lines) + "\n" + (HERE / "playground.js").read_text(encoding="utf-8")


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
    scene: dict[str, Any], *, revision: int, key: str, styles: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """Show the playground and return the scene that the browser last sent.

    Parameters
    ----------
    scene : dict
        What to show, all of it JSON::

            {"v": 1,
             "experts": [{"mean": [x, y], "cov": [sxx, sxy, syy], "present": True}, ...],  # 2 to 6
             "weights": [w, ...],              # one per expert, 0 to 4, need not sum to 1
             "rules": ["poe", "moe", ...],     # aggregates that are drawn, by registered name
             "fill": "moe" or None,            # whose density is drawn as filled contours
             "alpha": 0.5, "rho": 0.5,         # of hoelder (0.05 to 1) and code (0 to 0.95)
             "prior": False,                   # N(0, I) as one more expert in poe and in every subset of mopoe
             "layers": {"experts": True, "prior": True, "samples": False, "path": False},
             "view": "plane" or "line"}        # "line": the marginals along the first axis

        Means are kept inside [-4.9, 4.9] x [-3.9, 3.9], standard deviations inside [0.1, 3]; missing or bad values
        fall back, unknown keys are dropped.
    revision : int
        The browser adopts ``scene`` when it first appears and whenever this number changes, and at no other time: a
        rerun never moves what somebody is dragging.
    key : str
        Streamlit's key of this playground.
    styles : dict, optional
        As `default_styles` returns them.

    Returns
    -------
    dict or None
        The last scene that the browser sent, numbers rounded to three decimals; None before the first gesture since
        ``revision`` changed: then what is shown is ``scene``.
    """
    result = component()(
        key=key,
        data={"scene": scene, "revision": revision, "styles": styles or default_styles()},
        on_scene_change=lambda: None,
    )
    sent = result.scene
    if not sent or sent.get("revision") != revision:
        return None  # nothing yet, or a gesture on a scene that has been replaced since
    return {name: value for name, value in sent.items() if name != "revision"}
