"""What metrics share: the data they see, subsets of modalities, and how items become a figure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bvae.aggregators.subsets import subset_membership
from bvae.data import MultimodalDataset, dataset
from bvae.model import MultimodalVAE, UnimodalPosteriors
from bvae.posterior import Posterior
from bvae.registry import Registry

if TYPE_CHECKING:
    from bvae.metrics.classifiers import Classifiers

METRICS: Registry[Callable[[MultimodalVAE, EvaluationData, torch.Generator], dict]] = Registry("metric")


@dataclass(frozen=True)
class EvaluationData:
    """The splits of a data set and its judges, read when first asked for.

    Parameters
    ----------
    name, source : str
        See `bvae.dataset`.
    root : Path
        Folder of checkpoints that holds the judges.
    data_root : str, optional
        Folder of the data files, for sources that need one.
    """

    name: str
    root: Path
    source: str = "embedded"
    data_root: str | None = None

    def _split(self, split: str) -> MultimodalDataset:
        return dataset(self.name, split, self.source, **({"root": self.data_root} if self.data_root else {}))

    @functools.cached_property
    def train(self) -> MultimodalDataset:
        """Training split, in its one fixed view."""
        return self._split("train")

    @functools.cached_property
    def test(self) -> MultimodalDataset:
        """Test split."""
        return self._split("test")

    @functools.cached_property
    def judges(self) -> Classifiers:
        """Classifiers of real images, trained on training items only."""
        from bvae.metrics import classifiers

        return classifiers.load(self.root, self.name)


def evaluate(
    model: MultimodalVAE, data: EvaluationData, seed: int = 0, names: Iterable[str] | None = None
) -> dict[str, dict]:
    """All metrics of a model, or those named, in the form of ``metrics.json``.

    Each metric has a generator of its own, so its figures do not depend on which others are computed.
    """
    model.eval()
    out: dict[str, dict] = {}
    for name in names or METRICS:
        with torch.inference_mode():
            out.update(METRICS[name](model, data, torch.Generator().manual_seed(seed)))
    return out


def summary(per_item: Tensor) -> dict[str, float]:
    """Mean and standard error over the items: (N,) -> {"mean", "se"}, rounded to 6 digits."""
    values = per_item.double()
    error = values.std() / len(values) ** 0.5 if len(values) > 1 else torch.zeros(())
    return {"mean": round(values.mean().item(), 6), "se": round(error.item(), 6)}


def by_number_of_views(per_subset: dict[tuple[int, ...], Tensor]) -> dict[str, dict[str, float]]:
    """Average over the subsets of each size, item by item, then over the items.

    Parameters
    ----------
    per_subset : dict
        Observed modalities (positions) -> (N,) value of each item.

    Returns
    -------
    dict
        "1", "2", ... -> see :func:`summary`.
    """
    sizes = sorted({len(members) for members in per_subset})
    return {
        str(n): summary(torch.stack([v.double() for members, v in per_subset.items() if len(members) == n]).mean(0))
        for n in sizes
    }


def all_subsets(num_modalities: int) -> list[tuple[int, ...]]:
    """Non-empty subsets of positions, by size."""
    return [tuple(row.nonzero().flatten().tolist()) for row in subset_membership(num_modalities)]


def all_experts(model: MultimodalVAE, data: MultimodalDataset, batch_size: int = 1000) -> UnimodalPosteriors:
    """Unimodal posteriors of every item, computed in batches. See `MultimodalVAE.experts`."""
    parts = [
        model.experts(data.subset(slice(start, start + batch_size))) for start in range(0, len(data), batch_size)
    ]
    return UnimodalPosteriors(*(torch.cat(values, dim=1) for values in zip(*parts, strict=True)))


def posterior_of(model: MultimodalVAE, experts: UnimodalPosteriors, members: tuple[int, ...]) -> Posterior:
    """q(z | x_S) of every item for one subset S of positions. See `Aggregator.conditional`."""
    only = torch.zeros(len(experts.present), 1, dtype=torch.bool)
    only[list(members)] = True
    return model.aggregate(experts._replace(present=experts.present & only), model.aggregator.conditional())
