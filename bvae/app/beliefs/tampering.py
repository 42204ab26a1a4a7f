"""What is done to a view before a model sees it: another class's item instead, damage, or both. No widgets here."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.data import MultimodalDataset
from bvae.data.corruption import DAMAGES, item_of_class
from bvae.data.own.own_data import UNLABELLED, OwnData

SEEDS = 10_000  # more than the seeds a page offers: no two views get the same noise
DAMAGE_NAMES = {"noise": "noise", "occlude": "covered", "misspell": "misspelt", "erase": "gap", "shuffle": "shuffled"}


@dataclass(frozen=True)
class Tampering:
    """Done to one view of one item.

    Attributes
    ----------
    view : str
    item : int
        Whose view is shown: another item's if the view lies.
    lies : bool
    damage : str or None
        See `bvae.data.corruption.DAMAGES`.
    strength : float
    seed : int
        Of the damage.
    """

    view: str
    item: int
    lies: bool
    damage: str | None
    strength: float
    seed: int

    def content(self, data: MultimodalDataset) -> Tensor:
        """What is shown, (1, ...)."""
        x = data.subset([self.item])[self.view]
        if self.damage is None:
            return x
        kind = data.modalities[self.view].kind
        return DAMAGES[kind][self.damage](x, self.strength, torch.Generator().manual_seed(self.seed),
                                          self.blank(data))

    def blank(self, data: MultimodalDataset) -> int:
        """The filler of a text; 0 of an image, which has none."""
        return data.blank_character(self.view) if data.modalities[self.view].kind == "text" else 0

    def shown(self, data: MultimodalDataset) -> int:
        """The class of what is shown."""
        return int(data.y[self.item])

    def said(self, data: MultimodalDataset, truth: int) -> str:
        """In a few words, as under a picture."""
        parts = []
        if self.lies:
            name = data.class_names[self.shown(data)]
            parts.append(f"lies: shows {name}" if self.shown(data) != truth else f"another {name}")
        if self.damage is not None:
            parts.append(f"{DAMAGE_NAMES.get(self.damage, self.damage)} {self.strength:.0%}")
        return ", ".join(parts)

    def code(self, data: MultimodalDataset) -> list[str]:
        """Lines of Python that put the same into a dictionary `x`."""
        lines = []
        if self.lies:
            lines.append(f'x["{self.view}"] = data.x["{self.view}"][{self.item}:{self.item + 1}]  # a lie: of class '
                         f"{data.class_names[self.shown(data)]}")
        if self.damage is not None:
            blank = self.blank(data)
            lines.append(f'x["{self.view}"] = corruption.{self.damage}(x["{self.view}"], {self.strength:.3g}, '
                         f"torch.Generator().manual_seed({self.seed}){f', blank={blank}' if blank else ''})")
        return lines


def tamper(
    data: MultimodalDataset, view: str, item: int, label: int | None, damage: str | None, strength: float, seed: int
) -> Tampering | None:
    """What is done to a view; None if nothing is.

    Parameters
    ----------
    data : MultimodalDataset
    view : str
    item : int
        The item that is looked at.
    label : int or None
        The class that the view shows instead; an item of it is drawn.
    damage : str or None
    strength : float
    seed : int
        Of the page: it draws the item and the damage, for each view its own.
    """
    if label is None and damage is None:
        return None
    own = seed + SEEDS * (1 + list(data.modalities).index(view))
    shown = item
    if label is not None:
        others = data.y.clone()
        others[item] = -1  # never itself
        others[~data.present[list(data.modalities).index(view)]] = -1  # nor one that has nothing to show
        try:
            shown = item_of_class(others, label, torch.Generator().manual_seed(own))
        except ValueError:  # no other item has this class
            label = None
            if damage is None:
                return None
    return Tampering(view, shown, label is not None, damage, strength, own)


def sayable(data: MultimodalDataset) -> list[int]:
    """Classes that a view can show: those that items have, but for that of items without a label."""
    if not data.labelled:
        return []
    return [k for k in sorted(set(data.y.tolist()))
            if not (isinstance(data, OwnData) and data.class_names[k] == UNLABELLED)]
