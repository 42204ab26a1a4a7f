"""Several processes that share a batch are one: the same noise, losses and weights."""

import json
import os
import socket
import subprocess
import sys

import pytest
import torch

from bvae.gaussians.posterior import Posterior
from bvae.gaussians.randomness import BatchGenerator, multinomial, normal
from bvae.io.storage import read_tensors_and_metadata
from tests.support import ROOT

METHODS = ("wb-vae", "mwb-vae", "mvae", "code-vae", "mmvae-dreg", "mmvae-plus", "mmvm-vae", "sum-pooling-vae")

SCRIPT = """
import sys, torch
from pathlib import Path
from lightning_fabric import Fabric
from bvae.training.loop import OnStep, TrainingStopped, train
from bvae.training.settings import Settings
folder, methods, devices = Path(sys.argv[1]), sys.argv[2].split(","), int(sys.argv[3])
torch.set_num_threads(1)

def stop(run):
    if run.step == 3:
        raise KeyboardInterrupt

for method in methods:
    settings = Settings.for_method("polymnist", method, steps=4, batch_size=11, width=4, latent_dim=4, warmup_steps=2,
                                   missing=0.3, precision="32-true")
    fabric = Fabric(accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto", precision="32-true")
    try:
        train(settings, folder / method, progress=False, fabric=fabric, callbacks=[OnStep(stop)])
    except TrainingStopped:
        pass
"""


def generators(world, items):
    out = []
    for rank in range(world):
        g = BatchGenerator()
        g.manual_seed(7)
        g.rank, g.world, g.items = rank, world, items
        out.append(g)
    return out


@pytest.mark.parametrize(("world", "items"), [(2, 11), (3, 7), (3, 3)])
def test_draws_of_all_processes_are_those_of_one(world, items):
    weights = torch.rand(4, 2 * items, generator=torch.Generator().manual_seed(1))
    q = Posterior(weights / weights.sum(0), torch.randn(4, 2 * items, 3), torch.ones(4, 2 * items, 3))
    rows = [torch.arange(2 * items).view(2, items)[:, rank::world].flatten() for rank in range(world)]  # two blocks
    for draw in (
        lambda q, g: normal((2, q.weights.shape[1], 3), 1, g, torch.float32, q.loc.device).transpose(0, 1),
        lambda q, g: q.stratified(g),
        lambda q, g: q.draw(g),
        lambda q, g: multinomial(q.weights, 5, g, replacement=True),
        lambda q, g: q.rsample((2,), g).transpose(0, 1),
    ):
        alone = draw(q, torch.Generator().manual_seed(7))
        for own, g in zip(rows, generators(world, items), strict=True):
            assert torch.equal(draw(q.items(own), g), alone[own])


def test_a_number_of_items_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="items: expected a multiple of the 4 of this process, got 6"):
        normal((6,), 0, generators(2, 7)[0], torch.float32, torch.device("cpu"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_two_processes_train_as_one(tmp_path):
    """In torchrun's environment, with gloo, an uneven batch of 11 and missing modalities; the states are compared."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    base = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    port = str(free_port())
    running = [subprocess.Popen([sys.executable, script, tmp_path / "one", ",".join(METHODS), "1"], env=base)]
    for rank in range(2):
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "GROUP_RANK": 0,
                 "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test"}
        running.append(subprocess.Popen([sys.executable, script, tmp_path / "two", ",".join(METHODS), "2"],
                                        env={**base, **{k: str(v) for k, v in place.items()}}))
    assert [process.wait(timeout=600) for process in running] == [0, 0, 0]
    for method in METHODS:
        (one, two), facts = zip(*(read_tensors_and_metadata(tmp_path / n / method / "training.safetensors")
                                  for n in ("one", "two")), strict=True)
        assert one.keys() == two.keys()
        for name in one:  # weights, both moments of the gradients, generators: each as a whole
            apart = (two[name].double() - one[name].double()).norm() / one[name].double().norm().clamp_min(1e-12)
            assert apart < 2e-5, f"{method}, {name}: {apart:.1e}"
        losses = [json.loads(fact["progress"])["sums"] for fact in facts]
        assert losses[0] == pytest.approx(losses[1], rel=1e-6)
