"""The lie: what one view shows instead of the truth. No widgets here."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.app.beliefs.tampering import Tampering, sayable, tamper
from bvae.data import MultimodalDataset, drawings
from bvae.data.corruption import DAMAGES
from bvae.data.sheet import drawable

DRAWN, ANOTHER, BLANK = "drawn", "another", "blank"
LIES = {ANOTHER: "Another item", DRAWN: "My drawing", "noise": "Noise", "occlude": "A grey square", BLANK: "Nothing",
        "misspell": "Misspelt", "erase": "A gap", "shuffle": "Shuffled letters"}
"""What a view can show -> for a person."""
BLANKED_BY = {"image": "occlude", "text": "erase"}
"""Kind of a view -> the damage that leaves nothing of it at full strength."""


@dataclass(frozen=True)
class Lie:
    """What one view shows instead of the truth: a drawing, or what was done to it.

    Attributes
    ----------
    view : str
    done : Tampering or None
    drawing : str
        As links hold it, see `bvae.data.drawings`; empty where nothing was drawn.
    seed : int
        Of what the data set adds to a drawing by chance.
    """

    view: str
    done: Tampering | None
    drawing: str
    seed: int

    def content(self, data: MultimodalDataset) -> Tensor:
        """What is shown, (1, ...)."""
        if self.done is not None:
            return self.done.content(data)
        drawn = drawings.centred(drawings.decode(self.drawing))
        return data.from_drawing(drawn, self.view, torch.Generator().manual_seed(self.seed))

    def code(self, data: MultimodalDataset) -> list[str]:
        """Lines of Python that put the same into a dictionary `x`."""
        if self.done is not None:
            return self.done.code(data)
        return [f'drawing = drawings.centred(drawings.decode("{self.drawing}"))',
                f'x["{self.view}"] = data.from_drawing(drawing, "{self.view}", '
                f"torch.Generator().manual_seed({self.seed}))"]


def classes_of(data: MultimodalDataset) -> list[str]:
    """Numbers of the classes that some item has, as texts."""
    return [str(k) for k in sayable(data)]


def lies_of(data: MultimodalDataset, view: str) -> list[str]:
    """The keys of `LIES` that a view can tell; none of a view that is neither a picture nor a text."""
    modality = data.modalities[view]
    can_draw = drawable(data, modality)
    return ([ANOTHER] * data.labelled + [DRAWN] * (view in data.takes_drawings)
            + [*DAMAGES.get(modality.kind, ())] * can_draw + [BLANK] * (can_draw and modality.kind in BLANKED_BY))


def told(
    data: MultimodalDataset, view: str, item: int, kind: str, label: int | None, strength: float, drawing: str,
    seed: int,
) -> Lie | None:
    """The lie that was chosen; None if there is none (yet).

    Parameters
    ----------
    data : MultimodalDataset
    view : str
    item : int
        The item whose view lies.
    kind : str
        Of `LIES`.
    label : int or None
        For `ANOTHER`: the class of the other item.
    strength : float
        In [0, 1]: of the damage.
    drawing : str
        For `DRAWN`.
    seed : int
        Of the page.
    """
    if kind == DRAWN:
        return Lie(view, None, drawing, seed) if drawing else None
    if kind == ANOTHER:
        done = None if label is None else tamper(data, view, item, label, None, 0.0, seed)
    elif kind == BLANK:
        done = tamper(data, view, item, None, BLANKED_BY[data.modalities[view].kind], 1.0, seed)
    else:
        done = tamper(data, view, item, None, kind, strength, seed)
    return Lie(view, done, "", seed) if done is not None else None
