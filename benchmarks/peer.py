"""MultiVae beside us: the published PolyMNIST networks for both, and both as training steps.

The peer is optional and no requirement of this project. It brings many packages, one of which may replace torch, so it
is best kept in a folder of its own::

    pip install --target ../multivae --no-deps multivae pythae cloudpickle pydantic pydantic-core annotated-types \\
        typing-inspection nltk regex torchmetrics
    PYTHONPATH=../multivae python -m benchmarks.training
"""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

import bvae
from bvae.data import MultimodalDataset
from bvae.data.base import Batch
from bvae.gaussians.posterior import Posterior
from bvae.models.methods import METHODS
from bvae.models.networks import MIN_SCALE, NETWORKS, RAW_OFFSET, NetworkPair
from bvae.models.vae import MultimodalVAE
from bvae.training.checkpoint import build_model
from bvae.training.loop import Trainer, make_fabric
from bvae.training.memory import keep_memory
from bvae.training.settings import Settings

HOW_TO_INSTALL = "MultiVae is not installed, so it is not in the tables: see `benchmarks/peer.py` for how to get it."
PEERS = {"mvae": "MVAE", "mmvae": "MMVAE", "mmvae-dreg": "MMVAE", "mopoe-vae": "MoPoE", "mvtcae": "MVTCAE"}
"""Our methods -> the peer's class of the same method."""
PUBLISHED: dict[str, Any] = {"latent_dim": 512, "likelihood": "laplace", "likelihood_scale": 0.75, "beta": 2.5}
"""Settings of the published PolyMNIST models; `benchmarks.training --latent-dim` replaces the first."""
OWN: dict[str, Any] = {}
"""Settings of our side that are not its defaults; `--width` of the benchmarks adds one."""


def installed() -> bool:
    """Whether MultiVae can be imported."""
    return importlib.util.find_spec("multivae") is not None


# -- networks ----------------------------------------------------------------------------------------------------------


