"""What every kind of modality that is made of columns must do, with every method and likelihood."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor

import bvae
from bvae.aggregators import aggregator
from bvae.data import Column, Modality, MultimodalDataset
from bvae.data.checks import checked
from bvae.data.columns import OF_COLUMNS
from bvae.models.likelihoods import LIKELIHOODS, OF_TYPE, likelihood_for
from bvae.models.likelihoods.learned import NormalOfColumns
from bvae.models.methods import METHODS
from bvae.models.objectives import objective

NAN = math.nan
CATEGORIES = (Column("k", "category", ("x", "y", "z")), Column("l", "category", ("u", "v")))
MIXED = (Column("a", "number"), Column("n", "count"), CATEGORIES[0], Column("s", "binary", ("no", "yes")),
         CATEGORIES[1], Column("b", "number"))
COLUMNS = {"categorical": CATEGORIES, "table": MIXED}
CELLS = {"vector": 7, "counts": 12, "binary": 4, "tags": 6, "categorical": 5, "table": 9}
kinds = pytest.mark.parametrize("kind", OF_COLUMNS)


def modality(kind, likelihood="", name="m"):
    return Modality(name, kind, (CELLS[kind],), likelihood=likelihood, columns=COLUMNS.get(kind, ()))


def values_of(m, count, gaps=0.0, seed=0):
    """Values in the data's own units, of very different ones, with a share of gaps, never a whole row of them."""
    g = torch.Generator().manual_seed(seed)
    parts = []
    for k, column in enumerate(m.columns):
        if column.type == "number":
            part = torch.randn(count, 1, generator=g) * 10.0 ** (k % 4 - 2) + 2000 * (k % 2)
        elif column.type == "count":
            part = torch.poisson(torch.rand(count, 1, generator=g) * 8 * (1 + k), generator=g)
        elif column.type == "binary":
            part = (torch.rand(count, 1, generator=g) < 0.3).float()
        else:
            part = torch.eye(column.width)[torch.randint(column.width, (count,), generator=g)]
        gap = (torch.rand(count, 1, generator=g) < gaps) & (torch.tensor(k > 0))
        parts.append(torch.where(gap, NAN, part))
    return torch.cat(parts, 1)


def data_of(modalities, count=60, gaps=0.0, views=0.0):
    class Own(MultimodalDataset):
        name, split, source = "own", "train", "embedded"

    data = Own()
    data.modalities = {m.name: m for m in modalities}
    data.x = {m.name: values_of(m, count, gaps, k) for k, m in enumerate(modalities)}
    if views:
        draws = torch.rand(len(modalities), count, generator=torch.Generator().manual_seed(9))
        data.mask = (draws > views) | (draws == draws.amax(0))
    return checked(data)


def build(modalities, method="mwb-vae", **config):
    m = METHODS[method]
    torch.manual_seed(0)
    own = {key: value for key, value in m.settings.items() if hasattr(bvae.ModelConfig, key)}
    model = bvae.MultimodalVAE(modalities, aggregator(m.aggregator, **m.aggregator_options),
                               bvae.ModelConfig(4, 8, **{**own, **config}))
    return model, objective(m.objective, **m.objective_options)


def seeded(seed=2):
    return torch.Generator().manual_seed(seed)


def trained(model, bound, data, steps=3):
    model.observe(data)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    model.train()
    for step in range(steps):
        optimizer.zero_grad()
        out = bound(model, data.x, data.present, seeded(step))
        assert torch.isfinite(out.loss).all()
        out.loss.mean().backward()
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:  # of gaps, where there are none
                assert name.endswith("gaps.weight")
                assert (parameter == 0).all()
                continue
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
        optimizer.step()
    return model.eval()


@kinds
@pytest.mark.parametrize("method", METHODS.names())
def test_every_kind_trains_with_every_method_and_its_state_comes_back(kind, method):
    modalities = [modality(kind, name="m"), Modality("v", "vector", (3,)), Modality("i", "image", (1, 8, 8))]
    data = data_of(modalities[:2], gaps=0.2)
    data.x["i"], data.modalities["i"] = torch.rand(60, 1, 8, 8, generator=seeded()), modalities[2]
    data.mask = torch.rand(3, 60, generator=seeded()) > 0.3
    data.mask[0] |= ~data.mask.any(0)
    data = checked(data)
    model, bound = build(modalities, method)
    trained(model, bound, data)
    again = build(modalities, method)[0].eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(model.experts(data.x, data.mask).loc, again.experts(data.x, data.mask).loc)
    z = torch.randn(60, model.latent_dim, generator=seeded())
    assert torch.equal(model.log_likelihood(data.x, z, data.mask)["m"], again.log_likelihood(data.x, z, data.mask)["m"])


