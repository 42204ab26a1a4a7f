"""Home tells what holds: of the scenes, of the model that made the pictures, in the code that it shows."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

import bvae
from bvae.app.components.playground import scenes
from bvae.app.home import making, state, story
from bvae.training import load_checkpoint
from tests.support.pages import assert_clean, html_table, open_page, unfold

ONE, OTHER = story.told()["digits"]
DIVERGENCES = re.compile(r"\bKL\b|divergence|Kullback|Jeffreys|Hellinger|Rényi|distance", re.IGNORECASE)


def read(x):
    """The digit that a picture at a place on the line shows."""
    film = story.told()["film"]
    frame = round((x + film["reach"]) / (2 * film["reach"]) * (film["frames"] - 1))
    digit, probability = film["reads"][min(max(frame, 0), film["frames"] - 1)]
    return digit if probability >= 0.75 else None


def reads(scene):
    """Rule -> the digits that it gets, each with its share of the mass."""
    loc, covariance, present, weights = scenes.tensors(scene)
    out = {}
    for rule in story.RULES:
        q = bvae.aggregator(rule)(loc, covariance.squeeze(-1).sqrt(), present, weights)
        out[rule] = {}
        for w, mean in zip(q.weights[:, 0].tolist(), q.loc[:, 0, 0].tolist(), strict=True):
            if w > 0:
                out[rule][read(mean)] = out[rule].get(read(mean), 0) + w
    return out


def test_what_the_steps_say_holds():
    five, swapped, sure, hidden = (reads(step["scene"]) for step in story.steps())
    assert all(set(digits) == {ONE} for digits in (*five.values(), *hidden.values()))
    assert swapped["moe"] == pytest.approx({ONE: 0.8, OTHER: 0.2})
    assert set(swapped["poe"]) == set(swapped["wasserstein"]) == {ONE}
    assert set(sure["poe"]) == {OTHER}
    assert set(sure["wasserstein"]) == {ONE}
    assert sure["moe"] == swapped["moe"]
    for step in story.steps():
        scene = scenes.checked(step["scene"])
        assert scenes.same(scenes.decode(scenes.encode(scene)), scene)


def test_the_story_is_what_the_shipped_model_makes():
    """If a model ships anew: ``python -m bvae.app.home.making``."""
    told, made = story.told(), making.made()
    assert told["weights"] == load_checkpoint(making.DATA, making.MODEL).hash
    for before, now in zip(told["views"], made["views"], strict=True):
        assert before["photographs"] == now["photographs"]
        np.testing.assert_allclose(before["means"] + before["widths"], now["means"] + now["widths"], atol=2e-3)
    assert [digit for digit, _ in told["film"]["reads"]] == [digit for digit, _ in made["film"]["reads"]]
    before, now = (np.asarray(Image.open(io.BytesIO(base64.b64decode(film["strip"].partition(",")[2]))), dtype=float)
                   for film in (told["film"], made["film"]))
    assert np.abs(before - now).mean() < 1


def test_it_opens_on_the_story_and_names_no_divergence():
    app = open_page()
    assert not app.get("plotly_chart")
    assert "scene" not in app.query_params
    words = [m.value for m in app.markdown] + [step["text"] for step in story.steps()]
    assert [text for text in words if DIVERGENCES.search(text)] == []
    table = html_table(unfold(app), "Beliefs on the line")
    assert list(table["belief"][:2]) == ["photograph A", "photograph B"]
    assert len(table) == 8


def test_an_older_link_moves_one_belief():
    app = open_page(place="-3.5", width="1.2", rules=["PoE", "Wasserstein"])
    scene = app.session_state["home_scene"]
    assert scene["experts"][story.LIAR]["mean"] == [-3.5, 0.0]
    assert scene["experts"][story.LIAR]["cov"][0] == pytest.approx(1.44)
    assert scene["rules"] == ["poe", "wasserstein"]
    assert set(app.query_params) == {"v", "scene"}
    assert state.arrived({"place": "nan", "width": "1e9"}, ["<b>"])["experts"] == story.beliefs()["experts"]


@pytest.mark.parametrize("bad", ["nonsense", scenes.encode(scenes.preset("wrong"))])
def test_a_link_that_cannot_be_read_is_said(bad):
    app = open_page(scene=bad)
    assert any("cannot be read" in caption.value for caption in app.caption)
    assert app.session_state["home_scene"] == story.beliefs()


def test_an_address_that_home_itself_has_replaced_moves_nothing_back():
    """A browser that did not hear of the newer one yet sends it with its next request."""
    one, two, somebodys = (scenes.encode(state.arrived({"place": x}, [])) for x in ("-3.5", "-2.5", "3"))
    app = open_page(scene=one)
    app.session_state["home_scene"] = scenes.decode(two)
    app.run()
    assert app.query_params["scene"] == two
    app.query_params["scene"] = one
    app.run()
    assert_clean(app)
    assert app.query_params["scene"] == scenes.encode(app.session_state["home_scene"]) == two
    app.query_params["scene"] = somebodys
    app.run()
    assert app.query_params["scene"] == scenes.encode(app.session_state["home_scene"]) == somebodys


def test_reset_tells_the_story_from_its_beginning():
    app = open_page(scene=scenes.encode(story.steps()[2]["scene"]))
    assert app.session_state["home_scene"]["experts"][story.LIAR]["mean"][0] > 0
    next(b for b in app.button if b.label == "Reset").click().run()
    assert_clean(app)
    assert app.session_state["home_scene"] == story.beliefs()
    assert "scene" not in app.query_params


def test_the_code_of_reproduce_decodes_the_picture():
    app = unfold(open_page(scene=scenes.encode(story.steps()[2]["scene"])))
    code = next(c.value for c in app.code if "line_between" in c.value)
    names: dict = {}
    exec(compile(code, "reproduce", "exec"), names)  # noqa: S102 - our own text, shown on the page
    assert names["picture"].shape == (1, 3, 28, 28)
    assert torch.isfinite(names["picture"]).all()
    shadows = [view["means"] for view in story.told()["views"]]
    np.testing.assert_allclose(names["means"].numpy(), shadows, atol=2e-3)
