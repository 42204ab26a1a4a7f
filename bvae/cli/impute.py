"""``bvae impute``: fill what is missing in one's own tables, in the format of the input, with what is uncertain."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.cli.arguments import positive, seed
from bvae.cli.items import Items, add_arguments, check_target, model_and_items
from bvae.models.imputation import Imputed


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("impute", help="fill the gaps and the missing views of your own tables")
    add_arguments(command)
    command.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="gets a file for each view")
    command.add_argument("--draws", type=positive, default=100,
                         help="of the latent vector, for each item (default 100)")
    command.add_argument("--seed", type=seed, default=0)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write every view with its gaps filled, and beside it the standard deviations of what was filled in."""
    import torch

    from bvae.data.columns import places
    from bvae.models.imputation import impute

    items = model_and_items(options)
    check_target(options, items, options.to)
    for note in items.data.notes[:12]:
        print(f"note: {note}")
    generator = torch.Generator().manual_seed(options.seed)
    filled = impute(items.model, items.data.x, items.data.present, max(2, options.draws), 0, generator)
    for name in items.model.modalities:
        cells = filled[name].missing.flatten(1)
        if first := [place.start for place in places(items.model.modalities[name].columns)]:
            cells = cells[:, first]  # one cell a column
        print(f"{name}: {int(cells.any(1).sum()):,} of {len(items.data):,} items had gaps, "
              f"{float(cells.float().mean()):.1%} of the cells")
    write_tables(options.to, items, filled)
    for name, modality in items.model.modalities.items():
        if not modality.columns:
            write_others(options.to, name, items, filled[name])
    return 0


def write_tables(to: Path, items: Items, filled: dict[str, Imputed]) -> None:
    """Every file of tables again, its gaps filled, and beside it what is uncertain."""
    from bvae.data.own.filling import files_of

    means, scales = ({name: getattr(found, key).numpy() for name, found in filled.items()} for key in ("mean", "scale"))
    for file, target in files_of(items.folder, items.model.modalities, means, scales).items():
        path = to / Path(file).name
        beside = target.write(path, items.data.ids)
        print(f"wrote {path}, and {beside.name} with standard deviations (of words: how probably another one is right)")


def write_others(to: Path, name: str, items: Items, found: Imputed) -> None:
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
            write_one(place / f"{data.ids[k]}{suffix}", found.mean[k])
        print(f"wrote {len(which):,} {'sounds' if suffix == '.wav' else 'pictures'} of items that lack them to {place}")
    elif kind == "text":
        texts = [t.strip() for t in data.read_text(found.mean)]
        write_table(to / f"{name}.csv", {"id": list(data.ids), name: texts})
        print(f"wrote {to / name}.csv ({int(lacking.sum()):,} texts imputed)")


def is_file_name(item: str) -> bool:
    """Whether an id can be the name of a file that lies where it is written."""
    return not set(item) & set('/\\:*?"<>|') and item.strip(". ") == item and 0 < len(item.encode()) <= 200


def write_one(path: Path, values: Any) -> None:
    """A picture (C, H, W), or a spectrogram as the sound that it is of, to a file that ends with .png or .wav."""
    import torch

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
