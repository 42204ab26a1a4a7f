"""Compare in Streamlit's AppTest: it opens on an answer, no control can raise, its code gives its numbers."""

import re

import numpy as np
import pytest
import torch

import bvae
from bvae.aggregators.comparison import affordable_samples, distances, entropy, gelbrich, means_of
from bvae.app import loaders
from bvae.app.beliefs import item_beliefs
from bvae.app.beliefs.contenders import Contender, allowed
from bvae.app.beliefs.neighbours import changes, link, most_changed, plane_maps
from bvae.app.beliefs.numbers import numbers
from bvae.app.beliefs.quantities import Of, Quantity
from bvae.app.beliefs.selection import MOST_PICKED, as_text, items_in
from bvae.app.beliefs.wording import widest
from bvae.app.compare import pins
from bvae.gaussians.posterior import Posterior
from bvae.plots.latent import grouped
from tests.support.pages import all_numbers, assert_clean, drawings, open_page, unfold

PAGE = "pages/compare.py"


def run_code(app):
    code = next(c.value for c in unfold(app).code if "bvae.load" in c.value)
    names: dict = {}
    exec(compile(code, "reproduce", "exec"), names)  # noqa: S102 - our own text, shown on the page
    return names


def show(app, part):
    app.segmented_control(key="part").set_value(part).run()
    assert_clean(app)
    return app


def test_it_opens_on_three_aggregators_with_one_view_missing():
    app = open_page(PAGE)
    assert app.pills(key="compared").value == ["poe", "moe", "wasserstein"]
    assert app.pills(key="views").value == ["m0", "m1", "m2", "m3"]
    assert len(drawings(app)) == 3
    assert not app.get("plotly_chart")  # it need not be loaded
    table = all_numbers(show(app, "numbers"))
    assert list(table.columns[2:]) == ["PoE", "MoE", "Wasserstein"]
    loaded = loaders.load_model("polymnist", "mwb-vae")
    now = item_beliefs.build(loaded, 342, [True] * 4 + [False], [1.0] * 5, "wasserstein")
    values = table.set_index(["number", "of"])["Wasserstein"]
    assert values["entropy, nats", "joint"] == pytest.approx(entropy(now.posterior).value.item(), rel=6e-3)
    np.testing.assert_allclose(values["W2 to the joint"], now.distances().wasserstein2[:, 0], rtol=6e-3)


def test_no_number_of_contenders_can_raise():
    app = open_page(PAGE, part="All numbers")
    for rules in ([], ["mopoe"], bvae.aggregators(), ["jeffreys", "hoelder", "mwb", "code", "helvae", "fisher-rao"]):
        app.pills(key="compared").set_value(rules).run()
        assert_clean(app)
        columns = list(all_numbers(app).columns[2:])
        assert 2 <= len(columns) <= 6
    assert len(columns) == 6


def test_every_control_at_its_extremes():
    app = open_page(PAGE)
    app.pills(key="compared").set_value(["moe", "wasserstein"]).run()
    for views in ([], ["m3"], ["m0", "m1", "m2", "m3", "m4"]):
        app.pills(key="views").set_value(views).run()
        assert_clean(app)
    for item, seed, samples in ((0, 9999, 8), (999, 0, 1)):
        app.number_input(key="item").set_value(item)
        app.number_input(key="seed").set_value(seed)
        app.slider(key="n").set_value(samples)
        app.segmented_control(key="plane").set_value("pca").run()
        assert_clean(app)
    show(app, "maps")
    for text in ("3, 17, 20-24", "999999 -1 <script>", "0-999", "9" * 1000):
        app.text_input(key="picked").set_value(text).run()
        assert_clean(app)


def test_the_pictures_of_a_selection_are_of_every_class_its_share():
    app = open_page(PAGE, part="All items")
    y = loaders.test_data("polymnist").y
    ones, nines = (torch.nonzero(y == k)[:30, 0].tolist() for k in (1, 9))
    app.text_input(key="picked").set_value(as_text([*ones[:10], *nines])).run()
    assert_clean(app)
    gallery = next(h.proto.body for h in app.get("html") if "bvae-gallery" in h.proto.body)
    found = re.findall(r"item (\d+), class (\d)<", gallery)
    assert [k for _, k in found] == ["9"] * 6 + ["1"] * 2
    assert all(int(y[int(i)]) == int(k) for i, k in found)
    assert any(c.value.startswith("8 of 40 selected items") for c in app.caption)


