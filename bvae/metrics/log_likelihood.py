"""Importance-sampled log-likelihoods, item by item."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from bvae import gaussian
from bvae.metrics.base import METRICS, EvaluationData, all_experts, mask_of, posterior_of, summary
from bvae.model import MultimodalVAE
from bvae.posterior import Posterior

NUM_ITEMS = 25  # spread evenly over the test split: a thousand samples an item are a thousand decodings
NUM_SAMPLES = 1000


def estimate(
    model: MultimodalVAE, x: Mapping[str, Tensor], proposal: Posterior, num_samples: int, generator: torch.Generator,
    chunk: int = 50, present: Tensor | None = None,
) -> Tensor:
    """log 1/K sum_k p(x | z_k) p(z_k) / q(z_k), z_k ~ q, for each item: a lower bound in expectation, tight as K grows.

    Parameters
    ----------
    model : MultimodalVAE
    x : mapping
        name -> (B, ...): the modalities whose log-likelihood is wanted.
    proposal : Posterior
        q, of B items.
    num_samples : int
        K.
    generator : torch.Generator
    chunk : int
        Samples decoded at once.
    present : Tensor, optional
        (M, B) bool, see `MultimodalVAE.experts`: of an item, x is what it has.

    Returns
    -------
    Tensor
        (B,) nats. The axis of the samples is reduced for each item by itself.

    References
    ----------
    Burda, Grosse, Salakhutdinov, ICLR 2016.
    """
    names, parts = list(x), []
    for start in range(0, num_samples, chunk):
        s = min(chunk, num_samples - start)
        z = proposal.rsample((s,), generator=generator)  # (S, B, D)
        # Items innermost in every flattened axis: sample-major, and read back the same way.
        repeated = {name: x[name].repeat(s, *[1] * (x[name].ndim - 1)) for name in names}
        there = None if present is None else present.repeat(1, s)
        log_x = sum(model.log_likelihood(repeated, z.flatten(0, 1), there).values()).view(s, -1)  # (S, B)
        log_prior = gaussian.log_prob(z, torch.zeros_like(z), torch.ones_like(z))
        parts.append((log_x + log_prior - proposal.log_prob(z)).double())
    return torch.cat(parts).logsumexp(0) - math.log(num_samples)


@METRICS.register("log_likelihood")
def log_likelihood(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict:
    """log p(x) of all modalities together, and log p(x_m | the others) of each, in nats, on 25 items with K = 1,000.

    Joint: proposals from q(z | x). Conditional: log p(x) - log p(x without m), the second with proposals from
    q(z | x without m), so that it is the model's own conditional and not that of its encoder. Where items lack
    modalities, x is what an item has, and conditional figures are of items that have m and another one.

    Returns
    -------
    dict
        "log_likelihood": {"mean", "se"}; "conditional_log_likelihood": name of the modality -> {"mean", "se"}.
    """
    count = min(NUM_ITEMS, len(data.test))
    index = torch.linspace(0, len(data.test) - 1, count).round().long()
    x = data.test.subset(index)
    experts = all_experts(model, data.test)
    experts = type(experts)(*(values[:, index] for values in experts))
    everyone = tuple(range(len(model.modalities)))
    mask = mask_of(data.test)
    present = None if mask is None else mask[:, index]
    joint = estimate(model, x, posterior_of(model, experts, everyone), NUM_SAMPLES, generator, present=present)
    conditional = {}
    if len(everyone) > 1:
        for m, name in enumerate(model.modalities):
            rest = {other: values for other, values in x.items() if other != name}
            members = tuple(k for k in everyone if k != m)
            others = None
            if present is not None:
                others = present.clone()
                others[m] = False
            without = estimate(model, rest, posterior_of(model, experts, members), NUM_SAMPLES, generator,
                               present=others)
            counted = experts.present[m] & experts.present[list(members)].any(0)
            if bool(counted.any()):
                conditional[name] = summary((joint - without)[counted])
    return {"log_likelihood": summary(joint), "conditional_log_likelihood": conditional}
