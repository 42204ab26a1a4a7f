"""Whether an exported network computes what it does in PyTorch: ONNX Runtime is the second route."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bvae.export.graphs import INPUT, WRAPPERS, Part

TOLERANCE = 1e-4
"""Largest difference of a number, as a share of the larger of 1 and its size. That of float32 is 1e-7; what is left is
for sums in another order, behind an exponential or a softmax over hundreds of cells."""
FEWEST_ITEMS = 1  # besides a batch: a finger moves one point


def difference(content: bytes, network: nn.Module, part: Part, inputs: Tensor) -> float:
    """The largest difference between an ONNX file and its network, as :data:`TOLERANCE` counts it.

    Parameters
    ----------
    content : bytes
    network : Module
        As a model has it, in eval mode.
    part : {"encoder", "decoder"}
    inputs : Tensor
        (B, ...): items, or z. They go in together, and the first of them alone.

    Returns
    -------
    float
        Infinite where one of both gives something else than a number or another shape.

    Raises
    ------
    ValueError
        If ONNX Runtime cannot run the file.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    worst = 0.0
    for given in (inputs, inputs[:FEWEST_ITEMS]):
        with torch.no_grad():
            out = WRAPPERS[part](network)(given)
        wanted: Sequence[Tensor] = out if isinstance(out, tuple) else (out,)
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            got = session.run(None, {INPUT[part]: given.numpy()})
        except Exception as error:  # of a dozen types, which share none of their own
            raise ValueError(f"ONNX Runtime cannot run it ({str(error).splitlines()[0]})") from error
        for ours, theirs in zip(wanted, got, strict=True):
            if tuple(theirs.shape) != tuple(ours.shape):
                return float("inf")
            away = (torch.from_numpy(theirs).double() - ours.double()).abs() / ours.double().abs().clamp_min(1.0)
            worst = max(worst, float("inf") if bool(away.isnan().any()) else float(away.max()))
    return worst
