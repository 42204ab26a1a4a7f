"""Reader of the official CelebA files, through torchvision: attributes, partition and aligned JPEG files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bvae.data._torchvision import torchvision
from bvae.data.base import DataError
from bvae.io.storage import write_atomically

SIZE, CROP = 64, 148
ALIGNED = (178, 218)  # width, height of img_align_celeba
REPAIR = "Delete {} and let it be downloaded again (download=True), or copy it from an intact download."


def read_celeba(
    root: Path, split: str, download: bool, limit: int | None = None
) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """Pictures, attributes and their names.

    Parameters
    ----------
    root : Path
        Holds ``celeba/`` with the text files and ``img_align_celeba/``.
    split : {"train", "test"}
        Partition 0 or 2.
    download : bool
    limit : int, optional

    Returns
    -------
    Tensor
        (N, 3, 64, 64) uint8, cropped to the centre 148 x 148 and reduced.
    Tensor
        (N, 40) bool.
    tuple of str
        Names of the attributes in the order of the file.

    Raises
    ------
    DataError
        Names the file, what was expected and what came, and how to repair it.
    """
    folder = root / "celeba"
    try:
        celeba = torchvision().datasets.CelebA(str(root), split=split, target_type="attr", download=download)
    except Exception as error:  # RuntimeError for a checksum or a missing gdown; IndexError, ValueError for bad lines
        raise DataError(
            f"{folder}: expected CelebA's text files with their official checksums and img_align_celeba/, but "
            f"torchvision cannot read them ({_which(folder)}{error}). " + REPAIR.format("the file in question")
        ) from error
    names = tuple(name for name in celeba.attr_names if name)  # the header ends with a blank
    files, held = list(celeba.filename)[:limit], celeba.attr[:limit].bool()
    if not files or held.shape != (len(files), len(names)):
        path = folder / "list_attr_celeba.txt"
        raise DataError(f"{path}: expected {len(names)} attributes of {len(files)} pictures of the {split} partition, "
                        f"got {tuple(held.shape)}. " + REPAIR.format(path.name))
    paths = [folder / "img_align_celeba" / name for name in files]
    pictures = _stored(folder / f"bvae_{SIZE}x{SIZE}_{split}.npy", paths) if limit is None else _decode(paths)
    return pictures, held, names


def _which(folder: Path) -> str:
    """The first file that is not as it should be, with a colon."""
    from torchvision.datasets.utils import check_integrity

    for _, md5, name in torchvision().datasets.CelebA.file_list:
        path = folder / name
        if path.suffix != ".zip" and not check_integrity(str(path), md5):
            return f"{path}: {'another checksum than ' + md5 if path.is_file() else 'missing'}: "
    pictures = folder / "img_align_celeba"
    return "" if pictures.is_dir() else f"{pictures}: missing: "


def _stored(cache: Path, paths: Sequence[Path]) -> Tensor:
    """The decoded pictures from `cache`, which is written first if it is not there or not whole."""
    shape = (len(paths), 3, SIZE, SIZE)
    if (found := _mapped(cache, shape)) is not None:
        return found
    _open(paths[0])  # a missing folder is said before gigabytes are set aside

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for part in _pictures(paths):
                file.write(part.tobytes())

    with contextlib.suppress(OSError):  # a disk that is full or may not be written
        write_atomically(cache, write)
        if (found := _mapped(cache, shape)) is not None:
            return found
    return _decode(paths)


def _mapped(cache: Path, shape: tuple[int, ...]) -> Tensor | None:
    # Mode "c": pages are read when they are used; nothing that is written to the tensor reaches the file.
    try:
        values = np.load(cache, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError):  # not there, or shorter than its header says
        return None
    return torch.from_numpy(values) if values.shape == shape and values.dtype == np.uint8 else None


def _decode(paths: Sequence[Path]) -> Tensor:
    return torch.from_numpy(np.stack(list(_pictures(paths))))


def _pictures(paths: Sequence[Path]) -> Iterator[np.ndarray]:
    from tqdm import tqdm

    for path in tqdm(paths, "decoding CelebA", unit="picture", disable=len(paths) < 250):
        yield _open(path)


def _open(path: Path) -> np.ndarray:
    """(3, 64, 64) uint8."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.size != ALIGNED:
                raise DataError(f"{path}: expected an aligned picture of {ALIGNED[0]} x {ALIGNED[1]}, got "
                                f"{image.width} x {image.height}. " + REPAIR.format("img_align_celeba"))
            left, top = (ALIGNED[0] - CROP) // 2, (ALIGNED[1] - CROP) // 2
            box = (left, top, left + CROP, top + CROP)
            small = image.convert("RGB").crop(box).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    except (OSError, SyntaxError) as error:
        state = "an unreadable file" if path.is_file() else "no file"
        raise DataError(f"{path}: expected a JPEG picture, got {state} ({error}). Delete the folder "
                        f"{path.parent.name} and unpack img_align_celeba.zip again") from error
    return np.asarray(small).transpose(2, 0, 1)
