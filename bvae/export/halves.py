"""Weights of an ONNX graph in half precision in the file, in float32 where they are computed with."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import torch

from bvae.io.compact import shrink

FEWEST = 64
"""Tensors of fewer numbers stay as they are: there is nothing to save."""


def halved(graph_model: Any, weights: Container[str]) -> int:
    """Store weights in half precision where that holds them, as in a checkpoint; a cast gives them back as float32.

    What runs the graph does the cast once, when it is opened. Weights of our checkpoints are exactly those of half
    precision already, so that for them nothing changes at all.

    Parameters
    ----------
    graph_model : onnx.ModelProto
        Changed in place.
    weights : container of str
        Names of those that are weights; statistics stay as they are.

    Returns
    -------
    int
        How many tensors were changed.
    """
    import onnx

    graph, casts = graph_model.graph, []
    for tensor in graph.initializer:
        if tensor.name not in weights or tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
        if values.numel() < FEWEST:
            continue
        small, why = shrink(values)
        if why:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(small.numpy(), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return len(casts)
