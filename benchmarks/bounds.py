"""Which bound the Wasserstein barycenter is trained on: chosen on one half of the test items, reported on the other.

    python -m benchmarks.bounds --root DIR

DIR holds the models, of which two ship: ``python -m bvae checkpoints --rebuild --weights --out DIR --only '*/wb-vae'
'*/wb-vae-tc' '*/wb-vae-unimodal'`` makes them. No model has seen any of these items. The even ones choose; of the odd
ones, the coherence of each bound, and its lead over the best of the others there, paired by item with a 95 percent
interval (of one training run each).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from bvae.evaluation.differences import paired_difference
from bvae.metrics.base import EvaluationData, all_experts, all_subsets
from bvae.metrics.coherence import coherent
from bvae.models.methods import METHODS
from bvae.runs.shipped import SHIPPED
from bvae.training.checkpoint import checkpoints_root, load

BOUNDS = ("wb-vae", "wb-vae-unimodal", "wb-vae-tc")


def coherence_of_items(dataset: str, name: str, root: Path) -> Tensor:
    """Mean over all subsets of views that leave a view out, (N,)."""
    model, data = load(dataset, name, root), EvaluationData(dataset, checkpoints_root())
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        experts = all_experts(model, data.test)
        return torch.stack([coherent(model, experts, members, data, data.test.y, generator)
                            for members in all_subsets(len(experts.loc))[:-1]]).mean(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=checkpoints_root(), help="folder of the models")
    root = parser.parse_args().root
    torch.set_num_threads(1)
    print(f"{'':18}{'':38}{'chooses':>9}{'reports':>9}  lead over the next")
    for dataset in SHIPPED:
        found = {name: coherence_of_items(dataset, name, root) for name in BOUNDS}
        chosen = max(found, key=lambda name: found[name][::2].mean())
        for name, values in found.items():
            lead = ""
            if name == chosen:
                rest = max((other for other in found if other != name), key=lambda other: found[other][1::2].mean())
                mean, half = paired_difference(values[1::2].tolist(), found[rest][1::2].tolist())
                lead = f"  {mean:+.3f} ± {half:.3f} over {METHODS[rest].title}"
            print(f"{dataset:18}{METHODS[name].title:38}{values[::2].mean():9.3f}{values[1::2].mean():9.3f}{lead}",
                  flush=True)


if __name__ == "__main__":
    main()
