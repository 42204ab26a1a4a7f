"""How much generated images are like real ones, as distributions in the space of a named network's features."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from bvae.data import MultimodalDataset
from bvae.metrics.base import JUDGES, METRICS, EvaluationData, mask_of, needs
from bvae.models.vae import MultimodalVAE

NEIGHBOURS = 5


def real_images(data: MultimodalDataset, name: str) -> Tensor:
    """The images of a modality, of the items that have it: (n, C, H, W)."""
    mask = mask_of(data)
    return data.x[name] if mask is None else data.x[name][mask[list(data.modalities).index(name)]]


class Moments(NamedTuple):
    """Mean (F,), covariance (F, F) and its root of a set of features, float64."""

    mean: Tensor
    covariance: Tensor
    root: Tensor

    @classmethod
    def of(cls, a: Tensor) -> Moments:
        """Of (N, F)."""
        a = a.double()
        covariance = torch.cov(a.T)
        values, vectors = torch.linalg.eigh(covariance)
        return cls(a.mean(0), covariance, (vectors * values.clamp_min(0).sqrt()) @ vectors.T)


def frechet(a: Tensor | Moments, b: Tensor) -> float:
    """|mu_a - mu_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2) of two sets of features (N, F), (N', F).

    Heusel et al., NeurIPS 2017 (there with the features of Inception). Of a set that is compared with several, give
    its `Moments`.
    """
    mean, covariance, root = Moments.of(a) if isinstance(a, Tensor) else a
    b = b.double()
    other = torch.cov(b.T)
    # tr (A^1/2 B A^1/2)^1/2 = sum of the roots of the eigenvalues of A B.
    cross = torch.linalg.eigvalsh(root @ other @ root).clamp_min(0).sqrt().sum()
    return float((mean - b.mean(0)).square().sum() + covariance.trace() + other.trace() - 2 * cross)


def precision_and_recall(real: Tensor, fake: Tensor, k: int = NEIGHBOURS) -> tuple[Tensor, Tensor]:
    """Improved precision and recall: who lies inside the other set's k-nearest-neighbour balls.

    Parameters
    ----------
    real, fake : Tensor
        (N, F), (N', F) features.
    k : int

    Returns
    -------
    Tensor, Tensor
        (N',) bool: each fake one inside a ball of the real ones; (N,) bool: each real one inside one of the fake ones.

    References
    ----------
    Kynkäänniemi et al., NeurIPS 2019.
    """

    def inside(points: Tensor, others: Tensor) -> Tensor:
        nth = min(k + 1, len(others))  # the nearest is itself
        radius = torch.cdist(others, others).kthvalue(nth, dim=1).values
        return (torch.cdist(points, others) <= radius).any(1)

    return inside(fake, real), inside(real, fake)


@METRICS.register("samples")
@needs(JUDGES)
def sample_quality(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Unconditional samples of every image modality beside the test images, in the features of the data set's judges.

    z comes from the prior, private parts included; see :func:`invented_quality` for the model's sampler. The judges'
    features are *not* Inception's: the numbers are comparable between models of one data set in this package, and with
    nothing else. As many samples as test items. A set of samples has one Fréchet distance: its standard error is that
    of ten disjoint parts (batches), which also carries their bias.

    Returns
    -------
    dict
        "judge_frechet", "precision", "recall": name of the modality -> {"mean", "se"}; nothing for modalities without
        a judge of images.
    """
    z = torch.randn(len(data.test), model.latent_dim, generator=generator)
    return beside_real(model, data, z)


@METRICS.register("invented_samples")
@needs(JUDGES)
def invented_quality(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """As :func:`sample_quality`, with z as the model's own sampler draws it (`MultimodalVAE.sample_latents`).

    Returns
    -------
    dict
        "judge_frechet_fitted", "precision_fitted", "recall_fitted"; nothing without a sampler.
    """
    if model.sampler is None:
        return {}
    found = beside_real(model, data, model.sample_latents(len(data.test), generator=generator))
    return {f"{key}_fitted": figures for key, figures in found.items()}


def beside_real(model: MultimodalVAE, data: EvaluationData, z: Tensor) -> dict[str, Any]:
    """What is decoded from z (N, L), beside the test images. See :func:`sample_quality`."""
    out: dict[str, dict[str, Any]] = {"judge_frechet": {}, "precision": {}, "recall": {}}
    for name, modality in model.modalities.items():
        if modality.kind != "image" or name not in data.judges:
            continue
        fake = torch.cat([model.decode(part, [name])[name] for part in z.split(500)])
        real_f, fake_f = (data.judges.features(name, v) for v in (real_images(data.test, name), fake))
        moments = Moments.of(real_f)
        whole = frechet(moments, fake_f)
        parts = torch.tensor([frechet(moments, part) for part in fake_f.chunk(10)])
        out["judge_frechet"][name] = {"mean": round(whole, 4), "se": round((parts.std() / 10**0.5).item(), 4)}
        precise, recalled = precision_and_recall(real_f, fake_f)
        for key, hits in (("precision", precise), ("recall", recalled)):
            share = hits.double()
            out[key][name] = {"mean": round(share.mean().item(), 6),
                              "se": round((share.std() / len(share) ** 0.5).item(), 6)}
    return {key: figures for key, figures in out.items() if figures}
