"""Rules of one's own in the Playground: some that work, and all the ways in which one does not."""

import contextlib
import io
import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from bvae.aggregators import AGGREGATORS, naming
from bvae.aggregators.base import FullGaussian, GaussianAggregator
from bvae.app.components.playground import default_styles, scenes
from bvae.app.playground import aggregates
from bvae.app.playground.aggregates import aggregate, answers
from tests.support import extended
from tests.support.pages import open_page


@pytest.fixture
def register():
    """Enter rules until the test ends."""
    before, broken = dict(AGGREGATORS._entries), dict(AGGREGATORS.broken)
    yield lambda name, rule: AGGREGATORS.register(name)(rule)
    AGGREGATORS._entries.clear()
    AGGREGATORS._entries.update(before)
    AGGREGATORS.broken.clear()
    AGGREGATORS.broken.update(broken)


@pytest.fixture
def diagonal(register):
    """docs/extend/aggregator.py, a rule without a form for correlated experts."""
    extended.run("aggregator.py")
    return "average-variance"


@dataclass(frozen=True)
class Widest(GaussianAggregator):
    """A rule that takes covariances: the sum of them all."""

    def barycenter(self, experts):
        return experts.loc.mean(0), experts.scale.square().sum(0).sqrt()

    def full_barycenter(self, experts):
        return FullGaussian(experts.loc.mean(0), experts.covariance.sum(0))


def with_rules(*rules, name="wrong", **changes):
    return {**scenes.preset(name), "rules": list(rules), "fill": None, **changes}


def test_a_rule_that_takes_covariances_gets_them(register):
    register("widest", Widest)
    scene = with_rules("poe", "widest")
    sent = answers(scene)
    assert sent["scene"] == scenes.checked(scene)
    assert list(sent["rules"]) == ["widest"]
    np.testing.assert_allclose(sent["rules"]["widest"]["covs"], [np.sum([e["cov"] for e in scene["experts"]], 0)])
    assert sent["rules"]["widest"]["note"] == ""


def test_one_that_does_not_is_drawn_from_the_marginals_and_says_so(diagonal):
    scene = with_rules(diagonal)
    q, reason = aggregate(scene, diagonal)
    assert "no form for correlated experts" in reason
    covariance = np.diag(np.mean([[e["cov"][0], e["cov"][2]] for e in scene["experts"]], 0))
    np.testing.assert_allclose(q.total_covariance[0], covariance)
    scene["experts"][0]["present"] = scene["experts"][1]["present"] = False  # the third is round
    assert aggregate(scene, diagonal).reason == ""
    line = answers(with_rules(diagonal, view="line"))["rules"][diagonal]
    assert line["note"] == ""
    assert np.shape(line["covs"]) == (1, 1)


@pytest.mark.parametrize("view", ["plane", "line"])
def test_its_code_gives_its_numbers(diagonal, view):
    scene = with_rules(diagonal, view=view)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(scenes.code(scene), {})  # noqa: S102 - the code that the page offers
    numbers = printed.getvalue()[len(naming.short(diagonal)):].strip()
    mean, covariance = json.loads(f"[{numbers.replace('] [', '], [')}]")
    q = aggregate(scene, diagonal).posterior
    np.testing.assert_allclose(mean, q.mean[0], atol=1e-5)
    np.testing.assert_allclose(covariance, q.total_covariance[0], atol=1e-5)


def test_a_scene_of_known_rules_asks_python_for_nothing():
    assert answers(with_rules(*scenes.TWINS)) is None
    assert answers({"experts": "none"}) is None


@pytest.mark.parametrize("name", ["mine", "my.rule~2,x", "Ärger", "none", "a_b"])
def test_a_link_holds_a_rule_of_any_name(register, name):
    register(name, Widest)
    back = scenes.decode(scenes.encode(with_rules("poe", name, name="scales") | {"fill": name}))
    assert back["rules"] == ["poe", name]
    assert back["fill"] == name


def test_a_link_with_a_rule_that_is_not_there_any_more_opens_without_it(register):
    register("mine", Widest)
    link = scenes.encode(with_rules("poe", "mine") | {"fill": "mine"})
    del AGGREGATORS._entries["mine"]
    assert (scenes.decode(link)["rules"], scenes.decode(link)["fill"]) == (["poe"], None)


class Raises(Widest):
    def full_barycenter(self, experts):
        raise RuntimeError("not today")


class Nan(Widest):
    def full_barycenter(self, experts):
        return FullGaussian(experts.loc.mean(0), experts.covariance.sum(0) * float("nan"))


class Indefinite(Widest):
    def full_barycenter(self, experts):
        return FullGaussian(experts.loc.mean(0), -experts.covariance.sum(0))


class Shapeless(Widest):
    def full_barycenter(self, experts):
        return FullGaussian(experts.loc, torch.ones(3))


class Unfinished(GaussianAggregator):
    pass


@pytest.mark.parametrize(
    ("rule", "message"),
    [(Raises, "RuntimeError: not today"), (Nan, "NaN or infinity"), (Indefinite, "not positive definite"),
     (Shapeless, "It cannot be computed|Posterior|expected"), (Unfinished, "It cannot be computed: TypeError"),
     (type("NoRule", (), {}), "It cannot be computed: TypeError"), (lambda: None, "It cannot be computed: TypeError")],
    ids=["raises", "nan", "indefinite", "shapeless", "unfinished", "no-rule", "function"],
)
def test_a_broken_rule_breaks_nothing_and_is_said_beside_its_name(register, rule, message):
    register("mine", rule)
    AGGREGATORS.broken["half.py"] = "cannot be read: SyntaxError"
    app = open_page("pages/playground.py", scene=scenes.encode(with_rules("moe", "mine")))
    data = json.loads(app.get("bidi_component")[0].proto.json)
    problem = data["answers"]["rules"]["mine"]["problem"]
    assert problem == aggregates.aggregate(scenes.decode(scenes.encode(with_rules("moe", "mine"))), "mine").reason
    with pytest.raises(ValueError, match=message):
        raise ValueError(problem)
    assert f"mine: {problem}" in [w.value for w in app.warning]
    assert data["styles"]["broken"] == {"half.py": "cannot be read: SyntaxError"}
    app.selectbox(key="playground_formula").set_value("mine").run()
    assert not app.exception


def test_no_file_of_ours_is_broken():
    assert AGGREGATORS.broken == {}
    assert set(default_styles()["rules"]) >= set(scenes.TWINS)
