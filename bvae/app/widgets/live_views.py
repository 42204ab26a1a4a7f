"""What live views are told of a view: how it is drawn in the browser."""

from __future__ import annotations

from typing import Any

import torch

from bvae.app.widgets import tiles
from bvae.data import Modality, MultimodalDataset
from bvae.plots import style


def view_of(modality: Modality, m: int, data: MultimodalDataset) -> dict[str, Any]:
    """A view as ``browser/pictures.mjs`` draws it."""
    out: dict[str, Any] = {"name": modality.name, "kind": modality.kind, "shape": list(modality.shape),
                           "color": style.color(m)}
    if modality.kind == "text":
        out["alphabet"] = list(data.read_text(torch.eye(modality.shape[-1]).unsqueeze(1)))
    if modality.columns:
        out["columns"] = [{"name": c.name, "type": c.type, "categories": list(c.categories)} for c in modality.columns]
        if len(modality.columns) > tiles.FEW:
            usual, deviation = tiles.usual(data, modality.name)
            out["usual"] = {"mean": numbers(usual), "deviation": numbers(deviation)}
    return out


def numbers(values: Any) -> list[float]:
    """As a list for JSON."""
    return [float(v) for v in values]
