"""Importance-sampled log-likelihoods, item by item."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bvae.gaussians import diagonal
from bvae.gaussians.posterior import Posterior
from bvae.metrics.base import METRICS, EvaluationData, all_experts, mask_of, posterior_of, summary
from bvae.metrics.proposal import ModeProposal, at_the_mode
from bvae.models.vae import MultimodalVAE

NUM_ITEMS = 200  # spread evenly over the test split
NUM_CONDITIONAL = 25  # of these; each modality has a proposal of its own
NUM_SAMPLES = 100


def log_weights(
    model: MultimodalVAE, x: Mapping[str, Tensor], proposal: Posterior | ModeProposal, num_samples: int,
    generator: torch.Generator, present: Tensor | None = None, chunk: int = 2000,
) -> Tensor:
    """log p(x | z) p(z) / q(z) for z ~ q, item by item.

    Parameters
    ----------
    model : MultimodalVAE
    x : mapping
        name -> (B, ...): the modalities whose log-likelihood is wanted.
    proposal : Posterior or ModeProposal
        q, of B items.
    num_samples : int
        K.
    generator : torch.Generator
    present : Tensor, optional
        (M, B) bool, see `MultimodalVAE.experts`: of an item, x is what it has.
    chunk : int
        Decodings at once.

    Returns
    -------
    Tensor
        (K, B) nats, float64.
    """
    parts, items = [], len(next(iter(x.values())))
    for drawn in torch.arange(num_samples).split(max(1, chunk // items)):
        s = len(drawn)
        z = proposal.rsample((s,), generator=generator)  # (S, B, D)
        # Items innermost in every flattened axis: sample-major, and read back the same way.
        repeated = {name: values.repeat(s, *[1] * (values.ndim - 1)) for name, values in x.items()}
        there = None if present is None else present.repeat(1, s)
        each = model.log_likelihood(repeated, z.flatten(0, 1), there).values()
        log_x = sum(each, torch.zeros(())).view(s, -1)  # (S, B)
        log_prior = diagonal.log_prob(z, torch.zeros_like(z), torch.ones_like(z))
        parts.append((log_x + log_prior).double() - proposal.log_prob(z))
    return torch.cat(parts)


def averaged(log_w: Tensor) -> Tensor:
    """log of the mean weight, (K, B) -> (B,): in expectation a lower bound of log p(x), tight as K grows.

    References
    ----------
    Burda, Grosse, Salakhutdinov, ICLR 2016.
    """
    return log_w.logsumexp(0) - math.log(len(log_w))


def effective_share(log_w: Tensor) -> Tensor:
    """Effective samples as a share of K, (K, B) -> (B,): 1 if the proposal is the posterior, 1 / K if one sample rules.

    References
    ----------
    Kong, Liu, Wong, JASA 1994.
    """
    return 1 / log_w.softmax(0).square().sum(0) / len(log_w)


@METRICS.register("log_likelihood")
def log_likelihood(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """log p(x) of all modalities together on 200 items, and log p(x_m | the others) of each on 25, in nats.

    By importance sampling, K = 100, with a proposal at the mode of each item's own posterior density (`at_the_mode`):
    the model's posterior is where the search begins, so that what is measured is the decoder and not how well an
    aggregator fits it. Conditional: log p(x) - log p(x without m), each with a proposal of its own. Where items lack
    modalities, x is what an item has, and conditional figures are of items that have m and another one.

    Returns
    -------
    dict
        "log_likelihood": {"mean", "se", "values": of each item, "effective": of the proposal, the least and the median
        share of `effective_share`, "gain": nats from K / 4 to K samples}; "conditional_log_likelihood": name of the
        modality -> {"mean", "se"}.
    """
    index = torch.linspace(0, len(data.test) - 1, min(NUM_ITEMS, len(data.test))).round().long()
    x = data.test.subset(index)
    experts = all_experts(model, data.test)
    experts = type(experts)(*(values[:, index] for values in experts))
    everyone = tuple(range(len(model.modalities)))
    mask = mask_of(data.test)
    present = None if mask is None else mask[:, index]
    q = posterior_of(model, experts, everyone)
    log_w = log_weights(model, x, at_the_mode(model, x, q, present), NUM_SAMPLES, generator, present)
    joint, share = averaged(log_w), effective_share(log_w)
    quarters = torch.stack([averaged(quarter) for quarter in log_w.chunk(4)]).mean(0)
    out = {"log_likelihood": {
        **summary(joint), "values": [round(value, 3) for value in joint.tolist()],
        "effective": [round(share.min().item(), 4), round(share.median().item(), 4)],
        "gain": round((joint - quarters).mean().item(), 4)}}
    if len(everyone) == 1:
        return {**out, "conditional_log_likelihood": {}}
    some = torch.linspace(0, len(index) - 1, min(NUM_CONDITIONAL, len(index))).round().long()
    few = type(experts)(*(values[:, some] for values in experts))
    conditional = {}
    for m, name in enumerate(model.modalities):
        rest = {other: values[some] for other, values in x.items() if other != name}
        members = tuple(k for k in everyone if k != m)
        others = None
        if present is not None:
            others = present[:, some].clone()
            others[m] = False
        counted = few.present[m] & few.present[list(members)].any(0)
        if bool(counted.any()):
            proposal = at_the_mode(model, rest, posterior_of(model, few, everyone), others)
            without = averaged(log_weights(model, rest, proposal, NUM_SAMPLES, generator, others))
            conditional[name] = summary((joint[some] - without)[counted])
    return {**out, "conditional_log_likelihood": conditional}
