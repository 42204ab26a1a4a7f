"""Generate, of which an edition has drawing: a drawing becomes one view, and is decoded as all of them."""

from __future__ import annotations

from typing import Any

import torch

from bvae.app.edition import networks
from bvae.app.edition.models import Published
from bvae.app.edition.parts._base import PARTS, Edition, Part
from bvae.app.edition.texts import line_of
from bvae.data import drawings

LEAD = "**Draw a figure:** it becomes one view. What do the other views make of it?"
FIRST = "a 7"
SEED = 0
"""Of what surrounds a drawing, such as the crop of a photograph; it is the same for all drawings."""


def drawn(of: Published) -> tuple[dict[str, Any], bytes]:
    """The view that a drawing becomes, and its values (levels, C, H, W) where all cells have one level, as bytes.

    What surrounds a drawing is the same for all, and each pixel depends on its own cell alone (`tests/app` looks), so
    the browser can make the view of any drawing from these.
    """
    view = of.data.takes_drawings[0]
    whole = [of.data.from_drawing(torch.full((drawings.SIZE, drawings.SIZE), level * drawings.STEP, dtype=torch.uint8),
                                  view, torch.Generator().manual_seed(SEED))[0] for level in range(drawings.LEVELS)]
    values = (torch.stack(whole).clamp(0, 1) * 255).round().byte()
    about = {"view": view, "number": list(of.data.modalities).index(view), "levels": drawings.LEVELS,
             "shape": list(values.shape[1:])}
    return about, values.numpy().tobytes()


def write(edition: Edition) -> None:
    """``generate.html``, with the first model that takes drawings: an encoder is as large as a decoder."""
    runtime, _ = networks.add_runtime(edition.files)
    of = next(m for m in edition.models if m.data.takes_drawings)
    about, values = drawn(of)
    file = f"{of.data_folder}/drawn.bin"
    edition.files.add(file, values)
    model = {**networks.add_model(edition.files, of), "drawn": {**about, "file": file}}
    networks.add_encoder(edition.files, of, about["view"])
    edition.page(
        "generate", "generate", module="draw-page", components=["draw"], title="Draw", lead=line_of(LEAD),
        model=model, examples=list(drawings.EXAMPLES),
        data={"model": model, "runtime": runtime, "first": FIRST,
              "examples": {name: drawings.digits_of(drawing) for name, drawing in drawings.EXAMPLES.items()}})


PARTS.register("generate")(Part(write, lambda models: any(m.data.takes_drawings for m in models)))