def test_the_map_of_a_contender_that_goes_does_not_stay_chosen():
    app = open_page(PAGE, part="All items")
    app.segmented_control(key="changed").set_value("wasserstein").run()
    assert_clean(app)
    app.pills(key="compared").set_value(["poe", "moe", "mwb"]).run()
    assert_clean(app)
    assert app.segmented_control(key="changed").value == "moe"


def test_tsne_maps_are_aligned_and_say_what_not_to_read():
    app = open_page(PAGE, part="All items")
    app.pills(key="compared").set_value(["moe", "poe"]).run()
    app.segmented_control(key="map").set_value("tsne").run()
    assert_clean(app)
    assert any("t-SNE keeps neighbours" in c.value for c in app.caption)
    assert any("residual" in c.value for c in app.caption)


def test_trained_models_each_in_their_own_space():
    app = open_page(PAGE, mode="Trained models")
    assert app.segmented_control(key="mode").value == "models"
    assert app.pills(key="models").value == ["mvae", "mmvae", "wb-vae-tc"]
    app.pills(key="models").set_value(loaders.trained("polymnist")).run()
    assert_clean(app)
    assert len(drawings(app)) == min(6, len(loaders.trained("polymnist")))
    show(app, "maps")
    assert len(app.get("plotly_chart")) == min(6, len(loaders.trained("polymnist")))
    assert any("residual" in c.value for c in app.caption)
    app.pills(key="models").set_value([]).run()
    assert_clean(app)


@pytest.mark.parametrize("mode", ["aggregators", "models"])
@pytest.mark.parametrize("views", [["m1", "m3"], []])
def test_the_reproduce_code_gives_the_numbers_of_the_page(mode, views):
    app = open_page(PAGE)
    app.segmented_control(key="mode").set_value(mode).run()
    key, chosen = ("compared", ["moe", "hoelder"]) if mode == "aggregators" else ("models", ["mvae", "mwb-vae"])
    app.pills(key=key).set_value(chosen)
    app.pills(key="views").set_value(views)
    app.slider(key="n").set_value(2).run()
    assert_clean(app)
    names = run_code(app)
    for name in chosen:
        loaded = loaders.load_model("polymnist", "mwb-vae" if mode == "aggregators" else name)
        now = item_beliefs.build(loaded, 342, [v in views for v in loaded.model.modalities], [1.0] * 5,
                          name if mode == "aggregators" else None)
        np.testing.assert_allclose(names["joint"][name].mean.detach(), now.posterior.mean, atol=1e-4)
        np.testing.assert_allclose(names["joint"][name].variance.detach(), now.posterior.variance, rtol=1e-3)
        _, images, _ = item_beliefs.imagine(loaded, now, 2, 0, None)
        np.testing.assert_allclose(names["images"][name]["m2"][:, 0].detach(), images["m2"], atol=1e-3)


def test_pins_are_kept_linked_and_taken_off():
    app = open_page(PAGE)

    def press(label):
        next(b for b in app.button if b.label == label).click().run()
        assert_clean(app)

    def pinned():
        return next(d.value for d in app.dataframe if "link" in d.value.columns)

    press("Pin these runs")
    press("Pin these runs")  # the same ones: nothing is added
    assert len(app.session_state[pins.PINNED]) == 3
    app.number_input(key="item").set_value(7).run()
    press("Pin these runs")
    runs = app.session_state[pins.PINNED]
    assert len(runs) == 6
    assert list(pinned()["sample"]) == [342] * 3 + [7] * 3
    assert pinned()["link"][3] == ("explore?v=1&data=PolyMNIST&model=MWB-VAE&agg=PoE&item=7&views=m0&views=m1&views=m2"
                                   "&views=m3&seed=0&n=4")
    table = all_numbers(show(app, "numbers")).set_index(["number", "of"])  # what is shown is what the last three hold
    for rule, row in zip(("PoE", "MoE", "Wasserstein"), (3, 4, 5), strict=True):
        assert pinned()["entropy, nats"][row] == pytest.approx(table[rule]["entropy, nats", "joint"], rel=6e-3)
        assert pinned()["p(right class), hidden views"][row] == pytest.approx(
            table[rule]["probability of the item's class, mean over the generations", "m4"], rel=6e-3)
    app.multiselect(key="unpin").set_value([1, 6]).run()
    press("Unpin")
    assert app.session_state[pins.PINNED] == runs[1:5]
    texts = [run.text() for run in runs[1:5]]
    assert app.query_params["pin"] == texts
    again = open_page(PAGE, pin=[*texts, texts[0]])  # a reload, or somebody else with the link
    assert again.session_state[pins.PINNED] == runs[1:5]
    press("Unpin all")
    assert app.session_state[pins.PINNED] == []
    assert not app.query_params.get("pin")


