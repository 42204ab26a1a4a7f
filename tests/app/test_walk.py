"""Walk the plane without a browser: what is asked, what is shown, the link and the script."""

import math

import numpy as np
import pytest
import torch

from bvae.aggregators import aggregator, name_of
from bvae.app import loaders
from bvae.app.components import plane_walk
from bvae.app.components.plane_walk import Moved, Position
from bvae.app.latent_space import position, walk_script, walking
from bvae.app.latent_space.state import LatentSpace
from bvae.app.latent_space.walking import Walk
from bvae.app.widgets.choose import AS_TRAINED, Choice, rule_label, rules
from bvae.maps import maps
from tests.support.pages import assert_clean, open_page, unfold

OWN = "the model's own rule (MoE)"
PAGE, DATA = "pages/latent_space.py", "mnist-svhn-text"
LIMITS = ((-4.0, 4.0), (-3.0, 5.0))
START = position.first((0.5, 0.25), 3)


def walk(name, mode, rule=None, observed=(True, True, True)):
    """A walk with item 257 in one of the shipped models."""
    loaded = loaders.load_model(DATA, name)
    used = loaded.model.aggregator if rule is None else aggregator(rule)
    own = None if rule else loaded.model.expert_weights()
    return Walk(loaded, loaders.test_data(DATA), 257, used, name_of(used), own, observed, mode)


# -- what a browser sends, and what a link holds ---------------------------------------------------------------------


def test_a_question_is_moved_onto_the_map_and_anything_else_is_none():
    good = {"revision": "a", "number": 3, "rests": True, "z": [9, -9], "beliefs": [None, [1, 2, 1000], None]}
    query = plane_walk.checked(good, 3, LIMITS)
    assert query.position == Position((4.0, -3.0), (None, Moved((1.0, 2.0), plane_walk.WIDEST), None))
    assert query.rests
    for bad in (None, 3, [], {}, {**good, "beliefs": [None]}, {**good, "z": [math.nan, 0]}, {**good, "z": [1]},
                {**good, "z": ["x", 0]}, {**good, "beliefs": [None, [1, 2], None]}, {**good, "number": math.inf},
                {**good, "beliefs": 5}):
        assert plane_walk.checked(bad, 3, LIMITS) is None


def test_a_link_holds_the_position_and_nonsense_in_it_is_as_at_first():
    there = Position((1.25, -0.5), (None, Moved((0.3, 1.0), 2.0), Moved((-4.0, 5.0))))
    assert position.written(there) == ("1.25,-0.5", "-~0.3,1,2~-4,5,1")
    assert position.read(*position.written(there), START, LIMITS) == there
    assert position.read("x", "<b>~1,2~nan,1,1~9,9,9", START, LIMITS) == START
    assert position.read("1e999,0", None, START, LIMITS) == START
    assert position.read("99,0.5", "-", START, LIMITS).z == (4.0, 0.5)


def test_the_page_opens_where_the_link_says_and_reset_takes_it_back():
    app = open_page(PAGE, data=DATA, model="mwb-vae-2d", look="Walk the plane", z="1.2,-0.5")
    assert app.segmented_control(key="look").value == "walk"
    code = next(c.value for c in unfold(app).code if "places" in c.value)
    assert "places = torch.tensor([[1.2, -0.5]])" in code
    next(b for b in app.button if "Reset" in b.label).click().run()
    assert_clean(app)
    assert "z" not in app.query_params
    assert "[[1.2, -0.5]]" not in next(c.value for c in unfold(app).code if "places" in c.value)
    app.selectbox(key="model").set_value("mmvae").run()  # more dimensions: there is no plane, but a way to one
    assert_clean(app)
    assert app.button(key="walk_the_plane").label == "Walk the plane"
    app.button(key="walk_the_plane").click().run()
    assert_clean(app)
    assert app.segmented_control(key="look").value == "walk"
    assert app.selectbox(key="model").value == "mmvae-2d"
    told = [c.value for c in app.caption if "no plane to walk on" in c.value]
    assert len(told) == 1
    assert told[0].startswith("MMVAE of MNIST-SVHN-Text has ")
    app.selectbox(key="model").set_value("mwb-vae-2d").run()  # chosen by hand: nobody was led here
    assert not [c for c in app.caption if "no plane to walk on" in c.value]


def test_a_way_to_a_plane_of_other_data_says_of_which():
    app = open_page(PAGE)
    app.button(key="walk_the_plane").click().run()
    assert_clean(app)
    (told,) = [c.value for c in app.caption if "no plane to walk on" in c.value]
    assert told.startswith("MWB-VAE of PolyMNIST has ")
    assert "This is MWB-VAE, 2-D of MNIST-SVHN-Text" in told