class Encoder(nn.Module):
    """(B, 3, 28, 28) -> (B, 2 D): 3 x Conv3x3 of stride 2 (32, 64, 128), Linear 2048 -> D, and two Linear D -> D."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        steps = [(nn.Conv2d(i, o, 3, stride=2, padding=1), nn.ReLU()) for i, o in ((3, 32), (32, 64), (64, 128))]
        self.trunk = nn.Sequential(*itertools.chain(*steps), nn.Flatten(), nn.Linear(2048, latent_dim), nn.ReLU())
        self.loc = nn.Linear(latent_dim, latent_dim, bias=False)
        self.raw = nn.Linear(latent_dim, latent_dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.trunk(x)
        return torch.cat([self.loc(hidden), self.raw(hidden)], 1)


class Decoder(nn.Module):
    """(B, D) -> (B, 3, 28, 28), not squashed: the encoder mirrored."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(latent_dim, 2048), nn.ReLU(), nn.Unflatten(1, (128, 4, 4)),
            nn.ConvTranspose2d(128, 64, 3, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(32, 3, 3, stride=2, padding=1, output_padding=1),
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.net(z).float()


class FromLogVariance(nn.Module):
    """An encoder whose second half means log variances, as the peer reads it, for a model of ours."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        loc, log_variance = self.net(x).chunk(2, 1)
        scale = ((0.5 * log_variance).exp() - MIN_SCALE).clamp_min(1e-6)
        return torch.cat([loc, scale + (-(-scale).expm1()).log() - RAW_OFFSET], 1)  # the inverse of softplus(raw - 2)


NETWORKS.register("published")(NetworkPair(Encoder, Decoder, accelerate=True))


def data_for(published: bool) -> MultimodalDataset:
    """Embedded PolyMNIST, for the published networks or for ours."""
    data = bvae.dataset("polymnist", split="train")
    if published:
        data.modalities = {n: dataclasses.replace(m, kind="published") for n, m in data.modalities.items()}
    return data


# -- both sides --------------------------------------------------------------------------------------------------------


class Ours:
    """Our training, as `bvae.training.loop` does it: the published networks at float32, or all defaults."""

    def __init__(self, method: str, published: bool, batch_size: int, steps: int = Settings.steps) -> None:
        changes = {**PUBLISHED, "precision": "32-true"} if published else OWN
        self.settings = Settings.for_method("polymnist", method, batch_size=batch_size, steps=steps, **changes)
        self.data = data_for(published)
        self.run = Trainer(self.settings, Path(), self.data, make_fabric(self.settings, "cpu"))
        self.run.step_module.train()
        keep_memory()  # these two as `train` does
        torch.set_flush_denormal(True)

    def step(self, batch: Batch) -> float:
        """One step; returns the loss."""
        loss = self.run.one_step(batch.x, batch.present)[0]
        self.run.step += 1
        self.run.remember()
        return float(loss)

    def batches(self) -> Iterator[Batch]:
        """Epoch after epoch, composed as in training."""
        s = self.settings
        for epoch in itertools.count():
            yield from self.data.epoch(epoch, s.batch_size, s.seed, self.run.crops)

    def model(self) -> MultimodalVAE:
        """The model, for metrics."""
        return self.run.model


class Theirs:
    """MultiVae's model, with the step and the loading of its trainer: Adam, float32, one item after the other."""

    def __init__(self, method: str, batch_size: int, learning_rate: float = 1e-3, nets: tuple | None = None) -> None:
        from bvae.data._torchvision import torchvision

        torchvision()  # MultiVae imports it; beside a CPU build of torch it needs the guard
        from multivae import models
        from multivae.models.base import BaseDecoder, BaseEncoder, ModelOutput

        class WrappedEncoder(BaseEncoder):
            def __init__(self, net: nn.Module) -> None:
                super().__init__()
                self.net, self.latent_dim = net, PUBLISHED["latent_dim"]

            def forward(self, x: Tensor):
                loc, log_variance = self.net(x).chunk(2, 1)
                return ModelOutput(embedding=loc, log_covariance=log_variance)

        class WrappedDecoder(BaseDecoder):
            def __init__(self, net: nn.Module) -> None:
                super().__init__()
                self.net, self.latent_dim = net, PUBLISHED["latent_dim"]

            def forward(self, z: Tensor):
                return ModelOutput(reconstruction=self.net(z))

        torch.manual_seed(0)
        self.method, self.batch_size, self.data = method, batch_size, data_for(True)
        names, d = list(self.data.modalities), PUBLISHED["latent_dim"]
        encoders, decoders = nets or ({n: Encoder((3, 28, 28), d, 0) for n in names},
                                      {n: Decoder((3, 28, 28), d, 0) for n in names})
        own = {"MVAE": {"warmup": 0, "k": 0, "beta": PUBLISHED["beta"]},
               "MMVAE": {"K": 1, "prior_and_posterior_dist": "normal", "learn_prior": False},
               "MoPoE": {"beta": PUBLISHED["beta"]}, "MVTCAE": {"alpha": 5 / 6, "beta": PUBLISHED["beta"]}}
        peer = PEERS[method]
        config = getattr(models, f"{peer}Config")(
            n_modalities=len(names), latent_dim=d, input_dims=dict.fromkeys(names, (3, 28, 28)),
            decoders_dist=dict.fromkeys(names, PUBLISHED["likelihood"]),
            decoder_dist_params={n: {"scale": PUBLISHED["likelihood_scale"]} for n in names}, **own[peer])
        self.peer = getattr(models, peer)(config, {n: WrappedEncoder(encoders[n]) for n in names},
                                          {n: WrappedDecoder(decoders[n]) for n in names})
        self.optimizer = torch.optim.Adam(self.peer.parameters(), lr=learning_rate)
        self.peer.train()

    def loss(self, x: dict[str, Tensor]) -> Tensor:
        """The peer's loss of a batch as it defines it."""
        from multivae.data.datasets.base import DatasetOutput

        x = {name: values.contiguous() for name, values in x.items()}  # its MoPoE takes no other layout
        return self.peer(DatasetOutput(data=x), epoch=1, dataset_size=len(self.data), uses_ddp=False,
                         batch_ratio=0.0).loss

    def step(self, batch: Batch) -> float:
        """One step as its trainer does it; returns the loss."""
        loss = self.loss(batch.x)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def batches(self) -> Iterator[Batch]:
        """Its own loading: items of a fixed view of the data, one by one, collated."""
        from multivae.data import MultimodalBaseDataset
        from torch.utils.data import DataLoader

        loader = DataLoader(MultimodalBaseDataset(self.data.x, self.data.y), self.batch_size, shuffle=True,
                            drop_last=True)
        while True:
            for items in loader:
                yield Batch(items["data"], torch.ones(len(items["data"]), self.batch_size, dtype=torch.bool),
                            items["labels"])

    def model(self) -> MultimodalVAE:
        """A model of ours that shares the peer's networks, for metrics."""
        settings = Settings.for_method("polymnist", self.method, **PUBLISHED)
        model = build_model(tuple(self.data.modalities.values()), settings)
        for name in model.modalities:
            model.encoders[name] = FromLogVariance(self.peer.encoders[name].net)
            model.decoders[name] = self.peer.decoders[name].net
        return model


# -- do the two losses agree? ------------------------------------------------------------------------------------------


def agreement(method: str, batch_size: int = 62) -> tuple[float, float]:
    """Our loss and the peer's, with the same weights, data, posteriors and no noise, a mean over the batch.

    Both read the second half of the encoders as log variances here, z is the mean of its component, and MoPoE's items
    are given to the subsets as the peer does it. The peer's MMVAE adds the items up and knows no beta: it is divided by
    B, and beta is 1 for both.
    """
    theirs = Theirs("mmvae" if method == "mmvae-dreg" else method, batch_size)
    settings = Settings.for_method("polymnist", method, **PUBLISHED)
    model, objective = theirs.model(), METHODS[method].objective
    single = PEERS[method] == "MMVAE"
    bound = bvae.models.objectives.objective(objective, beta=1.0 if single else settings.beta,
                                      **METHODS[method].objective_options)
    x = {n: v[:batch_size] for n, v in theirs.data.x.items()}

    def blocks(q: Posterior, generator: torch.Generator | None = None) -> Tensor:
        k, b = q.weights.shape
        return (torch.arange(b) // max(1, math.floor(b / k))).clamp_max(k - 1)

    def zeros(*shape: Any, generator: Any = None, **options: Any) -> Tensor:
        return torch.zeros(*shape, **options)

    with torch.no_grad():  # untrained networks say almost the same of every item: let them differ
        for encoder in model.encoders.values():
            encoder.net.loc.weight *= 10
            encoder.net.raw.weight *= 10
    with (mock.patch("torch.randn", zeros), mock.patch.object(Posterior, "stratified", blocks),
          mock.patch("torch.distributions.normal._standard_normal",
                     lambda shape, dtype, device: torch.zeros(shape, dtype=dtype, device=device))):
        ours = bound(model, x, torch.ones(len(x), batch_size, dtype=torch.bool), torch.Generator()).loss.mean()
        their_loss = theirs.loss(x) / (batch_size if single else 1)
    return ours.item(), their_loss.item()


