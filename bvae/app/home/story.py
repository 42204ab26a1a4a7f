"""The story that Home tells: five photographs of a digit, their beliefs along one line, the pictures along that line.

``story.json`` holds what a shipped model makes of them, see `bvae.app.home.making`: Home itself decodes nothing.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from bvae.app.components.playground import scenes
from bvae.app.components.playground.scenes import NAMES, Scene

TITLE = "How do several senses become one belief?"
FILE = Path(__file__).with_name("story.json")
LIAR = 3
"""Which photograph is swapped."""
SURE = 0.15
"""Standard deviation of the photograph that is very sure of itself."""
RULES = {"poe": "product of experts: all have to agree", "moe": "mixture of experts: one of them is right",
         "wasserstein": "Wasserstein barycenter: they meet in the middle"}
"""The rules of Home, with what each says in a few words."""


@functools.cache
def told() -> dict[str, Any]:
    """``story.json``."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def beliefs(swapped: float | None = None, hidden: bool = False) -> Scene:
    """The five beliefs, as a scene on the line.

    Parameters
    ----------
    swapped : float, optional
        Photograph `LIAR` is that of the other item, with this standard deviation.
    hidden : bool
        Whether it is hidden.
    """
    views = told()["views"]
    experts = [scenes.expert(view["means"][0], 0.0, view["widths"][0], 1.0) for view in views]
    if swapped is not None:
        experts[LIAR] = scenes.expert(views[LIAR]["means"][1], 0.0, swapped, 1.0, present=not hidden)
    return scenes.plain(experts, rules=list(RULES), fill=None, layers={"prior": False}, view="line")


def steps() -> list[dict[str, Any]]:
    """``{"title", "text", "scene"}`` of the story's steps; what they say holds, `tests/app/test_home.py` looks."""
    one, other = told()["digits"]
    own, liar = told()["views"][LIAR]["widths"][1], NAMES[LIAR]
    return [
        {"title": "Five photographs", "scene": beliefs(),
         "text": f"All five show a {one}, each in its own handwriting. Every photograph gives one coloured hill: high "
                 "where it thinks the answer is, wide if it is unsure. The lines without a filling are joint beliefs: "
                 f"each rule makes one hill of the five. All three rules get a {one}."},
        {"title": "One is swapped", "scene": beliefs(own),
         "text": f"{liar} is now a photograph of a {other}: its hill stands over the {other}s. Four against one. MoE "
                 f"keeps both: mostly a {one}, sometimes a {other}. PoE and Wasserstein move a little and stay with "
                 f"the {one}."},
        {"title": "And very sure", "scene": beliefs(SURE),
         "text": f"{liar} has become very sure of its {other}: a narrow hill. PoE follows it, against all four others. "
                 "The other two rules stay where they were."},
        {"title": "Hide it", "scene": beliefs(SURE, hidden=True),
         "text": f"Without {liar} all three rules get a {one} again. Now you: drag the dots on the line and the "
                 "white rings, click photographs. When do the rules disagree?"},
    ]


def for_browser() -> dict[str, Any]:
    """What the playground's small form takes."""
    made = told()
    one, other = made["digits"]
    return {
        "photographs": [{"pictures": view["photographs"], "digits": made["digits"]}
                        for view in made["views"]],
        "film": {**made["film"],
                 "says": f"Pictures along the line, from a {one} at the left to a {other} at the right"},
        "rules": RULES, "steps": steps(),
        "own": f"Your own scene: drag the dots on the line, and a photograph of a {one} becomes one of a {other} where "
               f"the strip shows a {other}; take a white ring to make a hill wider or narrower; click a photograph to "
               "hide it.",
    }
