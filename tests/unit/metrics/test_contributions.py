"""Who says what and which views do not fit, on cases whose answer is known."""

import csv
import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

import bvae
from bvae.aggregators.comparison import wasserstein_spread
from bvae.cli import main
from bvae.data.base import Modality
from bvae.data.columns import Column
from bvae.data.own.own_data import OwnData
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.metrics.base import all_experts
from bvae.metrics.contributions import contributions
from bvae.metrics.misfit import misfit

N, D = 400, 3


def columns(name, count):
    return tuple(Column(f"{name}{k}", "number") for k in range(count))


@pytest.fixture
def linear(monkeypatch):
    """Two tables that are linear in z, a model that decodes them rightly, and beliefs that know z; weights (D, P)."""
    g = torch.Generator().manual_seed(0)
    z = torch.randn(N, D, generator=g) * torch.tensor([1.0, 2.0, 0.5])
    weights = {"a": torch.tensor([[1.0, 3.0], [2.0, 0.0], [0.0, 0.0]]), "b": torch.tensor([[0.0], [0.0], [100.0]])}
    modalities = [Modality(n, "vector", w.shape[1:], columns=columns(n, w.shape[1])) for n, w in weights.items()]
    model = bvae.MultimodalVAE(modalities, bvae.aggregator("poe"), bvae.ModelConfig(latent_dim=D, width=4)).eval()
    monkeypatch.setattr(model, "decode", lambda z, targets: {n: z @ weights[n] for n in targets})
    data = OwnData("linear", modalities, {n: z @ w for n, w in weights.items()})
    experts = UnimodalPosteriors(z.expand(2, N, D), torch.ones(2, N, D), torch.ones(2, N, dtype=torch.bool))
    return model, data, experts, z, weights


def test_a_dimension_explains_its_part_of_the_variance_whatever_the_units(linear):
    model, data, experts, z, weights = linear
    found = contributions(model, data, experts=experts)
    torch.testing.assert_close(found.total, torch.ones(2), atol=1e-5, rtol=0)
    for m, (name, w) in enumerate(weights.items()):
        part = w.square() * z.var(0, correction=0).unsqueeze(1) / data.x[name].var(0, correction=0)  # (D, P)
        torch.testing.assert_close(found.explained[:, m], part.mean(1), atol=1e-4, rtol=0)
    assert found.explained[2, 1].item() == pytest.approx(1, abs=1e-5)
    assert found.active.tolist() == [True, True, True]


def test_the_share_in_the_joint_belief_is_how_far_it_moves_without_the_view(linear):
    model, data, experts, *_ = linear
    loc, scale = torch.zeros(2, N, D), torch.ones(2, N, D)
    loc[0, :, 0], scale[0] = 3.0, 0.5  # precisions 4 and 1: the joint belief lies at 2.4, with a variance of 1 / 5
    experts = experts._replace(loc=loc, scale=scale, present=experts.present.clone())
    experts.present[1, :7] = False
    found = contributions(model, data, most=50, experts=experts)
    joint, a, b = (torch.tensor([mean, 0.0, 0.0]) for mean in (2.4, 3.0, 0.0))
    moved = [math.sqrt(float((joint - other).square().sum()) + D * (math.sqrt(0.2) - width) ** 2)
             for other, width in ((b, 1.0), (a, 0.5))]
    assert found.shares.tolist() == pytest.approx([moved[0] / sum(moved), moved[1] / sum(moved)], abs=1e-5)
    assert bool(found.per_item[:, :7].isnan().all())  # an item of one view: nobody else can be asked
    assert not bool(found.per_item[:, 7:].isnan().any())


def test_views_that_say_the_same_have_no_shares(linear):
    model, data, experts, *_ = linear
    wb = bvae.MultimodalVAE(model.modalities.values(), bvae.aggregator("wasserstein"), model.config).eval()
    assert bool(contributions(wb, data, most=9, experts=experts).shares.isnan().all())


