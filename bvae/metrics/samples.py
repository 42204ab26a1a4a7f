"""How much generated images are like real ones, as distributions in the space of a named network's features."""

from __future__ import annotations

import torch
from torch import Tensor

from bvae.metrics.base import METRICS, EvaluationData
from bvae.model import MultimodalVAE

NEIGHBOURS = 5


def frechet(a: Tensor, b: Tensor) -> float:
    """|mu_a - mu_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2) of two sets of features (N, F), (N', F).

    Heusel et al., NeurIPS 2017 (there with the features of Inception).
    """
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    # tr (A^1/2 B A^1/2)^1/2 = sum of the roots of the eigenvalues of A B.
    values, vectors = torch.linalg.eigh(cov_a)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp_min(0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross)


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
        radius = torch.cdist(others, others).kthvalue(k + 1, dim=1).values  # the nearest is itself
        return (torch.cdist(points, others) <= radius).any(1)

    return inside(fake, real), inside(real, fake)


@METRICS.register("samples")
def sample_quality(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict:
    """Unconditional samples of every image modality beside the test images, in the features of the data set's judges.

    The judges' features are *not* Inception's: the numbers are comparable between models of one data set in this
    package, and with nothing else. As many samples as test items. A set of samples has one Fréchet distance: its
    standard error is that of ten disjoint parts (batches), which also carries their bias.

    Returns
    -------
    dict
        "judge_frechet", "precision", "recall": name of the modality -> {"mean", "se"}.
    """
    n = len(data.test)
    z = torch.randn(n, model.latent_dim, generator=generator)
    out: dict[str, dict] = {"judge_frechet": {}, "precision": {}, "recall": {}}
    for name, modality in model.modalities.items():
        if modality.kind != "image":
            continue
        fake = torch.cat([model.decode(part, [name])[name] for part in z.split(500)])
        real_f, fake_f = (data.judges.features(name, v) for v in (data.test.x[name], fake))
        whole = frechet(real_f, fake_f)
        parts = torch.tensor([frechet(real_f, part) for part in fake_f.chunk(10)])
        out["judge_frechet"][name] = {"mean": round(whole, 4), "se": round((parts.std() / 10**0.5).item(), 4)}
        precise, recalled = precision_and_recall(real_f, fake_f)
        for key, hits in (("precision", precise), ("recall", recalled)):
            share = hits.double()
            out[key][name] = {"mean": round(share.mean().item(), 6),
                              "se": round((share.std() / len(share) ** 0.5).item(), 6)}
    return out
