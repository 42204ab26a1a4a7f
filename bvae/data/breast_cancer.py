"""Breast cancer Wisconsin (diagnostic): 569 tumours in three views, mean, error and worst."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from bvae.data.own.from_arrays import table_modality
from bvae.data.own.own_data import OwnData
from bvae.data.own.shipped import TableData, ship
from bvae.data.own.tables import Table

VIEWS = {"mean": "means over the cell nuclei", "error": "standard errors of the means",
         "worst": "means of the three largest values"}


@ship("breast-cancer")
class BreastCancer(TableData):
    """Ten measurements of cell nuclei, summed up in three ways.

    Wolberg, Mangasarian, Street & Street (1995), UCI Machine Learning Repository, CC BY 4.0.
    """

    title = "Breast cancer"
    story = "All views sum up the cell nuclei of one tumour."
    origins: ClassVar[dict[str, str]] = {
        "embedded": "Breast Cancer Wisconsin (Diagnostic), CC BY 4.0, from scikit-learn"}

    @classmethod
    def whole(cls) -> OwnData:
        """See `TableData.whole`."""
        from sklearn.datasets import load_breast_cancer

        found = load_breast_cancer()
        modalities, x = [], {}
        for k, (name, label) in enumerate(VIEWS.items()):
            columns = found.feature_names[10 * k : 10 * k + 10]
            table = Table("breast cancer", {str(c): found.data[:, 10 * k + j] for j, c in enumerate(columns)})
            modality, values, _ = table_modality(name, table, "vector")
            modalities.append(dataclasses.replace(modality, label=label))
            x[name] = values
        labels = {"tumour": np.array([str(found.target_names[t]) for t in found.target], dtype=object)}
        ids = [f"tumour {k + 1}" for k in range(len(found.target))]
        return OwnData(cls.name, modalities, x, None, ids, labels, story=cls.story)
