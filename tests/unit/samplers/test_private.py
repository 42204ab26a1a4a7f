"""Samplers of private parts: densities given the shared part, the same twice, and back from their file as they were."""

import copy

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributions import Normal

import bvae
from bvae.aggregators import aggregator
from bvae.io.storage import StorageError
from bvae.metrics.base import drawn_of
from bvae.models.imputation import impute
from bvae.models.latents import private_part
from bvae.samplers import SAMPLERS, Draws, files
from bvae.samplers.private import (
    PRIVATE_SAMPLERS,
    PrivateDraws,
    best_private,
    fit_private,
    private_draws,
    private_samplers,
)
from bvae.samplers.private.fitting import others
from bvae.training import sampling
from bvae.training.checkpoint import load_weights, read_checkpoint
from bvae.training.loop import train
from bvae.training.settings import Settings

every = pytest.mark.parametrize("name", private_samplers())


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def draws(count=3000, seed=0):
    """z in one of two heaps; w is a slope times z in the first, and somewhere else in the second."""
    g = seeded(seed)
    second = torch.arange(count) % 2 == 1
    z = torch.randn(count, 2, generator=g) + 8.0 * second.unsqueeze(1)
    w = torch.where(second.unsqueeze(1), torch.tensor([5.0]), 2 * z[:, :1]) + 0.5 * torch.randn(count, 1, generator=g)
    return {"a": PrivateDraws(z, w, z), "b": PrivateDraws(z, -w, z)}


def test_neighbours_give_private_parts_of_kept_items_alone():
    from bvae.samplers.private.neighbours import KEPT, WIDTH, Neighbours

    sampler = Neighbours.fitted(draws())
    assert len(sampler.w["a"]) == KEPT
    drawn = sampler.placed("a", torch.zeros(50, 2), torch.zeros(50, 1), torch.rand(50, generator=seeded()))
    assert torch.isin(drawn, sampler.w["a"]).all()
    noisy = sampler.placed("a", torch.zeros(50, 2), torch.ones(50, 1), torch.rand(50, generator=seeded()))
    torch.testing.assert_close(noisy, drawn + WIDTH)
    assert set(sampler.state()) == {"shared", "w/a", "w/b"}  # the same items
    apart = Neighbours({"a": torch.zeros(2, 3), "b": torch.ones(4, 3)}, {"a": torch.zeros(2, 1), "b": torch.ones(4, 1)})
    assert Neighbours.of_state(apart.state()).sizes() == {"a": (3, 1), "b": (3, 1)}
    with pytest.raises(ValueError, match=r"expected \(N, D\) and \(N, P\) for 'a'"):
        Neighbours({"a": torch.zeros(2, 3)}, {"a": torch.zeros(3, 1)})


@every
def test_private_parts_follow_the_shared_one(name):
    sampler = PRIVATE_SAMPLERS[name].fitted(draws())
    assert sampler.sizes() == {"a": (2, 1), "b": (2, 1)}
    for z, mean in ((torch.tensor([1.0, 0.0]), 2.0), (torch.tensor([8.0, 8.0]), 5.0)):
        w = sampler.sample("a", z.expand(4000, 2), seeded())
        assert w.mean().item() == pytest.approx(mean, abs=0.4)  # of 20 neighbours
        assert w.std().item() == pytest.approx(0.5, abs=0.25)
        assert sampler.sample("b", z.expand(4000, 2), seeded()).mean().item() == pytest.approx(-mean, abs=0.4)


@every
def test_the_density_integrates_to_one_and_is_that_of_the_draws(name):
    sampler = PRIVATE_SAMPLERS[name].fitted(draws())
    grid = torch.linspace(-30, 30, 20_001).unsqueeze(1)
    z = torch.tensor([[0.5, -0.3]])
    density = sampler.log_prob("a", z.expand(len(grid), 2), grid).exp()
    assert torch.trapezoid(density, grid[:, 0]).item() == pytest.approx(1, abs=1e-3)
    mean = torch.trapezoid(density * grid[:, 0], grid[:, 0]).item()
    drawn = sampler.sample("a", z.expand(20_000, 2), seeded(1))
    assert drawn.mean().item() == pytest.approx(mean, abs=0.03)


