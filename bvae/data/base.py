"""What every data set offers: named modalities, labels, and batches that know what is missing."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from bvae.data.errors import DataError
from bvae.data.letters import one_hot_text
from bvae.data.modality import KEPT_NAMES, NAME, Modality
from bvae.registry import Registry

if TYPE_CHECKING:
    from bvae.data.sparse import SparseRows

__all__ = [
    "DATASETS", "KEPT_NAMES", "NAME", "Batch", "DataError", "Modality", "MultimodalDataset", "one_hot_text",
    "with_holes",
]

DATASETS: Registry[type[MultimodalDataset]] = Registry("data set")


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

    def rows_of(self, modality: str, index: Tensor) -> Tensor | SparseRows:
        """One modality of the chosen items, (n, ...), for who can take it as it is kept."""
        return self.subset(index)[modality]

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
