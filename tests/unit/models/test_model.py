"""`MultimodalVAE`: shapes, subsets, missing modalities, generation, errors."""

import pytest
import torch

import bvae
from bvae.aggregators import aggregator
from bvae.models.likelihoods import LIKELIHOODS, likelihood_for
from bvae.models.networks.image import ImageEncoder, margins, padded


def test_shapes_for_modalities_of_different_shapes(tiny_model):
    model, x = tiny_model
    experts = model.experts(x)
    assert experts.loc.shape == experts.scale.shape == (3, 5, 4)
    assert experts.present.all()
    assert model.encode(x).loc.shape == (7, 5, 4)
    decoded = model.decode(torch.randn(2, 3, 4))
    assert {n: tuple(v.shape) for n, v in decoded.items()} == {
        "a": (2, 3, 3, 8, 8), "b": (2, 3, 1, 12, 8), "c": (2, 3, 3, 8, 8)}
    assert model.decode(torch.randn(4))["b"].shape == (1, 12, 8)
    assert all(((v >= 0) & (v <= 1)).all() for v in decoded.values())


def test_any_subset_is_the_same_as_a_mask(tiny_model):
    model, x = tiny_model
    present = torch.tensor([[True], [False], [True]]).expand(3, 5)
    by_mask = model.encode({**x, "b": x["b"] * torch.nan}, present=present)
    by_subset = model.encode({"a": x["a"], "c": x["c"]})
    torch.testing.assert_close(by_mask.loc, by_subset.loc)
    torch.testing.assert_close(by_mask.weights, by_subset.weights)
    assert by_subset.weights[:, 0].gt(0).sum() == 3


def test_order_of_the_dictionary_does_not_matter(tiny_model):
    model, x = tiny_model
    torch.testing.assert_close(model.encode(x).loc, model.encode(dict(reversed(x.items()))).loc)


def test_generate(tiny_model):
    model, x = tiny_model

    def seeded():
        return torch.Generator().manual_seed(1)

    out = model.generate({"a": x["a"]}, targets=["b"], num_samples=3, generator=seeded())
    assert {n: tuple(v.shape) for n, v in out.items()} == {"b": (3, 5, 1, 12, 8)}
    assert torch.equal(out["b"], model.generate({"a": x["a"]}, ["b"], 3, seeded())["b"])
    assert set(model.generate(x)) == {"a", "b", "c"}
    other = model.generate(x, generator=seeded(), aggregator=aggregator("poe"), weights=torch.tensor([1.0, 0, 0]))
    alone = model.generate({"a": x["a"]}, generator=seeded())
    torch.testing.assert_close(other["c"], alone["c"])


def test_log_likelihood_against_torch(tiny_model):
    model, x = tiny_model
    z = torch.randn(5, 4)
    ours = model.log_likelihood(x, z)
    for name, mean in model.decode(z).items():
        theirs = torch.distributions.Normal(mean, 0.3).log_prob(x[name]).flatten(1).sum(1)
        torch.testing.assert_close(ours[name], theirs, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("likelihood", ["laplace", "bernoulli"])
def test_other_likelihoods_against_torch(likelihood):
    model = bvae.MultimodalVAE([bvae.Modality("a", "image", (1, 8, 8))], aggregator("poe"),
                               bvae.ModelConfig(2, 4, likelihood, 0.3))
    x, z = torch.rand(3, 1, 8, 8), torch.randn(3, 2)
    mean = model.decode(z)["a"]
    if likelihood == "laplace":
        theirs = torch.distributions.Laplace(mean, 0.3).log_prob(x)
    else:
        theirs = torch.distributions.Bernoulli(mean, validate_args=False).log_prob(x)
    torch.testing.assert_close(model.log_likelihood({"a": x}, z)["a"], theirs.flatten(1).sum(1), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.experts({}), "x: expected at least one modality"),
        (lambda m, x: m.experts({"d": x["a"]}), "unknown modality 'd'; the model has a, b, c"),
        (lambda m, x: m.experts({"a": x["b"]}), r"x\['a'\]: expected floats of shape \(5, 3, 8, 8\), got .*1, 12, 8"),
        (lambda m, x: m.experts({"a": x["a"].byte()}), r"x\['a'\]: expected floats .* got torch.uint8"),
        (lambda m, x: m.experts({"a": x["a"], "c": x["c"][:2]}), r"x\['c'\]: expected floats of shape \(5"),
        (lambda m, x: m.experts(x, torch.ones(3, 4, dtype=torch.bool)), r"present: expected bool of shape \(3, 5\)"),
        (lambda m, x: m.experts({"a": x["a"]}, torch.ones(3, 5, dtype=torch.bool)), "row 1 asks for 'b'"),
        (lambda m, x: m.decode(torch.zeros(2, 5)), r"z: expected shape \(\.\.\., 4\), got \(2, 5\)"),
        (lambda m, x: m.decode(torch.zeros(2, 4), ["e"]), "unknown modality 'e'"),
    ],
)
def test_bad_input_is_named(call, message, tiny_model):
    with pytest.raises(ValueError, match=message):
        call(*tiny_model)


