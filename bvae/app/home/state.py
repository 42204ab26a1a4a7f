"""Home's scene: from the address to the canvas and back."""

from __future__ import annotations

from collections.abc import Mapping

from bvae.aggregators import naming
from bvae.app.components.playground import scenes
from bvae.app.components.playground.scenes import Scene
from bvae.app.home import story


def arrived(query: Mapping[str, str], rules: list[str]) -> Scene:
    """The scene of an address; the story's first one where it holds none.

    Parameters
    ----------
    query : mapping
        Of the address. ``scene`` as on the Playground; older links have ``place`` and ``width`` of one belief, which is
        that of photograph `story.LIAR` now, and ``rules``.
    rules : list of str
        What the address has under ``rules``.

    Raises
    ------
    BadScene
        If there is one that cannot be read.
    """
    if "scene" in query:
        scene = scenes.decode(query["scene"])
        if len(scene["experts"]) != len(story.told()["views"]):
            raise scenes.BadScene(f"experts: expected {len(story.told()['views'])}, got {len(scene['experts'])}")
        return {**scene, "view": "line", "rules": [rule for rule in story.RULES if rule in scene["rules"]]}
    scene = story.beliefs()
    expert = scene["experts"][story.LIAR]
    if "place" in query or "width" in query:
        place, width = expert["mean"][0], expert["cov"][0] ** 0.5
        expert |= scenes.expert(_number(query, "place", place, -4.0, 4.0), 0.0,
                                _number(query, "width", width, 0.2, 2.5), 1.0)
    if rules:
        scene["rules"] = [rule for rule in story.RULES if naming.short(rule) in rules]
    return scene


def _number(query: Mapping[str, str], key: str, otherwise: float, low: float, high: float) -> float:
    try:
        return scenes.require(key, float(query[key]), low, high)
    except (KeyError, ValueError):
        return otherwise


def script(scene: Scene) -> str:
    """Python that prints the joint beliefs of a scene and decodes their means, as the story was made."""
    return f'''{scenes.code(scene)}

# The line through the latent space on which these beliefs stand, and the picture at a place x on it:
from bvae.app.home.making import DATA, ITEMS, MODEL, STYLE, line_between
data, model = bvae.dataset(DATA, split="test"), bvae.load(DATA, MODEL)
line, means, widths = line_between(model, {{view: values[list(ITEMS)] for view, values in data.x.items()}})
x = q.mean[0]
with torch.inference_mode():
    picture = model.decode(line.at(x), [STYLE])[STYLE]  # (1, 3, 28, 28)'''
