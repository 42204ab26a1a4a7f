"""Latent space: maps that were made beforehand; of the principal plane the place under the finger is decoded."""

from __future__ import annotations

from bvae.app.edition import networks
from bvae.app.edition.maps import PERPLEXITY, add_maps
from bvae.app.edition.parts._base import PARTS, Edition, Part
from bvae.app.edition.texts import line_of
from bvae.maps import maps

LEAD = ("**Move over the map:** what is decoded between the islands? **Draw a lasso around one:** what do its items "
        "have in common?")
CALLED = {maps.PLANE: "Plane", maps.PCA: "PCA", maps.TSNE: "t-SNE"}


def write(edition: Edition) -> None:
    """``latent-space.html``."""
    runtime, _ = networks.add_runtime(edition.files)
    models = [{**networks.add_model(edition.files, m), "maps": add_maps(edition.files, m)} for m in edition.models]
    edition.page(
        "latent_space", "latent_space", module="latent-space", components=["map"], lead=line_of(LEAD), models=models,
        squares=networks.squares(edition.models), called=CALLED, perplexity=PERPLEXITY,
        several=len({m.data.name for m in edition.models}) > 1,
        data={"models": models, "runtime": runtime})


PARTS.register("latent_space")(Part(write, lambda models: bool(models)))
