"""What private latents give on embedded PolyMNIST, one change at a time: ``python -m benchmarks.private_latents``.

MWB-VAE+, WB-VAE+ and MMVAE+, and JointFlow-VAE for comparison, at half the usual width, but where it says full width,
and with batches of 64, so that a training takes minutes on one core. A variant that goes on from another one takes its
weights and trains for a few hundred steps.
Every model is measured with each way to draw the private part of views that were not observed. Results are kept by
variant and seed; what is in the file already is not computed again.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.report import RESULTS, markdown
from bvae.data import MultimodalDataset
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.io.storage import read_json, write_json
from bvae.metrics.base import EvaluationData, posterior_of, shared_means
from bvae.metrics.latent_accuracy import fitted
from bvae.metrics.samples import real_images
from bvae.metrics.variety import laplacian_variance, within_class
from bvae.models.latents import PRIOR, ZERO, DrawsPrivate
from bvae.models.methods import METHODS
from bvae.models.vae import MultimodalVAE
from bvae.samplers.private import PRIVATE_SAMPLERS, private_draws, private_samplers
from bvae.training.callbacks import Callback
from bvae.training.checkpoint import checkpoints_root, load_weights, read_checkpoint
from bvae.training.loop import STATE, train
from bvae.training.settings import Settings
from bvae.training.trainer import Trainer

SMALL: Mapping[str, Any] = {"width": 32, "batch_size": 64, "steps": 1500, "likelihood_scale": 0.2, "beta": 1.0,
                             "private_dim": 16}
SHORT: Mapping[str, Any] = {**SMALL, "steps": 300, "learning_rate": 1e-3, "warmup_steps": 20}
ITEMS, KNOWN = 200, 3000
"""Test items that are translated, and training items of which latents are known."""
FILE = RESULTS / "private_latents.json"
COLUMNS = ("variant", "steps", "seed", "private part", "coherence, 1 view", "coherence, 4 views", "variety",
           "sharpness", "latent accuracy, all views", "nats a private part", "CPU minutes")


@dataclass(frozen=True)
class Variant:
    """One training.

    Parameters
    ----------
    method : str
    settings, options : mapping
        Of the training, and of the objective.
    start : str
        The variant whose weights it goes on from.
    decoders : bool
        Whether it trains decoders alone.
    """

    method: str = "mwb-vae-plus"
    settings: Mapping[str, Any] = field(default_factory=lambda: SMALL)
    options: Mapping[str, Any] = field(default_factory=dict)
    start: str = ""
    decoders: bool = False


VARIANTS: Mapping[str, Variant] = {
    "base": Variant(),
    "sd 0.1": Variant(settings={**SMALL, "likelihood_scale": 0.1}),
    "sd 0.1, 32 private dimensions": Variant(settings={**SMALL, "likelihood_scale": 0.1, "private_dim": 32}),
    "sd 0.05, 32 private dimensions": Variant(settings={**SMALL, "likelihood_scale": 0.05, "private_dim": 32}),
    "sd 0.1, 32 private dimensions, full width": Variant(
        settings={**SMALL, "likelihood_scale": 0.1, "private_dim": 32, "width": 64}),
    "WB-VAE+": Variant("wb-vae-plus"),
    "sd 0.1, 64 private dimensions": Variant(settings={**SMALL, "likelihood_scale": 0.1, "private_dim": 64}),
    "Laplace of sd 0.1, 32 private dimensions": Variant(
        settings={**SMALL, "likelihood": "laplace", "likelihood_scale": 0.1 / math.sqrt(2), "private_dim": 32}),
    "learned sd of each view, from 0.1, 32 private dimensions": Variant(
        settings={**SMALL, "likelihood": "normal-learned", "likelihood_scale": 0.1, "private_dim": 32}),
    "conditional prior, sd 0.1, 32 private dimensions": Variant(
        settings={**SMALL, "likelihood_scale": 0.1, "private_dim": 32, "conditional_prior": True}),
    **{f"{title}, sd 0.1, 32 private dimensions": Variant(
        f"hoelder-vae-{plus}", {**SMALL, "likelihood_scale": 0.1, "private_dim": 32})
       for title, plus in (("Hölder+", "plus"), ("Hölder++", "plus-plus"))},
    "Hölder++, told by what decodes best": Variant(
        "hoelder-vae-plus-plus", {**SMALL, "likelihood_scale": 0.1, "private_dim": 32}, {"chosen": True}),
    "then private parts cost 4": Variant(settings=SHORT, options={"private": 4.0}, start="base"),
    "then agreement 2": Variant(settings=SHORT, options={"agreement": 2.0}, start="base"),
    "then decoders alone, sd 0.1": Variant(settings={**SHORT, "likelihood_scale": 0.1}, start="base", decoders=True),
    **{f"MMVAE+, {kind} scale": Variant("mmvae-plus", {**SMALL, "steps": 500, "auxiliary": kind})
       for kind in ("fixed", "free", "softmax")},
    "MMVAE+, fixed scale, sd 0.1, 32 private dimensions, full width": Variant("mmvae-plus", {
        **SMALL, "steps": 2000, "auxiliary": "fixed", "likelihood_scale": 0.1, "private_dim": 32, "width": 64}),
    "JointFlow-VAE, without private latents": Variant("joint-flow-vae", {**SMALL, "private_dim": 0}),
}


class From(Callback):
    """Begin with the weights of another model."""

    def __init__(self, folder: Path, decoders: bool) -> None:
        self.folder, self.decoders = folder, decoders

    def on_start(self, run: Trainer) -> None:
        """See `Callback.on_start`."""
        if run.step == 0:
            run.model.load_state_dict(load_weights(read_checkpoint(self.folder), with_fitted=False).state_dict())
        if self.decoders:
            run.model.encoders.requires_grad_(False)


def place_of(name: str, seed: int, folder: Path) -> Path:
    """Where a variant's model is."""
    return folder / f"{name.replace(',', '').replace(' ', '-')}-{seed}"


