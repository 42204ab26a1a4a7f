"""What goes out of a model of one's own data: its items, where they are, and what they lack, filled."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import torch

from bvae.data import DATASETS, DataError, dataset
from bvae.data.columns import places
from bvae.data.own import Folder, OwnData
from bvae.data.own.registering import FOLDERS
from bvae.data.own.shipped import TableData
from bvae.gaussians.dimensions import z_name
from bvae.models.imputation import Imputed, impute
from bvae.models.vae import MultimodalVAE

AT_ONCE = 1024
"""Items that a model reads together."""
DRAWS = 100
"""Of z, from which what is missing is imputed."""


class Items(NamedTuple):
    """A model and items as it knows their columns.

    Attributes
    ----------
    model : MultimodalVAE
    data : OwnData
    folder : Folder or None
        Where they come from, unless they ship with the package.
    """

    model: MultimodalVAE
    data: OwnData
    folder: Folder | None


def items_of(name: str, model: MultimodalVAE, others: Path | None = None) -> Items:
    """All items of a registered data set, or those of another folder with files of the same names, for a model of it.

    Raises
    ------
    DataError
        If the data set is not of tables, or the items are not as the model knows them.
    """
    if name in FOLDERS:
        alphabet = letters(name, model)
        manifest = None if others is None else Folder(FOLDERS[name]).manifest
        folder = Folder(others or FOLDERS[name], manifest, model.modalities, alphabet)
        return Items(model, folder.data(), folder)
    if others is not None:
        raise DataError("--items: expected a folder as the data set, whose bvae.toml says what the files are, got "
                        f"{name!r}")
    kind = DATASETS[name]
    if not issubclass(kind, TableData):
        raise DataError(f"expected a folder, or a data set of tables, got {name!r}")
    return Items(model, kind.whole(), None)


def letters(name: str, model: MultimodalVAE) -> str:
    """The characters of a model's texts, "" if it has none: those of the items that it was trained on."""
    sizes = {m.shape[-1] for m in model.modalities.values() if m.kind == "text"}
    if not sizes:
        return ""
    alphabet = getattr(dataset(name, "train"), "alphabet", "")
    if sizes != {len(alphabet)}:
        raise DataError(f"data set {name!r}: expected texts of {sizes.pop()} different characters, as the model knows "
                        f"them, got {len(alphabet)}; the texts were changed after the training")
    return alphabet


# -- where the items are -----------------------------------------------------------------------------------------------


@torch.no_grad()
def embedding(items: Items) -> dict[str, Any]:
    """Columns of a table: id, means z1, z2, ... and standard deviations z1_sd, ... of the joint beliefs, labels."""
    model, data = items.model, items.data
    means, scales = [], []
    for index in torch.arange(len(data)).split(AT_ONCE):  # sparse tables are dense for so many items only
        q = model.shared(model.encode(data.subset(index), model.aggregator.conditional(),
                                      present=data.present[:, index]))
        means.append(q.mean)
        scales.append(q.variance.sqrt())
    mean, scale = torch.cat(means).numpy(), torch.cat(scales).numpy()
    columns: dict[str, Any] = {"id": list(data.ids)}
    columns |= {z_name(k): mean[:, k] for k in range(mean.shape[1])}
    columns |= {f"{z_name(k)}_sd": scale[:, k] for k in range(mean.shape[1])}
    return columns | {key: list(values) for key, values in data.label_columns.items() if key not in columns}


# -- what they lack ----------------------------------------------------------------------------------------------------


def write_filled(to: Path, items: Items, draws: int = DRAWS, seed: int = 0) -> list[str]:
    """Write every view with its gaps filled, and beside it the standard deviations of what was filled in.

    Tables are imputed and written some items after the other.

    Returns
    -------
    list of str
        What was missing, and what was written, in sentences.
    """
    from bvae.data.own.filling import files_of

    data, names = items.data, list(items.model.modalities)

    def imputed(index: Any, targets: list[str]) -> dict[str, Imputed]:
        """Of some items; what is said of one does not depend on the others."""
        return impute(items.model, data.subset(index), data.present[:, index], max(2, draws), 0,
                      torch.Generator().manual_seed(seed), targets)

    said = [_lacking(data, name) for name in names]
    for file, target in files_of(items.folder, items.model.modalities).items():
        path = to / Path(file).name
        beside = target.write(path, data.ids, items.model.modalities, imputed)
        said.append(f"wrote {path}, and {beside.name} with standard deviations (of words: how probably another one is "
                    "right)")
    for name in names:
        if not items.model.modalities[name].columns:
            said += _others(to, name, items, imputed(slice(None), [name])[name])
    return said


def _lacking(data: OwnData, name: str) -> str:
    """How much of a modality the items lack, in a sentence."""
    modality, m = data.modalities[name], list(data.modalities).index(name)
    first = [place.start for place in places(modality.columns)]  # one cell a column
    items, cells, width = 0, 0, len(first) or math.prod(modality.shape)
    for index in torch.arange(len(data)).split(AT_ONCE):
        values = data.subset(index)[name].flatten(1)
        gaps = (values[:, first] if first else values).isnan() | ~data.present[m, index].unsqueeze(1)
        items, cells = items + int(gaps.any(1).sum()), cells + int(gaps.sum())
    return f"{name}: {items:,} of {len(data):,} items had gaps, {cells / (len(data) * width):.1%} of the cells"


def _others(to: Path, name: str, items: Items, found: Imputed) -> list[str]:
    """Pictures and sounds of the items that lack them as files, texts as a table."""
    from bvae.data.own.writing import write_table

    data, kind = items.data, items.model.modalities[name].kind
    lacking = found.missing.flatten(1).any(1)
    source = None if items.folder is None else items.folder.manifest.modalities.get(name)
    if kind == "image":
        place = to / name
        which = [k for k in lacking.nonzero()[:, 0].tolist() if is_file_name(data.ids[k])]
        suffix = ".wav" if source is not None and source.kind == "sound" else ".png"
        for k in which:
            _write_one(place / f"{data.ids[k]}{suffix}", found.mean[k])
        kinds = "sounds" if suffix == ".wav" else "pictures"
        return [f"wrote {len(which):,} {kinds} of items that lack them to {place}"]
    if kind == "text":
        texts = [t.strip() for t in data.read_text(found.mean)]
        write_table(to / f"{name}.csv", {"id": list(data.ids), name: texts})
        return [f"wrote {to / name}.csv ({int(lacking.sum()):,} texts imputed)"]
    return []


def is_file_name(item: str) -> bool:
    """Whether an id can be the name of a file that lies where it is written."""
    return not set(item) & set('/\\:*?"<>|') and item.strip(". ") == item and 0 < len(item.encode()) <= 200


def _write_one(path: Path, values: Any) -> None:
    """A picture (C, H, W), or a spectrogram as the sound that it is of, to a file that ends with .png or .wav."""
    from bvae.io.storage import write_atomically

    if path.suffix == ".wav":
        from bvae.data.own.readers.sounds import write_sound
        from bvae.data.own.sounds import heard

        write_sound(path, heard(values, torch.Generator().manual_seed(0)))
        return
    from PIL import Image

    pixels = (values.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    write_atomically(path, lambda place: picture.save(place, "PNG"))
