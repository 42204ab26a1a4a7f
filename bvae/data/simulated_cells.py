"""Simulated single cells: counts of genes and levels of proteins, with the latent truth that made them.

Simulated, not measured: for tests, and to see whether a model finds what is known. The counts are negative binomial
with a size factor for each cell, as in single-cell sequencing; the proteins are logarithms of levels with noise.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from bvae.data.own.from_arrays import table_modality
from bvae.data.own.own_data import OwnData
from bvae.data.own.shipped import TableData, ship
from bvae.data.own.tables import Table

CELLS, GENES, PROTEINS, DIMENSIONS, TYPES = 1500, 200, 12, 4, 5
LACKING = 0.2
"""Share of the cells whose proteins were not measured."""
DISPERSION = 4.0
"""Inverse dispersion of the counts: variance = mean + mean^2 / 4."""


def latent_truth() -> tuple[np.ndarray, np.ndarray]:
    """The latent vectors (N, 4) that made the cells, and their types (N,), in the order of "cell 1", "cell 2", ..."""
    g = np.random.default_rng(20)
    centres = 2.0 * g.normal(size=(TYPES, DIMENSIONS))
    types = g.integers(TYPES, size=CELLS)
    return centres[types] + 0.5 * g.normal(size=(CELLS, DIMENSIONS)), types


@ship("simulated-cells")
class SimulatedCells(TableData):
    """1,500 simulated cells of five types: counts of 200 genes, and of four in five cells the levels of 12 proteins."""

    title = "Simulated cells"
    story = "Both views are of one simulated cell."
    origins: ClassVar[dict[str, str]] = {"embedded": "simulated by this package, see bvae.data.simulated_cells"}

    @classmethod
    def whole(cls) -> OwnData:
        """See `TableData.whole`."""
        z, types = latent_truth()
        g = np.random.default_rng(21)
        rate = np.exp(0.5 * z @ g.normal(size=(DIMENSIONS, GENES)) + g.normal(-1.0, 1.0, GENES))
        size = g.lognormal(0.0, 0.4, size=(CELLS, 1))
        counts = g.negative_binomial(DISPERSION, DISPERSION / (DISPERSION + size * rate)).astype(np.float64)
        proteins = z @ g.normal(size=(DIMENSIONS, PROTEINS)) + g.normal(3.0, 1.0, PROTEINS)
        proteins = proteins + 0.5 * g.normal(size=proteins.shape)
        proteins[g.random(CELLS) < LACKING] = np.nan
        modalities, x = [], {}
        for name, kind, label, values in (("rna", "counts", "counts of genes", counts),
                                          ("protein", "vector", "logarithms of levels", proteins)):
            title = {"rna": "gene", "protein": "protein"}[name]
            table = Table(name, {f"{title} {k + 1}": values[:, k] for k in range(values.shape[1])})
            modality, cells, _ = table_modality(name, table, kind)
            modalities.append(dataclasses.replace(modality, label=label))
            x[name] = cells
        labels = {"type": np.array([f"type {t + 1}" for t in types], dtype=object)}
        ids = [f"cell {k + 1}" for k in range(CELLS)]
        return OwnData(cls.name, modalities, x, None, ids, labels, story=cls.story)
