"""What `bvae.show` computes, refuses, and answers a notebook."""

import numpy as np
import pytest
import torch

import bvae
from bvae.app.components.live import runtime

pytest.importorskip("anywidget", reason="pip install 'bvae[notebook]'")


@pytest.fixture(scope="module")
def shipped():
    return bvae.load("penguins", "mwb-vae"), bvae.dataset("penguins", "test")


@pytest.fixture
def view(shipped):
    return bvae.show(*shipped, item=1)


def ask(view, message):
    """What the widget sends for a message."""
    sent = []
    view.send = lambda content, buffers=None: sent.append((content, buffers))
    view._handle_custom_msg(message, [])
    return sent


def decoded(view):
    """The first modality that is shown, as numbers."""
    import base64

    name = next(iter(view._model.modalities))
    return np.frombuffer(base64.b64decode(view.shown["answer"]["values"][name]), dtype=np.float32)


def test_it_opens_on_the_joint_belief(view, shipped):
    model, data = shipped
    with torch.inference_mode():
        q = model.encode(data.subset([1]), model.aggregator.conditional(), present=data.present_in([1]))
        x = model.decode(q.mean)
    assert view.z == pytest.approx(q.mean[0].tolist(), abs=1e-5)
    assert decoded(view) == pytest.approx(next(iter(x.values()))[0].numpy(), rel=1e-4)


def test_a_point_that_rests_is_decoded_exactly(view, shipped):
    model, _ = shipped
    z = [0.5] * model.latent_dim
    ask(view, {"kind": "rest", "rest": {"number": 1, "kind": "point", "z": z}})
    with torch.inference_mode():
        x = model.decode(torch.tensor([z]))
    assert (view.z, view.shown["answer"]["number"]) == (z, 1)
    assert decoded(view) == pytest.approx(next(iter(x.values()))[0].numpy(), rel=1e-5)


def test_weights_that_are_let_go_make_another_joint_belief(view):
    before, limits = view.z, view.shown["scene"]["plane"]["limits"]
    first, *others = view.weights
    ask(view, {"kind": "rest", "rest": {"number": 1, "kind": "weights",
                                        "weights": {first: 1.0, **dict.fromkeys(others, 0.05)}}})
    assert view.weights == {first: 1.0, **dict.fromkeys(others, 0.05)}
    assert view.z != before
    assert view.shown["scene"]["plane"]["limits"] == limits


@pytest.mark.parametrize("message", [
    None, "rest", {}, {"kind": "rest"}, {"kind": "rest", "rest": {"number": "1", "z": [0]}},
    {"kind": "rest", "rest": {"number": 1, "kind": "point", "z": [1, 2]}},
    {"kind": "rest", "rest": {"number": 1, "kind": "point", "z": [float("nan")] * 3}},
    {"kind": "rest", "rest": {"number": 1, "kind": "weights", "weights": {"beak": -1}}},
    {"kind": "rest", "rest": {"number": 1, "kind": "weights", "weights": {"beak": "much"}}},
    {"kind": "rest", "rest": {"number": 1, "kind": "weights", "weights": {"beak": 0, "body": 0, "life": 0}}},
])
def test_anything_else_changes_nothing(view, message):
    before = view.z
    assert ask(view, message) == []
    assert view.z == pytest.approx(before)


def test_only_files_of_the_view_are_given(view):
    [(said, [content])] = ask(view, {"kind": "file", "name": "model.json"})
    assert said == {"kind": "file", "name": "model.json"}
    assert b'"modalities"' in content
    assert ask(view, {"kind": "file", "name": "../widget.py"}) == [({"kind": "file", "name": "../widget.py"}, None)]
    there = runtime.folder() is not None
    [(_, script)] = ask(view, {"kind": "file", "name": f"{runtime.FILES[0]}.gz"})
    assert (script is not None) == there


def test_views_and_items_are_chosen_by_name(shipped):
    model, data = shipped
    first = next(iter(model.modalities))
    view = bvae.show(model, data, item=data.ids[2], views=[first])
    assert list(view.weights) == [first]
    assert [v["loc"] is None for v in view.shown["scene"]["views"]] == [False, True, True]


@pytest.mark.parametrize(("given", "error", "says"), [
    ({"item": 10**6}, ValueError, "item: expected 0 to"), ({"item": "N999999"}, ValueError, "an id of the data"),
    ({"views": ["wings"]}, ValueError, "views: expected some of"), ({"views": []}, ValueError, "views: expected one"),
    ({"data": bvae.from_arrays({"other": np.eye(3)})}, ValueError, "data: expected the modalities of the model"),
    ({"data": [1, 2]}, TypeError, "data: expected a data set"), ({"model": "mwb-vae"}, TypeError, "model: expected"),
])
def test_what_does_not_fit_is_said(shipped, given, error, says):
    with pytest.raises(error, match=says):
        bvae.show(**{"model": shipped[0], "data": shipped[1], **given})


def test_an_estimator_shows_what_it_transforms():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(60, 2))
    x = {"a": z @ rng.normal(size=(2, 4)), "b": z @ rng.normal(size=(2, 3))}
    x["b"][7] = np.nan
    estimator = bvae.BarycentricVAE(latent_dim=2, steps=5, random_state=0).fit(x)
    view = bvae.show(estimator, x, item=7)
    assert list(view.weights) == ["a"]
    assert view.z == pytest.approx(estimator.transform(x)[7].tolist(), abs=1e-5)
