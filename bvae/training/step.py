"""One step of a training: the loss of a batch, and the size of its gradient."""

from __future__ import annotations

import dataclasses

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from bvae.models.methods import METHODS
from bvae.models.objectives import LossOutput, objective
from bvae.models.vae import MultimodalVAE
from bvae.training.settings import Settings


class TrainingStep(nn.Module):
    """Model and objective as one module, so that Fabric's precision and strategy wrap the whole loss."""

    def __init__(self, model: MultimodalVAE, settings: Settings) -> None:
        super().__init__()
        self.model, self.settings = model, settings
        method = METHODS[settings.method]
        self.objective = objective(method.objective, beta=settings.beta, **method.objective_options)

    def forward(self, x: dict[str, Tensor], present: Tensor, generator: torch.Generator, step: int) -> LossOutput:
        """Loss per item. See `Objective.__call__`."""
        bound = self.objective
        if self.settings.beta_warmup_steps:
            bound = dataclasses.replace(bound, beta=self.settings.beta_at(step))
        return bound(self.model, x, present, generator)


def clip(fabric: Fabric, step: nn.Module, optimizer: torch.optim.Optimizer, largest: float) -> None:
    """Bring the norm of the gradient down to the largest that is allowed."""
    if fabric.device.type == "cpu":  # there the norm can be looked at, and most gradients be left alone
        parameters = [p for group in optimizer.param_groups for p in group["params"]]  # no walk through all modules
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))  # all are on this device
        if norm + 1e-6 <= largest:
            return
        nn.utils.clip_grads_with_norm_(parameters, largest, norm)
        return
    fabric.clip_gradients(step, optimizer, max_norm=largest, error_if_nonfinite=False)
