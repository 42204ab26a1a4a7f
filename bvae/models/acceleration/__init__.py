"""Layers for images in channels_last on CPUs: what `torch.nn` computes, along the memory instead of across it.

Every one has the parameters of the layer of `torch.nn` that it stands for, so that weights fit both. Five things are
slow there: flattening, whose gradient comes back in the other layout; pixel shuffle, which copies single numbers; the
gradient of a transposed convolution's bias; transposed convolutions to a few channels; and in bfloat16 the gradient of
a convolution's weights where images are small.

Nobody gets them unasked. Networks are built of them, as our own for images are, or ask for :func:`accelerate`, most
shortly with ``NetworkPair(encoder, decoder, accelerate=True)``. :func:`set_enabled` switches all of them off at once:
then they compute as `torch.nn` does.
"""

from __future__ import annotations

import torch
from torch import nn

from bvae.models.acceleration.cells import CellConv2d, FoldPixels
from bvae.models.acceleration.convolution import Conv2d
from bvae.models.acceleration.linear import Flatten, FlattenedLinear, UnflattenedLinear
from bvae.models.acceleration.switch import is_enabled, set_enabled
from bvae.models.acceleration.transposed import TransposedConv2d

__all__ = [
    "CellConv2d", "Conv2d", "Flatten", "FlattenedLinear", "FoldPixels", "TransposedConv2d", "UnflattenedLinear",
    "accelerate", "is_enabled", "set_enabled",
]

FASTER: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv2d: Conv2d, nn.ConvTranspose2d: TransposedConv2d, nn.Flatten: Flatten,
}
"""Layer of `torch.nn` -> the one that computes the same."""


def accelerate(network: nn.Module) -> nn.Module:
    """Make a network fast on CPUs, in place, and return it: its layers of `FASTER`, its parameters in channels_last.

    Only layers that are just those of `torch.nn` change, no subclass of them, and no parameter changes its name or
    its numbers. For networks that ask for it: the classes of their layers are other ones afterwards.

    Parameters
    ----------
    network : Module
    """
    for layer in network.modules():
        layer.__class__ = FASTER.get(type(layer), type(layer))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