def test_beliefs_with_every_rule_and_with_no_view_at_all():
    app = open_page(PAGE, data=DATA, model="mmvae-2d", look="Walk the plane", drag="the views' beliefs",
                    beliefs="-~1,1,4~-")
    for rule in app.selectbox(key="agg").options:
        app.selectbox(key="agg").set_value(
            next(value for value in (AS_TRAINED, *rules()) if rule in (value, rule_label(value), OWN))).run()
        assert_clean(app)
    app.button_group(key="views").set_value([]).run()
    assert_clean(app)
    app.toggle(key="classes").set_value(True).run()
    assert_clean(app)


# -- what is seen ----------------------------------------------------------------------------------------------------


def test_the_pictures_at_a_point_are_those_of_its_decoders():
    w = walk("mwb-vae-2d", walking.POINT)
    seen = walking.look(w, Position((1.0, -2.0), (None,) * 3))
    with torch.inference_mode():
        wanted = w.loaded.model.decode(torch.tensor([[1.0, -2.0]]))
    for view, value in wanted.items():
        torch.testing.assert_close(seen.generated.values[view], value)
    assert [t["alt"].startswith(f"{v}, decoded; a classifier sees ") for v, t in
            zip(w.views, walking.rows(w, seen)[0]["tiles"], strict=True)] == [True] * 3


def test_a_wasserstein_barycenter_follows_a_third_of_the_way_and_a_mixture_stays_in_three_places():
    moved = Position((0.0, 0.0), (None, Moved((3.0, 0.0)), None))
    w = walk("wb-vae-2d", walking.BELIEFS)
    before, after = w.scene(), w.scene(moved)
    step = (torch.tensor([3.0, 0.0]) - before.loc[1, 0])
    torch.testing.assert_close(after.posterior.mean[0] - before.posterior.mean[0], step / 3, atol=1e-5, rtol=0)
    assert f"the joint belief's mean moved by {step.norm().item() / 3:.2f}" in walking.said(w, moved,
                                                                                            walking.look(w, moved))
    mixture = walk("mmvae-2d", walking.BELIEFS)
    seen = walking.look(mixture, moved)
    torch.testing.assert_close(seen.places, mixture.scene(moved).loc[:, 0])
    assert seen.weights == pytest.approx([1 / 3] * 3)
    assert "one of 3 places" in walking.said(mixture, moved, seen)
    assert len(walking.rows(mixture, seen)) == 3


def test_a_wider_belief_counts_less_in_a_product():
    w = walk("mvae-2d", walking.BELIEFS, "poe")
    narrow, wide = (w.scene(Position((0.0, 0.0), (None, Moved((3.0, 3.0), width), None))).posterior.mean[0]
                    for width in (1.0, 30.0))
    target = torch.tensor([3.0, 3.0])
    assert (narrow - target).norm() < (wide - target).norm()


def test_the_class_map_is_what_the_classifier_says_of_the_map_s_pictures():
    w = walk("mvae-2d", walking.POINT)
    limits = w.limits()
    classes, sure = walking.classes_seen(w.loaded.key, "mnist", limits)
    grid = maps.decoded_plane(w.loaded.model, "mnist", limits, len(classes))
    p = loaders.judges(DATA).probabilities({"mnist": grid[3, 5:6]})["mnist"][0]
    assert classes[3, 5] == int(p.argmax())
    assert sure[3, 5] == pytest.approx(float(p.max()), abs=1e-5)
    assert len(np.unique(classes)) > 5


@pytest.mark.parametrize(("name", "mode", "rule", "observed"), [
    ("mwb-vae-2d", walking.POINT, None, (True,) * 3), ("mwb-vae-2d", walking.BELIEFS, None, (True, True, False)),
    ("mmvae-2d", walking.BELIEFS, None, (True,) * 3), ("mvae-2d", walking.BELIEFS, "hoelder", (True,) * 3),
])
def test_the_script_gives_the_pictures_of_the_page(name, mode, rule, observed):
    w = walk(name, mode, rule, observed)
    there = Position((1.5, -0.25), (Moved((0.5, 1.5), 3.0), None, None))
    state = LatentSpace(**{**_state(w), "rule": rule or "as-trained", "drag": mode})
    names: dict = {}
    exec(compile(walk_script.of(w, state, there), "reproduce", "exec"), names)  # noqa: S102 - our own text
    seen = walking.look(w, there)
    for view, value in seen.generated.values.items():
        torch.testing.assert_close(names["pictures"][view], value, atol=1e-4, rtol=1e-3)


def _state(w):
    choice = Choice(w.loaded)
    firsts = {field: control.now("first", choice) for field, control in LatentSpace.controls().items()
              if field not in LatentSpace.BESIDE}
    return {**firsts, "shown": w.loaded.key}
