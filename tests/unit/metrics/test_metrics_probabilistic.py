"""Likelihood, calibration, distances and sample quality on models whose right answers are known."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal

import bvae
from bvae.aggregators import aggregator
from bvae.gaussians import diagonal
from bvae.gaussians.posterior import Posterior
from bvae.metrics import EvaluationData, evaluate, posteriors
from bvae.metrics.base import all_experts, posterior_of
from bvae.metrics.log_likelihood import averaged, log_weights
from bvae.metrics.posteriors import cumulative
from bvae.metrics.proposal import ModeProposal, at_the_mode
from bvae.metrics.samples import frechet, precision_and_recall
from bvae.models.likelihoods import likelihood_for

NOISE = 0.3
D, PIXELS = 2, 16


class Linear(nn.Module):
    """x = A z as an image of 4 x 4."""

    def __init__(self, a):
        super().__init__()
        self.a = a

    def forward(self, z):
        return (z @ self.a.T).view(-1, 1, 4, 4)


class Exact(nn.Module):
    """The exact posterior of a linear decoder with orthogonal columns, which is diagonal; optionally too sharp."""

    def __init__(self, a, factor=1.0):
        super().__init__()
        self.a, self.factor = a, factor

    def forward(self, x):
        precision = 1 + self.a.square().sum(0) / NOISE**2  # (D,)
        loc = x.flatten(1) @ self.a / NOISE**2 / precision
        scale = self.factor * precision.rsqrt()
        raw = torch.log(torch.expm1(scale - 1e-4)) + 2.0  # the inverse of bvae.models.networks.to_gaussian
        return torch.cat([loc, raw.expand_as(loc)], 1)


class Data:
    name, num_classes = "linear", 2

    def __init__(self, decoders, n, seed):
        g = torch.Generator().manual_seed(seed)
        z = torch.randn(n, D, generator=g)
        self.modalities = {name: bvae.Modality(name, "image", (1, 4, 4)) for name in decoders}
        self.x = {name: net(z) + NOISE * torch.randn(n, 1, 4, 4, generator=g) for name, net in decoders.items()}
        self.y = torch.zeros(n, dtype=torch.int64)
        self.z = z

    def __len__(self):
        return len(self.y)

    def subset(self, index):
        return {n: v[index] for n, v in self.x.items()}


def linear(tmp_path, factor=1.0, names=("a", "b"), rule="poe", n=40):
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(3)
    decoders = {}
    for name in names:
        q, _ = torch.linalg.qr(torch.randn(PIXELS, D, generator=g))
        decoders[name] = Linear(q * torch.tensor([0.5, 0.25]))
    data = EvaluationData("polymnist", tmp_path)
    data.__dict__.update(test=Data(decoders, n, 1))
    options = {"prior_expert": "never"} if rule == "poe" else {}
    model = bvae.MultimodalVAE(data.test.modalities.values(), aggregator(rule, **options), bvae.ModelConfig(D, 4))
    for name, net in decoders.items():
        model.encoders[name], model.decoders[name] = Exact(net.a, factor), net
    return model, data


def estimate(*arguments):
    return averaged(log_weights(*arguments))


def exact_log_likelihood(model, x, names):
    a = torch.cat([model.decoders[n].a for n in names]).double()
    covariance = a @ a.T + NOISE**2 * torch.eye(len(a))
    together = torch.cat([x[n].flatten(1) for n in names], 1).double()
    return MultivariateNormal(torch.zeros(len(a), dtype=torch.float64), covariance).log_prob(together)


@pytest.mark.parametrize("rule", ["poe", "moe", "mwb"])
def test_log_likelihood_of_a_linear_model_is_the_closed_form_item_by_item(tmp_path, rule):
    model, data = linear(tmp_path, rule=rule)
    x = data.test.x
    with torch.no_grad():
        proposal = posterior_of(model, all_experts(model, data.test), (0, 1))
        ours = estimate(model, x, proposal, 4000, torch.Generator().manual_seed(0))
        exact = exact_log_likelihood(model, x, ["a", "b"])
        torch.testing.assert_close(ours, exact, atol=0.15, rtol=0)
        # Each item by itself: another order gives the same figures in that order.
        order = torch.randperm(len(exact), generator=torch.Generator().manual_seed(5))
        turned = estimate(model, {n: v[order] for n, v in x.items()}, proposal.items(order), 4000,
                          torch.Generator().manual_seed(0))
        torch.testing.assert_close(turned, exact[order], atol=0.15, rtol=0)


def test_joint_and_conditional_log_likelihood_are_reported_with_their_errors(tmp_path, monkeypatch):
    for limit in ("NUM_ITEMS", "NUM_CONDITIONAL"):
        monkeypatch.setattr(f"bvae.metrics.log_likelihood.{limit}", 1000)  # all of them
    model, data = linear(tmp_path)
    figures = evaluate(model, data, names=["log_likelihood"])
    x = data.test.x
    joint = exact_log_likelihood(model, x, ["a", "b"])
    assert figures["log_likelihood"]["mean"] == pytest.approx(joint.mean().item(), abs=0.05)
    assert figures["log_likelihood"]["se"] == pytest.approx((joint.std() / len(joint) ** 0.5).item(), rel=0.05)
    for name, rest in (("a", "b"), ("b", "a")):
        exact = joint - exact_log_likelihood(model, x, [rest])
        assert figures["conditional_log_likelihood"][name]["mean"] == pytest.approx(exact.mean().item(), abs=0.05)


def test_log_likelihood_of_each_item_is_exact_however_bad_the_posterior_of_the_encoders(tmp_path):
    """The encoders are six times too wide: the proposal is that of the decoder. All items, and each one's figure."""
    model, data = linear(tmp_path, factor=6.0)
    found = evaluate(model, data, names=["log_likelihood"])["log_likelihood"]
    exact = exact_log_likelihood(model, data.test.x, ["a", "b"])
    torch.testing.assert_close(torch.tensor(found["values"]).double(), exact, atol=0.1, rtol=0)
    assert found["mean"] == pytest.approx(exact.mean().item(), abs=0.02)
    least, median = found["effective"]
    assert 0.9 < least <= median <= 1  # normal by a t with 30 degrees of freedom
    assert abs(found["gain"]) < 0.02
    with torch.no_grad():
        q = posterior_of(model, all_experts(model, data.test), (0, 1))
    proposal = at_the_mode(model, data.test.x, q)
    a = torch.cat([model.decoders[n].a for n in "ab"]).double()
    together = torch.cat([data.test.x[n].flatten(1) for n in "ab"], 1).double()
    precision = torch.eye(D, dtype=torch.float64) + a.T @ a / NOISE**2
    torch.testing.assert_close(proposal.loc, together @ a @ torch.linalg.inv(precision) / NOISE**2, atol=5e-3, rtol=0)
    again = proposal.vectors * proposal.values.unsqueeze(1) @ proposal.vectors.mT
    torch.testing.assert_close(again, precision.expand_as(again), atol=0.01, rtol=1e-4)


