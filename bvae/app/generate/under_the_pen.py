"""Draw's live view: what the other views make of a drawing, at every stroke."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import torch
from torch import Tensor

from bvae.aggregators import name_of, options_of
from bvae.app import live_models
from bvae.app.components import live
from bvae.app.generate.generate_panels import Task
from bvae.app.widgets.live_views import view_of
from bvae.data import MultimodalDataset, drawings

KEY = "generate_live"
SAID = "The mean of what this view makes the model believe."


def show(c: Task, view: str, value: Tensor, drawing: Tensor) -> None:
    """The view, where there can be one.

    Parameters
    ----------
    c : Task
    view : str
        As which the drawing enters.
    value : Tensor
        (1, ...), what enters.
    drawing : Tensor
        (28, 28) uint8, as it lies on the canvas.
    """
    if live_models.possible():
        live.show("stroke", scene_of(c, view), answer(c, view, value, drawing), key=KEY)


def scene_of(c: Task, view: str) -> dict[str, Any]:
    """What ``browser/stroke.mjs`` needs: the model, the rule, and how a drawing becomes this view."""
    data, model = c.data, c.studio.model
    blank, full, above = recipe(data, view, c.seed)
    rule = c.studio.rule.conditional()
    scene = {
        "model": live_models.offer(c.form.about.data_name, c.form.about.loaded.checkpoint), "view": view,
        "rule": {"name": name_of(rule), "options": options_of(rule)}, "centre": bool(c.form.answer("centre")),
        "blank": packed(blank), "full": packed(full), "above": above,
        "views": [view_of(modality, m, data) for m, modality in enumerate(model.modalities.values())],
    }
    scene["revision"] = hashlib.sha256(json.dumps(scene).encode()).hexdigest()[:16]
    return scene


def recipe(data: MultimodalDataset, view: str, seed: int) -> tuple[Tensor, Tensor, int | None]:
    """What an empty and a full canvas become, and above which ink a pixel is as in the full one; None where it lies
    between both in proportion to the ink."""
    def of(ink: int) -> Tensor:
        field = torch.full((drawings.SIZE, drawings.SIZE), ink, dtype=torch.uint8)
        return data.from_drawing(field, view, torch.Generator().manual_seed(seed))[0]

    blank, full = of(0), of(255)
    low, high = 0, 255  # of all ink that is as an empty field, and of all that is as a full one
    if not (torch.equal(of(64), blank) or torch.equal(of(64), full)):
        return blank, full, None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if torch.equal(of(middle), blank) else (low, middle)
    return blank, full, low


def answer(c: Task, view: str, value: Tensor, drawing: Tensor) -> dict[str, Any]:
    """What Python decodes of the drawing."""
    made = c.studio.decode(c.studio.posterior({view: value}).mean)
    judged = {name: f"{c.data.class_names[seen[0]]}?" for name in c.views if (seen := made.judged(name, 0))}
    return {
        "drawing": "".join(map(str, (drawing // drawings.STEP).flatten().tolist())), "judged": judged, "said": SAID,
        "alt": "the mean of the belief, decoded",
        "values": live.packed({name: v[0] for name, v in made.values.items()}, c.studio.model.modalities),
    }


def packed(values: Tensor) -> str:
    """base64 of float32."""
    return base64.b64encode(values.float().contiguous().numpy().tobytes()).decode("ascii")