def test_misfit_is_the_ratio_of_densities():
    g = torch.Generator().manual_seed(0)
    r, count = 0.8, 20_000
    a = torch.randn(count, generator=g)
    b = r * a + math.sqrt(1 - r**2) * torch.randn(count, generator=g)
    loc = torch.stack([5 + 3 * a, -b]).unsqueeze(-1)  # where a view lies, and in which units, is nothing that it says
    experts = UnimodalPosteriors(loc, torch.ones_like(loc), torch.ones(2, count, dtype=torch.bool))
    both = MultivariateNormal(torch.zeros(2), torch.tensor([[1, r], [r, 1.0]])).log_prob(torch.stack([a, b], 1))
    alone = Normal(0.0, 1.0).log_prob(a) + Normal(0.0, 1.0).log_prob(b)
    found = misfit(experts, 1)
    torch.testing.assert_close(found.of_view, (alone - both).expand(2, count), atol=0.15, rtol=0.03)
    assert found.worst(3) == (alone - both).argsort(descending=True)[:3].tolist()


def test_what_shares_nothing_does_not_misfit():
    loc = torch.randn(3, 100, 6, generator=torch.Generator().manual_seed(3))
    loc[2] = 0.0  # a view that says the same of all items
    experts = UnimodalPosteriors(loc, torch.ones_like(loc), torch.ones(3, 100, dtype=torch.bool))
    few = UnimodalPosteriors(*(v[:, :5] for v in experts))
    assert not misfit(experts, 6).tells
    assert not misfit(few, 6).tells
    assert misfit(few, 6).worst(3) == []


def test_mixed_up_views_are_found_and_named():
    """Among real beliefs, where the distance between them does not find them."""
    model, data = bvae.load("mnist-svhn-text", "mwb-vae"), bvae.dataset("mnist-svhn-text", split="test")
    with torch.no_grad():
        experts = all_experts(model, data)
    mixed = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:50]
    other = mixed.roll(7)
    loc, present = experts.loc.clone(), experts.present.clone()
    loc[1, mixed] = experts.loc[1, other]
    present[0, ::10] = False
    mixed = mixed[data.y[mixed] != data.y[other]]  # of the same class, it may fit
    changed = experts._replace(loc=loc, present=present)
    found = misfit(changed, model.shared_dim)
    right = torch.ones(len(data), dtype=torch.bool)
    right[mixed] = False

    def auc(score):
        return float((score[mixed].unsqueeze(1) > score[right]).float().mean())

    assert auc(found.of_item) > 0.93
    assert auc(wasserstein_spread(loc, experts.scale, present)) < 0.8
    assert float((found.of_item[right] < 0).float().mean()) > 0.9
    named = [found.view(int(i)) == 1 for i in mixed if bool(present[0, i])]
    assert sum(named) / len(named) > 0.7
    assert bool(found.of_view[0, ::10].isnan().all())


def test_the_command_writes_both_tables(tmp_path, capsys):
    to = tmp_path / "who.csv"
    assert main(["contributions", "mnist-svhn-text", "mwb-vae-2d", "--most", "40", "--to", str(to)]) == 0
    said = capsys.readouterr().out
    assert "in the joint posterior" in said
    assert "2 of 2 latent dimensions are active\n" in said
    with to.open() as file:
        rows = list(csv.DictReader(file))
    assert [r["modality"] for r in rows] == ["mnist", "svhn", "text"]
    assert sum(float(r["share_of_joint"]) for r in rows) == pytest.approx(1, abs=1e-5)
    model, data = bvae.load("mnist-svhn-text", "mwb-vae-2d"), bvae.dataset("mnist-svhn-text", split="test")
    found = contributions(model, data, 40)
    assert [float(r["z2"]) for r in rows] == pytest.approx(found.explained[1].tolist(), abs=1e-5)
    with (tmp_path / "who-items.csv").open() as file:
        items = list(csv.DictReader(file))
    assert len(items) == len(data)
    worst = max(items, key=lambda r: float(r["misfit"]))
    assert f"item {worst['id']}, class " in said.split("would fit better):\n")[1].split("\n")[0]
    assert worst["fits_least"] in ("mnist", "svhn", "text")


@pytest.mark.parametrize(("more", "message"), [
    (["nobody"], "no checkpoint 'nobody'"),
    (["mwb-vae-2d", "--items", "x"], "--items: expected a folder as the data set"),
    (["mwb-vae-2d", "--most", "9", "--to", "x.pkl"], "expected a file that ends with"),
])
def test_the_command_says_what_is_wrong(more, message, capsys):
    assert main(["contributions", "mnist-svhn-text", *more]) == 1
    assert message in capsys.readouterr().err
