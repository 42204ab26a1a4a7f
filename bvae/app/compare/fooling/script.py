"""The race as Python."""

from __future__ import annotations

from collections.abc import Sequence

from bvae.app.compare.fooling.race import DRAWS
from bvae.app.compare.lie import Lie
from bvae.app.reproduce import opened
from bvae.data import MultimodalDataset


def of(
    data_name: str, model_name: str, data: MultimodalDataset, item: int, observed: Sequence[str], lie: Lie | None,
    judged: Sequence[str], seed: int,
) -> str:
    """Lines that print what the draws of every registered rule show."""
    told = lie.code(data) if lie is not None else []
    moved = [name for name in ("corruption", "drawings") if any(f"{name}." in line for line in told)]
    parts = ", ".join(f'"{v}": data.x["{v}"][{item}:{item + 1}]' for v in observed)
    lines = ["import torch", "import bvae", *[f"from bvae.data import {', '.join(moved)}"] * bool(moved),
             *["from bvae.metrics import classifiers", "from bvae.training import checkpoints_root"] * bool(judged),
             *opened(data_name),
             f'data = bvae.dataset("{data_name}", split="test")',
             f'model = bvae.load("{data_name}", "{model_name}")',
             *[f'judges = classifiers.load(checkpoints_root(), "{data_name}")'] * bool(judged),
             f"x = {{{parts}}}  # what is shown", *told,
             "weights = torch.full((len(model.modalities),), 1 / len(model.modalities))",
             "shown = {}",
             "for name in bvae.aggregators():",
             f"    images = model.generate(x, targets={list(judged) or None}, num_samples={DRAWS}, "
             "aggregator=bvae.aggregator(name),",
             f"                            weights=weights, generator=torch.Generator().manual_seed({seed}))"]
    if judged:
        lines += ["    seen = judges.probabilities({view: draws[:, 0] for view, draws in images.items()})",
                  "    shown[name] = torch.stack(list(seen.values())).mean(0).argmax(-1).tolist()",
                  "    print(name, [data.class_names[k] for k in shown[name]])"]
    else:
        lines += ["    shown[name] = {view: draws[:, 0] for view, draws in images.items()}"]
    return "\n".join(lines)
