"""Early stopping: which items are kept, when a training ends, which state it leaves, and how it goes on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import bvae
from bvae.training import Settings
from bvae.training.callbacks import Callback
from bvae.training.checkpoint import read_validation
from bvae.training.loop import TrainingStopped, train
from bvae.training.validation import KeepBest, held_out
from tests.support.training import stop_after


def noise(count=60):
    """Few items of many columns without any structure: what is learned from them is learned by heart."""
    g = np.random.default_rng(0)
    return bvae.from_arrays({"a": g.normal(size=(count, 20)), "b": g.normal(size=(count, 10))},
                            ids=[f"i{k}" for k in range(count)])


def settings(**changes):
    return Settings.for_method("own", "mwb-vae", **{
        "steps": 400, "batch_size": 16, "latent_dim": 8, "width": 32, "learning_rate": 5e-3, "beta": 0.2,
        "warmup_steps": 5, "validation": 0.3, "precision": "32-true", "patience": 120, **changes})


class Watch(Callback):
    """Keeps the `KeepBest` of a training, and the weights at each step that it looked."""

    def __init__(self):
        self.seen = {}

    def on_start(self, run):
        self.best = next(c for c in run.callbacks if isinstance(c, KeepBest))

    def on_step(self, run):
        self.seen[run.step] = {k: v.clone() for k, v in run.model.state_dict().items()}

    def on_end(self, run, error):
        self.last = run.step


def test_the_items_kept_follow_from_their_ids():
    data = noise(200)
    train_items, kept = held_out(data, 0.25)
    assert len(kept) == pytest.approx(50, abs=1)
    assert sorted([*train_items.ids, *kept.ids]) == sorted(data.ids)
    turned = data.rows(np.arange(200)[::-1])
    assert set(held_out(turned, 0.25)[1].ids) == set(kept.ids)
    with pytest.raises(ValueError, match="use --validation 0"):
        held_out(data.rows([0]), 0.2)
    with pytest.raises(ValueError, match="expected own data"):
        held_out(bvae.dataset("polymnist", "test"), 0.2)


def test_a_training_that_gets_no_better_ends_and_leaves_its_best_state(tmp_path):
    watch = Watch()
    model = train(settings(), tmp_path, progress=False, data=noise(), callbacks=[watch])
    best = watch.best
    assert watch.last < 400
    steps, losses = zip(*best.losses, strict=True)
    assert best.best_step == steps[int(np.argmin(losses))]
    assert best.best_step < watch.last
    assert losses[-1] > min(losses)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, watch.seen[best.best_step][name])
    assert any(not torch.equal(v, watch.seen[watch.last][k]) for k, v in model.state_dict().items())
    written = read_validation(tmp_path)  # beside the history, for whoever looks at it later
    assert [step for step, _ in written] == list(steps)
    assert [loss for _, loss in written] == pytest.approx(list(losses), rel=1e-5)
    train(settings(validation=0.0, steps=2), tmp_path, progress=False, data=noise())
    assert read_validation(tmp_path) == []


def test_a_training_that_gets_better_goes_to_its_end(tmp_path):
    g = np.random.default_rng(0)
    z = g.normal(size=(120, 1))
    data = bvae.from_arrays({"a": z + 0.1 * g.normal(size=(120, 4)), "b": -z + 0.1 * g.normal(size=(120, 3))})
    watch = Watch()
    train(settings(steps=120, beta=1.0, latent_dim=2), tmp_path, progress=False, data=data, callbacks=[watch])
    assert watch.last == 120
    assert watch.best.losses[-1][1] < watch.best.losses[0][1]


def test_stopped_after_its_best_step_and_resumed_it_leaves_the_same_model(tmp_path):
    """What was best before the stop is not forgotten: the same steps, the same state."""
    whole = Watch()
    expected = train(settings(), tmp_path / "whole", progress=False, data=noise(), callbacks=[whole])
    at = (whole.best.best_step + whole.last) // 2
    with pytest.raises(TrainingStopped):
        train(settings(), tmp_path / "parts", progress=False, data=noise(), callbacks=[stop_after(at)])
    rest = Watch()
    model = train(settings(), tmp_path / "parts", progress=False, data=noise(), resume=True, callbacks=[rest])
    assert rest.best.losses == whole.best.losses
    assert rest.best.best_step == whole.best.best_step < at
    assert rest.last == whole.last
    for name, value in model.state_dict().items():
        assert torch.equal(value, expected.state_dict()[name])