def test_a_mode_proposal_is_scipys_multivariate_t_and_no_wider_than_the_prior():
    from scipy.stats import multivariate_t

    root = torch.randn(3, 3, generator=torch.Generator().manual_seed(2)).double()
    precision = root @ root.T + 2 * torch.eye(3)
    proposal = ModeProposal(torch.tensor([[1.0, -2.0, 0.5]]), precision.unsqueeze(0))
    z = proposal.rsample((50000,), torch.Generator().manual_seed(0))
    theirs = multivariate_t([1.0, -2.0, 0.5], torch.linalg.inv(precision).numpy(), df=30)
    torch.testing.assert_close(proposal.log_prob(z[:100])[:, 0], torch.tensor(theirs.logpdf(z[:100, 0].numpy())))
    torch.testing.assert_close(z[:, 0].T.cov().double(), torch.linalg.inv(precision) * 30 / 28, atol=0.01, rtol=0)
    flat = ModeProposal(torch.zeros(1, 2), torch.diag_embed(torch.tensor([[-5.0, 0.2]])))
    torch.testing.assert_close(flat.values, torch.ones(1, 2).double())


def test_a_laplace_likelihood_has_the_curvature_of_its_fisher_information(tmp_path):
    model, data = linear(tmp_path)
    for name, modality in model.modalities.items():
        model.likelihoods[name] = likelihood_for(modality, "laplace", 0.2)
    with torch.no_grad():
        q = posterior_of(model, all_experts(model, data.test), (0, 1))
    proposal = at_the_mode(model, data.test.x, q)
    a = torch.cat([model.decoders[n].a for n in "ab"]).double()
    again = proposal.vectors * proposal.values.unsqueeze(1) @ proposal.vectors.mT
    expected = torch.eye(D, dtype=torch.float64) + a.T @ a / 0.2**2
    torch.testing.assert_close(again, expected.expand_as(again), atol=0.01, rtol=1e-4)
    with torch.no_grad():
        few, many = (estimate(model, data.test.x, proposal, k, torch.Generator().manual_seed(k)) for k in (100, 4000))
    assert (few - many).abs().max() < 0.5


