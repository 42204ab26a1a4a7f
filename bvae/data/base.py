"""What every data set offers: named modalities, labels, and batches that know what is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from bvae.data.columns import OF_COLUMNS, Column, as_plain, checked_columns, from_plain, named
from bvae.registry import Registry

DATASETS: Registry[type[MultimodalDataset]] = Registry("data set")


class DataError(ValueError):
    """A data file is missing, unreadable or not of the expected form; the text says how to repair it."""


NAME = re.compile(r"\w(?:[\w .:+()'-]{0,58}[\w)+'])?")
"""Names of modalities: letters of any alphabet, digits, and a few marks inside; at most 60 characters."""
KEPT_NAMES = ("joint", "everything")
"""Names that no modality may have: lists of clouds of points use them beside those of the modalities."""


@dataclass(frozen=True)
class Modality:
    """What the model has to know of one modality.

    Parameters
    ----------
    name : str
        See :data:`NAME`; none of :data:`KEPT_NAMES`.
    kind : str
        Chooses the networks, see :mod:`bvae.models.networks`. "image": floats in [0, 1]. "text": one-hot characters.
    shape : tuple of int
        Shape of one item, without the batch axis, for example (3, 28, 28); at least one number.
    label : str
        A few words for a person.
    weight : float
        Weight of its log-likelihood in training, 1 for the bound itself.
    likelihood : str
        One of `bvae.models.likelihoods.LIKELIHOODS` where the modality asks for its own; "" leaves it to the model.
    columns : tuple of Column
        Of a modality that is a table: what its cells are, in order; their widths are the shape together. Its values
        are in the data's own units, and NaN in all cells of a column is a gap. Kinds of `bvae.data.columns.OF_COLUMNS`
        always have some: where a type goes without saying, those not named are called c0, c1, ...

    Raises
    ------
    ValueError
        If one of them is not as described.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    label: str = ""
    weight: float = 1.0
    likelihood: str = ""
    columns: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name) or self.name.lower() in KEPT_NAMES:
            raise ValueError(
                "name of a modality: expected 1 to 60 letters, digits, blanks or . : + ( ) ' _ - between them, none of "
                f"{', '.join(KEPT_NAMES)}, got {self.name!r}")
        what = f"modality {self.name!r}"
        if not isinstance(self.kind, str) or not self.kind:
            raise ValueError(f"{what}: expected a kind, for example 'image', got {self.kind!r}")
        try:
            shape = tuple(int(size) for size in self.shape)
            if not shape or min(shape) < 1 or shape != tuple(self.shape):
                raise ValueError("not positive integers")
        except (TypeError, ValueError) as error:
            raise ValueError(f"{what}: expected a shape of positive integers, got {self.shape!r}") from error
        object.__setattr__(self, "shape", shape)
        if isinstance(self.weight, bool) or not isinstance(self.weight, (int, float)) or not (
                0 <= self.weight < math.inf):
            raise ValueError(f"{what}: expected a weight of at least 0, got {self.weight!r}")
        if not isinstance(self.label, str) or not isinstance(self.likelihood, str):
            raise ValueError(f"{what}: expected texts as label and likelihood, got {self.label!r}, {self.likelihood!r}")
        try:
            object.__setattr__(self, "columns", checked_columns(self.kind, shape, self.columns))
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from error

    @property
    def takes_gaps(self) -> bool:
        """Whether single cells of an item may be missing (NaN): those of modalities with columns may."""
        return bool(self.columns)

    def as_plain(self) -> dict[str, Any]:
        """Plain values, for JSON; columns that have names of their own only."""
        out = {"name": self.name, "kind": self.kind, "shape": list(self.shape), "label": self.label,
               "weight": self.weight, "likelihood": self.likelihood}
        own = self.columns and (OF_COLUMNS.get(self.kind) is None or self.columns != named(self.kind, *self.shape))
        return {**out, "columns": as_plain(self.columns)} if own else out

    @classmethod
    def from_plain(cls, given: Mapping[str, Any]) -> Modality:
        """The inverse of :meth:`as_plain`. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(given["name"], given["kind"], tuple(given["shape"]), given["label"], given.get("weight", 1.0),
                   given.get("likelihood", ""), from_plain(given.get("columns", ())))


@dataclass(frozen=True)
class Batch:
    """One training batch.

    Attributes
    ----------
    x : dict of str to Tensor
        (B, ...) each; rows that are missing hold anything, NaN in a modality with columns is a gap.
    present : Tensor
        (M, B) bool, True where the modality was observed.
    y : Tensor
        (B,) int64 labels.
    attributes : Tensor or None
        (B, A) bool, for data sets that have them.
    """

    x: dict[str, Tensor]
    present: Tensor
    y: Tensor
    attributes: Tensor | None = None


class MultimodalDataset:
    """Items that were seen through several modalities at once.

    Attributes
    ----------
    modalities : dict of str to Modality
        In a fixed order, which is the order of the axis M everywhere.
    x : mapping of str to Tensor
        name -> (N, ...): one fixed view of every item. Floats in [0, 1] of images and texts; tables (modalities with
        columns) in their own units, NaN in all cells of a column that an item lacks.
    mask : Tensor or None
        (M, N) bool: which modalities the items really have, at least one each; None if all have all. What `x` holds
        for the others is not read. All metrics, judges, maps, pages and shards look at it.
    y : Tensor
        (N,) int64 class labels; all 0 where there are none, which `num_classes` of 1 says.
    attributes : Tensor or None
        (N, A) bool: what holds of each item besides its class, for data sets that know.
    attribute_names : tuple of str
        A names.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    """What people read; the name itself if it has no other."""
    story: str = ""
    """What the modalities of one item have in common, in a sentence."""
    num_classes: int = 1
    """1: there are no labels."""
    origins: ClassVar[dict[str, str]] = {}
    """source -> where its data come from, and their licences."""
    text_padding: ClassVar[str] = " "
    """What surrounds a text in its modality."""
    split: str
    source: str
    modalities: dict[str, Modality]
    x: MutableMapping[str, Tensor]
    mask: Tensor | None = None
    y: Tensor = None  # type: ignore[assignment]  # until the checks have filled it
    attributes: Tensor | None = None
    attribute_names: tuple[str, ...] = ()
    takes_drawings: tuple[str, ...] = ()
    """Modalities that :meth:`from_drawing` can make."""
    takes_text: tuple[str, ...] = ()
    """Modalities that :meth:`encode_text` can make."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of `y`, such that "class NAME" reads well."""
        return tuple(str(k) for k in range(self.num_classes))

    @property
    def labelled(self) -> bool:
        """Whether the items have classes: what needs them (probes, coherence) is left out if not."""
        return self.num_classes > 1

    @property
    def present(self) -> Tensor:
        """(M, N) bool: `mask`, or True everywhere."""
        return torch.ones(len(self.modalities), len(self), dtype=torch.bool) if self.mask is None else self.mask

    @property
    def incomplete(self) -> bool:
        """Whether items really lack modalities, see `mask`."""
        return self.mask is not None

    def present_in(self, index: Tensor | slice | list[int]) -> Tensor | None:
        """`mask` of some items, as models take it: (M, n), or None if every item has everything."""
        return None if self.mask is None else self.mask[:, index]

    def has(self, modality: str, item: int) -> bool:
        """Whether an item has a modality."""
        return self.mask is None or bool(self.mask[list(self.modalities).index(modality), item])

    def of_item(self, item: int) -> dict[str, Tensor]:
        """The modalities that one item has: name -> (1, ...)."""
        return {name: values for name, values in self.subset([item]).items() if self.has(name, item)}

    def called(self, item: int) -> str:
        """An item in words: its number, and its class if there are labels."""
        return f"item {item}, class {self.class_names[int(self.y[item])]}" if self.labelled else f"item {item}"

    @staticmethod
    def word_scores(text: Tensor) -> Tensor:
        """For data sets with a text: how well it names each class, (N, L, A) probabilities -> (N, num_classes)."""
        raise DataError("this data set has no text modality")

    @staticmethod
    def read_text(text: Tensor) -> list[str]:
        """For data sets with a text: its most probable characters, (N, L, A) -> N strings."""
        raise DataError("this data set has no text modality")

    def blank_character(self, modality: str) -> int:
        """Position of what fills a text up among the characters of a text modality."""
        alphabet = self.read_text(torch.eye(self.modalities[modality].shape[-1]).unsqueeze(1))  # one letter each
        return alphabet.index(self.text_padding)

    def encode_text(self, text: str, generator: torch.Generator | None = None) -> Tensor:
        """A text that a person typed, as a modality of `takes_text`.

        Parameters
        ----------
        text : str
            Capital letters count as small ones; what fills a text up may be left out.
        generator : torch.Generator, optional
            Draws the place of the text as the data have it; without one, it stands in the middle.

        Returns
        -------
        Tensor
            (1, L, A) one-hot.

        Raises
        ------
        DataError
            If the text is empty, too long, or has characters that the modality does not know.
        """
        raise DataError("this data set has no text modality that can be typed")

    def from_drawing(self, drawing: Tensor, modality: str, generator: torch.Generator) -> Tensor:
        """A drawing as a modality of `takes_drawings`.

        Parameters
        ----------
        drawing : Tensor
            (28, 28) uint8, light ink on black; see :mod:`bvae.data.drawings`.
        modality : str
        generator : torch.Generator
            Draws what the data set adds by chance, such as the background.

        Returns
        -------
        Tensor
            (1, ...) with the modality's shape.

        Raises
        ------
        DataError
            If the modality takes no drawings or the drawing has another form.
        """
        raise DataError("this data set has no modality that can be drawn")

    def attribute_scores(self, text: Tensor) -> Tensor:
        """For data sets with a text of attributes: is each one named, (N, L, A') probabilities -> (N, A) in [0, 1]."""
        raise DataError("this data set has no text of attributes")

    def __len__(self) -> int:
        return len(next(iter(self.x.values()))) if self.y is None else len(self.y)

    def subset(self, index: Tensor | slice | list[int]) -> dict[str, Tensor]:
        """The modalities of the chosen items: name -> (n, ...)."""
        return {name: values[index] for name, values in self.x.items()}

    def items(self, index: Tensor, pairing: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The items of one training batch: name -> (B, ...). Override it where views are composed afresh.

        Parameters
        ----------
        index : Tensor
            (B,) positions in the data set.
        pairing : Tensor
            What :meth:`pairing` returned for this epoch.
        generator : torch.Generator
            Source of all randomness.
        """
        return self.subset(index)

    def pairing(self, generator: torch.Generator) -> Tensor:
        """What an epoch decides once for all its batches, for example who is paired with whom."""
        return torch.empty(0)

    def observed(self, missing: float, seed: int) -> Tensor:
        """Which modalities each item has when a share of those that it has is missing completely at random.

        Parameters
        ----------
        missing : float
            Probability in [0, 1) that a modality of an item is missing.
        seed : int
            The same seed gives the same holes, so an item lacks the same views in every epoch.

        Returns
        -------
        Tensor
            (M, N) bool. At least one modality of each item is True, none that `mask` says is not there.
        """
        if not 0.0 <= missing < 1.0:
            raise ValueError(f"missing must be a probability in [0, 1), got {missing}")
        draws = torch.rand(len(self.modalities), len(self), generator=torch.Generator().manual_seed(seed))
        return with_holes(draws, missing, getattr(self, "mask", None))

    def epoch(
        self, epoch: int, batch_size: int, seed: int, generator: torch.Generator, missing: float = 0.0, skip: int = 0,
        rows: slice = slice(None),
    ) -> Iterator[Batch]:
        """The batches of one epoch, in an order that depends on (seed, epoch) alone.

        Parameters
        ----------
        epoch, batch_size, seed : int
            An epoch drops its last, smaller batch, unless it is the only one.
        generator : torch.Generator
            Draws what is fresh in each batch (crops). Its state belongs in a checkpoint.
        missing : float
            See :meth:`observed`.
        skip : int
            Number of batches to leave out, to resume within an epoch.
        rows : slice
            Which items of each batch to keep. Here all are composed first, so that `generator` goes on alike.
        """
        plan = torch.Generator().manual_seed(1_000_003 * (seed + 1) + epoch)
        pairing = self.pairing(plan)
        order = torch.randperm(len(self), generator=plan)
        observed = self.observed(missing, seed)
        for start in range(skip * batch_size, self.steps_per_epoch(batch_size) * batch_size, batch_size):
            index = order[start : start + batch_size]
            x = {name: values[rows] for name, values in self.items(index, pairing, generator).items()}
            index = index[rows]
            held = None if self.attributes is None else self.attributes[index]
            yield Batch(x, observed[:, index], self.y[index], held)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Number of batches in an epoch."""
        return max(1, len(self) // batch_size)

    def describe(self) -> str:
        """Sizes, classes, attributes, origin and licences, for the terminal."""
        classes = f"{len(self.y.unique())} classes" if self.labelled else "no labels"
        rows = [f"{self.name} / {self.split} / {self.source}: {len(self):,} items, {classes}"]
        for k, m in enumerate(self.modalities.values()):
            there = "" if self.mask is None else f", of {self.mask[k].double().mean():.1%} of the items"
            rows.append(f"  {m.name}: {m.kind}, {' x '.join(map(str, m.shape))}, {m.label}{there}")
        if self.labelled:
            counts = torch.bincount(self.y, minlength=self.num_classes).tolist()
            named = zip(self.class_names, counts, strict=True)
            rows.append("  classes: " + ", ".join(f"{name} ({count:,})" for name, count in named))
        if self.attributes is not None:
            shares = zip(self.attribute_names, self.attributes.double().mean(0).tolist(), strict=True)
            rows.append("  attributes: " + ", ".join(f"{name} {share:.1%}" for name, share in shares))
        if self.source in self.origins:
            rows.append(f"  origin: {self.origins[self.source]}")
        return "\n".join(rows)


def with_holes(draws: Tensor, missing: float, mask: Tensor | None) -> Tensor:
    """Which modalities are observed, (M, N) bool, for uniform draws (M, N) in [0, 1) and those that are there at all.

    At least one stays of each item that has any.
    """
    if mask is not None:
        draws = torch.where(mask, draws, -1.0)
    seen = (draws >= missing) | (draws == draws.max(dim=0).values)
    return seen if mask is None else seen & mask


def one_hot_text(
    text: str, alphabet: str, padding: str, length: int, generator: torch.Generator | None = None
) -> Tensor:
    """One text as one-hot characters at a place in between fillers. See `MultimodalDataset.encode_text`.

    Parameters
    ----------
    text : str
    alphabet : str
        A characters, `padding` among them.
    padding : str
        The character that fills the rest.
    length : int
        L.
    generator : torch.Generator, optional

    Returns
    -------
    Tensor
        (1, L, A) float32.
    """
    word = text.lower().strip(f" {padding}")
    if not word:
        raise DataError("text: expected at least one letter, got none")
    unknown = sorted(set(word) - set(alphabet))
    if unknown:
        raise DataError(f"text: expected characters of {alphabet.replace(' ', '')!r} and blanks, got "
                        f"{', '.join(map(repr, unknown[:5]))}")
    if len(word) > length:
        raise DataError(f"text: expected at most {length} characters, got {len(word)}")
    places = length - len(word) + 1
    start = (places - 1) // 2 if generator is None else int(torch.randint(places, (), generator=generator))
    characters = padding * start + word + padding * (length - start - len(word))
    index = torch.tensor([alphabet.index(c) for c in characters])
    return torch.nn.functional.one_hot(index, len(alphabet)).float().unsqueeze(0)