def test_the_mixtures_conditional_is_the_quotient_of_joint_and_marginal():
    from bvae.samplers.private.gaussian_mixture import ConditionalMixture

    sampler = ConditionalMixture.fitted(draws())
    joint = sampler.joint["a"]
    z, w = torch.randn(5, 2, generator=seeded()), torch.randn(5, 1, generator=seeded(1))
    covariance = joint.root @ joint.root.mT
    marginal = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(joint.weights),
        torch.distributions.MultivariateNormal(joint.loc[:, :2], covariance[:, :2, :2]))
    quotient = joint.log_prob(torch.cat([z, w], 1)) - marginal.log_prob(z)
    torch.testing.assert_close(sampler.log_prob("a", z, w), quotient, rtol=1e-3, atol=1e-3)


@every
def test_it_is_the_same_twice_and_comes_back_from_its_file(name, tmp_path):
    one, other = (PRIVATE_SAMPLERS[name].fitted(draws(), seed=1) for _ in range(2))
    z = torch.randn(7, 2, generator=seeded(4))
    assert torch.equal(one.sample("a", z, seeded(3)), other.sample("a", z, seeded(3)))
    shared = SAMPLERS["prior"].fitted(Draws(torch.randn(10, 2)))
    files.write(tmp_path, shared, "hash", one)
    assert files.read(tmp_path, "hash", 2).name == "prior"
    back = files.read_private(tmp_path, "hash", one.sizes())
    assert back.name == name
    for key, value in one.state().items():
        torch.testing.assert_close(back.state()[key].to(value), value, rtol=2e-3, atol=2e-3)
    again = type(one).of_state(one.state())
    assert torch.equal(again.sample("a", z, seeded(3)), one.sample("a", z, seeded(3)))
    with pytest.raises(StorageError, match="private parts of"):
        files.read_private(tmp_path, "hash", {"a": (2, 1)})
    files.write(tmp_path, shared, "hash")
    assert files.read_private(tmp_path, "hash", one.sizes()) is None


# -- models ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def model():
    torch.manual_seed(0)
    modalities = [bvae.Modality(n, "image", (1, 8, 8)) for n in "abc"]
    return bvae.MultimodalVAE(modalities, aggregator("mwb"), bvae.ModelConfig(3, 4, private_dim=2)).eval()


class Recorded:
    """Private parts that say which z they were drawn for."""

    name = "recorded"

    def placed(self, modality, z, noise, level):
        return torch.full_like(noise, 100.0) + z[:, :1]