@kinds
def test_what_a_gap_would_have_held_changes_nothing(kind):
    """NaN of another sign and payload; the means there; other items' gaps."""
    m = modality(kind)
    data = data_of([m, Modality("v", "vector", (2,))], gaps=0.4)
    model = trained(*build([m, Modality("v", "vector", (2,))]), data)
    x = data.x["m"]
    gaps = x.isnan()
    other = torch.where(gaps, torch.tensor([-1]).view(torch.int32)[0], x.view(torch.int32)).view(torch.float32)
    assert torch.equal(other.isnan(), gaps)
    assert not torch.equal(other.view(torch.int32), x.view(torch.int32))
    for one, two in zip(model.experts({"m": x}), model.experts({"m": other}), strict=True):
        assert torch.equal(one, two)
    likelihood = model.likelihood("m")
    mean = model.decode(torch.randn(len(x), 4, generator=seeded()), ["m"])["m"].detach().requires_grad_()
    moved = torch.where(gaps, mean * 0.5, mean)
    assert torch.equal(likelihood.log_prob(x, mean), likelihood.log_prob(other, moved))
    (gradient,) = torch.autograd.grad(likelihood.log_prob(x, mean).sum(), mean)
    assert (gradient[gaps] == 0).all()
    assert gradient.isfinite().all()
    alone = model.experts({"m": x[:1]})
    torch.testing.assert_close(alone.loc, model.experts({"m": x}).loc[:, :1])


@kinds
def test_a_row_of_gaps_is_a_missing_view(kind):
    m, other = modality(kind), Modality("v", "vector", (2,))
    data = data_of([m, other])
    model = trained(*build([m, other]), data)
    x = {"m": data.x["m"].clone(), "v": data.x["v"]}
    x["m"][::2] = NAN
    present = torch.ones(2, 60, dtype=torch.bool)
    present[0, ::2] = False
    assert torch.equal(model.experts(x).present, present)
    assert torch.equal(model.encode(x).mean, model.encode(x, present=present).mean)
    assert (model.log_likelihood(x, torch.zeros(60, 4))["m"][::2] == 0).all()


@kinds
def test_a_decoder_that_knows_nothing_gives_the_means(kind):
    m = modality(kind)
    data = data_of([m, Modality("v", "vector", (2,))], count=400, gaps=0.1)
    model, _ = build(list(data.modalities.values()))
    model.observe(data)
    decoder = model.decoders["m"]
    torch.nn.init.zeros_(decoder.net[-1].weight)
    found = model.decode(torch.zeros(1, 4), ["m"])["m"][0]
    x = data.x["m"].double()
    mean = x.nanmean(0)
    if kind == "counts":  # at the reference size, the median
        total = x.nan_to_num(0).sum(1) / torch.where(x.isnan(), 0, mean).sum(1) * mean.sum()
        mean = mean / mean.sum() * total.median()
    torch.testing.assert_close(found.double(), mean, rtol=0.02, atol=0.02)


def entries():
    return [(kind, name) for kind, type_ in OF_COLUMNS.items() if type_ for name in OF_TYPE[type_]] + [
        ("categorical", "categorical"), ("table", ""), ("table", "student-t"), ("table", "zero-inflated")]


def by_scipy(likelihood, name, x, mean):
    """Log-probabilities of single cells, by another library."""
    x, mean = x.double().numpy(), mean.detach().double().numpy()
    if name in ("normal-learned", "laplace-learned", "student-t"):
        scale = likelihood.scale.detach().double().numpy()
        family = {"normal-learned": scipy.stats.norm, "laplace-learned": scipy.stats.laplace}.get(name)
        return family.logpdf(x, mean, scale) if family else scipy.stats.t.logpdf(x, 4, mean, scale)
    if name == "poisson":
        return scipy.stats.poisson.logpmf(x, mean)
    if name in ("negative-binomial", "zero-inflated"):
        theta = likelihood.dispersion.detach().double().numpy()
        pi = likelihood.inflation.detach().double().numpy() if name == "zero-inflated" else 0.0
        inner = mean / (1 - pi)
        p = (1 - pi) * scipy.stats.nbinom.pmf(x, theta, theta / (theta + inner)) + pi * (x == 0)
        return np.log(p)
    if name == "bernoulli":
        return scipy.stats.bernoulli.logpmf(x, mean)
    return x * np.log(mean)  # of one-hot cells


