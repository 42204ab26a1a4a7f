"""Explore: some test items, what views believe of them, rules on these beliefs, and a point that is decoded live."""

from __future__ import annotations

from bvae.app.edition import networks
from bvae.app.edition.models import Published
from bvae.app.edition.parts._base import PARTS, Edition, Part
from bvae.app.edition.texts import line_of
from bvae.app.templates import Markup
from bvae.app.widgets import images
from bvae.plots import style

LEAD = ("**Hide a view, or drag the point:** does the joint belief move, widen, or stay? What is decoded in between? "
        "Then try another rule.")


def observed(of: Published) -> list[tuple[str, Markup]]:
    """The first carried item's views, as the page shows them until its script has come."""
    item = int(of.items[0])
    return [(name, images.figure(images.content(of.data, name, of.data.subset([item])[name][0])
                                 if of.data.has(name, item) else None, f"{name} of {of.data.called(item)}",
                                 style.color(m), name)) for m, name in enumerate(of.data.modalities)]


def imagined(of: Published) -> list[Markup]:
    """What is decoded for it, as long as nothing is decoded in the browser."""
    called = of.data.called(int(of.items[0]))
    return [images.figure(images.content(of.data, name, value), f"{name}, decoded for {called}", None, name)
            for name, value in networks.first_pictures(of).items()]


def write(edition: Edition) -> None:
    """``explore.html`` with all models."""
    models = [networks.add_model(edition.files, m) for m in edition.models]
    runtime, why = networks.add_runtime(edition.files)
    if why and why not in edition.unsaid:
        edition.unsaid.append(why)
    first = edition.models[0]
    edition.page(
        "explore", "explore", module="explore", lead=line_of(LEAD), models=models,
        squares=networks.squares(edition.models), rules=networks.rules(),
        observed=observed(first), imagined=imagined(first), why=why,
        several=len({m.data.name for m in edition.models}) > 1,
        data={"models": models, "rules": networks.rules(), "runtime": runtime})


PARTS.register("explore")(Part(write, lambda models: bool(models)))