def test_only_private_parts_of_views_that_were_not_observed_are_drawn(model):
    z = torch.randn(4, 5, 9, generator=seeded())
    observed = torch.tensor([[True] * 5, [False] * 5, [True, False, True, False, True]])
    assert model.complete(z, observed) is z  # no sampler: the prior that is there
    out = model.complete(z, observed, Recorded())
    assert torch.equal(out[..., :5], z[..., :5])  # shared and the first view's
    torch.testing.assert_close(out[..., 5], 100 + z[..., 0])
    torch.testing.assert_close(out[:, 1, 7:], (100 + z[:, 1, :1]).expand(4, 2))
    assert torch.equal(out[:, 0, 7:], z[:, 0, 7:])
    zero = model.complete(z, observed, "zero")
    assert not zero[..., 5:7].any()
    one, two = (model.complete(z, observed, "prior", seeded(5)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one[..., 5:7], z[..., 5:7])
    with pytest.raises(ValueError, match="private: expected 'prior', 'zero' or a sampler, got 'best'"):
        model.complete(z, observed, "best")
    model.private_sampler = Recorded()
    assert torch.equal(model.complete(z, observed), out)


def test_of_several_candidates_the_one_is_kept_that_is_read_back_as_z(model):
    """Item by item: every candidate decoded, encoded, and its Gaussian asked for z."""
    class Several:
        name = "several"
        drawn = ()

        def placed(self, modality, z, noise, level):
            self.drawn = (*self.drawn, (modality, noise))
            return noise

    with torch.no_grad():  # so that a private part is seen in what is decoded
        for parameter in model.parameters():
            parameter.mul_(3)
    z, sampler = torch.randn(5, 9, generator=seeded()), Several()
    observed = torch.tensor([[True], [False], [False]]).expand(3, 5)
    out = model.complete(z, observed, sampler, seeded(3), candidates=4)
    assert [name for name, _ in sampler.drawn] == ["b"] * 4 + ["c"] * 4
    assert torch.equal(out[:, :5], z[:, :5])
    moved = 0
    for m, name in ((1, "b"), (2, "c")):
        part = model.private_part(m)
        for item in range(5):
            scores = []
            for _, values in (d for d in sampler.drawn if d[0] == name):
                tried = z[item].clone()
                tried[part] = values[item]
                with torch.no_grad():
                    q = model.encode({name: model.decode(tried, [name])[name].unsqueeze(0)},
                                     model.aggregator.conditional())
                scores.append(Normal(q.loc[0, 0, :3], q.scale[0, 0, :3]).log_prob(tried[:3]).sum())
            best = int(torch.stack(scores).argmax())
            moved += best > 0
            assert torch.equal(out[item, part], [d for d in sampler.drawn if d[0] == name][best][1][item])
    assert moved > 2
    assert torch.equal(model.complete(z, observed, "zero", candidates=3), model.complete(z, observed, "zero"))
    with pytest.raises(ValueError, match="candidates: expected a positive integer, got 0"):
        model.complete(z, observed, "prior", candidates=0)
    sampler.drawn, model.private_sampler = (), sampler
    model.sample(2, generator=seeded())
    assert len(sampler.drawn) == 12  # four for each of three views
    sampler.drawn = ()
    model.generate({"a": torch.rand(2, 1, 8, 8)}, generator=seeded())
    assert len(sampler.drawn) == 2  # a translation takes what comes


def test_a_model_that_decodes_no_numbers_still_invents(model):
    with torch.no_grad():
        next(model.decoders["b"].parameters()).fill_(torch.nan)
    model.private_sampler = Recorded()
    assert model.sample(2, generator=seeded())["b"].isnan().any()


def test_the_same_chance_for_every_item_where_it_is_asked_for(model):
    z = torch.zeros(6, 4, 9)
    drawn = model.complete(z, torch.zeros(3, 4, dtype=torch.bool), "prior", seeded(), common=True)
    assert torch.equal(drawn, drawn[:, :1].expand_as(drawn))
    assert len(drawn[:, 0, 3].unique()) == 6


def test_generations_and_inventions_use_the_models_own_sampler(model):
    x = {"a": torch.rand(2, 1, 8, 8, generator=seeded())}
    bare = model.generate(x, ["a", "b"], generator=seeded())
    model.private_sampler = Recorded()
    own = model.generate(x, ["a", "b"], generator=seeded())
    assert torch.equal(own["a"], bare["a"])
    assert not torch.equal(own["b"], bare["b"])
    assert torch.equal(model.generate(x, ["b"], private="zero", generator=seeded())["b"],
                       model.generate(x, ["b"], private="zero", generator=seeded())["b"])
    assert (model.sample_latents(4, generator=seeded())[:, 3:] > 90).all()
    assert (model.sample_latents(4, "prior", seeded())[:, 3:] < 90).all()


def test_fitted_to_a_model_it_knows_every_view_and_needs_private_latents():
    data = bvae.dataset("polymnist", "train")
    own = bvae.MultimodalVAE(data.modalities.values(), aggregator("mwb"), bvae.ModelConfig(3, 4, private_dim=2)).eval()
    found = private_draws(own, data, items=60)
    shapes = {name: (d.z.shape, d.w.shape) for name, d in found.items()}
    assert shapes == dict.fromkeys(own.modalities, ((60, 3), (60, 2)))
    own.private_sampler = fit_private(own, data, items=60)
    assert own.private_sampler.sizes() == dict.fromkeys(own.modalities, (3, 2))
    plain = bvae.MultimodalVAE(data.modalities.values(), aggregator("mwb"), bvae.ModelConfig(3, 4)).eval()
    assert best_private(plain, data) is None


def test_a_view_that_hardly_any_item_has_is_named():
    data = copy.copy(bvae.dataset("penguins", "train"))
    data.mask = data.present.clone()
    data.mask[2, 1:] = False
    views = list(data.modalities)
    model = bvae.MultimodalVAE(data.modalities.values(), aggregator("mwb"), bvae.ModelConfig(3, 4, private_dim=2))
    model.eval()
    with pytest.raises(ValueError, match=rf"two items with each view, got fewer with \['{views[2]}'\]"):
        fit_private(model, data)
    assert best_private(model, data) is None


@every
def test_private_parts_are_drawn_where_z_is(name):
    """A sampler's numbers are on the CPU, a model's may be elsewhere."""
    sampler = PRIVATE_SAMPLERS[name].fitted(draws(300))
    with FakeTensorMode(allow_non_fake_inputs=True):
        z = torch.empty(2, 5, 2, device="cuda")
        drawn = private_part(sampler, "a", z, 1, None)
        assert (drawn.device.type, drawn.shape) == ("cuda", (2, 5, 1))


def test_what_is_seen_of_an_item_is_a_set_of_its_other_views():
    present = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 1], [1, 0, 0, 1]], dtype=torch.bool).repeat(1, 500)
    seen = others(present, 0, seeded())
    assert not seen[0, 0::4].any()
    assert (seen & ~present).sum() == 0
    assert seen.any(0).all()
    assert torch.equal(seen[:, 1::4], torch.tensor([[False], [True], [False]]).expand(3, 500))
    assert torch.equal(seen[:, 2::4], present[:, 2::4])  # nothing else is there
    both = seen[1:, 0::4].T.float() @ torch.tensor([1.0, 2.0])
    assert all(int((both == k).sum()) > 100 for k in (1, 2, 3))