def trained(name: str, seed: int, folder: Path) -> MultimodalVAE:
    """The model of a variant, trained if it is not there."""
    variant, place = VARIANTS[name], place_of(name, seed, folder)
    if not (place / "config.json").is_file():
        if variant.start:
            trained(variant.start, seed, folder)
        plain = METHODS[variant.method]
        changed = dataclasses.replace(plain, objective_options={**plain.objective_options, **variant.options})
        METHODS.remove(variant.method)
        METHODS.register(variant.method)(changed)
        try:
            before = [From(place_of(variant.start, seed, folder), variant.decoders)] if variant.start else []
            settings = Settings.for_method("polymnist", variant.method, seed=seed, **variant.settings)
            train(settings, place, resume=(place / STATE).is_file(), callbacks=before, progress=False)
        finally:
            METHODS.remove(variant.method)
            METHODS.register(variant.method)(plain)
    return load_weights(read_checkpoint(place), with_fitted=False)


def some(data: MultimodalDataset, count: int) -> tuple[dict[str, Tensor], Tensor]:
    """Items spread over a split, and their classes."""
    index = torch.linspace(0, len(data) - 1, min(len(data), count)).round().long()
    return data.subset(index), data.y[index]


def targets(names: Sequence[str], members: Sequence[int]) -> list[str]:
    """The next two views after a single one, to halve the work; of four views the one that is left."""
    left = [(members[-1] + step) % len(names) for step in (1, 2)] if len(members) == 1 else range(len(names))
    return [names[m] for m in left if m not in members]


