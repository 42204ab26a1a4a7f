"""The bound of MMVAE+ with several samples, as it was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.gaussians import diagonal
from bvae.gaussians.randomness import normal
from bvae.models.objectives.base import OBJECTIVES, LossOutput
from bvae.models.objectives.iwae import ImportanceWeighted, log_mean
from bvae.models.objectives.mmvae_plus import auxiliary_of, check_components
from bvae.models.vae import MultimodalVAE


@OBJECTIVES.register("mmvae-plus-iwae")
@dataclass(frozen=True)
class SharedAndPrivateWeighted(ImportanceWeighted):
    """-sum_m pi_m log mean_i p(x_m | z_i, w_i) prod_(n != m) p(x_n | z_i, r_ni) [p(z_i) p(w_i) / (q(z_i) q(w_i))]^beta.

    For every expert m, `num_samples` times: z_i ~ q(z | x_m), w_i ~ q(w_m | x_m), and r_ni from the auxiliary prior of
    view n, see `bvae.models.objectives.mmvae_plus`. q(z) is the density of the whole mixture, pi its weights. Every
    sample decodes all views: M `num_samples` decodings an item.

    Parameters
    ----------
    beta, num_samples, estimator
        See `ImportanceWeighted`.

    References
    ----------
    Palumbo, Daunhawer, Vogt, ICLR 2023 (MMVAE+); Tucker et al., ICLR 2019 (DReG).
    """

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`; raises ValueError as `SharedAndPrivate` does."""
        scale = auxiliary_of(model)
        q = model.aggregate(model.experts(x, present), generator=generator)
        check_components(model, q)
        s, (k, b), d = self.num_samples, q.weights.shape, model.shared_dim
        noise = normal((s, k, b, q.loc.shape[-1]), 2, generator, q.loc.dtype, q.loc.device)
        u = q.loc + q.scale * noise  # (S, M, B, L)
        auxiliary = normal((s, k, b, *scale.shape), 2, generator, q.loc.dtype, q.loc.device) * scale
        z, shared = u[..., :d], model.shared(q)
        density = shared.detach() if self.estimator == "dreg" else shared
        ratio = diagonal.log_prob(z, torch.zeros_like(z), torch.ones_like(z)) - density.log_prob(
            z.flatten(0, 1)).view(s, k, b)
        parts, own = [z], []
        for m in range(k):
            part = model.private_part(m)
            w, loc, std = u[:, m, :, part], q.loc[m, :, part], q.scale[m, :, part]
            if self.estimator == "dreg":
                loc, std = loc.detach(), std.detach()
            own.append(diagonal.log_prob(w, torch.zeros_like(w), torch.ones_like(w)) - diagonal.log_prob(w, loc, std))
            mine = torch.arange(k, device=u.device) == m
            parts.append(torch.where(mine.view(1, k, 1, 1), u[..., part], auxiliary[..., m, :]))
        ratio = ratio + torch.stack(own, 1)  # (S, M, B)
        repeated = {name: values.repeat(s * k, *[1] * (values.ndim - 1)) for name, values in x.items()}
        flat = torch.cat(parts, -1).flatten(0, 2)
        log_likelihood = -model.reconstruction_error(repeated, flat, present.repeat(1, s * k)).view(s, k, b)
        value = log_mean(log_likelihood + self.beta * ratio, u, self.estimator)
        loss = -(q.weights * value).sum(0)
        reconstruction = -(q.weights * log_likelihood.mean(0)).sum(0)
        return LossOutput(loss, reconstruction, -(q.weights * ratio.mean(0)).sum(0))
