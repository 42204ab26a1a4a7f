"""Makes Home's story anew from a shipped model: ``python -m bvae.app.home.making`` writes ``story.json``.

The line leads through the latent space from the beliefs about one item to those about another:
``z(x) = start + (x - FROM) / (TO - FROM) (end - start)``, where start and end are the means of the five views' means.
The belief of a view on the line is the shadow that its Gaussian throws on it, a Gaussian in x again. The pictures are
the decoded z(x).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from bvae.app.home.story import FILE
from bvae.app.widgets.images import data_uri
from bvae.data import dataset
from bvae.io.storage import write_json
from bvae.metrics import classifiers
from bvae.models.vae import MultimodalVAE
from bvae.training import checkpoints_root, load_checkpoint, load_weights

DATA, MODEL, ITEMS = "polymnist", "mopoe-vae", (395, 264)
"""Of the two items all photographs are clear, and between them nothing else than their two digits is decoded."""
FROM, TO = -3.0, 3.0
REACH, STEP = 5.2, 0.2
"""The pictures are those at x = -REACH, -REACH + STEP, ..., REACH: as far as the canvas shows."""
STYLE = "m0"
"""The view as which the pictures are decoded: white on deep sky is the easiest to read."""


class Line(NamedTuple):
    """A line through a latent space: z(x) = start + (x - FROM) / (TO - FROM) (end - start), of (L,) tensors."""

    start: Tensor
    end: Tensor

    def at(self, x: Tensor) -> Tensor:
        """(N,) places -> (N, L)."""
        return self.start + ((x - FROM) / (TO - FROM)).unsqueeze(-1) * (self.end - self.start)

    def shadow(self, loc: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Means and standard deviations along x of Gaussians (..., L) projected on the line."""
        way = self.end - self.start
        length = way.square().sum()
        mean = FROM + (TO - FROM) * ((loc - self.start) @ way) / length
        return mean, (TO - FROM) * (scale * way).square().sum(-1).sqrt() / length


def line_between(model: MultimodalVAE, x: Mapping[str, Tensor]) -> tuple[Line, Tensor, Tensor]:
    """The line between two items `x`, name -> (2, ...), and the shadows of their views: means and widths (M, 2)."""
    with torch.inference_mode():
        experts = model.experts(x)
        line = Line(*experts.loc.mean(dim=0))
        return line, *line.shadow(experts.loc, experts.scale)


def places() -> Tensor:
    """x of the pictures."""
    return torch.linspace(-REACH, REACH, round(2 * REACH / STEP) + 1)


def made() -> dict[str, Any]:
    """What ``story.json`` holds, from the shipped model."""
    data, checkpoint = dataset(DATA, "test"), load_checkpoint(DATA, MODEL)
    model, judges = load_weights(checkpoint), classifiers.load(checkpoints_root(), DATA)
    x = {view: values[list(ITEMS)] for view, values in data.x.items()}
    line, mean, width = line_between(model, x)
    with torch.inference_mode():
        pictures = model.decode(line.at(places()), [STYLE])
        seen = judges.probabilities(pictures)[STYLE].max(dim=-1)
    views = [{
        "name": view, "shows": data.modalities[view].label, "photographs": [data_uri(values[0]), data_uri(values[1])],
        "means": [round(v, 3) for v in mean[m].tolist()], "widths": [round(v, 3) for v in width[m].tolist()],
    } for m, (view, values) in enumerate(x.items())]
    return {
        "data": DATA, "model": MODEL, "weights": checkpoint.hash, "items": list(ITEMS),
        "digits": [int(data.y[i]) for i in ITEMS], "views": views,
        "film": {"reach": REACH, "frames": len(places()), "strip": strip(pictures[STYLE]),
                 "reads": [[int(c), round(float(p), 3)] for c, p in zip(seen.indices, seen.values, strict=True)]},
    }


def strip(pictures: Tensor) -> str:
    """Pictures (N, 3, H, W) beside each other as the data URI of one WebP, a sixth of a PNG."""
    pixels = (torch.cat(list(pictures), dim=-1).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="WEBP", quality=90, method=6)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


if __name__ == "__main__":
    write_json(FILE, made())