def test_metrics_draw_as_generate_does(model):
    x = {name: torch.rand(3, 1, 8, 8, generator=seeded()) for name in "abc"}
    model.private_sampler = Recorded()
    z = drawn_of(model, model.experts(x), (0,), seeded(7))
    generated = model.generate({"a": x["a"]}, ["b"], generator=seeded(7))["b"][0]
    torch.testing.assert_close(model.decode(z, ["b"])["b"], generated)


def test_a_checkpoint_brings_its_private_sampler_and_tables_are_filled_with_it(tmp_path):
    settings = Settings.for_method("penguins", "mwb-vae-plus", width=4, latent_dim=3, private_dim=2, steps=2,
                                   warmup_steps=1)
    train(settings, tmp_path, progress=False)
    checkpoint, data = read_checkpoint(tmp_path), bvae.dataset("penguins", "train")
    sampling.make(checkpoint, data)
    assert sampling.state(checkpoint) == "ready"
    model = load_weights(checkpoint)
    assert model.private_sampler.sizes() == dict.fromkeys(model.modalities, (3, 2))
    assert load_weights(checkpoint, with_fitted=False).private_sampler is None
    first = next(iter(model.modalities))
    x = {first: data.subset(torch.arange(2))[first]}
    present = torch.tensor([[name == first] * 2 for name in model.modalities])
    other = list(model.modalities)[1]
    both = impute(model, x, present, 8, 0, seeded(), [other])[other]
    alone = impute(model, {first: x[first][1:]}, present[:, 1:], 8, 0, seeded(), [other])[other]
    torch.testing.assert_close(both.mean[1:], alone.mean)  # the same chance for every item
    model.private_sampler = None
    assert not torch.equal(impute(model, x, present, 8, 0, seeded(), [other])[other].mean, both.mean)
