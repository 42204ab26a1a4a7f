"""Explore in Streamlit's AppTest: the walk's numbers are the rules', views lie, nothing can raise, links hold it."""

import dataclasses
import re

import numpy as np
import pytest
import torch

import bvae
from bvae.aggregators import aggregator, worked
from bvae.aggregators.base import AGGREGATORS, Aggregator
from bvae.aggregators.comparison import gelbrich, posterior_wasserstein2
from bvae.app import loaders
from bvae.app.beliefs import item_beliefs
from bvae.app.beliefs.quantities import Quantity
from bvae.app.beliefs.tampering import tamper
from bvae.app.explore import changes, coping, frame, lot, observed, walk, why
from bvae.app.explore.state import Explore
from bvae.app.state import Form
from bvae.app.widgets.choose import Choice
from bvae.cli import evaluate, parser
from bvae.gaussians.posterior import Posterior
from bvae.plots import posterior as plots
from bvae.plots import style
from tests.support.pages import assert_clean, drawings, open_page, unfold

PAGE = "pages/explore.py"
POLYMNIST = ["m0", "m1", "m2", "m3", "m4"]
SIZE = r"-?[0-9.]+(?:\\cdot 10\^\{-?[0-9]+\})?"


def value(text):
    return float(re.sub(r"\\cdot 10\^\{(-?[0-9]+)\}", r"e\1", text))


def build(present, weights, rule, data_name="polymnist", model_name="mwb-vae", item=342, replaced=None):
    loaded = loaders.load_model(data_name, model_name)
    return loaded, item_beliefs.build(loaded, item, present, weights, rule, replaced)


# -- formulas --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [*bvae.aggregators(), "mixture(jeffreys)", "mixture(hoelder)"])
def test_every_formula_comes_to_what_the_rule_gives(rule):
    """Also with one view, without any, and with uneven weights: the sum is done a second time, in one dimension."""
    for present, weights in (([True] * 5, [1.0] * 5), ([True, False, True, True, False], [3.0, 1.0, 0.25, 0.0, 1.0]),
                             ([False, True, False, False, False], [1.0] * 5), ([False] * 5, [1.0] * 5)):
        _, now = build(present, weights, rule)
        for d in (0, 21):
            made = walk.work_out(now, d, POLYMNIST)
            assert made.mean == pytest.approx(now.decoded.mean[0, d].item(), abs=1e-4)
            assert made.scale == pytest.approx(now.decoded.variance[0, d].sqrt().item(), rel=1e-4)
            text = worked.aligned(made.lines)
            if any(present):
                assert worked.number(made.mean) in text
                assert worked.number(made.scale) in text
            assert text.count("{") == text.count("}")
            assert all("&" in line for line in made.lines)


@pytest.mark.parametrize("prior", ["never", "always", "full"])
def test_a_product_shows_the_prior_where_it_takes_part(prior):
    loaded, _ = build([True] * 5, [1.0] * 5, None)
    for present in ([True] * 5, [True, True, False, False, False]):
        now = item_beliefs.of_experts(loaded.experts, 342, present, [1.0] * 5, aggregator("poe", prior_expert=prior))
        made = walk.work_out(now, 3, POLYMNIST)
        assert made.scale == pytest.approx(now.decoded.variance[0, 3].sqrt().item(), rel=1e-4)
        assert ("prior" in worked.aligned(made.lines)) == (prior == "always" or (prior == "full" and all(present)))


def test_the_products_terms_add_up_as_they_are_written():
    _, now = build([True] * 5, [1.0] * 5, "poe")
    first = worked.aligned(walk.work_out(now, 21, POLYMNIST).lines).split(r"\sigma &=")[0]
    terms = [1 / value(s) ** 2 for s in re.findall(r"\\tfrac\{1\}\{(" + SIZE + r")\^2\}", first)]
    assert len(terms) == 5
    assert sum(terms) == pytest.approx(value(re.findall(rf"&= ({SIZE})", first)[-1]), rel=0.02)