@pytest.mark.parametrize(("kind", "name"), entries())
def test_log_probabilities_against_scipy_with_gaps(kind, name):
    m = modality(kind, name)
    data = data_of([m, Modality("v", "vector", (2,))], gaps=0.3)
    model = trained(*build([m, Modality("v", "vector", (2,))]), data)
    x, likelihood = data.x["m"], model.likelihood("m")
    mean = model.decode(torch.randn(len(x), 4, generator=seeded()), ["m"])["m"]
    parts = [(likelihood, torch.arange(CELLS[kind]))] if kind != "table" else likelihood.each()
    total = np.zeros(len(x))
    for part, at in parts:
        held, means = x[:, at], mean[:, at]
        if kind == "counts" and part.sized:
            size, expected = part.size(held), part.size_of(means, held)
            means = means / expected * size
            middle = (expected.log() - part.width**2 / 2).detach().numpy()  # so that the expected size is the mean
            total += scipy.stats.norm.logpdf(size.log().numpy(), middle, part.width.detach().numpy())[:, 0]
        used = next(key for key in LIKELIHOODS if LIKELIHOODS[key] is type(part))
        assert used == name or kind in ("table", "tags", "binary", "categorical") or not name
        cells = by_scipy(part, used, held.nan_to_num(0), means)
        total += np.where(held.isnan().numpy(), 0, cells).sum(1)
    np.testing.assert_allclose(likelihood.log_prob(x, mean).detach().numpy(), total, rtol=2e-4, atol=2e-3)


@pytest.mark.parametrize(("kind", "name"), entries())
def test_variance_and_samples_agree(kind, name):
    m = modality(kind, name)
    data = data_of([m, Modality("v", "vector", (2,))], count=300)
    model = trained(*build([m, Modality("v", "vector", (2,))]), data)
    likelihood = model.likelihood("m")
    mean = model.decode(torch.zeros(1, 4), ["m"])["m"].detach()
    drawn = likelihood.sample(mean.expand(40_000, -1), seeded()).double()
    variance = likelihood.variance(mean)[0].detach().double()
    assert (variance >= 0).all()
    error = (variance / len(drawn)).sqrt()
    assert ((drawn.mean(0) - mean[0]).abs() < 5 * error + 1e-6 * mean[0].abs()).all()
    wide = 0.5 if name == "student-t" else 0.12  # its fourth moment is infinite
    assert (drawn.var(0) / variance - 1).abs().max() < wide
    again = likelihood.sample(mean.expand(40_000, -1), seeded())
    assert torch.equal(drawn.float(), again)


@pytest.mark.parametrize("name", ["normal-learned", "laplace-learned", "student-t"])
def test_a_learned_scale_of_pictures_is_learned(name):
    picture = Modality("i", "image", (1, 8, 8), likelihood=name)
    likelihood = likelihood_for(picture, "normal", 0.3)
    g = seeded()
    x = 0.5 + 0.1 * torch.randn(200, 1, 8, 8, generator=g)
    optimizer = torch.optim.Adam(likelihood.parameters(), 0.02)
    for _ in range(200):
        optimizer.zero_grad()
        (-likelihood.log_prob(x, torch.full_like(x, 0.5)).mean()).backward()
        optimizer.step()
    expected = {"normal-learned": 0.1, "laplace-learned": 0.1 * math.sqrt(2 / math.pi), "student-t": 0.081}[name]
    assert likelihood.scale.item() == pytest.approx(expected, rel=0.04)
    family = {"normal-learned": torch.distributions.Normal, "laplace-learned": torch.distributions.Laplace,
              "student-t": lambda loc, scale: torch.distributions.StudentT(4, loc, scale)}[name]
    theirs = family(torch.tensor(0.4), likelihood.scale.detach()).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(likelihood.log_prob(x, torch.full_like(x, 0.4)), theirs, rtol=1e-4, atol=1e-3)


# -- hard data ---------------------------------------------------------------------------------------------------------


def broken(kind, how):
    m = modality(kind)
    if how == "one column":
        m = Modality("m", kind, (1,)) if kind not in COLUMNS else Modality(
            "m", kind, (COLUMNS[kind][0].width,), columns=COLUMNS[kind][:1])
    x = values_of(m, 60)
    numeric = torch.tensor([c.type in ("number", "count") for c in m.columns for _ in range(c.width)])
    if how == "constant":
        x = x[:1].repeat(60, 1)
    elif how == "an outlier":
        x[7, numeric] = 1e30
    elif how == "rows of 0" and kind != "categorical":
        x[3:9, torch.tensor([c.type != "category" for c in m.columns for _ in range(c.width)])] = 0
    elif how == "one item":
        x = x[:1]
    elif how == "a column of gaps":
        x[:, : m.columns[0].width] = NAN
    return m, x


