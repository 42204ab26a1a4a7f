"""The playground without a browser: scenes, their links and code, the tables, the page."""

import contextlib
import io
import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import bvae
from bvae.aggregators import naming
from bvae.app.components.playground import default_styles, scenes
from bvae.app.playground import scene_numbers
from bvae.plots import style
from tests.support.pages import assert_clean, html_table, open_page

presets = pytest.mark.parametrize("name", list(scenes.PRESETS))


@presets
def test_ready_made_scenes_are_valid_and_say_what_to_look_for(name):
    scene = scenes.preset(name)
    assert scenes.checked(scene) == scene
    assert 40 < len(scenes.PRESETS[name].look) < 200


@presets
def test_a_link_gives_the_scene_back(name):
    scene = scenes.preset(name)
    text = scenes.encode(scene)
    assert scenes.decode(text) == scenes.decode(scenes.encode(scenes.decode(text)))
    back = scenes.decode(text)
    for key in ("rules", "fill", "layers", "view", "prior", "weights"):
        assert back[key] == scene[key]
    np.testing.assert_allclose([e["cov"] for e in back["experts"]], [e["cov"] for e in scene["experts"]], atol=6e-4)
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789.,~-")


@pytest.mark.slow
@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=80))
def test_no_text_breaks_the_decoder(text):
    with contextlib.suppress(scenes.BadScene):
        scenes.checked(scenes.decode(text))


@pytest.mark.slow
@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["experts", "weights", "rules", "layers", "mean", "cov", "alpha"]), inner)))
def test_nothing_that_a_browser_sends_breaks_the_check(value):
    with contextlib.suppress(scenes.BadScene):
        scenes.checked(value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["experts"][0].update(cov=[1, 2, 1]), "covariance of A: expected a positive def.* determinant -3"),
        (lambda s: s["experts"][1].update(mean=[9, 0]), "mean z1 of B: expected a number from -5 to 5, got 9"),
        (lambda s: s.update(weights=[1, -1, 1]), "weight of B: expected a number from 0 to 4, got -1"),
        (lambda s: s.update(weights=[1, 1]), "weights: expected 3, got 2"),
        (lambda s: s.update(alpha=float("nan")), "alpha: expected a number, got nan"),
        (lambda s: s.update(experts=s["experts"][:1]), "experts: expected 2 to 6, got 1"),
        (lambda s: s.pop("rules"), "not a scene"),
    ],
)
def test_bad_scenes_are_named(change, message):
    scene = scenes.preset("wrong")
    change(scene)
    with pytest.raises(scenes.BadScene, match=message):
        scenes.checked(scene)


@presets
@pytest.mark.parametrize("view", ["plane", "line"])
def test_the_code_gives_the_numbers_of_the_page(name, view):
    scene = {**scenes.preset(name), "view": view, "rules": [r for r in bvae.aggregators() if r != "fisher-rao"]}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(scenes.code(scene), {})  # noqa: S102 - the code that the page offers
    lines = printed.getvalue().splitlines()
    assert len(lines) == len(scene["rules"])
    for line, rule in zip(lines, scene["rules"], strict=True):
        q = scene_numbers.aggregate(scene, rule).posterior
        mean, covariance = json.loads(f"[{line[len(naming.short(rule)):].strip().replace('] [', '], [')}]")
        np.testing.assert_allclose(mean, q.mean[0], atol=1e-5)
        np.testing.assert_allclose(covariance, q.total_covariance[0], atol=1e-5)


OWN_ROW = {"reverse-kl": "geometric", "forward-kl": "moe", "wasserstein": "wasserstein", "alpha": "hoelder",
           "fisher-rao": "fisher-rao"}


@presets
@pytest.mark.parametrize("view", ["plane", "line"])
def test_each_rule_wins_its_own_row(name, view):
    table = scene_numbers.divergences_of({**scenes.preset(name), "view": view})
    for divergence, rule in OWN_ROW.items():
        if table.values.get((divergence, rule)) is not None:
            assert rule in table.best(divergence, None), divergence
    assert "jeffreys" in table.best("jeffreys", None, table.gaussian)
    assert "moment" in table.best("forward-kl", None, table.gaussian)
    assert "hoelder" in table.best("hellinger", None)  # these scenes have alpha = 1/2
    assert not any(table.unsure(name, rule) for name in scene_numbers.DIVERGENCES for rule in table.rules
                   if name != "total-variation")
    assert table.gaussian == {r for r in table.rules if r in (
        "poe", "geometric", "moment", "wasserstein", "helvae", "jeffreys", "fisher-rao", "code")}


