"""A model's files in an edition: its networks as ONNX, what it believes of the carried items, and what executes it."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bvae.aggregators import AGGREGATORS, aggregator, name_of, naming
from bvae.app.components.live import runtime
from bvae.app.components.playground.scenes import TWINS
from bvae.app.edition.files import Files
from bvae.app.edition.items import add_items
from bvae.app.edition.models import Published
from bvae.app.edition.rounding import rounded
from bvae.app.widgets import tiles
from bvae.export import description, folder

RUNTIME = "runtime"


@functools.lru_cache(maxsize=4)
def exported(of: Published) -> dict[str, bytes]:
    """The files of `bvae.export.folder.write`, by name, with weights that compress better, see `rounding`."""
    with tempfile.TemporaryDirectory() as place:
        made = folder.write(Path(place) / "made", of.checkpoint, of.data.name)
        found = {path.name: path.read_bytes() for path in sorted(made.parent.iterdir())}
    return {name: rounded(content) if name.endswith(".onnx") else content for name, content in found.items()}


def encoders(of: Published) -> dict[str, str]:
    """View -> the file of its encoder."""
    manifest = json.loads(exported(of)[description.FILE])
    return {modality["name"]: modality["encoder"]["file"] for modality in manifest["modalities"]}


def add_model(files: Files, of: Published) -> dict[str, Any]:
    """Enter a model with its items, unless it is there; returns what pages embed of it.

    Encoders are left out: what they make of the carried items is known beforehand. See :func:`add_encoder`.
    """
    add_items(files, of)
    about = {"title": of.title, "data": of.data.name, "model": of.checkpoint.name, "data_title": of.data_title,
             "folder": f"{of.folder}/", "items": f"{of.data_folder}/items.json", "beliefs": f"{of.folder}/beliefs.bin"}
    if about["beliefs"] in files:
        return about
    files.add(about["beliefs"], beliefs(of))
    left_out = {*encoders(of).values(), description.SAMPLER}
    for name, content in exported(of).items():
        if name not in left_out:
            files.add(f"{of.folder}/{name}", content)
    return about


def add_encoder(files: Files, of: Published, view: str) -> None:
    """Enter the encoder of one view of a model that is there."""
    name = encoders(of)[view]
    files.add(f"{of.folder}/{name}", exported(of)[name])


def beliefs(of: Published) -> bytes:
    """Means and standard deviations of the carried items' views, (M, n, 2, L) in half precision, little-endian.

    Of what an item lacks there are zeros and ones.
    """
    loc, scale, there = (v[:, torch.from_numpy(of.items)] for v in of.experts)
    loc = torch.where(there.unsqueeze(-1), loc, 0.0)
    scale = torch.where(there.unsqueeze(-1), scale, 1.0)
    packed: bytes = torch.stack([loc, scale], dim=2).numpy().astype("<f2").tobytes()
    return packed


def add_runtime(files: Files) -> tuple[str | None, str]:
    """What executes networks in a browser: its folder in the edition, or None and why there is none."""
    if any(name.startswith(f"{RUNTIME}/") for name in files):
        return f"{RUNTIME}/", ""
    try:
        there = runtime.fetch(node=False)
    except runtime.NoRuntime as error:
        return None, f"pictures that are decoded in the browser: {error}"
    for name in runtime.FILES:
        files.add(f"{RUNTIME}/{name}", (there / name).read_bytes())
    return f"{RUNTIME}/", ""


def squares(models: Sequence[Published]) -> str:
    """How views of very many columns are read; "" where there are none."""
    return next((note for m in models if (note := tiles.note(m.data))), "")


def rules() -> dict[str, Any]:
    """Rules that a browser can put on any model's beliefs, as ``model.json`` describes them, in their order.

    Mixtures over groups of views are left out: of them only what is inside of the groups is decoded.
    """
    names = [name for name in naming.ordered(AGGREGATORS.names())
             if name in TWINS and name_of(aggregator(name).conditional()) == name]
    return {name: description.rule_of(aggregator(name)) for name in names}


@torch.inference_mode()
def first_pictures(of: Published) -> dict[str, torch.Tensor]:
    """What the model decodes for the first carried item, all of its views seen: name -> (...); empty for a mixture."""
    one = type(of.experts)(*(v[:, int(of.items[0]):int(of.items[0]) + 1] for v in of.experts))
    q = of.model.aggregate(one, of.model.aggregator.conditional())
    if len(q.weights) > 1:
        return {}
    return {name: values[0] for name, values in of.model.decode(q.loc[0]).items()}
