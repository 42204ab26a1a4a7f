"""A model as a folder of files: written and checked as a whole, or nothing is left."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bvae.data import MultimodalDataset, dataset
from bvae.export import checking, description, graphs, halves
from bvae.io.storage import WriteError, read_json
from bvae.models.methods import METHODS, title_of
from bvae.models.vae import MultimodalVAE
from bvae.training.checkpoint import Checkpoint, load_weights

PARTS: tuple[graphs.Part, graphs.Part] = ("encoder", "decoder")
ITEMS = 5
"""Random items, or z, on which every network is compared."""


class ExportError(ValueError):
    """A model that cannot be exported; the text says which network and why."""


def write(
    to: Path, checkpoint: Checkpoint, dataset_name: str, said: Callable[[str], None] = lambda line: None
) -> Path:
    """Export a checkpoint into a folder.

    Parameters
    ----------
    to : Path
        The folder: a new one, an empty one, or one that was written here before, which is replaced.
    checkpoint : Checkpoint
    dataset_name : str
        What it was trained on, as registered.
    said : callable, optional
        Gets a line for every network.

    Returns
    -------
    Path
        ``model.json``, see `bvae.export.description.described`.

    Raises
    ------
    ExportError
        If a network cannot be exported, or computes something else than in PyTorch (`checking.TOLERANCE`).
    ValueError
        If what exports is not installed, or the folder holds something else.
    WriteError
        If the disk is full, and so on.
    """
    graphs.check_installed()
    check_folder(to)
    model = load_weights(checkpoint)
    about = {"dataset": dataset_name, "name": checkpoint.name, "method": checkpoint.settings.method,
             "title": title_of(checkpoint.name), "method_title": METHODS[checkpoint.settings.method].title,
             "sha256": checkpoint.hash}
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{to.name}.", suffix=".tmp", dir=to.parent) as beside:
            made = Path(beside) / "made"
            made.mkdir()
            fill(made, model, alphabets(model, lambda: dataset(dataset_name, "test")), about, said)
            if to.exists():
                shutil.rmtree(to)
            made.rename(to)
    except OSError as error:
        raise WriteError(to, error) from error
    return to / description.FILE


def check_folder(to: Path) -> None:
    """Raise ValueError if something else is there than an earlier export."""
    if not to.exists():
        return
    if not to.is_dir():
        raise ValueError(f"{to}: expected a folder, it is a file")
    names = {path.name for path in to.iterdir()}
    if names and description.FILE not in names:
        raise ValueError(f"{to}: expected a new folder or an earlier export, it holds {', '.join(sorted(names)[:3])}")
    if names and not {"format", "modalities", "rule"} <= set(read_json(to / description.FILE)):
        raise ValueError(f"{to}: its {description.FILE} is none of ours")


def fill(
    folder: Path, model: MultimodalVAE, alphabets: Mapping[str, str], about: Mapping[str, Any],
    said: Callable[[str], None], parts: Sequence[graphs.Part] = PARTS,
) -> None:
    """Write the files of a model, or only its encoders or decoders, into an empty folder. Raises ExportError."""
    inputs = examples(model)
    networks: list[dict[str, Any]] = []
    worst = 0.0
    for m, name in enumerate(model.modalities):
        entry: dict[str, Any] = {}
        for part in parts:
            network = (model.encoders if part == "encoder" else model.decoders)[name]
            given = inputs[part][m]
            file = f"{m}-{part}.onnx"
            what = f"{part} of {name}"
            try:
                graph = graphs.graph_of(network, part, given)
                halves.halved(graph, {f"network.{key}" for key, _ in network.named_parameters()})
                content = graph.SerializeToString()
                away = checking.difference(content, network, part, given)
            except ValueError as error:
                raise ExportError(f"{what}: {error}") from error
            if not away <= checking.TOLERANCE:
                raise ExportError(f"{what}: expected what PyTorch computes up to {checking.TOLERANCE:g}, it differs by "
                                  f"{away:.2g}; nothing was written")
            (folder / file).write_bytes(content)
            worst = max(worst, away)
            entry[part] = {"file": file, "bytes": len(content)}
            said(f"{what}: {file}, {len(content) / 1e3:.0f} kB, differs from PyTorch by {away:.1e} at most")
        networks.append(entry)
    sampler, content = description.sampler_of(model.sampler)
    if content:
        (folder / description.SAMPLER).write_bytes(content)
    all_of_it = {**description.described(model, alphabets, networks, about), "sampler": sampler,
                 "tolerance": checking.TOLERANCE, "difference": worst}
    text = json.dumps(all_of_it, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / description.FILE).write_text(text, encoding="utf-8", newline="\n")


def examples(model: MultimodalVAE) -> dict[graphs.Part, list[Tensor]]:
    """What goes into each network to compare it: z from the prior, and what the decoders make of it, some with gaps."""
    generator = torch.Generator().manual_seed(0)
    own = model.shared_dim + model.config.private_dim
    z = torch.randn(ITEMS, model.latent_dim, generator=generator)
    with torch.no_grad():
        items = model.decode(z)
    for m, (name, modality) in enumerate(model.modalities.items()):
        if modality.columns:
            items[name] = items[name].clone()
            items[name][1 + m % (ITEMS - 1), : modality.columns[0].width] = torch.nan
    each = [torch.randn(ITEMS, own, generator=generator) for _ in model.modalities]
    return {"encoder": list(items.values()), "decoder": each}


def alphabets(model: MultimodalVAE, data: Callable[[], MultimodalDataset]) -> dict[str, str]:
    """The characters of every text of a model, in order; the data know them, and are read only if there are texts."""
    texts = {name: m.shape[-1] for name, m in model.modalities.items() if m.kind == "text"}
    if not texts:
        return {}
    read = data().read_text
    letters = {name: "".join(read(torch.eye(size).unsqueeze(1))) for name, size in texts.items()}
    return {name: found for name, found in letters.items() if len(found) == texts[name]}
