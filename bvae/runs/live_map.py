"""A map of the items that are trained on, as they move while a model learns: what the app shows of a run."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bvae.data.own.own_data import OwnData
from bvae.io.storage import StorageError, read_tensors, write_tensors
from bvae.maps.alignment import procrustes
from bvae.maps.maps import spread
from bvae.maps.projections import pca
from bvae.models.vae import MultimodalVAE

if TYPE_CHECKING:
    from bvae.data import MultimodalDataset

MOST = 500
"""Items on the map."""


class LiveMap:
    """Means of the joint beliefs of some items in the plane of their first two components, written now and then.

    Each map is turned and mirrored to lie on the one before, so that one sees items move and not the axes.

    Parameters
    ----------
    file : Path
        Gets "points" (n, 2), and "y" (n,) where the items have classes.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.before: np.ndarray | None = None
        with contextlib.suppress(StorageError, KeyError):  # of this run, before it was stopped
            self.before = read_tensors(file)["points"].numpy()

    def draw(self, model: MultimodalVAE, data: MultimodalDataset) -> None:
        """Write the map of a model in eval mode; nothing for data that are not a person's own."""
        if not isinstance(data, OwnData):
            return
        chosen = torch.from_numpy(spread(len(data), min(len(data), MOST)))
        device = next(model.parameters()).device
        x = {name: values.to(device) for name, values in data.subset(chosen).items()}
        with torch.inference_mode():
            q = model.shared(model.encode(x, model.aggregator.conditional(),
                                          present=data.present[:, chosen].to(device)))
        points = pca(q.mean.cpu().double().numpy())[0]
        if self.before is not None and self.before.shape == points.shape:
            points = turned(points, self.before)
        self.before = points
        out: dict[str, Tensor] = {"points": torch.from_numpy(points).float()}
        if data.labelled:
            out["y"] = data.y[chosen]
        write_tensors(self.file, out)


def turned(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Points (n, 2) about their mean, turned and mirrored onto a reference without being enlarged."""
    laid = procrustes(points, reference)
    if not laid.scale:
        return points
    return (laid.points - laid.points.mean(0)) / laid.scale
