"""Compare: several rules on one item's beliefs, on the same axes, each decoded."""

from __future__ import annotations

from bvae.app.edition import networks
from bvae.app.edition.parts._base import PARTS, Edition, Part
from bvae.app.edition.texts import line_of
from bvae.app.home import story

LEAD = ("**Hide another view, or add a rule:** who becomes unsure, who splits into several opinions, who does not "
        "notice?")


def write(edition: Edition) -> None:
    """``compare.html``."""
    models, rules = [networks.add_model(edition.files, m) for m in edition.models], networks.rules()
    runtime, _ = networks.add_runtime(edition.files)
    edition.page(
        "compare", "compare", module="compare", lead=line_of(LEAD), models=models,
        squares=networks.squares(edition.models), rules=rules,
        several=len({m.data.name for m in edition.models}) > 1,
        data={"models": models, "rules": rules, "runtime": runtime, "first": list(story.RULES)})


PARTS.register("compare")(Part(write, lambda models: bool(models)))
