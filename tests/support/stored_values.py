"""What shipped checkpoints say of a few test items, in a file: ``python -m tests.support.stored_values`` writes it.

Whatever is changed in networks, rules, likelihoods or the reading of weights, a model that was trained before goes on
saying the same. The file is written anew only where weights are trained anew, and then the change is looked at.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import bvae
from bvae.data import MultimodalDataset, dataset
from bvae.models.vae import MultimodalVAE
from bvae.runs.shipped import SHIPPED, TABLES
from bvae.training.checkpoint import checkpoints, checkpoints_root, load_checkpoint, load_weights

FILE = Path(__file__).parents[1] / "unit" / "models" / "stored_values.json"
ITEMS = [0, 23]
CELLS = 5
"""Numbers that are kept of every item, and of every view that is decoded: evenly spaced ones."""


def shipped() -> list[tuple[str, str]]:
    """(data set, checkpoint) of all models that ship."""
    return [(data, name) for data in (*SHIPPED, *TABLES) for name in checkpoints(data, checkpoints_root())]


def values(model: MultimodalVAE, data: MultimodalDataset) -> dict[str, list[list[float]]]:
    """Of each item: means and standard deviations of every belief, and of the joint one from all views and from the
    first and the last; what is decoded from the means of the joint belief."""
    x = data.subset(torch.tensor(ITEMS))
    names = list(x)
    some = torch.zeros(len(names), len(ITEMS), dtype=torch.bool)
    some[[0, -1]] = True
    with torch.inference_mode():
        experts, joint = model.experts(x), model.encode(x)
        part = model.encode(x, present=some)
        out = {f"belief {name}: {what}": values_ for m, name in enumerate(names)
               for what, values_ in (("mean", experts.loc[m]), ("sd", experts.scale[m]))}
        out |= {f"joint belief of {which}: {what}": values_ for which, q in (("all", joint), ("two", part))
                for what, values_ in (("mean", q.mean), ("sd", q.variance.sqrt()))}
        out |= {f"decoded {name}": image for name, image in model.decode(joint.mean).items()}
    return {key: kept(value) for key, value in out.items()}


def kept(value: Tensor) -> list[list[float]]:
    """Some cells of each item, (B, ...) -> B lists."""
    flat = value.flatten(1).double()
    at = torch.linspace(0, flat.shape[1] - 1, min(CELLS, flat.shape[1])).round().long()
    return [[float(f"{v:.6g}") for v in row] for row in flat[:, at].tolist()]


def write() -> None:
    """Write the file."""
    found: dict[str, Any] = {}
    for data, name in shipped():
        checkpoint = load_checkpoint(data, name, checkpoints_root())
        found[f"{data}/{name}"] = {"weights": checkpoint.hash,
                                   "values": values(load_weights(checkpoint), dataset(data, "test"))}
    lines = [f"{json.dumps(key)}: {json.dumps(entry)}" for key, entry in found.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"wrote {FILE}: {len(found)} checkpoints, bvae {bvae.__version__}")


if __name__ == "__main__":
    write()
