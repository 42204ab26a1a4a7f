"""Metrics on models whose right answer is known."""

import pytest
import torch
from torch import nn

import bvae
from bvae.aggregators import aggregator
from bvae.metrics import EvaluationData, by_number_of_views, evaluate, summary
from bvae.metrics.base import all_experts, all_subsets, posterior_of
from bvae.metrics.classifiers import Classifiers, soften


class Known(nn.Module):
    """An encoder that reads the class from the first pixels, or sees nothing."""

    def __init__(self, sees: bool):
        super().__init__()
        self.sees = sees

    def forward(self, x):
        loc = x[:, 0, 0, :10] * 20 if self.sees else torch.zeros(len(x), 10)
        return torch.cat([loc, torch.full_like(loc, -20.0)], dim=1)  # softplus(-20): no spread


class Shows(nn.Module):
    """A decoder that writes z into the first pixels."""

    def forward(self, z):
        x = torch.zeros(len(z), 1, 12, 12)
        x[:, 0, 0, :10] = (z / 20).clamp(0, 1)
        return x


class Reads(nn.Module):
    """A judge that reads the class from the first pixels."""

    def forward(self, x):
        return x[:, 0, 0, :10] * 50

    def features(self, x):
        return x.flatten(1)


class Data:
    name, num_classes = "known", 10

    def __init__(self, seed):
        g = torch.Generator().manual_seed(seed)
        self.y = torch.randint(10, (200,), generator=g)
        self.modalities = {n: bvae.Modality(n, "image", (1, 12, 12)) for n in ("a", "b", "c")}
        self.x = {n: torch.zeros(200, 1, 12, 12) for n in self.modalities}
        for values in self.x.values():
            values[torch.arange(200), 0, 0, self.y] = 1.0

    def __len__(self):
        return 200

    def subset(self, index):
        return {n: v[index] for n, v in self.x.items()}


@pytest.fixture
def known(tmp_path):
    """A model of which only modality "a" sees the class, and the data for it."""
    data = EvaluationData("polymnist", tmp_path)
    data.__dict__.update(train=Data(0), test=Data(1), judges=Classifiers({n: Reads() for n in "abc"}))
    model = bvae.MultimodalVAE(data.test.modalities.values(), aggregator("poe"), bvae.ModelConfig(10, 4))
    for n in "abc":
        model.encoders[n], model.decoders[n] = Known(sees=n == "a"), Shows()
    return model, data


def test_figures_of_a_model_that_reads_one_view_only(known):
    metrics = evaluate(*known)
    chance = 0.1
    # One view: subset {a} is always right, {b} and {c} say class 0 always.
    share = (known[1].test.y == 0).float().mean().item()
    assert metrics["coherence"]["1"]["mean"] == pytest.approx((1 + 2 * share) / 3, abs=0.02)
    # Two views: {a, b} and {a, c} are right, {b, c} is not.
    assert metrics["coherence"]["2"]["mean"] == pytest.approx((2 + share) / 3, abs=0.02)
    assert metrics["latent_accuracy"]["3"]["mean"] == 1
    assert metrics["latent_accuracy"]["1"]["mean"] == pytest.approx((1 + 2 * chance) / 3, abs=0.08)
    assert metrics["joint_coherence"]["mean"] == 1  # all decoders show the same z


def test_metrics_do_not_depend_on_which_others_are_computed(known):
    alone = evaluate(*known, names=["coherence"])
    assert alone["coherence"] == evaluate(*known)["coherence"]


def test_standard_errors():
    hits = torch.tensor([1.0, 0, 0, 1, 1, 1, 0, 1])
    figure = summary(hits)
    assert figure["mean"] == pytest.approx(0.625)
    assert figure["se"] == pytest.approx(hits.std().item() / 8**0.5, abs=1e-6)
    grouped = by_number_of_views({(0,): hits, (1,): 1 - hits, (0, 1): hits})
    assert grouped["1"] == {"mean": 0.5, "se": 0.0}  # item by item the two subsets average to one half
    assert grouped["2"] == figure


def test_posteriors_of_subsets(tiny_model):
    model, x = tiny_model
    experts = model.experts(x)
    assert all_subsets(3) == [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]
    q = posterior_of(model, experts, (0, 2))
    torch.testing.assert_close(q.loc[0], experts.loc[[0, 2]].mean(0))
    assert q.num_components == 1


def test_experts_in_batches_are_the_same(tiny_model):
    model, x = tiny_model

    class Five(Data):
        def __init__(self):
            self.x, self.y = x, torch.zeros(5)

        def __len__(self):
            return 5

    whole, parts = model.experts(x), all_experts(model, Five(), batch_size=2)
    torch.testing.assert_close(whole.loc, parts.loc)
    assert torch.equal(whole.present, parts.present)


def test_soften_keeps_half_and_the_range(generator):
    x = torch.rand(400, 3, 28, 28, generator=generator)
    soft = soften(x, generator)
    kept = (soft == x).flatten(1).all(1).float().mean()
    assert 0.4 < kept < 0.6
    assert soft.min() >= 0
    assert soft.max() <= 1
