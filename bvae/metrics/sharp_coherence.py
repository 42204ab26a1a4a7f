"""Coherence by judges that have never seen a blurred picture."""

from __future__ import annotations

from typing import Any

import torch

from bvae.metrics.base import LABELS, METRICS, SHARP_JUDGES, EvaluationData, needs
from bvae.metrics.coherence import conditional_coherence
from bvae.metrics.inventions import inventions
from bvae.models.vae import MultimodalVAE


@METRICS.register("sharp_coherence")
@needs(LABELS, SHARP_JUDGES)
def sharp_coherence(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """The figures of coherence of the same generations, by sharp judges.

    The judges of `bvae.metrics.coherence` have learned to read real pictures that were blurred and faded, see
    `bvae.metrics.classifiers.soften`; these have not, and read a soft digit as noise. The same seed gives both the
    same generations.

    Returns
    -------
    dict
        "coherence_sharp", "joint_coherence_fitted_sharp": as without the ending.
    """
    sharp, seed = data.judged_by(data.sharp_judges), generator.initial_seed()
    found = {**conditional_coherence(model, sharp, generator),
             **inventions(model, sharp, torch.Generator().manual_seed(seed))}
    return {f"{name}_sharp": found[name] for name in ("coherence", "joint_coherence_fitted") if name in found}
