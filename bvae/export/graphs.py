"""Networks as ONNX graphs, by PyTorch's own exporter.

It takes seconds for each network. Networks that are built alike differ in their weights alone: their graph is made once
in a process, and gets other weights. That every graph computes what its network does is looked at elsewhere
(`bvae.export.checking`).
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import importlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bvae.models.acceleration import set_enabled
from bvae.models.networks.base import to_gaussian

Part = Literal["encoder", "decoder"]
INPUT: dict[Part, str] = {"encoder": "x", "decoder": "z"}
OUTPUTS: dict[Part, tuple[str, ...]] = {"encoder": ("loc", "scale"), "decoder": ("mean",)}
NEEDED = ("onnx", "onnxscript", "onnxruntime")
ALONE = 3  # items of the example: a batch that no dimension of a network is taken for

_made: dict[str, Any] = {}  # by what is the same in networks that are built alike


class Encoder(nn.Module):
    """Items (B, ...) -> loc, scale (B, D + P)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return to_gaussian(self.network(x))


class Decoder(nn.Module):
    """z (B, D + P) -> means of items (B, ...)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.network(z)
        return out


WRAPPERS: dict[Part, type[nn.Module]] = {"encoder": Encoder, "decoder": Decoder}


def check_installed() -> None:
    """Raise ValueError, with what to do, unless what exports is installed."""
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ValueError(f"exporting needs the package {name!r}: pip install 'bvae[export]'") from error


def graph_of(network: nn.Module, part: Part, example: Tensor) -> Any:
    """A network as an ONNX model in float32, its parameters under their own names, any number of items.

    Parameters
    ----------
    network : Module
        As a model has it, in eval mode.
    part : {"encoder", "decoder"}
    example : Tensor
        (B, ...): items, or z.

    Returns
    -------
    onnx.ModelProto
        Inputs and outputs are called as in :data:`INPUT` and :data:`OUTPUTS`.

    Raises
    ------
    ValueError
        If PyTorch cannot export it.
    """
    wrapped = WRAPPERS[part](network).eval()
    key = _built(wrapped, part, example)
    known = _made.get(key)
    if known is not None and (changed := _with_weights(known, wrapped)) is not None:
        return changed
    made = _exported(wrapped, part, example)
    _made[key] = copy.deepcopy(made)  # what is returned, its caller may change
    return made


def _built(wrapped: nn.Module, part: Part, example: Tensor) -> str:
    """What networks that are built alike share: their layers, the shapes of their weights, and all other numbers."""
    held = wrapped.state_dict()
    rest = {name: value for name, value in wrapped.named_buffers() if name not in held}
    of = hashlib.sha256(repr((part, tuple(example.shape[1:]), wrapped,
                              [(name, tuple(value.shape)) for name, value in held.items()])).encode())
    for name, value in rest.items():
        of.update(name.encode() + value.contiguous().numpy().tobytes())
    return of.hexdigest()


def _exported(wrapped: nn.Module, part: Part, example: Tensor) -> Any:
    example = torch.cat([example] * ALONE)[:ALONE]
    try:
        with set_enabled(False), torch.no_grad(), _quiet():
            program = torch.onnx.export(
                wrapped, (example,), dynamo=True, verbose=False, optimize=True, input_names=[INPUT[part]],
                output_names=list(OUTPUTS[part]), dynamic_shapes=({0: torch.export.Dim("B", min=1)},))
    except Exception as error:  # of many types, each of another stage of the exporter
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"PyTorch cannot export this {part} ({first})") from error
    assert program is not None
    return program.model_proto


def _with_weights(known: Any, wrapped: nn.Module) -> Any:
    """A graph with another network's weights; None if some of them went into numbers that the exporter computed."""
    import onnx

    state = wrapped.state_dict()
    made = onnx.ModelProto()
    made.CopyFrom(known)
    there = {tensor.name: tensor for tensor in made.graph.initializer}
    for name, value in state.items():
        if name not in there:
            return None
        there[name].CopyFrom(onnx.numpy_helper.from_array(value.detach().contiguous().numpy(), name))
    return made


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of its own stages."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