def test_the_table_holds_what_the_divergences_say():
    scene = scenes.preset("orthogonal")
    table = scene_numbers.divergences_of(scene)
    loc, covariance, *_ = scenes.tensors(scene)
    q = bvae.aggregator("wasserstein").full(loc, covariance)
    p = bvae.gaussians.posterior.FullPosterior.gaussian(loc[1], covariance[1])
    for name, measure in scene_numbers.measures(scene).items():
        values = table.values[name, "wasserstein"]
        exact = measure(q, p).value.item()
        assert values[1] == pytest.approx(exact, abs=2e-3 + 3 * table.errors[name, "wasserstein"][1])
    html = scene_numbers.table_html(table, None)
    assert html.count("★") == html.count("class='best'") >= len(list(scene_numbers.DIVERGENCES))
    assert html.count("<tr>") == 1 + len(list(scene_numbers.DIVERGENCES))
    lines = scene_numbers.table_csv(table).splitlines()
    assert lines[0] == "divergence,aggregate,expert,weight,value,error,lower bound"
    assert len(lines) == 1 + 2 * sum(v is not None for v in table.values.values())


def test_a_scene_without_experts_is_the_prior():
    scene = scenes.preset("wrong")
    for expert in scene["experts"]:
        expert["present"] = False
    assert scene_numbers.divergences_of(scene) is None
    q = scene_numbers.aggregate(scene, "mwb").posterior
    torch.testing.assert_close(q.mean, torch.zeros(1, 2, dtype=torch.float64))
    assert "mathcal N(0, I)" in scene_numbers.filled(scene, "poe", q)


def test_weights_that_are_all_zero_leave_the_prior():
    scene = {**scenes.preset("wrong"), "weights": [0.0, 0.0, 0.0]}
    assert scene_numbers.divergences_of(scene) is None
    for rule in ("poe", "moe", "wasserstein", "hoelder"):
        q = scene_numbers.aggregate(scene, rule).posterior
        torch.testing.assert_close(q.total_covariance, torch.eye(2, dtype=torch.float64).unsqueeze(0))


@pytest.mark.parametrize("alpha", [0.05, 0.3, 0.62, 0.95])
@pytest.mark.parametrize("view", ["plane", "line"])
def test_any_alpha_of_the_slider_with_six_experts_is_exact_on_a_small_grid(alpha, view):
    scene = {**scenes.preset("many"), "alpha": alpha, "rules": ["hoelder", "moe", "geometric"], "view": view}
    table = scene_numbers.divergences_of(scene)
    assert "hoelder" in table.best("alpha", None)
    q = scene_numbers.aggregate(scene, "hoelder").posterior
    from bvae.gaussians.divergences import quadrature_grid

    grid = quadrature_grid([q.mixture])
    assert len(grid.points) == (65 ** 2 if view == "plane" else 65)  # whatever alpha is: that is what keeps it quick
    assert (q.log_prob(grid.points).exp().sum() * grid.cell).item() == pytest.approx(1, abs=1e-4)


def test_integrals_that_are_not_known_are_marked_and_win_nothing():
    """Two needles that cross: the grid cannot hold them."""
    scene = {**scenes.preset("wrong"), "experts": [
        {"mean": [-2.013, 0.3], "cov": [1.0, 0.099, 0.01], "present": True},
        {"mean": [2, 0.1], "cov": [0.01, 0.0784, 0.64], "present": True}, scenes.expert(0, 0, 3, 3)]}
    table = scene_numbers.divergences_of(scene)
    for (name, rule), values in table.values.items():
        if values is not None and name == "total-variation" and not table.unsure(name, rule):
            assert (values >= table.values["hellinger", rule] - 0.02).all()  # TV >= H^2


@presets
def test_formulas_hold_the_numbers(name):
    scene = scenes.preset(name)
    for rule in bvae.aggregators():
        q, reason = scene_numbers.aggregate(scene, rule)
        if q is None:
            assert "Fisher-Rao" in reason
            continue
        text = scene_numbers.filled(scene, rule, q)
        assert f"{q.mean[0, 0].item():.2f}" in text
        assert text.count("{") == text.count("}")


def test_rules_are_told_apart_and_a_newcomer_is_drawn_too():
    rules = default_styles()["rules"]
    assert list(rules) == naming.ordered(bvae.aggregators())
    for dark in (False, True):
        assert len({(style.dash(r), style.rule_color(r, dark)) for r in [*rules, "newcomer"]}) == len(rules) + 1


def link(app):
    """The scene in the page's address."""
    value = app.query_params["scene"]
    return scenes.decode(value if isinstance(value, str) else value[0])


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_opens_on_a_finished_answer():
    app = open_page("pages/playground.py")
    assert "Each divergence has its own winner" in [s.value for s in app.subheader]
    beliefs = html_table(app, "Joint beliefs")
    assert set(beliefs["joint belief"]) == {naming.title(r) for r in scenes.preset(scenes.FIRST)["rules"]}
    assert all(re.fullmatch(r"-?\d+\.\d{3}", v) for v in beliefs["mean z1"])
    assert link(app) == scenes.decode(scenes.encode(scenes.preset(scenes.FIRST)))


def test_every_scene_button_and_every_formula():
    app = open_page("pages/playground.py")
    for name in scenes.PRESETS:
        app.pills(key="playground_preset").set_value(name).run()
        assert_clean(app)
        assert app.info[0].value == scenes.PRESETS[name].look
        assert link(app)["rules"] == scenes.PRESETS[name].scene["rules"]
        for rule in scenes.PRESETS[name].scene["rules"]:
            app.selectbox(key="playground_formula").set_value(rule).run()
            assert_clean(app)


