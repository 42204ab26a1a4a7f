"""Where a training runs: devices, processes and precision, by Lightning Fabric."""

from __future__ import annotations

import os

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from bvae.training.settings import Settings


def automatic_precision() -> str:
    """bfloat16 autocast where the hardware computes in it, else float32."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    return "bf16-mixed" if torch.cpu.get_capabilities().get("avx512_bf16") else "32-true"


def make_fabric(
    settings: Settings, accelerator: str = "auto", devices: int | None = None, strategy: str = "auto",
    nodes: int | None = None,
) -> Fabric:
    """Fabric for a run, with the precision of its settings. See `lightning_fabric.Fabric` for the others.

    Devices are those of a machine, nodes the machines. By default it is one of each, or what ``torchrun`` or
    ``fabric run`` started this process for.
    """
    precision = automatic_precision() if settings.precision == "auto" else settings.precision
    if devices is None and os.environ.get("LT_CLI_USED"):  # fabric run says the rest itself
        chosen = None if settings.precision == "auto" and "LT_PRECISION" in os.environ else precision
        return Fabric(accelerator=accelerator, strategy=strategy, precision=chosen)  # type: ignore[arg-type]
    if devices is None and "TORCHELASTIC_RUN_ID" in os.environ:
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
        strategy = "ddp" if strategy == "auto" and devices * nodes > 1 else strategy
    return Fabric(accelerator=accelerator, devices=devices or 1, num_nodes=nodes or 1, strategy=strategy,
                  precision=precision)  # type: ignore[arg-type]


def in_the_type_of_its_weights(network: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A forward hook: what a network gets, in the precision in which it computes, unless it brings it there itself."""
    if getattr(network, "exact_input", False):
        return inputs
    first = next(network.parameters(), None)
    return inputs if first is None else tuple(value.to(first.dtype) for value in inputs)
