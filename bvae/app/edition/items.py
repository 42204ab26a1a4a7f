"""Test items of a data set as files of an edition: pictures on sheets, texts and rows as they are read."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from bvae.app.edition.files import Files
from bvae.app.edition.models import Published
from bvae.app.edition.shell import embedded
from bvae.app.widgets import images, tiles
from bvae.data import MultimodalDataset
from bvae.plots import style

COLUMNS = 20
"""Pictures in a row of a sheet."""
QUALITY = 80


def sheet(pictures: list[Tensor], exact: bool = False) -> bytes:
    """Pictures (C, H, W) of one size in [0, 1], row by row, as a WebP; `exact`: no value is changed."""
    _, high, wide = pictures[0].shape
    rows = math.ceil(len(pictures) / COLUMNS)
    whole = np.zeros((rows * high, min(COLUMNS, len(pictures)) * wide, 3), dtype=np.uint8)
    for k, picture in enumerate(pictures):
        pixels = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()[..., :3]
        row, column = divmod(k, COLUMNS)
        whole[row * high:(row + 1) * high, column * wide:(column + 1) * wide] = pixels
    buffer = io.BytesIO()
    Image.fromarray(whole).save(buffer, format="WEBP", quality=QUALITY, method=6, lossless=exact)
    return buffer.getvalue()


def view_of(files: Files, data: MultimodalDataset, folder: str, m: int, name: str, items: np.ndarray) -> dict[str, Any]:
    """One view of the items: how it looks, and what each item shows in it."""
    modality = data.modalities[name]
    shown = [images.content(data, name, data.subset([int(i)])[name][0]) if data.has(name, int(i)) else None
             for i in items]
    pictures = [s for s in shown if not isinstance(s, str) and s is not None]
    found: dict[str, Any] = {"name": name, "label": modality.label, "kind": modality.kind, "color": style.color(m),
                             "marker": style.marker(m), "present": [s is not None for s in shown]}
    if len(modality.columns) > tiles.FEW:
        mean, deviation = tiles.usual(data, name)
        found["usual"] = {"mean": mean.tolist(), "deviation": deviation.tolist()}
    if pictures:
        _, high, wide = pictures[0].shape
        file = f"{folder}/view-{m}.webp"
        blank = pictures[0] * 0
        files.add(file, sheet([blank if s is None or isinstance(s, str) else s for s in shown],
                              exact=bool(modality.columns)))
        return {**found, "sheet": {"file": file, "columns": min(COLUMNS, len(shown)), "count": len(shown),
                                  "size": [wide, high]}}
    return {**found, "texts": [s if isinstance(s, str) else "" for s in shown]}


def add_items(files: Files, of: Published) -> dict[str, Any]:
    """The items of a model's data, unless they are there already; returns what pages embed of them."""
    data = of.data
    name = f"{of.data_folder}/items.json"
    if name in files:
        found: dict[str, Any] = json.loads(files[name])
        return found
    found = {
        "title": of.data_title, "story": data.story, "items": of.items.tolist(),
        "labels": data.y[of.items].tolist() if data.labelled else [],
        "classes": list(data.class_names) if data.labelled else [],
        "views": [view_of(files, data, of.data_folder, m, view, of.items) for m, view in enumerate(data.modalities)]}
    files.add(name, str(embedded(found)))
    return found