def test_bad_configuration_is_named():
    with pytest.raises(ValueError, match="latent_dim: expected a positive integer, got 0"):
        bvae.ModelConfig(latent_dim=0)
    with pytest.raises(ValueError, match="likelihood_scale: expected a positive number"):
        bvae.ModelConfig(likelihood_scale=0.0)
    with pytest.raises(KeyError, match="unknown likelihood 'laplac'.*Did you mean 'laplace'"):
        bvae.ModelConfig(likelihood="laplac")
    with pytest.raises(KeyError, match="unknown kind of modality 'smell'"):
        bvae.MultimodalVAE([bvae.Modality("a", "smell", (1,))], aggregator("poe"))
    with pytest.raises(ValueError, match="expected \\(channels, height, width\\)"):
        bvae.MultimodalVAE([bvae.Modality("a", "image", (30, 28))], aggregator("poe"))


@pytest.mark.parametrize(("kind", "shape"), [
    *(("image", (c, *size)) for c, size in ((1, (1, 1)), (3, (30, 28)), (4, (5, 7)), (3, (50, 49)), (1, (64, 51)),
                                            (1, (2, 90)))),
    *(("text", size) for size in ((1, 1), (3, 5), (10, 200), (33, 7), (45, 27), (255, 40), (257, 3)))])
def test_pictures_and_texts_of_any_size(kind, shape):
    torch.manual_seed(0)
    m = bvae.Modality("a", kind, shape)
    model = bvae.MultimodalVAE([m], aggregator("poe"), bvae.ModelConfig(2, 4))
    x = torch.rand(3, *shape)
    if kind == "text":
        x = torch.nn.functional.one_hot(x.argmax(-1), shape[-1]).float()
    mean = model.decode(torch.randn(3, 2))["a"]
    assert mean.shape == x.shape
    loss = -model.log_likelihood({"a": x}, model.experts({"a": x}).loc[0])["a"].sum()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    moved = x.clone()
    moved[0, ..., -1, -1] = 1 - moved[0, ..., -1, -1]  # the last cell is seen
    assert not torch.equal(model.experts({"a": moved}).loc[:, 0], model.experts({"a": x}).loc[:, 0])
    assert torch.equal(model.experts({"a": moved}).loc[:, 1:], model.experts({"a": x}).loc[:, 1:])


def test_what_is_added_to_a_picture_is_its_edge():
    x = torch.rand(1, 1, 5, 7)
    assert padded(5, 7) == (8, 8)
    assert padded(50, 60) == (56, 64)
    assert padded(52, 60) == (52, 60)
    assert margins(5, 7) == (0, 1, 1, 2)
    torch.manual_seed(0)
    one = ImageEncoder((1, 5, 7), 2, 4)
    torch.manual_seed(0)
    two = ImageEncoder((1, 8, 8), 2, 4)
    by_hand = torch.cat([x[..., :1, :], x, x[..., -1:, :], x[..., -1:, :]], 2)
    torch.testing.assert_close(one(x), two(torch.cat([by_hand, by_hand[..., -1:]], 3)))


# -- private latents ---------------------------------------------------------------------------------------------------


@pytest.fixture
def private_model():
    """Three modalities, D = 2 shared and P = 3 private dimensions each: L = 11."""
    torch.manual_seed(1)
    modalities = [bvae.Modality(n, "image", (3, 8, 8)) for n in "abc"]
    model = bvae.MultimodalVAE(modalities, aggregator("mwb"), bvae.ModelConfig(2, 4, private_dim=3))
    return model, {m.name: torch.rand(5, *m.shape) for m in modalities}