@torch.inference_mode()
def measured(model: MultimodalVAE, data: EvaluationData, private: str | DrawsPrivate, seed: int = 0) -> list[float]:
    """Coherence from one and from four views, variety and sharpness (means over both) of some test items."""
    names = list(model.modalities)
    x, y = some(data.test, ITEMS)
    experts = model.experts(x)
    generator = torch.Generator().manual_seed(seed)
    apart = {name: within_class(data.test, name) for name in names}
    sharp = {name: float(laplacian_variance(real_images(data.test, name)).mean()) for name in names}
    single = [(m,) for m in range(len(names))]
    coherent: list[float] = []
    differing: list[float] = []
    fine: list[float] = []
    for subsets in (single, [tuple(k for k in range(len(names)) if k != m) for m in range(len(names))]):
        right: list[Tensor] = []
        for members in subsets:
            z = posterior_of(model, experts, members).rsample((2,), generator=generator)
            seen = torch.zeros_like(experts.present)
            seen[list(members)] = True
            z = model.complete(z, experts._replace(present=seen), private, generator)
            for name in targets(names, members):
                pair = model.decode(z, [name])[name]
                right.append((data.judges.probabilities({name: pair[0]})[name].argmax(-1) == y).double().mean())
                differing.append(float((pair[0] - pair[1]).square().flatten(1).sum(1).mean()) / apart[name])
                fine.append(float(laplacian_variance(pair[0]).mean()) / sharp[name])
        coherent.append(float(torch.stack(right).mean()))
    return [*coherent, sum(differing) / len(differing), sum(fine) / len(fine)]


@torch.inference_mode()
def known(model: MultimodalVAE, data: EvaluationData) -> tuple[float, float]:
    """Latent accuracy from all views, and nats that a private part says of its view."""
    everyone = tuple(range(len(model.modalities)))
    (x, y), (test, truth) = some(data.train, KNOWN), some(data.test, ITEMS)
    experts: UnimodalPosteriors = model.experts(x)
    probe = fitted(shared_means(model, experts, everyone), y)
    said = torch.from_numpy(probe.predict(shared_means(model, model.experts(test), everyone).numpy()))
    nats = [(experts.loc[m, :, part].square() + experts.scale[m, :, part].square() - 1) / 2
            - experts.scale[m, :, part].log() for m in everyone for part in [model.private_part(m)]]
    return float((said == truth).double().mean()), float(torch.stack(nats).sum(-1).mean())


def rows_of(name: str, seed: int, folder: Path, data: EvaluationData) -> list[dict[str, Any]]:
    """A row for each way to draw private parts."""
    model = trained(name, seed, folder)
    config = read_checkpoint(place_of(name, seed, folder)).config
    minutes = config["cpu_seconds"] / 60
    accuracy, nats = known(model, data)
    draws = private_draws(model, data.train)
    ways: dict[str, str | DrawsPrivate] = {"at 0": ZERO, "from the prior": PRIOR} if draws else {"none": ZERO}
    if draws:
        ways |= {f"given shared, {kind}": PRIVATE_SAMPLERS[kind].fitted(draws) for kind in private_samplers()}
    steps = config["settings"]["steps"]
    found = []
    for way, private in ways.items():
        figures = [name, steps, seed, way, *measured(model, data, private), accuracy, nats, minutes]
        found.append(dict(zip(COLUMNS, figures, strict=True)))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and measure what is not in the file of results, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--folder", type=Path, default=Path("runs/private-latents"), help="where models are trained")
    parser.add_argument("--json", type=Path, metavar="FILE", default=FILE)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    data = EvaluationData("polymnist", checkpoints_root())
    rows = list(read_json(options.json)["rows"]) if options.json.is_file() else []
    for name in options.only:
        for seed in options.seeds:
            if not any((row["variant"], row["seed"]) == (name, seed) for row in rows):
                rows += rows_of(name, seed, options.folder, data)
                write_json(options.json, {
                    "title": "Variants of private latents", "command": "python -m benchmarks.private_latents",
                    "columns": list(COLUMNS), "rows": rows})
    print(markdown(read_json(options.json)))


if __name__ == "__main__":
    main()
