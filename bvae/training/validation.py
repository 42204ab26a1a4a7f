"""Early stopping: a loss on items that are kept from the training, the best state kept."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from bvae.data import MultimodalDataset
from bvae.data.own.own_data import OwnData, share_of
from bvae.io.storage import write_text
from bvae.training.callbacks import Callback
from bvae.training.checkpoint import VALIDATION

if TYPE_CHECKING:
    from bvae.training.settings import Settings
    from bvae.training.trainer import Trainer

CHECKS = 40
"""How often a training looks at the items kept, at most."""
MOST = 4096
"""Items that are looked at."""
AT_ONCE = 512


def held_out(data: MultimodalDataset, share: float) -> tuple[MultimodalDataset, MultimodalDataset]:
    """Items to train on, and a share of all that is kept from it. Which ones follows from their ids.

    Raises ValueError for a data set that is not one's own: the others are split once and for all.
    """
    if not isinstance(data, OwnData):
        raise ValueError(f"validation: expected own data, of which items can be kept, got {data.name!r}")
    turns = np.array([share_of(f"validation {i}") for i in data.ids])
    kept = turns <= np.quantile(turns, share)
    if kept.all() or not kept.any():
        raise ValueError(f"validation: expected items to train on and items to keep, got {len(data):,} in all; "
                         "use --validation 0")
    return data.rows(~kept, "train"), data.rows(kept, "validation")


def patience_of(settings: Settings) -> int:
    """Steps without a better loss after which a training ends."""
    return settings.patience or max(200, settings.steps // 3)


class KeepBest(Callback):
    """Looks at items that are not trained on; ends a training that gets no better; leaves the best state.

    Parameters
    ----------
    data : MultimodalDataset
        The items kept, with the modalities of those that are trained on.
    patience : int
        Steps without a better loss after which the training ends.

    Attributes
    ----------
    losses : list of (int, float)
        Step, mean loss over the items kept, with the same noise each time.
    best_step : int
        Of the state that is left.
    """

    def __init__(self, data: MultimodalDataset, patience: int) -> None:
        self.data, self.patience = data, patience
        self.losses: list[tuple[int, float]] = []
        self.best, self.best_step = math.inf, 0
        self._state: dict[str, Tensor] | None = None

    kept: ClassVar[str] = "best"

    def to_keep(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """See `Callback.to_keep`."""
        return dict(self._state or {}), {"losses": self.losses, "step": self.best_step}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """See `Callback.restore`."""
        self.losses = [(int(step), float(loss)) for step, loss in values["losses"]]
        self.best_step = int(values["step"])
        self.best = min((loss for _, loss in self.losses), default=math.inf)
        self._state = dict(tensors) or None

    def on_start(self, run: Trainer) -> None:
        """See `Callback.on_start`."""
        self.every = max(10, run.settings.steps // CHECKS)

    def on_step(self, run: Trainer) -> None:
        """See `Callback.on_step`."""
        if run.step % self.every and run.step != run.settings.steps:
            return
        loss = self.loss(run)
        self.losses.append((run.step, loss))
        if loss < self.best:
            self.best, self.best_step = loss, run.step
            self._state = {name: value.detach().clone() for name, value in run.model.state_dict().items()}
        elif run.step - self.best_step >= self.patience:
            run.enough = True

    def on_end(self, run: Trainer, error: BaseException | None) -> None:
        """See `Callback.on_end`."""
        if error is None and self._state is not None and self.best_step != run.step:
            run.model.load_state_dict(self._state)

    def on_finish(self, run: Trainer) -> None:
        """See `Callback.on_finish`: what was found stays beside the history."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("step", "loss"), *((s, f"{v:.6g}") for s, v in self.losses)])
        write_text(run.folder / VALIDATION, text.getvalue())

    @torch.no_grad()
    def loss(self, run: Trainer) -> float:
        """Mean loss over the items kept."""
        device: Any = run.fabric.device
        noise = torch.Generator(device).manual_seed(run.settings.seed)
        some = torch.linspace(0, len(self.data) - 1, min(len(self.data), MOST)).round().long()
        run.model.eval()
        try:
            total = 0.0
            for index in some.split(AT_ONCE):
                x = {name: values.to(device) for name, values in self.data.subset(index).items()}
                present = self.data.present[:, index].to(device)
                total += float(run.step_module(x, present, noise, run.step).loss.sum())
        finally:
            run.model.train()
        return total / len(some)
