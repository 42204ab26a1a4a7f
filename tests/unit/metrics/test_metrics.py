"""Metrics on models whose right answer is known."""

import pytest
import torch
from torch import nn

import bvae
from bvae.aggregators import aggregator
from bvae.metrics import CATALOG, METRICS, EvaluationData, by_number_of_views, evaluate, summary
from bvae.metrics.base import all_experts, all_subsets, posterior_of
from bvae.metrics.classifiers import Classifiers, soften
from bvae.metrics.missing import right_of_missing
from tests.support.known import Data, Known, Reads, Shows


@pytest.fixture
def known(tmp_path):
    """A model of which only modality "a" sees the class, and the data for it."""
    data = EvaluationData("polymnist", tmp_path)
    data.__dict__.update(train=Data(0), test=Data(1), judges=Classifiers({n: Reads() for n in "abc"}),
                         sharp_judges=Classifiers())
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


def test_missing_modalities_of_a_model_that_reads_one_view_only(known):
    """What it should say follows from the holes: right where "a" is there, else one class, or chance."""
    _, data = known
    metrics = evaluate(*known, names=["missing"])
    assert list(metrics) == ["latent_accuracy_missing", "coherence_missing"]
    assert list(metrics["latent_accuracy_missing"]) == ["0", "20", "50"]
    assert list(metrics["coherence_missing"]) == ["20", "50"]
    assert metrics["latent_accuracy_missing"]["0"] == {"mean": 1.0, "se": 0.0}
    seed = int(torch.randint(2**31, (), generator=torch.Generator().manual_seed(0)))
    for percent in (20, 50):
        observed = data.test.observed(percent / 100, seed)
        # Without "a" the mean is the origin: the probe says some class, the same one for all of these items.
        at_origin = [(observed[0] | (data.test.y == k)).double().mean().item() for k in range(10)]
        accuracy = metrics["latent_accuracy_missing"][str(percent)]["mean"]
        assert any(accuracy == pytest.approx(value, abs=1e-6) for value in at_origin)
        # Generations: without "a" z is at the origin, where all classes are as likely.
        sees = observed[0, ~observed.all(0)].double().mean().item()
        assert metrics["coherence_missing"][str(percent)]["mean"] == pytest.approx(sees + 0.1 * (1 - sees), abs=0.06)
    assert metrics == evaluate(*known, names=["missing"])


def test_coherence_of_what_is_missing_is_averaged_item_by_item(known):
    """Item 0 misses two views, item 1 one, item 2 none; z shows the class of item 0 and a wrong one for item 1."""
    model, data = known
    wrong = (data.test.y + 1) % 10
    z = torch.zeros(200, 10)
    z[0, data.test.y[0]] = z[1, wrong[1]] = z[2, wrong[2]] = 20.0
    holes = torch.zeros(3, 200, dtype=torch.bool)
    holes[1:, 0] = holes[0, 1] = True
    assert right_of_missing(model, data, z, holes).tolist() == [1.0, 0.0]


def test_one_pass_with_a_mask_equals_item_by_item(tiny_model):
    """Mixtures over subsets: the component of each item's own observed subset."""
    model, x = tiny_model
    experts = model.experts(x)
    observed = torch.tensor([[1, 0, 1, 0, 1], [1, 1, 0, 0, 1], [0, 1, 1, 1, 1]], dtype=torch.bool)
    q = model.aggregate(experts._replace(present=observed), model.aggregator.conditional())
    for n in range(5):
        members = tuple(observed[:, n].nonzero().flatten().tolist())
        alone = posterior_of(model, experts, members)
        torch.testing.assert_close(q.loc[:, n], alone.loc[:, n])
        torch.testing.assert_close(q.scale[:, n], alone.scale[:, n])


def test_keys_of_figures_are_read_as_what_they_are():
    assert CATALOG["coherence"].of("1") == "1 view"
    assert CATALOG["coherence"].of("4") == "4 views"
    assert CATALOG["coherence_missing"].of("20") == "20 % missing"
    assert CATALOG["recall"].of("m1") == "m1"


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


def test_private_latents_enter_no_figure_about_what_a_latent_space_tells(known):
    """A model with private latents that know the class, and shared ones that know nothing: chance everywhere."""
    _, data = known
    model = bvae.MultimodalVAE(data.test.modalities.values(), aggregator("moe"),
                               bvae.ModelConfig(4, 4, private_dim=10, auxiliary_prior=True))
    for n in "abc":
        model.encoders[n], model.decoders[n] = Private(), ShowsFirst()
    attributes = torch.nn.functional.one_hot(data.test.y, 10).bool()
    data.test.attributes, data.train.attributes = attributes, torch.nn.functional.one_hot(data.train.y, 10).bool()
    names = [n for n in METRICS if n in ("latent_accuracy", "latent_accuracy_one_probe", "latent_accuracy_drawn",
                                         "latent_average_precision", "missing")]
    figures = evaluate(model, data, names=names)
    shown = {key: figures[key] for key in figures if key.startswith("latent")}
    assert len(shown) == 6
    for key, by in shown.items():
        assert all(point["mean"] < 0.2 for point in by.values()), key


class ShowsFirst(Shows):
    """:class:`Shows` of the first ten latents."""

    def forward(self, z):
        return super().forward(z[:, :10])


class Private(nn.Module):
    """Four shared means that are 0, ten private ones that show the class."""

    def forward(self, x):
        loc = torch.cat([torch.zeros(len(x), 4), x[:, 0, 0, :10] * 20], 1)
        return torch.cat([loc, torch.full_like(loc, -20.0)], dim=1)


def test_a_drawn_expert_knows_what_one_expert_knows_and_a_mean_what_all_know(known):
    """Of three experts one sees the class: the mean of the mixture tells it always, a drawn one in one of three."""
    _, data = known
    model = bvae.MultimodalVAE(data.test.modalities.values(), aggregator("moe"), bvae.ModelConfig(10, 4))
    for n in "abc":
        model.encoders[n], model.decoders[n] = Known(sees=n == "a"), Shows()
    figures = evaluate(model, data, names=["latent_accuracy", "latent_accuracy_drawn", "latent_accuracy_one_probe"])
    assert figures["latent_accuracy"]["3"]["mean"] == 1
    for key in ("latent_accuracy_drawn", "latent_accuracy_one_probe_drawn"):
        # A third sees; of the others one class is guessed, or, among a tenth of the items, rightly.
        assert figures[key]["3"]["mean"] == pytest.approx(1 / 3 + 2 / 3 * 0.1, abs=0.1)
    single = bvae.MultimodalVAE(data.test.modalities.values(), aggregator("wasserstein"), bvae.ModelConfig(10, 4))
    for n in "abc":
        single.encoders[n], single.decoders[n] = model.encoders[n], model.decoders[n]
    figures = evaluate(single, data, names=["latent_accuracy", "latent_accuracy_drawn", "latent_accuracy_one_probe"])
    assert figures["latent_accuracy_drawn"] == figures["latent_accuracy"]
    assert figures["latent_accuracy_one_probe_drawn"] == figures["latent_accuracy_one_probe"]