def test_a_pin_holds_what_the_controls_say_even_before_the_page_has_followed():
    app = open_page(PAGE)
    app.number_input(key="item").set_value(9)
    next(b for b in app.button if b.label == "Pin these runs").click().run()  # both in one run, as on a busy machine
    assert [run.item for run in app.session_state[pins.PINNED]] == [9, 9, 9]


GOOD = "polymnist~mwb-vae~poe~m1.m2~5~3~2"


@pytest.mark.parametrize("text", [
    "", "~~~~~~", "x" * 5000, GOOD.replace("poe", "os"), GOOD.replace("mwb-vae", "../mwb-vae"),
    GOOD.replace("polymnist", ".."), GOOD.replace("m1.m2", "m2.m1"), GOOD.replace("m1.m2", "m1.m1"),
    GOOD.replace("m1.m2", "m7"), GOOD.replace("~5~", "~1000~"), GOOD.replace("~5~", "~-5~"),
    GOOD.replace("~5~", "~\u0665~"),
    GOOD.replace("~3~", "~10000~"), GOOD[:-1] + "9", GOOD[:-1] + "0", GOOD + "~1", GOOD.replace("~5~", "~5e1~")])
def test_what_is_no_run_is_not_pinned(text):
    assert pins.read(GOOD) == pins.Run("polymnist", "mwb-vae", "poe", ("m1", "m2"), 5, 3, 2)
    assert pins.read(pins.read(GOOD).text()) == pins.read(GOOD)
    assert pins.read(text) is None


def test_what_is_pinned_can_be_explored():
    run = pins.Run("polymnist", "mwb-vae", "poe", ("m1",), 5, 3, 2)
    app = open_page("pages/explore.py", **{k: list(v) if isinstance(v, tuple) else v
                                           for k, v in run.parameters().items()})
    assert app.selectbox(key="agg").value == "poe"
    assert (app.number_input(key="item").value, app.pills(key="views").value) == (5, ["m1"])


def test_without_a_view_there_is_no_map_and_all_are_as_wide():
    app = open_page(PAGE)
    app.pills(key="views").set_value([]).run()
    assert_clean(app)
    assert any(m.value == "All joint beliefs are equally wide here (standard deviation 1.00 on average)."
               for m in app.markdown)
    assert len(drawings(app)) == 3
    show(app, "maps")
    assert any("a map would be a single point" in i.value for i in app.info)
    assert not app.get("plotly_chart")


def test_the_widest_and_the_narrowest_are_named_together_where_they_tie():
    said = widest([("PoE", 0.101), ("MoE", 0.5), ("Moment", 0.5001), ("MWB", 0.3)])
    assert "**MoE** and **Moment** is the widest" in said
    assert "**PoE** the narrowest (0.10)" in said
    assert "MWB" not in said


def test_reset_brings_the_first_answer_back():
    app = open_page(PAGE)
    app.number_input(key="item").set_value(3)
    app.pills(key="compared").set_value(["code", "mwb"]).run()
    next(b for b in app.button if "Reset" in b.label).click().run()
    assert_clean(app)
    assert app.number_input(key="item").value == 342
    assert app.pills(key="compared").value == ["poe", "moe", "wasserstein"]


# -- the parts without widgets ---------------------------------------------------------------------------------------


def test_two_to_six_are_allowed():
    options = list("abcdefgh")
    assert allowed(["c", "a"], options, ["b"]) == (["a", "c"], "")
    assert allowed(["c"], options, ["b", "c"])[0] == ["b", "c"]
    assert allowed([], options, ["b"])[0] == ["a", "b"]
    assert allowed(options, options, ["b"])[0] == options[:6]
    assert allowed(["x"], ["a"], [])[0] == ["a"]


def test_items_in_a_text():
    assert items_in("3, 17 20-22;3 x 5000", 100) == [3, 17, 20, 21, 22]
    assert items_in("", 100) == []
    assert len(items_in("0-999999999", 10**9)) == MOST_PICKED
    assert items_in(as_text(range(7)), 7) == list(range(7))
    many = items_in(as_text(range(1000)), 1000)  # sorted by class: from everywhere, not the first
    assert many == list(range(0, 1000, 5))


