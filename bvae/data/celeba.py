"""CelebA, bimodal: a face and its attributes in words. Official photographs, or avatars that need no download.

The recipe (Sutter et al., NeurIPS 2020 and ICLR 2021): the centre 148 x 148 of the aligned photograph, reduced to
64 x 64; the names of the attributes that hold, in the order of the file, joined by ", ", with "_" as a blank, in lower
case, at a random place of 256 characters, filled up with "*".
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

from bvae.data import _avatars
from bvae.data.base import DATASETS, DataError, Modality, MultimodalDataset, one_hot_text
from bvae.data.polymnist import SPLIT_SEED, as_float

SIZE = 64
LENGTH = 256
PADDING = "*"
ALPHABET = PADDING + " ,5abcdefghijklmnopqrstuvwxyz"  # the 5 is that of "5 o clock shadow"
HAIR_COLORS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
NO_HAIR_COLOR = len(HAIR_COLORS)
FLOOR = 1e-4  # probability of a character below which it makes no difference how impossible it is


def words_of(name: str) -> str:
    """An attribute's name in a text: "Black_Hair" -> "black hair"."""
    return name.replace("_", " ").lower()


def encode(attributes: Tensor, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The texts as characters from place 0 on.

    Parameters
    ----------
    attributes : Tensor
        (N, A) bool.
    names : sequence of str
        A names.

    Returns
    -------
    Tensor
        (N, 256) uint8, positions in :data:`ALPHABET`. A longer text is cut, as in the published code.
    Tensor
        (N,) int64 lengths.
    """
    words = [words_of(name) for name in names]
    texts = [", ".join(words[a] for a in np.flatnonzero(row)) for row in attributes.numpy()]
    texts = [text[:LENGTH] for text in texts]
    codes = np.full(128, 255, np.uint8)
    codes[np.frombuffer(ALPHABET.encode(), np.uint8)] = np.arange(len(ALPHABET))
    padded = "".join(text.ljust(LENGTH, PADDING) for text in texts)
    letters = codes[np.frombuffer(padded.encode("ascii", "replace"), np.uint8) & 127].reshape(len(texts), LENGTH)
    if (letters == 255).any():
        raise DataError(f"attribute names: expected letters a to z, blanks and 5, got {', '.join(names)}")
    return torch.from_numpy(letters), torch.tensor([len(text) for text in texts])


def places(lengths: Tensor, generator: torch.Generator) -> Tensor:
    """(N,) int64: where each text begins, any place at which it fits whole being as likely."""
    return (torch.rand(len(lengths), generator=generator) * (LENGTH - lengths + 1)).long()


def write(letters: Tensor, start: Tensor) -> Tensor:
    """Texts at their places: (N, 256) characters from place 0 on, (N,) -> (N, 256, 30) float32 one-hot."""
    place = (torch.arange(LENGTH) - start.unsqueeze(1)) % LENGTH  # (N, 256); a wrapped place holds a filler
    return F.one_hot(letters.long().gather(1, place), len(ALPHABET)).float()


def read(text: Tensor) -> list[str]:
    """The most probable characters: (N, 256, 30) one-hot or probabilities -> N strings of 256 characters."""
    letters = np.frombuffer(ALPHABET.encode(), np.uint8)[text.argmax(-1).cpu().numpy()]
    return [row.tobytes().decode() for row in letters]


def name_scores(text: Tensor, names: Sequence[str], chunk: int = 500) -> Tensor:
    """How well each name can be read at its best place: geometric mean of the probabilities of its characters.

    Parameters
    ----------
    text : Tensor
        (N, 256, 30) one-hot or probabilities.
    names : sequence of str
        A names of attributes.

    Returns
    -------
    Tensor
        (N, A) in [0, 1]; 1 if it stands there for certain.
    """
    parts = []
    for part in text.split(chunk):
        log_p = part.float().clamp_min(FLOOR).log().transpose(1, 2).contiguous()  # (n, 30, 256)
        scores = []
        for name in names:
            word = [ALPHABET.index(c) for c in words_of(name)]
            count = LENGTH - len(word) + 1
            scores.append(sum(log_p[:, c, k : k + count] for k, c in enumerate(word)).amax(1) / len(word))
        parts.append(torch.stack(scores, 1).exp())
    return torch.cat(parts)


def hair_color(attributes: Tensor, names: Sequence[str]) -> Tensor:
    """(N, A) bool -> (N,) int64: position in :data:`HAIR_COLORS` if exactly one of them holds, else 4."""
    colors = torch.stack([attributes[:, list(names).index(name)] for name in HAIR_COLORS], 1)
    return torch.where(colors.sum(1) == 1, colors.long().argmax(1), NO_HAIR_COLOR)


@DATASETS.register("celeba")
class CelebA(MultimodalDataset):
    """A face and its attributes in words.

    Parameters
    ----------
    split : {"train", "test"}
        Of the official source: partitions 0 and 2. (In MoPoE's code "test" is partition 1, the validation part.)
    source : {"embedded", "official"}
        "embedded": *avatars*, drawn here and cached, which are neither CelebA faces nor photographs; 5,000 to train and
        1,000 to test, with 17 attributes that are known exactly. "official": CelebA through torchvision, 40
        attributes that people assigned. Its 162,770 and 19,962 pictures are decoded once, with a progress bar, into
        ``root/celeba/bvae_64x64_SPLIT.npy`` (2.0 and 0.25 GB, mapped into memory, so that training reads from the disk
        what it needs); with `limit`, or where `root` cannot be written, into memory.
    root : path, optional
        Where the files of "official" are: the folder that holds ``celeba/``.
    download : bool
        Let torchvision download them into `root`; it verifies their checksums and needs the package gdown.
    augment : bool
        Mirror half of the training pictures: no attribute knows left from right.
    limit : int, optional
        The first so many items only.

    Raises
    ------
    DataError
        If a file is missing, unreadable or not of the expected form.

    Notes
    -----
    `y` is the colour of the hair: black, blond, brown, gray, or none of these (bald, under a hat, another colour, or,
    among the official attributes, several at once). The words of avatars begin at the first character: their place is
    as much to learn as all the rest, and a model that is trained for minutes learns neither. Pictures stay uint8 and
    become floats batch by batch: for the official training split ask for :meth:`subset` or :meth:`epoch`, not for all
    of `x`.
    """

    name = "celeba"
    title = "avatars (in place of CelebA)"
    num_classes = NO_HAIR_COLOR + 1
    text_padding = PADDING
    takes_text = ("text",)
    read_text = staticmethod(read)
    origins: ClassVar[dict[str, str]] = {
        "embedded": "avatars drawn here from parts designed by Pablo Stanley (avataaars, free for personal and "
                    "commercial use), packaged in python_avatars (MIT), rendered by resvg (resvg_py, MIT). Not CelebA.",
        "official": "CelebA (Liu et al., ICCV 2015), https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html; "
                    "for non-commercial research only, not to be passed on.",
    }

    def __init__(
        self, split: str = "test", source: str = "embedded", root: str | Path | None = None, download: bool = False,
        augment: bool = False, limit: int | None = None,
    ) -> None:
        if split not in ("train", "test"):
            raise DataError(f"split must be 'train' or 'test', got {split!r}")
        if source not in ("embedded", "official"):
            raise DataError(f"source must be 'embedded' or 'official', got {source!r}")
        if source != "embedded" and root is None:
            raise DataError(f"source {source!r} needs root, the folder that holds celeba/ with the files")
        if limit is not None and limit < 1:
            raise DataError(f"limit: expected a positive number of items, got {limit}")
        self.split, self.source, self.augment = split, source, augment
        if source == "embedded":
            label, self.attribute_names = "avatar", _avatars.ATTRIBUTES
            self.pictures, self.attributes = _avatars.avatars(split, limit)
        else:
            from bvae.data._celeba_files import read_celeba

            assert root is not None  # said above
            label = "photograph (CelebA)"
            self.pictures, self.attributes, self.attribute_names = read_celeba(Path(root), split, download, limit)
        self.story = f"The {label.split()[0]} and the words tell of the same face; no word tells all that it shows."
        self.modalities = {
            "image": Modality("image", "image", (3, SIZE, SIZE), label, weight=1 / 3),
            "text": Modality("text", "text", (LENGTH, len(ALPHABET)), "its attributes in words", weight=16.0),
        }
        assert self.attributes is not None
        self.y = hair_color(self.attributes, self.attribute_names)
        self.letters, self.lengths = encode(self.attributes, self.attribute_names)
        self.start = self._places(slice(None), torch.Generator().manual_seed(SPLIT_SEED + (split == "train")))

    def _places(self, index: Tensor | slice, generator: torch.Generator) -> Tensor:
        """Where the texts of some items begin: anywhere (the recipe), or for avatars at 0. See the notes."""
        lengths = self.lengths[index]
        return places(lengths, generator) if self.source == "official" else torch.zeros_like(lengths)

    @property
    def class_names(self) -> tuple[str, ...]:
        """See `MultimodalDataset.class_names`."""
        return (*(words_of(name) for name in HAIR_COLORS), "other or no hair")

    @functools.cached_property
    def x(self) -> dict[str, Tensor]:  # type: ignore[override]
        """One fixed view of every item."""
        return self.subset(slice(None))

    def subset(self, index: Tensor | slice | list[int]) -> dict[str, Tensor]:
        """See `MultimodalDataset.subset`: made from the stored bytes, without the whole of `x`."""
        return {"image": as_float(self.pictures[index]), "text": write(self.letters[index], self.start[index])}

    def items(self, index: Tensor, pairing: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """See `MultimodalDataset.items`: official words at fresh places, and mirrored pictures if asked for."""
        text = write(self.letters[index], self._places(index, generator))
        pictures = as_float(self.pictures[index])
        if self.augment:
            mirrored = torch.rand(len(index), 1, 1, 1, generator=generator) < 0.5
            pictures = torch.where(mirrored, pictures.flip(-1), pictures)
        return {"image": pictures, "text": text}

    def encode_text(self, text: str, generator: torch.Generator | None = None) -> Tensor:
        """See `MultimodalDataset.encode_text`: (1, 256, 30), among fillers."""
        return one_hot_text(text, ALPHABET, PADDING, LENGTH, generator)

    def attribute_scores(self, text: Tensor) -> Tensor:
        """See `MultimodalDataset.attribute_scores` and :func:`name_scores`."""
        return name_scores(text, self.attribute_names)

    @staticmethod
    def word_scores(text: Tensor) -> Tensor:
        """Log-probabilities of the hair colours, up to a constant: (N, 256, 30) probabilities -> (N, 5).

        A colour scores as well as its name can be read, "none of these" as badly as all four can.
        """
        read_as = name_scores(text, HAIR_COLORS)
        none = (1 - read_as).prod(1, keepdim=True)
        return torch.cat([read_as, none], 1).clamp_min(FLOOR).log()