def test_more_samples_never_lower_the_bound(tmp_path):
    model, data = linear(tmp_path, factor=3.0)
    with torch.no_grad():
        proposal = posterior_of(model, all_experts(model, data.test), (0, 1))
        few, many = (torch.stack([estimate(model, data.test.x, proposal, k, torch.Generator().manual_seed(s)).mean()
                                  for s in range(20)]).mean() for k in (2, 200))
    assert few < many


@pytest.mark.parametrize(("factor", "coverage"), [(1.0, 0.9), (0.5, None), (2.0, None)])
def test_coverage_of_exact_sharp_and_wide_posteriors(tmp_path, factor, coverage):
    """One modality whose encoder is exact: 90 percent. Half as wide: P(|N(0,1)| < 0.5 x 1.645); twice: 2 x 1.645."""
    model, data = linear(tmp_path, factor, names=("a",), n=4000)
    # No clipping of the images here: the right answer is that of the unclipped noise.
    figures = evaluate_unclipped(model, data)
    expected = coverage or (2 * Normal(0, 1).cdf(torch.tensor(1.6449 * factor)) - 1).item()
    noisy, decoded = figures["coverage_90_noisy"]["1"], figures["coverage_90_decoded"]["1"]
    assert noisy["mean"] == pytest.approx(expected, abs=5 * noisy["se"])
    # Without noise the exact encoder's mean is shrunk towards 0 and its error is smaller than its width says.
    assert decoded["mean"] > expected
    shrunk = torch.tensor([0.5, 0.25]) ** 2
    shrunk = shrunk / (shrunk + NOISE**2)  # posterior mean = shrunk z: the error is (1 - shrunk) |z|
    width = (1 - shrunk).sqrt() * factor
    exact = (2 * Normal(0, 1).cdf(1.6449 * width / (1 - shrunk)) - 1).mean().item()
    assert decoded["mean"] == pytest.approx(exact, abs=5 * decoded["se"] + 0.002)


def test_dimensions_that_tell_nothing_are_left_out_of_coverage(tmp_path):
    """Half as wide as it should be in one dimension; the other is the prior's, covered in 90 of 100 cases."""
    model, data = linear(tmp_path, 0.5, names=("a",), n=4000)
    with_all = evaluate_unclipped(model, data)["coverage_90_noisy"]["1"]["mean"]
    encoder = model.encoders["a"]

    class Blind(torch.nn.Module):
        def forward(self, x):
            loc, raw = encoder(x).chunk(2, 1)
            wide = torch.full_like(raw[:, 1], math.log(math.expm1(1 - 1e-4)) + 2.0)
            return torch.cat([loc * torch.tensor([1.0, 0.0]), torch.stack([raw[:, 0], wide], 1)], 1)

    model.encoders["a"] = Blind()
    one = evaluate_unclipped(model, data)["coverage_90_noisy"]["1"]["mean"]
    assert one == pytest.approx(with_all, abs=0.03)  # with the prior's dimension it would be .74
    assert posteriors.active_dimensions(torch.zeros(5, 3)).all()


