"""Playground: Gaussian experts that one drags; the same component as in the app, and the same links."""

from __future__ import annotations

from bvae.app.components.playground import default_styles, scenes
from bvae.app.edition.parts._base import PARTS, Edition, Part
from bvae.app.edition.texts import line_of
from bvae.app.pages import PAGES


def write(edition: Edition) -> None:
    """``playground.html``. Rules that the browser does not compute itself are left out: no Python answers here."""
    styles = default_styles()
    styles["rules"] = {rule: look for rule, look in styles["rules"].items() if rule in scenes.TWINS}
    edition.page(
        "playground", "playground", module="playground-page", components=["playground"],
        data={"first": scenes.FIRST, "styles": styles,
              "presets": {name: {"look": line_of(look), "scene": scenes.preset(name)}
                          for name, (_, look, _) in scenes.PRESETS.items()},
              "plain": scenes.plain([])},
        lead=line_of(PAGES["playground"].lead),
        presets=[(name, preset.title) for name, preset in scenes.PRESETS.items()],
        first=scenes.FIRST, look=line_of(scenes.PRESETS[scenes.FIRST].look))


PARTS.register("playground")(Part(write))