def test_a_rule_that_writes_no_formula_gets_its_numbers_too():
    _, now = build([True] * 5, [1.0] * 5, "moment")
    made = Aggregator.worked_formula(now.rule, walk.in_dimension(now, 4, POLYMNIST))
    assert made.mean == pytest.approx(now.posterior.mean[0, 4].item(), rel=1e-4)
    assert made.scale == pytest.approx(now.posterior.variance[0, 4].sqrt().item(), rel=1e-4)
    assert len(made.lines) == 5 + 2


@pytest.mark.parametrize(("data_name", "model_name"), [
    ("polymnist", "code-vae"), ("polymnist", "mvae"), ("mnist-svhn-text", "mopoe-vae"), ("celeba", "mmvae-plus")])
def test_every_step_of_models_of_all_kinds(data_name, model_name):
    """Learned weights of subsets, the prior as an expert, private latents, texts."""
    loaded = loaders.load_model(data_name, model_name)
    data, views = loaders.test_data(data_name), list(loaded.model.modalities)
    for present in ([True] * len(views), [False] * (len(views) - 1) + [True], [False] * len(views)):
        now = item_beliefs.build(loaded, 3, present, [1.0] * len(views), None)
        drawn = item_beliefs.draw(now, 3, 0)
        again = now.latent.rsample((3,), generator=torch.Generator().manual_seed(0))[:, 0]
        assert torch.equal(drawn.z[:, : loaded.model.shared_dim], again[:, : loaded.model.shared_dim])
        if loaded.model.private_sampler is None or all(present) or not any(present):
            assert torch.equal(drawn.z, again)
        for step in walk.STEPS[1:]:
            told = walk.tell(step, now, loaded.model, views, [1.0] * len(views), 2, drawn, data.subset([3]))
            assert told.filled.count("{") == told.filled.count("}")
        told = walk.tell(walk.SAMPLE, now, loaded.model, views, [1.0] * len(views), 2, drawn, data.subset([3]))
        written = re.findall(r"= (" + SIZE + r")(?: \\;\\; \(k\{=\}\d+\))?(?:\\\\\[3pt\]|\\end)", told.filled)
        assert [value(v) for v in written] == pytest.approx(drawn.z[:, 2].tolist(), rel=6e-3, abs=1e-9)
        assert sum(w for _, w in walk.component_names(now, views)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("rule", [None, "poe", "moe"])
def test_private_parts_of_hidden_views_are_drawn_as_generate_draws_them(rule):
    """They once came from N(0, I) here: the most coherent model looked as if it guessed."""
    loaded = loaders.load_model("polymnist", "mwb-vae-plus")
    data = loaders.test_data("polymnist")
    present, right = [True, False, False, False, False], []
    for item in range(12):
        now = item_beliefs.build(loaded, item, present, [1.0] * 5, rule)
        images = loaded.model.decode(item_beliefs.draw(now, 4, 0).z)
        x = {"m0": data.x["m0"][item : item + 1]}
        made = loaded.model.generate(x, None, 4, torch.Generator().manual_seed(0),
                                     None if rule is None else aggregator(rule))
        for name, values in made.items():
            torch.testing.assert_close(images[name], values[:, 0], rtol=1e-4, atol=1e-4)
        judged = loaders.judges("polymnist").probabilities(images)
        right += [(judged[v].argmax(-1) == data.y[item]).float().mean() for v in ("m1", "m2", "m3", "m4")]
    assert torch.stack(right).mean() > 0.8


def test_weights_that_are_written_are_those_of_the_rule():
    _, now = build([True, True, False, True, False], [3.0, 1.0, 4.0, 0.0, 1.0], "wasserstein")
    np.testing.assert_allclose(walk.shares(now, 0, POLYMNIST), [0.75, 0.25, 0, 0, 0])
    loaded = loaders.load_model("polymnist", "mwb-vae")
    told = walk.tell(walk.WEIGHTS, now, loaded.model, POLYMNIST, [3.0, 1.0, 4.0, 0.0, 1.0], 0,
                     item_beliefs.draw(now, 1, 0), {})
    assert r"\tfrac{3}{4} = 0.75" in told.filled
    assert r"\tfrac{0}{4} = 0" in told.filled


def test_contours_hold_the_mass_that_they_claim_and_many_components_are_dots():
    x = np.linspace(-6, 6, 201)
    heights = np.exp(-0.5 * (x[:, None] ** 2 + x[None] ** 2))
    for mass, level in zip(plots.MASSES, plots.mass_levels(heights, plots.MASSES), strict=True):
        assert heights[heights >= level].sum() / heights.sum() == pytest.approx(mass, abs=0.01)
        assert level == pytest.approx(1 - mass, abs=0.01)  # of a round Gaussian of peak 1
    for present, many in (([True] * 5, True), ([True, True, False, False, False], False)):
        _, now = build(present, [4.0, 1.0, 1.0, 1.0, 1.0], "mwb")
        loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
        figure = plots.plane_figure(plots.dimension_plane(loc, scale), POLYMNIST, loc, scale, present, now.drawn()[:1],
                                    style.LIGHT)
        dots = [t for t in figure.data if t.name == "its 31 components"]
        assert len(dots) == many
        assert len([t for t in figure.data if t.type == "contour"]) == len(plots.MASSES)
        if many:
            np.testing.assert_allclose(np.array(dots[0].marker.opacity) / max(dots[0].marker.opacity),
                                       (now.posterior.weights / now.posterior.weights.max())[:, 0], atol=1e-6)


# -- lies and damage -------------------------------------------------------------------------------------------------


def test_a_lie_is_of_its_class_seeded_and_never_the_item_itself():
    data = loaders.test_data("polymnist")
    truth = int(data.y[342])
    made = [tamper(data, "m1", 342, 7, None, 0.5, seed) for seed in range(8)]
    assert all(t.shown(data) == 7 for t in made)
    assert len({t.item for t in made}) > 3
    assert made[0] == tamper(data, "m1", 342, 7, None, 0.5, 0)
    assert made[0].said(data, truth) == "lies: shows 7"
    same = tamper(data, "m1", 342, truth, "noise", 0.5, 0)
    assert same.item != 342
    assert same.said(data, truth) == f"another {truth}, noise 50%"
    assert tamper(data, "m1", 342, None, None, 0.5, 0) is None
    assert not torch.equal(tamper(data, "m0", 342, None, "noise", 0.5, 0).content(data) - data.subset([342])["m0"],
                           tamper(data, "m1", 342, None, "noise", 0.5, 0).content(data) - data.subset([342])["m1"])


def test_only_the_view_that_was_tampered_with_is_encoded_afresh():
    data = loaders.test_data("polymnist")
    lie = tamper(data, "m3", 342, 7, None, 0.5, 0)
    loaded, now = build([True] * 5, [1.0] * 5, None, replaced={"m3": lie.content(data)})
    honest = item_beliefs.build(loaded, 342, [True] * 5, [1.0] * 5, None)
    assert torch.equal(now.loc[[0, 1, 2, 4]], honest.loc[[0, 1, 2, 4]])
    torch.testing.assert_close(now.loc[3], loaded.experts.loc[3, [lie.item]], atol=1e-4, rtol=1e-4)


def test_w2_between_posteriors_is_exact_for_gaussians_and_gelbrichs_bound_for_mixtures(experts):
    loc, scale = experts
    p, q = Posterior.gaussian(loc[0], scale[0]), Posterior.gaussian(loc[1], scale[1])
    far, exact = posterior_wasserstein2(p, q)
    assert exact
    apart = (loc[0] - loc[1]).square().sum(-1) + (scale[0] - scale[1]).square().sum(-1)
    torch.testing.assert_close(far, apart.sqrt())
    mixed = aggregator("moe")(loc, scale)
    far, exact = posterior_wasserstein2(p, mixed)
    assert not exact
    torch.testing.assert_close(far, gelbrich(loc[:1], scale[:1], mixed)[0], atol=1e-6, rtol=1e-6)
    assert posterior_wasserstein2(mixed, mixed)[0].max() < 1e-5


def test_every_aggregator_copes_with_the_same_experts():
    data, loaded = loaders.test_data("polymnist"), loaders.load_model("polymnist", "mwb-vae")
    lie = tamper(data, "m1", 342, 7, None, 0.5, 0)
    coped, exact = coping.cope(loaded, 342, [True] * 5, [1.0] * 5, (lie,), data, 0, loaders.judges("polymnist"), [7])
    assert len(coped) == len(AGGREGATORS.names())
    assert not exact
    found = {one.rule: one.numbers for one in coped}["wasserstein"]
    row = coping.table(coped, "mwb", "3", ["7"]).set_index("aggregator").loc["Wasserstein"]
    assert list(row.index) == ["p(3), the truth", "its standard error", "p(7), the lie", "σ", "moved by, W2"]
    assert list(row) == pytest.approx([found[quantity] for quantity in (
        Quantity.RIGHT_PROBABILITY, Quantity.RIGHT_ERROR, Quantity.LIE_PROBABILITY, Quantity.WIDTH, Quantity.MOVED)])
    now = item_beliefs.build(loaded, 342, [True] * 5, [1.0] * 5, "wasserstein", {"m1": lie.content(data)})
    images = loaded.model.decode(item_beliefs.draw(now, coping.SAMPLES, 0).z)
    p = torch.stack(list(loaders.judges("polymnist").probabilities(images).values())).mean((0, 1))
    assert found[Quantity.RIGHT_PROBABILITY] == pytest.approx(p[3].item(), abs=1e-4)
    assert found[Quantity.LIE_PROBABILITY] == pytest.approx(p[7].item(), abs=1e-4)
    before = item_beliefs.build(loaded, 342, [True] * 5, [1.0] * 5, "wasserstein").posterior
    assert found[Quantity.MOVED] == pytest.approx(
        posterior_wasserstein2(before, now.posterior)[0].item(), rel=1e-5)
    assert coping.chosen_of(loaded.model, "as-trained") == "mwb"
    assert coping.chosen_of(loaded.model, "poe") == "poe"
    honest, _ = coping.cope(loaded, 342, [True] * 5, [1.0] * 5, (), data, 0, None, [])
    assert list(coping.table(honest, "mwb", "3", []).columns) == ["aggregator", "σ"]  # nothing moved it, nobody judges
    # One view out of five: its mean moves the barycenter's by a fifth of the way.
    way = (now.loc[1] - loaded.experts.loc[1, [342]]).norm().item() / 5
    assert found[Quantity.MOVED] == pytest.approx(way, rel=0.1)


# -- the page --------------------------------------------------------------------------------------------------------


def said_of(app, view, word):
    """Whether the picture of a view is said to be something."""
    return any(re.search(f'alt="{view}, [^"]*{word}', h.proto.body) for h in app.get("html"))


def press(app, label):
    next(b for b in app.button if b.label == label).click().run()
    assert_clean(app)


def test_the_walk_goes_forth_and_back_and_shows_what_exists():
    app = open_page(PAGE)
    assert app.segmented_control(key="step").value == walk.ANSWER
    answer = len(drawings(app))
    for step in walk.STEPS[1:]:
        press(app, "Next")
        assert app.segmented_control(key="step").value == step
        assert len(app.latex) == 2
        assert ("What it imagines" in [h.value for h in app.subheader]) == (step == walk.DECODE)
        assert len(drawings(app)) == (answer if step == walk.DECODE else answer + 1)
    press(app, "Back")
    app.selectbox(key="dim").set_value("5").run()
    assert_clean(app)
    _, now = build([True] * 5, [1.0] * 5, None)
    first = item_beliefs.draw(now, 4, 0).z[0, 5].item()
    assert f"= {worked.number(first)}" in app.latex[1].value
    for rule in bvae.aggregators():
        app.segmented_control(key="step").set_value(walk.BARYCENTER)
        app.selectbox(key="agg").set_value(rule).run()
        assert_clean(app)
        assert app.latex[0].value.strip().strip("$").strip() == walk.in_rows(aggregator(rule).formula)
    app.pills(key="views").set_value([]).run()
    for step in walk.STEPS[1:]:
        app.segmented_control(key="step").set_value(step).run()
        assert_clean(app)


def test_views_lie_go_and_come_back_as_they_were():
    app = open_page(PAGE, lie_m1="7", how_m2="occluded", much_m2="0.6", w_m1="2.5")
    assert (app.selectbox(key="lie_m1").value, app.segmented_control(key="how_m2").value) == ("7", "occlude")
    assert "How every rule fares" in [h.value for h in app.subheader]
    table = next(d.value for d in app.dataframe if "aggregator" in d.value.columns)
    assert {"p(3), the truth", "p(7), the lie", "moved by, W2"} <= set(table.columns)
    app.pills(key="views").set_value(["m0", "m2"]).run()
    assert_clean(app)
    assert not said_of(app, "m1", "lies")
    press(app, "Bring m1 back")
    assert app.pills(key="views").value == ["m0", "m1", "m2"]
    assert (app.selectbox(key="lie_m1").value, app.slider(key="w_m1").value) == ("7", 2.5)
    press(app, "Reset everything")
    assert app.pills(key="views").value == POLYMNIST
    assert app.selectbox(key="lie_m1").value == observed.HONEST
    assert app.segmented_control(key="how_m2").value == observed.NOTHING
    assert app.slider(key="w_m1").value == 1.0
    assert "How every rule fares" not in [h.value for h in app.subheader]


@pytest.mark.slow
def test_every_control_of_every_view_at_its_extremes():
    for data_name in ("mnist-svhn-text", "celeba"):
        app = open_page(PAGE)
        app.selectbox(key="data").set_value(data_name).run()
        assert_clean(app)
        data = loaders.test_data(data_name)
        for strength in (0.05, 1.0):
            for view, modality in data.modalities.items():
                app.selectbox(key=f"lie_{view}").set_value(str(data.num_classes - 1))
                damages = list(bvae.data.corruption.DAMAGES[modality.kind])
                app.segmented_control(key=f"how_{view}").set_value(damages[-1 if strength == 1.0 else 0])
            app.run()
            for view in data.modalities:
                app.slider(key=f"much_{view}").set_value(strength)
            app.slider(key="n").set_value(8)
            app.segmented_control(key="step").set_value(walk.DECODE if strength == 1.0 else walk.ANSWER).run()
            assert_clean(app)
        app.pills(key="views").set_value([]).run()
        assert_clean(app)


def test_bad_links_fall_back():
    app = open_page(PAGE, step="9 Sleep", dim="99", lie_m0="<b>", how_m0="acid", much_m0="nan", lie_m9="3")
    assert app.segmented_control(key="step").value == walk.ANSWER
    assert app.selectbox(key="lie_m0").value == observed.HONEST
    assert app.segmented_control(key="how_m0").value == observed.NOTHING


@pytest.mark.parametrize(("data_name", "model_name", "tampering"), [
    ("polymnist", "mwb-vae", {"m1": (7, "noise", 0.4), "m3": (None, "occlude", 0.5)}),
    ("mnist-svhn-text", "mopoe-vae", {"svhn": (4, None, 0.5), "text": (None, "misspell", 0.6)}),
    ("celeba", "mmvae-plus", {"text": (2, "erase", 0.5)}),
])
def test_the_code_gives_the_pages_numbers_with_lies_and_damage(data_name, model_name, tampering):
    data, loaded = loaders.test_data(data_name), loaders.load_model(data_name, model_name)
    views = list(loaded.model.modalities)
    done = [tamper(data, view, 42, *how, 5) for view, how in tampering.items()]
    present = [v in tampering or v == views[0] for v in views]
    now = item_beliefs.build(loaded, 42, present, [1.0] * len(views), None, {t.view: t.content(data) for t in done})
    seen = observed.Observed(views, present, [1.0] * len(views), tuple(done), {})
    fields = Form(Explore, Choice(loaded)).state(shown=loaded.key)
    code = dataclasses.replace(fields, item=42, num_samples=3, seed=5).script(now, seen, data)
    names: dict = {}
    exec(compile(code, "reproduce", "exec"), names)  # noqa: S102 - our own text, shown on the page
    mean = names["q"].mean.detach()[:, : now.posterior.loc.shape[-1]]  # without private dimensions
    np.testing.assert_allclose(mean, now.posterior.mean, atol=1e-4)
    for own, shown in zip(names["far"][:3], now.distances()[:3], strict=True):  # the table below the pictures
        np.testing.assert_allclose(own.detach(), shown, rtol=1e-3, atol=1e-3)
    _, images, _ = item_beliefs.imagine(loaded, now, 3, 5, None)
    for view in views:
        np.testing.assert_allclose(names["images"][view][:, 0], images[view], atol=1e-3)


def test_the_page_shows_this_code():
    app = open_page(PAGE, lie_m1="7", how_m1="noise", much_m1="0.3", seed="5")
    code = next(c.value for c in unfold(app).code if "bvae.load" in c.value)
    data = loaders.test_data("polymnist")
    assert "\n".join(tamper(data, "m1", 342, 7, "noise", 0.3, 5).code(data)) in code
    shown = next(m.value for m in app.markdown if "weights " in m.value)
    assert loaders.load_model("polymnist", "mwb-vae").checkpoint.hash[:12] in shown
    assert "seed 5" in shown
    lines = next(c.value for c in app.code if "python -m bvae evaluate" in c.value)
    assert lines.startswith("python explore.py")
    command = parser().parse_args(re.search(r"python -m bvae ([^#]*)", lines).group(1).split())
    assert (command.run, command.dataset, command.method) == (evaluate.run, "polymnist", "mwb-vae")


def test_without_a_view_nothing_is_said_of_observed_experts_or_estimates():
    app = open_page("pages/explore.py")
    app.pills(key="views").set_value([]).run()
    assert_clean(unfold(app))
    said = " ".join(e.value for e in [*app.markdown, *app.caption])
    assert "the joint belief is the prior (standard deviation 1.00)" in said
    assert "as wide as an observed expert" not in said
    assert "Monte Carlo" not in said


def test_a_mixture_seen_through_one_view_is_one_gaussian_and_its_numbers_are_exact():
    app = unfold(open_page("pages/explore.py", agg="MWB", views="m2"))
    assert any("W2 to the joint" in h for h in (e.proto.body for e in app.get("html")))
    assert not any("Monte Carlo" in c.value for c in app.caption)
    app.pills(key="views").set_value(["m1", "m2"]).run()
    unfold(app)
    assert any("Monte Carlo" in c.value for c in app.caption)


def test_the_link_opens_the_comparison_of_all_rules():
    app = open_page(PAGE)
    assert not any("Probability of the true class" in said for said in drawings(app))
    app = open_page(PAGE, coping="true")
    assert any("Probability of the true class" in said for said in drawings(app))
    said = " ".join(c.value for c in app.caption)
    assert re.search(r"Judged the same, because they decode the same z: .*Wasserstein, MWB", said)


# -- what happened ---------------------------------------------------------------------------------------------------


def sentence(app):
    """What the page says happened, after its headline."""
    return app.markdown[1].value


def test_axes_stay_until_asked_and_what_happened_is_said_in_numbers():
    app = open_page(PAGE)
    first = app.session_state[frame.KEY][1]
    assert sentence(app).startswith("**5 views, 5 beliefs (filled), one joint belief (thick line):**")
    assert next(b for b in app.button if b.key == "fit").disabled
    press(app, "Let m0 say a 7")
    assert app.selectbox(key="lie_m0").value == "7"
    assert app.session_state[frame.KEY][1].same(first)
    data = loaders.test_data("polymnist")
    lie = tamper(data, "m0", 342, 7, None, 0.5, 0)
    loaded, now = build([True] * 5, [1.0] * 5, None, replaced={"m0": lie.content(data)})
    honest = item_beliefs.build(loaded, 342, [True] * 5, [1.0] * 5, None)
    far = (now.decoded.mean - honest.decoded.mean).norm().item()
    assert f"**m0 now says a 7:** the joint belief moved by {far:.2g} " in sentence(app)
    z = item_beliefs.draw(now, 4, 0).z
    judged = loaders.judges("polymnist").probabilities(loaded.model.decode(z))
    p = torch.stack([of for view, of in judged.items() if view != "m0"]).mean((0, 1))
    assert f"the pictures of the honest views still show a 3 ({p[3]:.0%} sure)" in sentence(app)
    assert f" (in all {loaded.model.latent_dim} dimensions) " in sentence(app)
    (about,) = [c.value.replace("\\", "") for c in app.caption if c.value.startswith("This is class 3")]
    assert about.startswith("This is class 3, but m0 lies: shows 7.")
    assert "Every view shows" not in about
    assert any(e.label.startswith("Why do 4 honest views of a 3 disagree") for e in app.expander)
    app.slider(key="n").set_value(4).run()  # nothing is changed: the sentence stays
    assert "m0 now says a 7" in sentence(app)
    app.pills(key="views").set_value(["m0", "m1", "m2", "m4"]).run()
    assert sentence(app).startswith("**m3 is hidden:**")
    assert "the hidden view " in sentence(app)
    assert app.session_state[frame.KEY][1].same(first)
    press(app, "Fit the picture")
    assert not app.session_state[frame.KEY][1].same(first)
    press(app, "Undo all")
    assert sentence(app).startswith("**m0 shows the truth again and m3 is seen again:**")
    app.number_input(key="item").set_value(3).run()
    assert sentence(app).startswith("**5 views, 5 beliefs")


def test_a_link_with_a_lie_says_what_the_lie_did_and_reset_forgets_it():
    app = open_page(PAGE, lie_m1="7", agg="PoE", w_m0="2.5")
    assert sentence(app).startswith("**m1 now says a 7:** the joint belief moved by ")
    press(app, "Reset everything")
    assert sentence(app).startswith("**5 views, 5 beliefs")


@pytest.mark.parametrize(("mean", "scale", "said"), [
    ((0.0, 0.0), 1.0, "stayed where it was and is as wide as before"),
    ((0.0, 0.0), 1.3, "stayed where it was but got 1.3 times as wide"),
    ((3.0, 4.0), 0.5, "moved by 5 and got 0.5 times as wide"),
    ((3.0, 4.0), 1.0, "moved by 5 and is as wide as before"),
])
def test_whether_a_belief_moved_widened_or_stayed(mean, scale, said):
    before = plots.Aggregate("poe", "", np.ones(1), np.zeros((1, 2)), np.ones((1, 2)))
    now = plots.Aggregate("poe", "", np.ones(1), np.array([mean]), np.full((1, 2), scale))
    assert changes.moved(before, now) == f"the joint belief {said}"


def test_how_far_is_that_of_all_dimensions_not_of_the_picture():
    before = plots.Aggregate("poe", "", np.ones(1), np.zeros((1, 3)), np.ones((1, 3)))
    now = plots.Aggregate("poe", "", np.ones(1), np.array([[1.0, 2.0, 2.0]]), np.ones((1, 3)))
    assert changes.moved(before, now) == "the joint belief moved by 3 (in all 3 dimensions) and is as wide as before"


def test_what_lies_beyond_the_edge_is_said():
    _, now = build([True] * 5, [1.0] * 5, None)
    axes = frame.fitting(now, "dims", now.alone())
    assert frame.outside(axes, POLYMNIST, now, now.alone()) == []
    small = dataclasses.replace(axes, limits=((-0.2, 0.9), (-0.4, 0.6)))
    assert frame.outside(small, POLYMNIST, now, now.alone()) == ["m0", "m1", "m3", "m4"]


# -- questions -------------------------------------------------------------------------------------------------------


def test_draws_come_from_all_views_together_or_from_a_group_by_lot():
    loaded, together = build([True] * 5, [1.0] * 5, None)
    by_lot = item_beliefs.build(loaded, 342, [True] * 5, [1.0] * 5, None, by_lot=True)
    assert torch.equal(together.posterior.loc, by_lot.posterior.loc)
    drawn = item_beliefs.draw(by_lot, 60, 0)
    assert len(set(drawn.component.tolist())) > 15  # of 31 groups
    assert torch.equal(drawn.z, by_lot.posterior.rsample((60,), generator=torch.Generator().manual_seed(0))[:, 0])
    members = walk.members_of_components(by_lot, POLYMNIST)
    np.testing.assert_allclose(by_lot.posterior.loc[members.index(("m1", "m3")), 0],
                               (by_lot.loc[1, 0] + by_lot.loc[3, 0]) / 2, atol=1e-5)
    assert "each of 31 groups of views. The thick line is the belief of all 5 together" in lot.said(together)
    assert lot.said(by_lot) == ""  # all of the mixture is drawn
    assert not lot.has_groups(build([True] * 5, [1.0] * 5, "poe")[1])
    assert not lot.has_groups(build([True, False, False, False, False], [1.0] * 5, None)[1])
    app = open_page(PAGE, decode="a group by lot")
    names: dict = {}
    code = next(c.value for c in unfold(app).code if "bvae.load" in c.value)
    exec(compile(code, "reproduce", "exec"), names)  # noqa: S102 - our own text, shown on the page
    images = loaded.model.decode(item_beliefs.draw(by_lot, 4, 0).z)
    np.testing.assert_allclose(names["images"]["m2"][:, 0].detach(), images["m2"].detach(), atol=1e-3)
    app.selectbox(key="agg").set_value("poe").run()
    assert_clean(app)
    assert "decode" not in [c.key for c in app.segmented_control]
    app.selectbox(key="agg").set_value("as-trained").run()
    assert app.segmented_control(key="decode").value == lot.LOT


def test_why_views_disagree_is_measured():
    loaded, data = loaders.load_model("polymnist", "mwb-vae"), loaders.test_data("polymnist")
    found = why.apart(loaded.key)
    loc, scale = loaded.experts.loc.numpy(), loaded.experts.scale.numpy()
    pairs = [(a, b) for a in range(5) for b in range(5) if a != b]
    assert found.width == pytest.approx(scale.mean(), rel=1e-5)
    gaps = [np.linalg.norm(loc[a] - loc[b], axis=-1).mean() for a, b in pairs]
    assert found.same == pytest.approx(np.mean(gaps), rel=1e-4)
    inside = [(np.abs(loc[a] - loc[b]) <= 2 * scale[a]).mean() for a, b in pairs]
    assert found.within == pytest.approx(np.mean(inside), rel=1e-4)
    partner = why.another_of_the_class(data)
    assert torch.equal(data.y[partner], data.y)
    assert not (partner == torch.arange(len(data))).any()
    assert why.own_and_other(loaded.key, 3) > 1  # a belief keeps its own handwriting
    # What is said of training holds in the numbers: where it asks beliefs to agree, they do.
    asked = loaders.load_model("polymnist", why.ASKING)
    assert why.asks(asked)
    assert not why.asks(loaded)
    assert why.apart(asked.key).within > 3 * found.within
    app = unfold(open_page(PAGE))
    assert any(f"They do in **{found.within:.0%}**" in m.value for m in app.markdown)
    press(app, "Compare with MVTCAE, whose training does ask")


@pytest.mark.parametrize(("data_name", "model_name"), [
    ("polymnist", "code-vae"), ("polymnist", "mvtcae"), ("mnist-svhn-text", "mopoe-vae"), ("celeba", "mmvae-plus")])
def test_all_that_is_one_click_away_opens_for_models_of_all_kinds_and_has_no_internal_names(data_name, model_name):
    app = unfold(open_page(PAGE, data=data_name, model=model_name, coping="true"))
    said = " ".join([*(str(e.value) for e in [*app.markdown, *app.caption, *app.subheader]), *drawings(app),
                     *(h.proto.body for h in app.get("html")), *(str(d.value) for d in app.dataframe),
                     *(str(b.proto.options) for b in app.selectbox)])
    assert "mixture(" not in said


# -- controls --------------------------------------------------------------------------------------------------------


def test_another_data_set_shows_all_of_its_views():
    app = open_page(PAGE)
    app.pills(key="views").set_value(["m1"]).run()
    app.selectbox(key="data").set_value("mnist-svhn-text").run()
    assert_clean(app)
    assert app.pills(key="views").value == ["mnist", "svhn", "text"]
    app.pills(key="views").set_value(["mnist", "text"]).run()
    app.selectbox(key="model").set_value("mvae").run()
    assert app.pills(key="views").value == ["mnist", "text"]
    app = open_page(PAGE, data="mnist-svhn-text", views=["mnist"])
    assert app.pills(key="views").value == ["mnist"]


def test_every_control_has_a_name_of_its_own():
    for query in ({}, {"data": "mnist-svhn-text"}, {"data": "celeba"}):
        app = open_page(PAGE, **query)
        labels = [c.label for kind in ("selectbox", "segmented_control", "pills", "number_input", "slider", "toggle",
                                       "button") for c in app.get(kind)]
        assert sorted(set(labels)) == sorted(labels)
    assert {"Weight of image", "Damage to text", "image shows", "How much text is damaged"} <= set(labels)
