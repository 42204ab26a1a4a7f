"""The objective of MWB-VAE+ and WB-VAE+."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from bvae.aggregators.subsets import subset_membership
from bvae.gaussians import diagonal
from bvae.gaussians.posterior import Posterior
from bvae.gaussians.randomness import normal
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.objectives.elbo import score
from bvae.models.vae import MultimodalVAE
from bvae.registry import require_number


@OBJECTIVES.register("shared-private")
@dataclass(frozen=True)
class SubsetsWithPrivate(Objective):
    """A barycenter of shared latents z beside private latents w, which only the views of a subset may use.

    Every item is given a subset S of its views. For a mixture over subsets z is drawn from the component of S; for a
    rule that gives one Gaussian from that of all its views. z decodes *all* views: those in S together with their own
    w_m ~ q(w_m | x_m), the others with w = 0. Loss: -sum_m log p(x_m | z, w_m) + beta [ KL(q || p) + private
    sum_(m in S) KL(q(w_m | x_m) || p(w_m)) ], with the mean KL of all components for z.

    With a conditional prior p(w_m | z) (`ModelConfig.conditional_prior`) w_m is drawn below z, from q(w_m | x_m, z),
    and in place of w = 0 stands the mean of p(w_m | z): the hierarchy of Hölder++ as read here.

    Where encoders make the weights of the components, as in a Hölder pool, which one an item is told by is taken as
    given: no gradient reaches them. With `chosen` it does, and encoders learn to be told by what decodes best: by views
    with their own private parts. Learned weights of a model (`ModelConfig.weights`) always learn; in a pool, where they
    and the encoders make the weights together, encoders then learn as with `chosen`.

    What one view tells of the others has to be in z, because their decoders do not see their own w then; and that w is
    missing, not drawn, is something that a decoder can see.

    With `agreement`, what a decoder makes of z and a private part that was drawn from N(0, I) has to be what its own
    encoder takes for z again: + agreement sum_m KL(q(z | x'_m) || q(z)), x'_m the mean of p(x_m | z, w'), w' ~ N(0, I).
    Its gradient reaches the decoders alone. Without it a private part may bring a class of its own.

    Parameters
    ----------
    beta : float
        See `Objective`.
    private : float
        Weight of the divergence of private latents, in units of `beta`.
    least : int
        Members of smaller subsets use no private part either: where z is not sure of what all views have in common, a
        private part would say it too.
    agreement : float
        Weight of what is decoded with drawn private parts, see above; 0 leaves it out.
    chosen : bool
        Whether encoders learn which component an item is told by, see above.
    """

    private: float = 1.0
    least: int = 1
    agreement: float = 0.0
    chosen: bool = False

    decomposes: ClassVar[bool] = False
    top_down: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("private", "agreement"):
            require_number(name, getattr(self, name), lambda v: v >= 0, "a non-negative number")
        if not isinstance(self.least, int) or self.least < 1:
            raise ValueError(f"least: expected a positive integer, got {self.least!r}")

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`. Raises ValueError for a model without private latents."""
        if not model.config.private_dim:
            raise ValueError("shared-private: expected a model with private latents (private_dim > 0), got one without")
        experts = model.experts(x, present)
        q = model.aggregate(experts, generator=generator)
        if not self.chosen and not model.expert_weights.learned:
            q = replace(q, weights=q.weights.detach())
        learned = q.num_components > 1 and q.weights.requires_grad
        index = q.draw(generator) if learned else q.stratified(generator)
        drawn = q.component(index)
        u = drawn.rsample(generator=generator)  # (B, L)
        held = model.aggregator.held(len(model.modalities)).to(u.device)
        if len(held) == 1:
            held = subset_membership(len(model.modalities)).to(u.device)
            index = subsets(held, experts.present).stratified(generator)
        told = held[index].T & experts.present  # (M, B): whose private part is used
        told = told & (told.sum(0) >= self.least)
        parts, private_kl = [u[:, : model.shared_dim]], torch.zeros_like(u[:, 0])
        for m, own in enumerate(told):
            private, divergence = model.top_down(m, u, experts)
            parts.append(torch.where(own.unsqueeze(1), private, 0.0))
            private_kl = private_kl + torch.where(own, divergence, 0.0)
        reconstruction = model.reconstruction_error(x, torch.cat(parts, 1), present)
        away = model.shared(q).kl_to_prior()  # of all components; the rest is of the one that was drawn
        cost = reconstruction + self.beta * self.private * private_kl
        if self.agreement:
            cost = cost + self.agreement * disagreement(model, model.shared(drawn), u[:, : model.shared_dim], generator)
        loss = cost + self.beta * away
        if learned:
            loss = loss + score(q.weights, index, cost, generator)
        return LossOutput(loss, reconstruction, away + self.private * private_kl)


def disagreement(model: MultimodalVAE, q: Posterior, z: Tensor, generator: torch.Generator | None) -> Tensor:
    """sum_m KL(q(z | x'_m) || q) in nats, (B,): what encoders make of views decoded with drawn private parts.

    Parameters
    ----------
    model : MultimodalVAE
    q : Posterior
        One Gaussian over the D shared dimensions for each item.
    z : Tensor
        (B, D): what was drawn of it.
    generator : torch.Generator, optional
    """
    q, z = q.detach(), z.detach()
    noise = normal((len(z), model.latent_dim - model.shared_dim), 0, generator, z.dtype, z.device)
    views = model.decode(torch.cat([z, noise], 1))
    encoders = [p for p in model.encoders.parameters() if p.requires_grad]
    for p in encoders:
        p.requires_grad_(False)
    try:
        experts = model.experts(views)
    finally:
        for p in encoders:
            p.requires_grad_(True)
    d = model.shared_dim
    away = [diagonal.kl(loc, scale, q.loc[0], q.scale[0])
            for loc, scale in zip(experts.loc[..., :d], experts.scale[..., :d], strict=True)]
    return torch.stack(away).sum(0)


def subsets(membership: Tensor, present: Tensor) -> Posterior:
    """All subsets of the views that an item has, each as probable: (K, M), (M, B) -> weights (K, B), of no Gaussians.

    Of an item without any view it is the first subset.
    """
    lacking = (membership.float() @ (~present).float()) > 0  # (K, B)
    weights = torch.where(lacking, 0.0, 1.0)
    weights[0] = torch.where(lacking.all(0), 1.0, weights[0])
    none = weights.new_zeros(*weights.shape, 0)
    return Posterior(weights / weights.sum(0, keepdim=True), none, none)