def test_a_changed_scene_is_said_to_be_changed_and_reset_restores_it():
    app = open_page("pages/playground.py")
    look = scenes.PRESETS[scenes.FIRST].look
    changed = scenes.preset(scenes.FIRST)
    changed["experts"][0]["mean"][0] += 0.5
    app.session_state["playground_scene"] = changed
    app.run()
    assert_clean(app)
    assert app.info[0].value.startswith("**You changed this scene.**")
    assert app.info[0].value.endswith(look)
    app.selectbox(key="playground_formula").set_value("moe")
    app.segmented_control(key="playground_to").set_value("B").run()
    next(b for b in app.button if b.label == "Reset").click().run()
    assert_clean(app)
    assert app.info[0].value == look
    assert app.session_state["playground_scene"] == scenes.preset(scenes.FIRST)
    assert app.selectbox(key="playground_formula").value == "poe"
    assert app.segmented_control(key="playground_to").value == "all experts"


def test_undo_takes_one_change_after_the_other_back():
    def undo():
        return next(b for b in app.button if b.label == "Undo")

    app = open_page("pages/playground.py")
    assert undo().disabled
    app.pills(key="playground_preset").set_value("camps").run()
    changed = scenes.preset("camps")
    changed["experts"][0]["mean"][0] += 0.5
    app.session_state["playground_scene"] = changed
    app.run()
    next(b for b in app.button if b.label == "Reset").click().run()
    assert scenes.same(link(app), scenes.preset("camps"))
    for scene, says in ((changed, "**You changed"), (scenes.preset("camps"), scenes.PRESETS["camps"].look),
                        (scenes.preset(scenes.FIRST), scenes.PRESETS[scenes.FIRST].look)):
        assert not undo().disabled
        undo().click().run()
        assert_clean(app)
        assert scenes.same(link(app), scene)
        assert app.info[0].value.startswith(says)
    assert undo().disabled


def test_reset_works_for_a_scene_that_came_with_a_link():
    app = open_page("pages/playground.py", scene=scenes.encode({**scenes.preset("scales"), "rules": ["helvae"]}))
    assert not app.info
    next(b for b in app.button if b.label == "Reset").click().run()
    assert_clean(app)
    assert scenes.ready_made(link(app)) == scenes.FIRST
    assert app.info[0].value == scenes.PRESETS[scenes.FIRST].look


@presets
def test_a_link_to_a_ready_made_scene_is_known_as_that_scene(name):
    scene = scenes.decode(scenes.encode(scenes.preset(name)))
    assert scenes.ready_made(scene) == name
    assert scenes.ready_made({**scene, "layers": dict.fromkeys(scenes.LAYERS, True), "fill": None}) == name
    scene["experts"][-1]["present"] ^= True
    assert scenes.ready_made(scene) is None


def test_a_link_opens_its_scene_and_a_bad_one_the_first():
    scene = {**scenes.preset("scales"), "view": "line", "rules": ["helvae", "code"]}
    app = open_page("pages/playground.py", scene=scenes.encode(scene))
    assert link(app)["rules"] == ["helvae", "code"]
    for bad in ("1~<script>~9e999,,,~a.nan", "1~-1,0,.000001,0,.000001,1~1,0,1,0,1,1~rules.poe~plane", "nonsense"):
        app = open_page("pages/playground.py", scene=bad)
        assert app.session_state["playground_scene"] == scenes.preset(scenes.FIRST)
        assert any("cannot be read" in c.value for c in app.caption)
        value = app.query_params["scene"]
        assert (value if isinstance(value, str) else value[0]) == bad  # nothing is lost
        app.pills(key="playground_preset").set_value("camps").run()
        assert_clean(app)
        assert link(app)["rules"] == scenes.preset("camps")["rules"]


def test_typed_numbers_are_taken_or_refused_by_name():
    scene = scenes.preset("wrong")
    row = {"z1": 0.5, "z2": -1.0, "σ1": 0.6, "σ2": 0.8, "correlation": 0.5, "weight": 2.0, "present": True}
    typed = scene_numbers.from_rows(scene, [row, row, {**row, "present": False}])
    assert typed["experts"][0]["cov"] == pytest.approx([0.36, 0.24, 0.64])
    assert typed["weights"] == [2.0] * 3
    for key, value, message in (("correlation", 1.2, "correlation of B: expected a number from -0.99 to 0.99, got 1.2"),
                                ("σ1", 0.0, "σ1 of B: expected a number from 0.1 to 3, got 0"),
                                ("z1", None, "mean z1 of B: expected a number, got None"),
                                ("weight", float("nan"), "weight of B: expected a number, got nan")):
        with pytest.raises(scenes.BadScene, match=message):
            scene_numbers.from_rows(scene, [row, {**row, key: value}, row])
