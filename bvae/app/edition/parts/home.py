"""Home: the story of one minute, in the playground's small form."""

from __future__ import annotations

from bvae.app.components.playground import default_styles
from bvae.app.edition.parts._base import PARTS, Edition, Part
from bvae.app.edition.texts import line_of
from bvae.app.home import story
from bvae.app.pages import PAGES
from bvae.models.methods import title_of


def write(edition: Edition) -> None:
    """``index.html``."""
    styles = default_styles()
    styles["rules"] = {rule: styles["rules"][rule] for rule in story.RULES}
    told = story.told()
    edition.page(
        "home", "home", title=story.TITLE, module="home", components=["playground"],
        data={"scene": story.beliefs(), "styles": styles, "story": story.for_browser()},
        lead=line_of(PAGES["home"].lead), others=edition.names[1:], model=title_of(told["model"]), items=told["items"])


PARTS.register("home")(Part(write))