@kinds
@pytest.mark.parametrize("how", ["constant", "an outlier", "rows of 0", "one column", "one item", "a column of gaps"])
def test_hard_tables_train(kind, how):
    m, x = broken(kind, how)

    class Own(MultimodalDataset):
        name, split, source = "own", "train", "embedded"

    data = Own()
    other = Modality("v", "vector", (2,))
    data.modalities, data.x = {"m": m, "v": other}, {"m": x, "v": torch.randn(len(x), 2, generator=seeded())}
    data = checked(data)
    model = trained(*build([m, other]), data, steps=5)
    z = torch.randn(len(x), 4, generator=seeded())
    assert all(v.isfinite().all() for v in model.decode(z).values())
    assert model.log_likelihood(data.x, z, data.mask)["m"].isfinite().all()
    assert model.likelihood("m").variance(model.decode(z)["m"]).isfinite().all()
    assert model.likelihood("m").sample(model.decode(z)["m"], seeded()).isfinite().all()


def test_an_outlier_leaves_the_other_items_as_they_were():
    m = Modality("m", "vector", (3,))
    x = values_of(m, 400)
    model, _ = build([m, Modality("v", "vector", (2,))])
    model.encoders["m"].observe(x)
    before = {n: v.clone() for n, v in model.encoders["m"].state_dict().items() if "statistics" in n}
    x[5, 0] = 1e30
    model.encoders["m"].observe(x)
    after = model.encoders["m"].state_dict()
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, rtol=0.7, atol=0.2)


def test_statistics_are_those_of_the_items_that_have_it():
    m = Modality("m", "vector", (3,))
    x = values_of(m, 400)
    present = torch.arange(400) % 3 > 0
    other = torch.where(present.unsqueeze(1), x, 777.0)
    encoder = build([m])[0].encoders["m"]
    encoder.observe(other, present)
    torch.testing.assert_close(encoder.statistics.location, x[present].mean(0))
    torch.testing.assert_close(encoder.statistics.scale, x[present].std(0, correction=0))


@kinds
def test_many_columns_and_low_precision(kind):
    wide = 20_000
    columns = {"categorical": tuple(Column(f"k{i}", "category", ("x", "y")) for i in range(wide // 2)),
               "table": tuple(Column(f"k{i}", t) for i, t in enumerate(("number", "count", "binary") * (wide // 3)))}
    own = columns.get(kind, ())
    m = Modality("m", kind, (sum(c.width for c in own) or wide,), columns=own)
    x = values_of(dataclasses.replace(m), 8) if kind == "vector" else None
    if x is None:
        g = seeded()
        x = (torch.rand(8, *m.shape, generator=g) < 0.3).float()
        if kind == "categorical":
            x = torch.stack([x[:, ::2], 1 - x[:, ::2]], 2).flatten(1)
    model, bound = build([m])
    encoder, decoder, likelihood = model.encoders["m"], model.decoders["m"], model.likelihood("m")
    for part in (encoder, decoder, likelihood):
        if hasattr(part, "observe"):
            part.observe(x)
    with torch.autocast("cpu", torch.bfloat16):
        out = bound(model.train(), {"m": x}, torch.ones(1, 8, dtype=torch.bool), seeded())
        out.loss.mean().backward()
    assert out.loss.dtype == torch.float32
    assert out.loss.isfinite().all()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_the_normal_density_of_columns_has_right_derivatives_with_gaps(monkeypatch):
    g = torch.Generator().manual_seed(0)
    x, mean = (torch.randn(4, 3, generator=g, dtype=torch.float64) for _ in range(2))
    raw = 0.1 * torch.randn(3, generator=g, dtype=torch.float64)
    spread = torch.rand(3, generator=g, dtype=torch.float64) + 0.5
    far = torch.zeros(3, dtype=torch.float64)
    monkeypatch.setattr(Tensor, "float", lambda value: value)  # numerical derivatives want double precision
    for gaps in (False, True):
        if gaps:
            x[1, 2] = x[2, 0] = NAN
        inputs = (mean.requires_grad_(), raw.requires_grad_())
        assert torch.autograd.gradcheck(lambda m, r, x=x: NormalOfColumns.apply(x, m, r, far, spread), inputs)
        assert torch.autograd.gradgradcheck(lambda m, r, x=x: NormalOfColumns.apply(x, m, r, far, spread), inputs)


def test_a_likelihood_that_no_column_can_have_is_said():
    with pytest.raises(ValueError, match="modality 'm', kind 'vector': expected one of the likelihoods normal-learned, "
                                         "laplace-learned, student-t, got 'poisson'"):
        build([modality("vector", "poisson")])


def test_settings_choose_among_what_a_type_can_have():
    model, _ = build([modality("vector", name="v"), modality("counts", name="c"), modality("table", name="t"),
                      modality("vector", "laplace-learned", "own")], likelihood="student-t")
    assert [model.likelihood_of(n) for n in ("v", "c", "t", "own")] == [
        "student-t", "negative-binomial", "table", "laplace-learned"]
    assert type(model.likelihood("t").parts["number"]) is LIKELIHOODS["student-t"]
