"""In how many inventions all views agree, by how private parts are drawn: ``python -m benchmarks.inventions``.

Of MWB-VAE+ as it ships, and of MMVAE+: the best of 1, 2, 4 and 8 private parts a view, and one drawn part at half its
size and at 0; and views decoded from items' own private parts, which are as good as the decoders are.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.report import RESULTS, markdown
from bvae.io.storage import read_json, write_json
from bvae.metrics.base import EvaluationData, posterior_of
from bvae.metrics.samples import real_images
from bvae.metrics.variety import laplacian_variance
from bvae.models.vae import MultimodalVAE
from bvae.training.checkpoint import checkpoints_root, load_weights, read_checkpoint

MODELS = ("mwb-vae-plus", "mmvae-plus")
COUNT = 1000
FILE = RESULTS / "inventions.json"


def figures(model: MultimodalVAE, data: EvaluationData, z: Tensor) -> list[float]:
    """All views agree; the view that agrees least often with what most views show; sharpness, a mean over views."""
    views = model.decode(z)
    seen = torch.stack([data.judges.probabilities({name: x})[name].argmax(-1) for name, x in views.items()])  # (M, N)
    most = seen.mode(0).values
    sharp = [float(laplacian_variance(x).mean()) / float(laplacian_variance(real_images(data.test, name)).mean())
             for name, x in views.items()]
    return [float((seen == seen[0]).all(0).double().mean()), float((seen == most).double().mean(1).min()),
            sum(sharp) / len(sharp)]


@torch.inference_mode()
def rows(name: str, data: EvaluationData) -> list[dict[str, Any]]:
    """A row for each way."""
    model = load_weights(read_checkpoint(checkpoints_root() / "polymnist" / name))
    if model.sampler is None:
        raise SystemExit(f"{name}: has no sampler; python -m bvae checkpoints --samplers fits one")
    nothing = torch.zeros(len(model.modalities), COUNT, dtype=torch.bool)
    d, found = model.shared_dim, []

    def drawn(candidates: int, size: float = 1.0) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        z = torch.zeros(COUNT, model.latent_dim)
        z[:, :d] = model.sampler.sample(COUNT, generator)
        z = model.complete(z, nothing, generator=generator, candidates=candidates)
        z[:, d:] *= size
        return z

    ways = {f"the best of {k}" if k > 1 else "one": drawn(k) for k in (1, 2, 4, 8)}
    ways |= {"one, at half its size": drawn(1, 0.5), "at 0": drawn(1, 0.0)}
    some = torch.linspace(0, len(data.train) - 1, COUNT).round().long()
    everyone = tuple(range(len(model.modalities)))
    ways["own, of training items"] = posterior_of(model, model.experts(data.train.subset(some)), everyone).mean
    for way, z in ways.items():
        found.append(dict(zip(COLUMNS, [name, way, *figures(model, data, z)], strict=True)))
    return found


COLUMNS = ("model", "private parts", "all views agree", "the least agreeing view", "sharpness")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write the file of results, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", default=FILE)
    options = parser.parse_args(arguments)
    data = EvaluationData("polymnist", checkpoints_root())
    write_json(options.json, {
        "title": "Inventions by how private parts are drawn", "command": "python -m benchmarks.inventions",
        "columns": list(COLUMNS), "rows": [row for name in MODELS for row in rows(name, data)]})
    print(markdown(read_json(options.json)))


if __name__ == "__main__":
    main()
