"""What metrics share: the data they see, subsets of modalities, and how items become a figure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bvae.aggregators.subsets import subset_membership
from bvae.data import MultimodalDataset, dataset
from bvae.gaussians.posterior import Posterior, UnimodalPosteriors
from bvae.metrics import classifiers
from bvae.metrics.classifiers import Classifiers
from bvae.models.vae import MultimodalVAE
from bvae.registry import Registry

METRICS: Registry[Callable[[MultimodalVAE, EvaluationData, torch.Generator], dict[str, Any]]] = Registry("metric")

LABELS, ATTRIBUTES, TEXTS, JUDGES, TABLES = "labels", "attributes", "texts", "judges", "tables"
SHARP_JUDGES = "sharp judges"
READABLE = "pictures or texts that judges could read"


def needs(*what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: what a data set must have for a metric, of LABELS, ATTRIBUTES, TEXTS, JUDGES, SHARP_JUDGES
    and TABLES; see `left_out`."""

    def mark(metric: Callable[..., Any]) -> Callable[..., Any]:
        metric.needs = what  # type: ignore[attr-defined]
        return metric

    return mark


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
        """Classifiers of real images, trained on training items only; none where none were trained."""
        return (classifiers.load(self.root, self.name) if classifiers.trained(self.root, self.name)
                else Classifiers())

    @functools.cached_property
    def sharp_judges(self) -> Classifiers:
        """Classifiers that have seen sharp images alone, see `bvae.metrics.classifiers`; none where none were trained.
        """
        sharp = classifiers.SHARP
        return (classifiers.load(self.root, self.name, sharp) if classifiers.trained(self.root, self.name, sharp)
                else Classifiers())

    def lacks(self, need: str) -> bool:
        """Whether this data set has none of what a metric needs, see :func:`needs`."""
        if need == LABELS:
            return not getattr(self.test, "labelled", True)
        if need == ATTRIBUTES:
            return getattr(self.test, "attributes", None) is None
        if need == TEXTS:
            return not any(m.kind == "text" for m in self.test.modalities.values())
        if need == TABLES:
            return not any(m.columns for m in self.test.modalities.values())
        return not len(self.sharp_judges if need == SHARP_JUDGES else self.judges)


def evaluate(
    model: MultimodalVAE, data: EvaluationData, seed: int = 0, names: Iterable[str] | None = None
) -> dict[str, dict[str, Any]]:
    """All metrics of a model, or those named, in the form of ``metrics.json``; without those of :func:`left_out`.

    Each metric has a generator of its own, so its figures do not depend on which others are computed.
    """
    model.eval()
    out: dict[str, dict[str, Any]] = {}
    names = list(METRICS if names is None else names)
    without = left_out(data, names)
    for name in names:
        if name in without:
            continue
        with torch.inference_mode():
            out.update(METRICS[name](model, data, torch.Generator().manual_seed(seed)))
    return out


def left_out(data: EvaluationData, names: Iterable[str]) -> dict[str, str]:
    """Metrics that a data set cannot have: name -> the first thing that it lacks, see :func:`needs`."""
    out = {}
    for name in names:
        lacking = [need for need in getattr(METRICS[name], "needs", ()) if data.lacks(need)]
        if lacking in ([JUDGES], [SHARP_JUDGES]):
            lacking = [why_no_judges(data, lacking[0])]
        if lacking:
            out[name] = lacking[0]
    return out


def why_no_judges(data: EvaluationData, kind: str = JUDGES) -> str:
    """JUDGES (or SHARP_JUDGES) if they could be trained, else what the data set lacks for that."""
    if data.lacks(LABELS):
        return LABELS
    return kind if len(classifiers.build(data.test)) else READABLE


def left_out_in_words(without: Mapping[str, str], dataset: str) -> list[str]:
    """A line for each thing that a data set lacks: what is left out for it, and what would bring it back.

    `dataset` is what a command takes for it.
    """
    lines = []
    commands = {JUDGES: "", SHARP_JUDGES: " --sharp"}
    for need in dict.fromkeys(without.values()):
        names = ", ".join(name for name, lacking in without.items() if lacking == need)
        remedy = (f"; train them with: python -m bvae classifiers {dataset}{commands[need]}" if need in commands
                  else "")
        lines.append(f"left out, because there are no {need}: {names}{remedy}")
    return lines


