"""What the posteriors themselves are like: agreement of the modalities with the joint one, and calibration."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bvae.aggregators.comparison import gelbrich, sampled_reverse_kl
from bvae.gaussians import diagonal
from bvae.gaussians.posterior import Posterior, UnimodalPosteriors
from bvae.metrics.base import (
    METRICS,
    EvaluationData,
    all_experts,
    all_subsets,
    by_number_of_views,
    posterior_of,
    shared_means,
    summary,
)
from bvae.models.vae import MultimodalVAE


@METRICS.register("distance_to_joint")
def distance_to_joint(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """How far each modality's posterior is from the joint one of all modalities; a metric of ours.

    W2 in the units of the latent space and KL(q || q_m) in nats, per item. The joint posterior is the component of
    all modalities for mixtures over subsets; for other mixtures W2 is Gelbrich's lower bound and KL is estimated with
    256 samples. Of the items that have the modality.

    Returns
    -------
    dict
        "w2_to_joint" and "kl_joint_to_modality": name of the modality -> {"mean", "se"}.
    """
    experts = all_experts(model, data.test)
    q = posterior_of(model, experts, tuple(range(len(experts.loc))))
    if q.num_components == 1:
        w2 = diagonal.wasserstein2(experts.loc, experts.scale, q.loc, q.scale)  # (M, N)
        kl = diagonal.kl(q.loc, q.scale, experts.loc, experts.scale)
    else:
        w2 = gelbrich(experts.loc, experts.scale, q)
        kl = sampled_reverse_kl(experts.loc, experts.scale, q, 256, generator)
    there = experts.present
    return {key: {name: summary(values[m][there[m]]) for m, name in enumerate(model.modalities) if bool(there[m].any())}
            for key, values in (("w2_to_joint", w2), ("kl_joint_to_modality", kl))}


@METRICS.register("outside_experts")
def outside_experts(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """How often a joint mean lies outside the range of its experts' means; a metric of ours.

    Of the shared dimensions of every item and every subset of at least two modalities: the share in which the mean of
    q(z | x_S) is below the least or above the largest mean of the experts in S. The prior counts as an expert in rules
    that take it for one. Barycenters and mixtures stay inside; the consensus of dependent experts need not.

    Returns
    -------
    dict
        "outside_experts": number of views, from "2" -> {"mean", "se"}.
    """
    experts = all_experts(model, data.test)
    shares, there = {}, {}
    for members in all_subsets(len(experts.loc)):
        if len(members) < 2:
            continue
        locs = experts.loc[list(members)][..., : model.shared_dim]
        if getattr(model.aggregator, "prior_expert", "never") != "never":
            locs = torch.cat([locs, torch.zeros_like(locs[:1])])
        mean, slack = shared_means(model, experts, members), 1e-4 * (1 + locs.abs().amax(0))
        outside = (mean < locs.amin(0) - slack) | (mean > locs.amax(0) + slack)
        shares[members] = outside.double().mean(1)
        there[members] = experts.present[list(members)].all(0)
    return {"outside_experts": by_number_of_views(shares, there)} if shares else {}


def cumulative(q: Posterior, z: Tensor) -> Tensor:
    """The cumulative distribution function of every dimension's marginal: z (B, D) -> (B, D) in [0, 1]."""
    each = 0.5 * (1 + torch.erf((z - q.loc) / (q.scale * math.sqrt(2))))  # (K, B, D)
    return (q.weights.unsqueeze(-1) * each).sum(0)


ACTIVE = 0.01
"""A dimension is active if the posterior's mean varies more than so much over the items (Burda et al., ICLR 2016)."""


@METRICS.register("coverage")
def coverage(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """How often the posterior's central 90 percent interval of a dimension holds the z that made the data.

    z ~ p(z), x from the model itself, then q(z | x_S); averaged over the active shared dimensions and over the subsets
    S of each size. A calibrated posterior has 0.9, an overconfident one has less. As many draws as test items.

    Twice, with the same z. As decoded, x is the mean of p(x | z), which is what the encoders met in training if the
    data are as smooth as the decoders' pictures: this asks about the posterior. With noise, x ~ p(x | z), images
    clipped to [0, 1], as simulation-based calibration has it; but no encoder ever met pictures with noise of the
    likelihood's scale, so that this also asks how well it does on inputs of another kind.

    A dimension that tells nothing of the data has the prior as its posterior and is covered in 90 of 100 cases
    whatever the rule does: it is left out, see :data:`ACTIVE` (all are kept if none is active).

    Returns
    -------
    dict
        "coverage_90_decoded", "coverage_90_noisy": number of observed views -> {"mean", "se"} over draws.

    References
    ----------
    Simulation-based calibration: Talts et al., arXiv 1804.06788.
    """
    n, everyone = len(data.test), tuple(range(len(model.modalities)))
    z = torch.randn(n, model.latent_dim, generator=generator)
    shared = z[:, : model.shared_dim]
    found, active = {}, None
    for key, x in (("coverage_90_decoded", model.decode(z)), ("coverage_90_noisy", sample_data(model, z, generator))):
        parts = [model.experts({name: v[start : start + 500] for name, v in x.items()}) for start in range(0, n, 500)]
        experts = UnimodalPosteriors(*(torch.cat(values, dim=1) for values in zip(*parts, strict=True)))
        if active is None:
            active = active_dimensions(model.shared(posterior_of(model, experts, everyone)).mean)
        covered = {}
        for members in all_subsets(len(everyone)):
            u = cumulative(model.shared(posterior_of(model, experts, members)), shared)
            covered[members] = ((u - 0.5).abs() <= 0.45)[:, active].double().mean(1)
        found[key] = by_number_of_views(covered)
    return found


def active_dimensions(means: Tensor) -> Tensor:
    """Which dimensions tell something of the data: posterior means (N, D) -> (D,) bool; all if none does.

    See :data:`ACTIVE`.
    """
    active = means.var(0) > ACTIVE
    return active if bool(active.any()) else torch.ones_like(active)


def sample_data(
    model: MultimodalVAE, z: Tensor, generator: torch.Generator, clip: bool = True
) -> dict[str, Tensor]:
    """x ~ p(x | z) of every modality: (N, D) -> name -> (N, ...). Images are clipped to [0, 1] by `clip`."""
    out = {}
    for name, mean in model.decode(z).items():
        drawn = model.likelihood(name).sample(mean, generator)
        out[name] = drawn.clamp(0, 1) if clip and model.modalities[name].kind == "image" else drawn
    return out