def evaluate_unclipped(model, data):
    def unclipped(model, z, generator):
        return {n: mean + NOISE * torch.randn(mean.shape, generator=generator) for n, mean in model.decode(z).items()}

    original, posteriors.sample_data = posteriors.sample_data, unclipped
    try:
        return evaluate(model, data, names=["coverage"])
    finally:
        posteriors.sample_data = original


def test_cumulative_distribution_of_a_mixture():
    q = Posterior(torch.tensor([[0.3], [0.7]]), torch.tensor([[[-1.0]], [[2.0]]]), torch.tensor([[[0.5]], [[1.0]]]))
    z = torch.linspace(-4, 6, 7)
    exact = 0.3 * Normal(-1, 0.5).cdf(z) + 0.7 * Normal(2, 1).cdf(z)
    ours = torch.cat([cumulative(q, v.view(1, 1)) for v in z]).flatten()
    torch.testing.assert_close(ours, exact)


@pytest.mark.parametrize("rule", ["poe", "mwb", "moe"])
def test_distance_to_the_joint_posterior(tmp_path, rule):
    model, data = linear(tmp_path, rule=rule)
    figures = evaluate(model, data, names=["distance_to_joint"])
    experts = all_experts(model, data.test)
    q = posterior_of(model, experts, (0, 1))
    for m, name in enumerate("ab"):
        w2, kl = figures["w2_to_joint"][name], figures["kl_joint_to_modality"][name]
        assert w2["mean"] > 0
        assert kl["mean"] > 0
        if q.num_components == 1:
            exact = diagonal.kl(q.loc[0], q.scale[0], experts.loc[m], experts.scale[m])
            assert kl["mean"] == pytest.approx(exact.mean().item(), abs=1e-4)
    one, own = linear(tmp_path, names=("a",))
    alone = evaluate(one, own, names=["distance_to_joint"])
    assert alone["w2_to_joint"]["a"]["mean"] == pytest.approx(0, abs=1e-6)


def test_reconstruction_error_of_a_linear_model(tmp_path):
    model, data = linear(tmp_path, n=400)
    figures = evaluate(model, data, names=["reconstruction"])["reconstruction_error"]
    # The noise cannot be reconstructed, but for the share that z absorbs: between the two.
    for name in "ab":
        assert 0.8 * NOISE < figures[name]["mean"] < NOISE


def test_frechet_distance_of_gaussians():
    g = torch.Generator().manual_seed(0)
    a, b = torch.randn(40_000, 3, generator=g), 2 * torch.randn(40_000, 3, generator=g) + 1
    assert frechet(a, b) == pytest.approx(3 * 1 + 3 * (2 - 1) ** 2, rel=0.03)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)


def test_precision_and_recall_of_known_sets():
    g = torch.Generator().manual_seed(0)
    real = torch.cat([torch.randn(200, 2, generator=g), torch.randn(200, 2, generator=g) + 50])
    collapsed = torch.randn(400, 2, generator=g)  # one of two modes
    precision, recall = (v.double().mean().item() for v in precision_and_recall(real, collapsed))
    assert precision > 0.9
    assert 0.4 < recall < 0.55
    wide = 30 * torch.randn(400, 2, generator=g)
    precision, recall = (v.double().mean().item() for v in precision_and_recall(real, wide))
    assert precision < 0.3


def test_joint_means_outside_of_their_experts_are_counted_one_by_one(tmp_path):
    """The consensus of dependent experts leaves their range; a product between them never does."""
    for rule, options, expected_to in (("code", {"rho": 0.9}, True), ("poe", {"prior_expert": "never"}, False)):
        model, data = linear(tmp_path, n=30)
        model.aggregator = aggregator(rule, **options)
        model.encoders["b"].factor = 6.0  # a much wider expert
        experts = all_experts(model, data.test)
        q = model.aggregator(experts.loc, experts.scale)
        outside = 0
        for i in range(30):
            for d in range(D):
                a, b = experts.loc[:, i, d].tolist()
                outside += not min(a, b) <= q.mean[i, d].item() <= max(a, b)
        found = evaluate(model, data, names=["outside_experts"])["outside_experts"]
        assert list(found) == ["2"]
        assert found["2"]["mean"] == pytest.approx(outside / (30 * D), abs=1e-6)
        assert (outside > 0) is expected_to
