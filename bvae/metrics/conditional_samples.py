"""How much translations are like real pictures, as distributions: coherence asks of each one only what it shows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bvae.metrics.base import JUDGES, METRICS, EvaluationData, all_subsets, has_all, mask_of, needs
from bvae.metrics.samples import Moments, frechet, precision_and_recall, real_images
from bvae.models.vae import MultimodalVAE

ITEMS, BATCH, PARTS = 200, 200, 5


@METRICS.register("conditional_samples")
@needs(JUDGES)
def conditional_samples(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Pictures that were generated from n other views beside real test pictures, in the features of the judges.

    For each number n of observed views and each modality with a judge of pictures: one generation of each of up to
    200 test items, from n of its other modalities; the subsets take turns over the items, so that each is met
    equally often. Fréchet distance, precision and recall (Kynkäänniemi et al., NeurIPS 2019) of these generations
    against the real test pictures of that modality, then the mean over the modalities. As with unconditional samples,
    see `bvae.metrics.samples`, the features are not Inception's. An item that lacks a modality of its subset is left
    out there.

    Standard errors: of the distance, that of five disjoint parts; of the shares, that of the mean over the modalities
    of shares of independent pictures, though the same items stand behind all.

    Returns
    -------
    dict
        "conditional_frechet", "conditional_precision", "conditional_recall": number of observed views (1 to M - 1) ->
        {"mean", "se"}; nothing if no picture has a judge.
    """
    names = list(model.modalities)
    targets = [name for name in names if model.modalities[name].kind == "image" and name in data.judges]
    out: dict[str, dict[str, Any]] = {"conditional_frechet": {}, "conditional_precision": {}, "conditional_recall": {}}
    if not targets or len(names) < 2:
        return {}
    real = {name: data.judges.features(name, real_images(data.test, name)) for name in targets}
    moments = {name: Moments.of(features) for name, features in real.items()}
    for n in range(1, len(names)):
        found = [_of_target(model, data, name, n, (real[name], moments[name]), generator) for name in targets]
        counted = [f for f in found if f is not None]
        if not counted:
            continue
        distances, parts, precise, recalled = zip(*counted, strict=True)
        apart = torch.stack(parts).mean(0)  # (PARTS,)
        out["conditional_frechet"][str(n)] = {
            "mean": round(sum(distances) / len(distances), 4), "se": round((apart.std() / PARTS**0.5).item(), 4)}
        for key, hits in (("conditional_precision", precise), ("conditional_recall", recalled)):
            shares = [h.double() for h in hits]
            spread = sum(float(h.var()) / len(h) for h in shares) ** 0.5 / len(shares)
            out[key][str(n)] = {"mean": round(sum(float(h.mean()) for h in shares) / len(shares), 6),
                                "se": round(spread, 6)}
    return {key: figures for key, figures in out.items() if figures}


def generated(
    model: MultimodalVAE, data: EvaluationData, target: str, n: int, generator: torch.Generator, items: int = ITEMS
) -> tuple[Tensor, Tensor]:
    """A modality of some test items, each generated from n others, which take turns.

    Returns
    -------
    Tensor, Tensor
        (N,) positions of the items, without those that lack one of their n modalities; (N, ...) what was generated.
    """
    some = torch.linspace(0, len(data.test) - 1, min(len(data.test), items)).round().long()
    names = list(model.modalities)
    own = names.index(target)
    subsets = [s for s in all_subsets(len(names)) if len(s) == n and own not in s]
    asked = torch.zeros(len(subsets), len(names), dtype=torch.bool)
    for row, members in zip(asked, subsets, strict=True):
        row[list(members)] = True
    asked = asked[torch.arange(len(some)) % len(subsets)].T  # (M, N)
    mask = mask_of(data.test)
    if mask is not None:
        there = torch.stack([has_all(mask[:, [i]], asked[:, k].nonzero().flatten().tolist())[0]
                             for k, i in enumerate(some.tolist())])
        some, asked = some[there], asked[:, there]
    found = []
    for part in torch.arange(len(some)).split(BATCH):
        x = data.test.subset(some[part])
        found.append(model.generate(x, [target], generator=generator, present=asked[:, part])[target][0])
    return some, torch.cat(found) if found else torch.zeros(0, *model.modalities[target].shape)


def _of_target(
    model: MultimodalVAE, data: EvaluationData, target: str, n: int, real: tuple[Tensor, Moments],
    generator: torch.Generator,
) -> tuple[float, Tensor, Tensor, Tensor] | None:
    """Fréchet distance, those of the parts, who is precise, who is recalled; None for too few generations."""
    _, fake = generated(model, data, target, n, generator)
    if len(fake) < 2 * PARTS:
        return None
    features, (points, moments) = data.judges.features(target, fake), real
    parts = torch.tensor([frechet(moments, part) for part in features.chunk(PARTS)])
    return frechet(moments, features), parts, *precision_and_recall(points, features)
