"""Proposals for importance sampling: each item's posterior density p(z | x) as its curvature at the mode tells it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from bvae.gaussians import diagonal, full_covariance
from bvae.gaussians.posterior import Posterior
from bvae.models.vae import MultimodalVAE

DEGREES = 30.0
"""Degrees of freedom: tails somewhat heavier than normal, so that weights stay bounded where the mode's curvature
promises less than there is."""
STEPS, RATE = 150, 0.2
NEWTON, GAIN = 3, 0.1
"""Steps of Newton at most, and the nats of log p(x, z) below which an item needs no further one."""


class ModeProposal:
    """Multivariate Student's t for each of B items, around its loc.

    Parameters
    ----------
    loc : Tensor
        (B, D).
    precision : Tensor
        (B, D, D), symmetric; eigenvalues below 1, the prior's precision, are raised to 1.
    """

    def __init__(self, loc: Tensor, precision: Tensor) -> None:
        values, self.vectors = torch.linalg.eigh(precision.double())
        self.loc, self.values = loc.double(), values.clamp_min(1.0)

    def rsample(self, shape: tuple[int], generator: torch.Generator | None = None) -> Tensor:
        """(S,) -> (S, B, D), float32."""
        normal = torch.randn(*shape, *self.loc.shape, generator=generator, dtype=torch.float64)
        # Gamma variates from the same generator: sums of squares of normals, of which DEGREES is a whole number.
        squares = torch.randn(*shape, len(self.loc), int(DEGREES), generator=generator, dtype=torch.float64)
        longer = (DEGREES / squares.square().sum(-1, keepdim=True)).sqrt()
        turned = torch.einsum("bij,sbj->sbi", self.vectors, longer * normal / self.values.sqrt())
        return (self.loc + turned).float()

    def log_prob(self, z: Tensor) -> Tensor:
        """(S, B, D) -> (S, B), nats, float64."""
        d = self.loc.shape[-1]
        white = torch.einsum("bij,sbi->sbj", self.vectors, z.double() - self.loc) * self.values.sqrt()
        constant = (math.lgamma((DEGREES + d) / 2) - math.lgamma(DEGREES / 2) - d / 2 * math.log(DEGREES * math.pi)
                    + 0.5 * self.values.log().sum(-1))
        return constant - (DEGREES + d) / 2 * torch.log1p(white.square().sum(-1) / DEGREES)


def log_joint(
    model: MultimodalVAE, x: Mapping[str, Tensor], z: Tensor, present: Tensor | None = None, smooth: bool = False
) -> Tensor:
    """log p(x | z) p(z), nats: (B, D) -> (B,).

    Parameters
    ----------
    model : MultimodalVAE
    x, present
        See `MultimodalVAE.log_likelihood`.
    z : Tensor
        (B, D).
    smooth : bool
        Take densities that have second derivatives, see `Likelihood.smooth_log_prob`.
    """
    terms = model.log_likelihood(x, z, present, smooth).values()
    return sum(terms) + diagonal.log_prob(z, torch.zeros_like(z), torch.ones_like(z))


def at_the_mode(
    model: MultimodalVAE, x: Mapping[str, Tensor], start: Posterior, present: Tensor | None = None, chunk: int = 50
) -> ModeProposal:
    """A proposal around the mode of p(z | x) of each item, with the curvature there.

    From the best of the posterior's means, `STEPS` steps of Adam on log p(x, z), then up to `NEWTON` of Newton, with
    at least the prior's precision along each eigenvector of the Hessian. What is found may be one of several modes:
    then importance sampling with it gives less than log p(x) in expectation, as with any other proposal.

    Parameters
    ----------
    model : MultimodalVAE
    x : mapping
        name -> (B, ...): of which log p(x) is wanted.
    start : Posterior
        Of the B items, from any of the modalities.
    present : Tensor, optional
        (M, B) bool, see `MultimodalVAE.experts`.
    chunk : int
        Items at once.

    References
    ----------
    Tierney, Kadane, JASA 1986 (Laplace's approximation); Kuss, Rasmussen, JMLR 2005 (as a proposal).
    """
    locs, precisions = [], []
    with torch.inference_mode(False), torch.enable_grad():
        candidates = torch.cat([start.loc, start.mean.unsqueeze(0)]).detach().clone()  # (K + 1, B, D)
        for rows in torch.arange(candidates.shape[1]).split(chunk):
            part = {name: values[rows].clone() for name, values in x.items()}
            there = None if present is None else present[:, rows].clone()
            loc = best(model, part, candidates[:, rows], there)
            loc = climbed(model, part, loc, there)
            precision = torch.empty(*loc.shape, loc.shape[1], dtype=torch.float64)
            moving = torch.arange(len(loc))
            for _ in range(NEWTON):
                some = {name: values[moving] for name, values in part.items()}
                these = None if there is None else there[:, moving]
                gradient, precision[moving] = curvature(model, some, loc[moving], these)
                values, vectors = torch.linalg.eigh(precision[moving])
                step = (vectors.mT @ gradient.double().unsqueeze(-1)) / values.clamp_min(1.0).unsqueeze(-1)
                steps = torch.tensor([0.0, 0.25, 0.5, 1.0]).view(-1, 1, 1) * (vectors @ step).squeeze(-1).float()
                before = joint_without_gradient(model, some, loc[moving], these)
                loc[moving] = best(model, some, loc[moving] + steps, these)
                gain = joint_without_gradient(model, some, loc[moving], these) - before
                moving = moving[gain > GAIN]
                if not len(moving):
                    break
            locs.append(loc)
            precisions.append(precision)
    return ModeProposal(torch.cat(locs), torch.cat(precisions))


def joint_without_gradient(
    model: MultimodalVAE, x: Mapping[str, Tensor], z: Tensor, present: Tensor | None
) -> Tensor:
    """See :func:`log_joint`."""
    with torch.no_grad():
        return log_joint(model, x, z, present)


def best(model: MultimodalVAE, x: Mapping[str, Tensor], candidates: Tensor, present: Tensor | None) -> Tensor:
    """Of each item the z with the largest log p(x, z): (K, B, D) -> (B, D)."""
    values = torch.stack([joint_without_gradient(model, x, z, present) for z in candidates])
    return candidates[values.nan_to_num(-math.inf).argmax(0), torch.arange(candidates.shape[1])]


def climbed(model: MultimodalVAE, x: Mapping[str, Tensor], z: Tensor, present: Tensor | None) -> Tensor:
    """z after `STEPS` steps of Adam uphill on log p(x, z), whose length falls to 0 as a cosine; (B, D) -> (B, D)."""
    z = z.clone().requires_grad_()
    optimiser = torch.optim.Adam([z], RATE, betas=(0.9, 0.9))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        (z.grad,) = torch.autograd.grad(-log_joint(model, x, z, present).sum(), z)
        optimiser.step()
        schedule.step()
    return z.detach()


def curvature(
    model: MultimodalVAE, x: Mapping[str, Tensor], z: Tensor, present: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Gradient of log p(x, z), (B, D), and minus its Hessian, (B, D, D) in float64."""
    z = z.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(log_joint(model, x, z, present, smooth=True).sum(), z, create_graph=True)
    rows = [torch.autograd.grad(column.sum(), z, retain_graph=True)[0] for column in gradient.unbind(1)]
    hessian = torch.stack(rows, 1).double()
    return gradient.detach(), -full_covariance.symmetric(hessian).detach()