def test_small_classes_share_a_colour():
    y = np.repeat(np.arange(30), np.arange(1, 31))
    group, names, colors = grouped([f"c{i}" for i in range(30)], y)
    assert names == [*(f"c{i}" for i in range(21, 30)), "21 others"]
    assert len(colors) == 10
    assert (group == 9).sum() == (y < 21).sum()
    assert grouped([], y)[1] == ["items"]


def test_maps_of_one_space_share_their_plane_and_others_are_laid_over_the_first():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(60, 5))
    turned = 3 * first @ np.linalg.qr(rng.normal(size=(5, 5)))[0] + 1
    flat, titles = plane_maps([first, turned], one_space=False)
    maps = link([first, turned], flat, titles, comparable=False)
    np.testing.assert_allclose(maps[1].points, maps[0].points, atol=1e-6)
    assert maps[1].residual == pytest.approx(0, abs=1e-9)
    assert not maps[1].changed.any()
    flat, titles = plane_maps([first, first + 1], one_space=True)
    maps = link([first, first + 1], flat, titles, comparable=True)
    shift = maps[1].points - maps[0].points
    np.testing.assert_allclose(shift, np.tile(shift[0], (60, 1)), atol=1e-9)
    assert [change.share for change in changes(maps)] == [0]
    flat, _ = plane_maps([first[:, :2], turned[:, :2]], one_space=False)
    np.testing.assert_array_equal(flat[1], turned[:, :2])


def test_those_that_changed_most_come_first():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(50, 2))
    b = a.copy()
    b[7] += 50
    moved = most_changed(link([a, b], [a, b], [("", "")] * 2, True), 1, np.arange(100, 150))
    assert moved.item[0] == 107
    assert moved.item.tolist() == (100 + moved.place).tolist()
    assert (np.diff(moved.share) <= 0).all()
    ties = np.diff(moved.share) == 0
    assert ties.any()
    assert (np.diff(moved.apart)[ties] <= 0).all()


def test_entropy_of_a_mixture_far_apart_is_known():
    far = Posterior(torch.full((2, 1), 0.5), torch.tensor([[[-50.0]], [[50.0]]]), torch.ones(2, 1, 1))
    estimate = entropy(far, 4096)
    wanted = 0.5 * np.log(2 * np.pi * np.e) + np.log(2)
    assert abs(estimate.value.item() - wanted) < 4 * estimate.error.item()
    assert entropy(far.component(torch.tensor([0]))).error.item() == 0
    assert affordable_samples(far) == 1024
    big = Posterior(torch.full((255, 1), 1 / 255), torch.zeros(255, 1, 1024), torch.ones(255, 1, 1024))
    assert affordable_samples(big) == 32


def test_gelbrich_by_matrix_roots(experts):
    from bvae.gaussians import full_covariance
    from bvae.gaussians.posterior import FullPosterior

    loc, scale = experts
    q = bvae.aggregator("moe")(loc, scale)
    full = FullPosterior.of(q)
    wanted = full_covariance.squared_wasserstein2(loc, torch.diag_embed(scale.square()), full.mean,
                                                  full.total_covariance)
    torch.testing.assert_close(gelbrich(loc, scale, q), wanted.clamp_min(0).sqrt())
    assert not distances(loc, scale, q, 64).exact


@pytest.mark.parametrize("rule", ["wasserstein", "mopoe", "hoelder"])
def test_means_in_batches_are_the_means(rule, experts):
    loc, scale = experts
    present = torch.rand(4, 6, generator=torch.Generator().manual_seed(0)) > 0.3
    aggregator = bvae.aggregator(rule)
    torch.testing.assert_close(means_of(aggregator, loc, scale, present, numbers=1),
                               aggregator(loc, scale, present).mean)


def test_numbers_leave_out_what_does_not_exist():
    generator = torch.Generator().manual_seed(0)
    experts = loaders.UnimodalPosteriors(torch.randn(3, 2, 4, generator=generator), torch.ones(3, 2, 4),
                                         torch.tensor([[True, True], [True, False], [True, True]]))
    now = item_beliefs.of_experts(experts, 1, [True] * 3, [1.0] * 3, bvae.aggregator("poe"))
    assert now.present[:, 0].tolist() == [True, False, True]
    contender = Contender("poe", "PoE", "PoE", now, None)
    found, exact = numbers([contender], ["a", "b", "c"], known=[True, False, True])
    assert exact
    assert {n.view for n in found if n.of is Of.VIEW} == {"a", "c"}
    assert not any(n.quantity is Quantity.ENTROPY_ERROR for n in found)
