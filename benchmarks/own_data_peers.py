"""Peers of `benchmarks.own_data`, run by the interpreter of their own environment: ``python own_data_peers.py FOLDER``.

Reads ``job.json`` and ``in.npz`` (standardised views, NaN where missing; for totalVI the data themselves) and writes
``out.npz`` and ``facts.json``. Nothing of this project is imported but what makes torchvision importable.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

DRAWS = 32
Views = list[np.ndarray]
Out = dict[str, np.ndarray]


def have(view: np.ndarray) -> np.ndarray:
    """Which items have a view, (N,) bool."""
    return ~np.isnan(view).all(1)


def load_torchvision() -> None:
    """Import torchvision, which MultiVae and scvi-tools want, beside a PyTorch of another build too."""
    path = Path(__file__).parents[1] / "bvae" / "data" / "_torchvision.py"  # a file that needs PyTorch alone
    spec = importlib.util.spec_from_file_location("_torchvision", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.torchvision()


def asked_for(job: dict[str, Any]) -> list[tuple[int, list[int], list[int]]]:
    """Number of a set, its members, and the others."""
    return [(k, members, [m for m in range(job["views"]) if m not in members]) for k, members in enumerate(job["sets"])]


def mofa(job: dict[str, Any], train: Views, test: Views) -> tuple[Out, float]:
    """MOFA+, Gaussian views, on what is there. It has no way to project new items: its weights and noise go back, and
    new items get the exact posterior of that linear model, which is kinder than a fit with them inside."""
    from mofapy2.run.entry_point import entry_point

    begun = time.process_time()
    model = entry_point()
    model.set_data_options(scale_views=False, scale_groups=False, center_groups=False)
    model.set_data_matrix([[view] for view in train], likelihoods=["gaussian"] * len(train))
    model.set_model_options(factors=job["latent_dim"], spikeslab_weights=False, ard_weights=True)
    model.set_train_options(iter=5 if job["quick"] else 500, convergence_mode="fast", seed=1, verbose=False, quiet=True)
    model.build()
    model.run()
    took = time.process_time() - begun
    found = model.model.getExpectations()
    out = {}
    for m, view in enumerate(train):
        w = found["W"][m]["E"] if isinstance(found["W"][m], dict) else found["W"][m]
        z = found["Z"]["E"] if isinstance(found["Z"], dict) else found["Z"]
        rows = have(view)
        out[f"w{m}"] = np.asarray(w)
        tau = found["Tau"][m]["E"] if isinstance(found["Tau"][m], dict) else found["Tau"][m]
        out[f"noise{m}"] = 1 / np.asarray(tau)[rows].mean(0)
        out[f"z{m}"] = np.asarray(z)[:1]
    return out, took


def multivae(kind: str) -> Callable[[dict[str, Any], Views, Views], tuple[Out, float]]:
    """MultiVae's model of a name, with our networks, sizes, steps, weights and learning rates, and normal densities."""

    def run(job: dict[str, Any], train: Views, test: Views) -> tuple[Out, float]:
        import torch
        import torch.nn.functional as F
        load_torchvision()
        from multivae.data.datasets.base import IncompleteDataset, MultimodalBaseDataset
        from multivae.models import MVTCAE, MoPoE, MoPoEConfig, MVTCAEConfig
        from multivae.trainers import BaseTrainer, BaseTrainerConfig
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn.base_architectures import BaseDecoder, BaseEncoder
        from torch import nn

        torch.set_num_threads(1)
        torch.manual_seed(0)
        d, hidden, scale = job["latent_dim"], job["hidden"], 0.6

        class Perceptron(nn.Module):
            def __init__(self, before: int, after: int) -> None:
                super().__init__()
                self.net = nn.Sequential(nn.Linear(before, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(),
                                         nn.Linear(hidden, after))
                self.straight = nn.Linear(before, after, bias=False)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.net(x) + self.straight(x)

        class Encoder(BaseEncoder):
            def __init__(self, columns: int) -> None:
                super().__init__()
                self.latent_dim, self.net = d, Perceptron(columns, 2 * d)

            def forward(self, x: torch.Tensor) -> ModelOutput:
                loc, raw = self.net(x).chunk(2, 1)
                return ModelOutput(embedding=loc, log_covariance=2 * (F.softplus(raw - 2) + 1e-4).log())

        class Decoder(BaseDecoder):
            def __init__(self, columns: int) -> None:
                super().__init__()
                self.latent_dim, self.net = d, Perceptron(d, columns)

            def forward(self, z: torch.Tensor) -> ModelOutput:
                return ModelOutput(reconstruction=self.net(z))

        names = [f"v{m}" for m in range(job["views"])]
        widths = {n: v.shape[1] for n, v in zip(names, train, strict=True)}
        tensors = {n: torch.from_numpy(np.nan_to_num(v)).float() for n, v in zip(names, train, strict=True)}
        masks = {n: torch.from_numpy(have(v)) for n, v in zip(names, train, strict=True)}
        complete = all(bool(mask.all()) for mask in masks.values())
        data = MultimodalBaseDataset(tensors) if complete else IncompleteDataset(tensors, masks)
        common = {"n_modalities": len(names), "latent_dim": d, "input_dims": {n: (w,) for n, w in widths.items()},
                  "beta": job["beta"], "decoders_dist": dict.fromkeys(names, "normal"),
                  "decoder_dist_params": {n: {"scale": scale} for n in names}, "uses_likelihood_rescaling": True,
                  "rescale_factors": dict(zip(names, job["weights"], strict=True))}
        make = {"mopoe": (MoPoE, MoPoEConfig), "mvtcae": (MVTCAE, MVTCAEConfig)}[kind]
        model = make[0](make[1](**common), {n: Encoder(w) for n, w in widths.items()},
                        {n: Decoder(w) for n, w in widths.items()})
        epochs = max(1, round(job["steps"] * job["batch"] / len(train[0])))
        options = BaseTrainerConfig(
            output_dir=str(Path(sys.argv[1]) / "multivae"), num_epochs=epochs, learning_rate=job["learning_rate"],
            per_device_train_batch_size=job["batch"], optimizer_cls="AdamW", scheduler_cls="LinearLR", no_cuda=True,
            scheduler_params={"start_factor": 1.0, "end_factor": 0.05, "total_iters": epochs})
        begun = time.process_time()
        BaseTrainer(model, data, training_config=options).train()
        took = time.process_time() - begun
        model.eval()
        out: Out = {}
        with torch.no_grad():
            for k, members, rest in asked_for(job):
                for part, views in (("train", train), ("test", test)):
                    out[f"{part}{k}"] = latent(model, kind, names, views, members)[0]
                mean, deviation = latent(model, kind, names, test, members)
                z = torch.from_numpy(mean + deviation * np.random.default_rng(0).normal(size=(DRAWS, 1, d))).float()
                for m in rest:
                    said = model.decoders[names[m]](z.flatten(0, 1)).reconstruction.unflatten(0, z.shape[:2])
                    out[f"mean{k}_{m}"] = said.mean(0).double().numpy()
                    out[f"deviation{k}_{m}"] = (said.var(0) + scale**2).sqrt().double().numpy()
        return out, took

    return run


def latent(model: Any, kind: str, names: list[str], views: Views, members: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations of the product over the members that an item has, as `encode` of MultiVae makes it:
    in MoPoE with the prior as one more expert where all views are there."""
    import torch

    precision = torch.zeros(len(views[0]), model.latent_dim)
    weighed = torch.zeros_like(precision)
    count = torch.zeros(len(precision))
    for m in members:
        there = torch.from_numpy(have(views[m]))
        said = model.encoders[names[m]](torch.from_numpy(np.nan_to_num(views[m])).float())
        own = there[:, None] / said.log_covariance.exp()
        precision, weighed, count = precision + own, weighed + own * said.embedding, count + there
    prior = (count == 0) | ((count == len(names)) & (kind == "mopoe"))
    precision = precision + prior[:, None]
    return (weighed / precision).double().numpy(), precision.rsqrt().double().numpy()


def totalvi(job: dict[str, Any], train: Views, test: Views) -> tuple[Out, float]:
    """totalVI: counts, and proteins as counts too, exp(level) rounded; cells without proteins are another batch.

    It has no posterior without counts, so that only sets with the counts are answered by it; of the others the mean.
    """
    import anndata
    load_torchvision()
    import scvi

    scvi.settings.seed = 0
    rna, protein = (job["counts"].index(flag) for flag in (True, False))

    def cells(views: Views, members: list[int]) -> Any:
        counts, levels = views[rna], views[protein]
        there = have(levels) & (protein in members)
        data = anndata.AnnData(np.nan_to_num(counts) * (rna in members))
        data.obsm["protein"] = np.where(there[:, None], np.rint(np.exp(np.nan_to_num(levels))), 0.0)
        data.obs["batch"] = np.where(there, "with", "without")
        return data

    rows = have(train[rna])
    fitted = cells([v[rows] for v in train], [0, 1])
    begun = time.process_time()
    scvi.model.TOTALVI.setup_anndata(fitted, protein_expression_obsm_key="protein", batch_key="batch")
    model = scvi.model.TOTALVI(fitted, n_latent=job["latent_dim"])
    model.train(max_epochs=2 if job["quick"] else None, accelerator="cpu", enable_progress_bar=False)
    took = time.process_time() - begun
    out: Out = {}
    for k, members, _ in asked_for(job):
        for part, views in (("train", train), ("test", test)):
            data = cells(views, members)
            out[f"{part}{k}"] = np.asarray(model.get_latent_representation(data)) if rna in members else np.zeros(
                (len(data), job["latent_dim"]))
        if members == [rna]:
            said = model.get_normalized_expression(data, transform_batch="with", include_protein_background=True,
                                                   n_samples=DRAWS, return_mean=True)[1]
            out[f"mean{k}_{protein}"] = np.log(np.maximum(np.asarray(said, dtype=float), 1e-3))
    return out, took


RUN = {"mofa": mofa, "multivae-mopoe": multivae("mopoe"), "multivae-mvtcae": multivae("mvtcae"), "totalvi": totalvi}


def main() -> None:
    """Do what the folder asks for."""
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    with np.load(folder / "in.npz") as file:
        train, test = ([file[f"{part}{m}"] for m in range(job["views"])] for part in ("train", "test"))
    with contextlib.redirect_stdout(io.StringIO()):
        out, took = RUN[job["method"]](job, train, test)
    np.savez(folder / "out.npz", **out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if resource else float("nan")
    facts = {"seconds": took, "megabytes": peak}
    (folder / "facts.json").write_bytes(json.dumps(facts).encode())


if __name__ == "__main__":
    main()