def summary(per_item: Tensor) -> dict[str, float]:
    """Mean and standard error over the items: (N,) -> {"mean", "se"}, rounded to 6 digits."""
    values = per_item.double()
    error = values.std() / len(values) ** 0.5 if len(values) > 1 else torch.zeros(())
    return {"mean": round(values.mean().item(), 6), "se": round(error.item(), 6)}


def by_number_of_views(
    per_subset: dict[tuple[int, ...], Tensor], there: Mapping[tuple[int, ...], Tensor] | None = None
) -> dict[str, dict[str, float]]:
    """Average over the subsets of each size, item by item, then over the items.

    Parameters
    ----------
    per_subset : dict
        Observed modalities (positions) -> (N,) value of each item.
    there : mapping, optional
        The same keys -> (N,) bool: which items have a value, where some lack modalities. An item counts in a size if
        it has a value for any subset of it.

    Returns
    -------
    dict
        "1", "2", ... -> see :func:`summary`; no size that no item has.
    """
    out = {}
    for n in sorted({len(members) for members in per_subset}):
        chosen = [members for members in per_subset if len(members) == n]
        values = torch.stack([per_subset[members].double() for members in chosen])  # (subsets, N)
        if there is None:
            out[str(n)] = summary(values.mean(0))
            continue
        counted = torch.stack([there[members] for members in chosen])
        mean = torch.where(counted, values, 0.0).sum(0) / counted.sum(0)
        if bool(counted.any()):
            out[str(n)] = summary(mean[counted.any(0)])
    return out


def has_all(present: Tensor, members: Sequence[int]) -> Tensor:
    """Which items have all modalities of a subset: (M, N) bool, positions -> (N,) bool."""
    return present[list(members)].all(0)


def all_subsets(num_modalities: int) -> list[tuple[int, ...]]:
    """Non-empty subsets of positions, by size."""
    return [tuple(row.nonzero().flatten().tolist()) for row in subset_membership(num_modalities)]


def mask_of(data: MultimodalDataset) -> Tensor | None:
    """`MultimodalDataset.mask`; None too of what has no such attribute."""
    return getattr(data, "mask", None)


def all_experts(model: MultimodalVAE, data: MultimodalDataset, batch_size: int = 1000) -> UnimodalPosteriors:
    """Unimodal posteriors of every item, computed in batches. See `MultimodalVAE.experts`."""
    parts = []
    for start in range(0, len(data), batch_size):
        rows = slice(start, start + batch_size)
        mask = mask_of(data)
        parts.append(model.experts(data.subset(rows), None if mask is None else mask[:, rows]))
    return UnimodalPosteriors(*(torch.cat(values, dim=1) for values in zip(*parts, strict=True)))


def posterior_of(model: MultimodalVAE, experts: UnimodalPosteriors, members: tuple[int, ...]) -> Posterior:
    """q(z | x_S) of every item for one subset S of positions, of which an item may have a part, or none: the prior.

    See `Aggregator.conditional`.
    """
    only = torch.zeros(len(experts.present), 1, dtype=torch.bool)
    only[list(members)] = True
    return model.aggregate(experts._replace(present=experts.present & only), model.aggregator.conditional())


def drawn_of(
    model: MultimodalVAE, experts: UnimodalPosteriors, members: tuple[int, ...], generator: torch.Generator,
    sample_shape: tuple[int, ...] = (),
) -> Tensor:
    """z ~ q(z | x_S) of every item for one subset S of positions, (..., N, L), as `MultimodalVAE.generate` draws it.

    Private parts of views that are not in S are drawn by the model's own sampler, see `MultimodalVAE.complete`.
    """
    z = posterior_of(model, experts, members).rsample(sample_shape, generator=generator)
    seen = torch.zeros_like(experts.present)
    seen[list(members)] = experts.present[list(members)]
    return model.complete(z, experts._replace(present=seen), generator=generator)


def shared_means(model: MultimodalVAE, experts: UnimodalPosteriors, members: tuple[int, ...]) -> Tensor:
    """Means of q(z | x_S), (N, D): of the shared dimensions alone, which is what other modalities can know.

    Private latents of a modality (`ModelConfig.private_dim`) are left out: in a figure about what a latent space
    tells, they would count what the joint representation does not hold.
    """
    return model.shared(posterior_of(model, experts, members)).mean