def test_private_latents_belong_to_their_modality(private_model):
    model, x = private_model
    assert (model.shared_dim, model.latent_dim) == (2, 11)
    experts = model.experts({"b": x["b"]})
    assert experts.loc.shape == (3, 5, 11)
    # Modality b knows the shared part and its own; all else is the prior.
    assert (experts.loc[1, :, [0, 1, 5, 6, 7]] != 0).all()
    assert (experts.loc[1, :, [2, 3, 4, 8, 9, 10]] == 0).all()
    assert (experts.scale[1, :, [2, 3, 4, 8, 9, 10]] == 1).all()
    q = model.encode(x)
    assert q.loc.shape == (7, 5, 11)
    everyone = model.experts(x)
    for k in range(7):  # independent of the shared part, so it is the same in every component
        for m in range(3):
            part = model.private_part(m)
            torch.testing.assert_close(q.loc[k, :, part], everyone.loc[m, :, part])
            torch.testing.assert_close(q.scale[k, :, part], everyone.scale[m, :, part])
    plain = model.aggregator(everyone.loc[..., :2], everyone.scale[..., :2])
    torch.testing.assert_close(model.shared(q).loc, plain.loc)


def test_a_missing_modality_has_the_prior_as_its_private_part(private_model):
    model, x = private_model
    present = torch.ones(3, 5, dtype=torch.bool)
    present[2, 1] = False
    q = model.encode(x, present=present)
    assert (q.loc[:, 1, 8:] == 0).all()
    assert (q.scale[:, 1, 8:] == 1).all()
    assert (q.loc[:, 0, 8:] != 0).all()
    # A mask laid over finished experts does the same.
    later = model.aggregate(model.experts(x)._replace(present=present))
    torch.testing.assert_close(later.loc[:, :, 2:], q.loc[:, :, 2:])


def test_a_decoder_sees_no_private_latents_of_others(private_model):
    model, x = private_model
    z = torch.randn(4, 11)
    before = model.decode(z)
    z[:, model.private_part(0)] += 1
    after = model.decode(z)
    assert not torch.equal(before["a"], after["a"])
    assert torch.equal(before["b"], after["b"])
    assert torch.equal(before["c"], after["c"])
    generated = model.generate({"a": x["a"]}, num_samples=2)
    assert {n: tuple(v.shape) for n, v in generated.items()} == dict.fromkeys("abc", (2, 5, 3, 8, 8))


def test_bad_private_configurations_are_named():
    with pytest.raises(ValueError, match="private_dim: expected a non-negative integer, got -1"):
        bvae.ModelConfig(private_dim=-1)
    with pytest.raises(ValueError, match="auxiliary_prior: it is one of private latents"):
        bvae.ModelConfig(auxiliary_prior=True)


def test_a_modality_may_have_its_own_likelihood():
    own = bvae.Modality("a", "image", (1, 8, 8), likelihood="bernoulli")
    model = bvae.MultimodalVAE([own, bvae.Modality("b", "image", (1, 8, 8))], aggregator("poe"), bvae.ModelConfig(2, 4))
    assert [model.likelihood_of(n) for n in "ab"] == ["bernoulli", "normal"]
    x, z = {n: torch.rand(3, 1, 8, 8) for n in "ab"}, torch.randn(3, 2)
    ours, means = model.log_likelihood(x, z), model.decode(z)
    theirs = torch.distributions.Bernoulli(means["a"], validate_args=False).log_prob(x["a"])
    torch.testing.assert_close(ours["a"], theirs.flatten(1).sum(1), rtol=1e-4, atol=1e-3)
    normal = torch.distributions.Normal(means["b"], 0.3).log_prob(x["b"])
    torch.testing.assert_close(ours["b"], normal.flatten(1).sum(1), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", sorted(set(LIKELIHOODS) - {"table", "negative-binomial", "poisson", "zero-inflated"}))
def test_likelihoods_have_right_second_derivatives(name):
    """What was computed once in `forward` must not be a constant when the gradient is differentiated again."""
    g = torch.Generator().manual_seed(0)
    x, mean = (torch.rand(3, 2, 2, 4, generator=g, dtype=torch.float64) * 0.8 + 0.1 for _ in range(2))
    if name == "categorical":
        mean = mean / mean.sum(-1, keepdim=True)
    likelihood = likelihood_for(bvae.Modality("a", "image", (2, 2, 4), likelihood=name), "normal", 0.3)
    density = likelihood.double().log_prob
    for layout in (torch.contiguous_format, torch.channels_last):
        inputs = [value.contiguous(memory_format=layout).requires_grad_() for value in (x, mean)]
        assert torch.autograd.gradcheck(density, inputs)
        assert torch.autograd.gradgradcheck(density, inputs)
