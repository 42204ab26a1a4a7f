"""A folder of pictures named by id: PNG, JPEG, WebP, BMP, TIFF; 8 or 16 bit, grey, colour or with transparency."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np

from bvae.data.base import DataError
from bvae.data.own.tables import MAX_CELLS, Views, check_size

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
MAX_PICTURE = 64 * 1024 * 1024
MAX_PIXELS = 50_000_000
LARGEST_SIDE = 64
"""Pictures are made no larger than this, unless a size is asked for."""
CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}


def pictures_in(folder: Path) -> list[Path]:
    """Picture files right in a folder, by name; nothing that lies elsewhere and is linked there."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file() and not p.is_symlink())


def read_pictures(folder: Path, size: tuple[int, int] | None = None, channels: int | None = None,
                  fit: str = "pad") -> Views:
    """All pictures of a folder, of one size.

    Parameters
    ----------
    folder : Path
        A picture's id is its file's name without the suffix.
    size : (int, int), optional
        Height and width. By default the commonest of the files, scaled down so that neither side is over
        :data:`LARGEST_SIDE`.
    channels : {1, 3, 4}, optional
        By default 1 if all are grey, 4 if one is transparent, else 3.
    fit : {"pad", "stretch"}
        A picture of other proportions is scaled until it fits and filled up by the colour of its edge, or stretched.

    Returns
    -------
    Views
        One part "" of (N, C, H, W) floats in [0, 1].

    Raises
    ------
    DataError
        For a folder without pictures, and for a file that cannot be read; it names the file.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise DataError(f"{folder.name}: reading pictures needs Pillow: pip install 'bvae[data]'") from error
    files = pictures_in(folder)
    if not files:
        raise DataError(f"{folder.name}: expected pictures ({', '.join(SUFFIXES)}), got none")
    if fit not in ("pad", "stretch"):
        raise DataError(f"{folder.name}: fit: expected 'pad' or 'stretch', got {fit!r}")
    if channels not in (None, *CHANNELS):
        raise DataError(f"{folder.name}: channels: expected 1, 3 or 4, got {channels!r}")
    ids = [p.stem for p in files]
    if len(set(ids)) < len(ids):
        double = next(i for i in ids if ids.count(i) > 1)
        raise DataError(f"{folder.name}: expected one picture an id, got several files named {double!r}")
    sizes, modes = [], set()
    for path in files:
        check_size(path, MAX_PICTURE)
        try:
            with Image.open(path) as picture:
                sizes.append((picture.height, picture.width))
                modes.add("RGBA" if "A" in picture.getbands() or "transparency" in picture.info else (
                    "L" if picture.mode in ("1", "L", "I", "F") or picture.mode.startswith("I;16") else "RGB"))
        except Exception as error:  # Pillow's plugins raise errors of many kinds for damaged files
            raise DataError(f"{folder.name}/{path.name}: expected a picture, got a file that cannot be read "
                            f"({type(error).__name__}); save it again, or leave it out") from error
        if sizes[-1][0] * sizes[-1][1] > MAX_PIXELS:
            raise DataError(f"{folder.name}/{path.name}: expected at most {MAX_PIXELS:,} pixels, got "
                            f"{sizes[-1][1]:,} x {sizes[-1][0]:,}")
    notes = []
    if channels is None:
        channels = 4 if "RGBA" in modes else 3 if "RGB" in modes else 1
    if size is None:
        common = statistics.mode(sizes)
        scale = min(1.0, LARGEST_SIDE / max(common))
        size = (max(1, round(common[0] * scale)), max(1, round(common[1] * scale)))
    if any(s != size for s in sizes):
        notes.append(f"{folder.name}: pictures of {len(set(sizes)):,} sizes became {size[0]} x {size[1]} "
                     + ("(scaled to fit, filled up by the colour of their edge)" if fit == "pad" else "(stretched)"))
    if len(files) * channels * size[0] * size[1] > MAX_CELLS:
        raise DataError(f"{folder.name}: expected at most {MAX_CELLS:,} numbers, got {len(files):,} pictures of "
                        f"{size[0]} x {size[1]}; ask for a smaller size")
    out = np.empty((len(files), channels, *size), np.float32)
    for k, path in enumerate(files):
        try:
            with Image.open(path) as picture:
                out[k] = one(picture, size, channels, fit)
        except Exception as error:
            raise DataError(f"{folder.name}/{path.name}: expected a whole picture, got one that cannot be read to its "
                            f"end ({type(error).__name__}); save it again, or leave it out") from error
    return Views(arrays={"": out}, ids={"": ids}, notes=notes)


def one(picture: Any, size: tuple[int, int], channels: int, fit: str) -> np.ndarray:
    """One picture as (C, H, W) floats in [0, 1]."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    fine = picture.mode.startswith("I") or picture.mode == "F"  # 16 bit, or floats in [0, 1]
    if fine:
        values = np.asarray(picture, np.float32) / (1.0 if picture.mode == "F" else 65535.0)
        if not (values.min(initial=0) >= 0 and values.max(initial=0) <= 1):
            raise ValueError("floats outside [0, 1]")
        picture = Image.fromarray(values * 255)
    if not fine or channels != 1:
        picture = picture.convert(CHANNELS[channels])
    h, w = size
    if (picture.height, picture.width) != size:
        if fit == "stretch":
            picture = picture.resize((w, h), Image.Resampling.BOX if picture.width >= w else Image.Resampling.BICUBIC)
        else:
            scale = min(h / picture.height, w / picture.width)
            inner = (max(1, min(w, round(picture.width * scale))), max(1, min(h, round(picture.height * scale))))
            how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
            edge = edge_colour(np.asarray(picture))
            small, picture = picture.resize(inner, how), Image.new(picture.mode, (w, h), edge)
            picture.paste(small, ((w - inner[0]) // 2, (h - inner[1]) // 2))
    values = np.asarray(picture, np.float32) / 255
    return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)


def edge_colour(values: np.ndarray) -> Any:
    """Median colour of a picture's border, as Pillow takes it."""
    border: np.ndarray = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    found: Any = np.median(border, axis=0)
    if found.ndim == 0:
        return float(found) if values.dtype.kind == "f" else int(found)
    return tuple(int(v) for v in found)
