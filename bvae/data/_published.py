"""Readers of files that others published: MNIST through torchvision, and both layouts of PolyMNIST."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bvae.data._torchvision import torchvision
from bvae.data.base import DataError

NUM_MODALITIES = 5
IMAGE = (3, 28, 28)
_PNG = re.compile(r"(\d+)\.(\d)\.png")


def read_mnist(root: Path, split: str, download: bool) -> tuple[Tensor, Tensor]:
    """MNIST's digits and labels through torchvision: (N, 28, 28) uint8, (N,) int64.

    Raises
    ------
    DataError
        If the files are not there or torchvision cannot read them.
    """
    try:
        mnist = torchvision().datasets.MNIST(str(root), train=split == "train", download=download)
    except Exception as error:  # torchvision raises RuntimeError, ValueError, OSError, EOFError and struct.error here
        raise DataError(
            f"{root / 'MNIST' / 'raw'}: torchvision cannot read MNIST's idx files there ({error}). "
            "Delete the folder and let it be downloaded again (download=True)."
        ) from error
    expected = 60_000 if split == "train" else 10_000
    if len(mnist.data) != len(mnist.targets) or mnist.data.shape[1:] != IMAGE[1:]:
        raise DataError(
            f"{root / 'MNIST' / 'raw'}: expected {expected} images of 28 x 28 with as many labels, "
            f"got {tuple(mnist.data.shape)} and {len(mnist.targets)} labels"
        )
    return mnist.data, mnist.targets.to(torch.int64)


def read_svhn(root: Path, split: str, download: bool) -> tuple[Tensor, Tensor]:
    """SVHN's cropped digits and labels through torchvision: (N, 3, 32, 32) uint8, (N,) int64; the label 10 means 0.

    Raises
    ------
    DataError
        If the files are not there, their checksum is another one, or torchvision cannot read them.
    """
    try:
        svhn = torchvision().datasets.SVHN(str(root), split=split, download=download)
    except Exception as error:  # RuntimeError for a checksum, scipy's errors for a damaged file
        raise DataError(
            f"{root / f'{split}_32x32.mat'}: torchvision cannot read SVHN there ({error}). "
            "Delete the file and let it be downloaded again (download=True)."
        ) from error
    pictures, labels = torch.from_numpy(svhn.data), torch.from_numpy(np.asarray(svhn.labels, np.int64)) % 10
    if pictures.shape[1:] != (3, 32, 32) or len(pictures) != len(labels):
        raise DataError(f"{root / f'{split}_32x32.mat'}: expected images of 3 x 32 x 32 with as many labels, got "
                        f"{tuple(pictures.shape)} and {len(labels)} labels")
    return pictures, labels


def read_polymnist(root: Path, split: str) -> tuple[dict[str, Tensor], Tensor]:
    """The published PolyMNIST, in whichever of its two layouts `root` holds it.

    ``root/{train,test}/m{0..4}/{i}.{digit}.png`` (the authors' archive), or
    ``root/{train,test}/m{0..4}.pt`` with ``labels.pt`` (the MMNIST archive).

    Returns
    -------
    dict of str to Tensor
        "m0" ... "m4" -> (N, 3, 28, 28), uint8 in 0..255 or floats in [0, 1].
    Tensor
        (N,) int64 labels.

    Raises
    ------
    DataError
        Names the file, what was expected and what came.
    """
    folder = root / split
    if (folder / "labels.pt").is_file():
        return _read_tensors(folder)
    if (folder / "m0").is_dir():
        return _read_pngs(folder)
    raise DataError(f"{folder}: expected m0/ ... m4/ with PNG files, or m0.pt ... m4.pt with labels.pt; found neither")


def _read_tensors(folder: Path) -> tuple[dict[str, Tensor], Tensor]:
    labels = _load_tensor(folder / "labels.pt").flatten().to(torch.int64)
    x = {}
    for m in range(NUM_MODALITIES):
        path = folder / f"m{m}.pt"
        values = _load_tensor(path)
        if tuple(values.shape) != (len(labels), *IMAGE):
            raise DataError(f"{path}: expected shape {(len(labels), *IMAGE)}, got {tuple(values.shape)}")
        if values.is_floating_point() and not (values.min() >= 0 and values.max() <= 1):
            raise DataError(f"{path}: expected floats in [0, 1], got {values.min():.3g} to {values.max():.3g}")
        if not values.is_floating_point() and values.dtype != torch.uint8:
            raise DataError(f"{path}: expected uint8 or floats, got {values.dtype}")
        x[f"m{m}"] = values
    return x, labels


def _load_tensor(path: Path) -> Tensor:
    if not path.is_file():
        raise DataError(f"{path}: expected a file with a tensor, found none")
    try:
        # The one place that reads a pickle, because the published archive is one and the user names it: weights_only
        # is PyTorch's restricted unpickler, which builds tensors and refuses everything else (a test tries it).
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a truncated zip, a pickle with code, another format: torch has a type for each
        raise DataError(f"{path}: expected a tensor saved by PyTorch, got an unreadable file ({error})") from error
    if not isinstance(values, Tensor):
        raise DataError(f"{path}: expected a tensor, got {type(values).__name__}")
    return values


def _read_pngs(folder: Path) -> tuple[dict[str, Tensor], Tensor]:
    x: dict[str, Tensor] = {}
    labels, first = torch.empty(0), []
    for m in range(NUM_MODALITIES):
        found = []
        for path in (folder / f"m{m}").glob("*.png"):
            match = _PNG.fullmatch(path.name)
            if match is None:
                raise DataError(f"{path}: expected a name like 17.4.png (item 17, digit 4)")
            found.append((int(match[1]), int(match[2]), path))
        if not found:
            raise DataError(f"{folder / f'm{m}'}: expected PNG files named like 17.4.png, found none")
        found.sort()  # by number: a listing is in no order, and "10" sorts before "2" as text
        keys = [(item, digit) for item, digit, _ in found]
        if not m:
            first, labels = keys, torch.tensor([digit for _, digit in keys])
        elif keys != first:
            odd = next((k for k in (*keys, *first) if (k in keys) != (k in first)), keys[0])
            raise DataError(f"{folder / f'm{m}'}: expected the same items as in m0, but {odd[0]}.{odd[1]}.png differs")
        x[f"m{m}"] = torch.stack([_read_png(path) for _, _, path in found])
    return x, labels


def _read_png(path: Path) -> Tensor:
    from PIL import Image

    try:
        with Image.open(path) as image:
            pixels = np.array(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: expected a PNG image, got an unreadable file ({error})") from error
    if pixels.shape != (28, 28, 3) or pixels.dtype != np.uint8:
        raise DataError(f"{path}: expected an RGB image of 28 x 28, got {pixels.dtype} of shape {pixels.shape}")
    return torch.from_numpy(pixels).permute(2, 0, 1)
