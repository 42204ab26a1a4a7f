"""The pages' states: what there is to choose is said once, and everything else follows from it."""

import dataclasses

import pytest
import streamlit as st

from bvae.app import loaders
from bvae.app.compare import state as compare
from bvae.app.explore.state import Explore
from bvae.app.generate.state import Generate
from bvae.app.latent_space.state import LatentSpace
from bvae.app.loaders import ModelKey
from bvae.app.results import state as results
from bvae.app.state import Control, Form, PageState, control
from bvae.app.train import state as train
from bvae.app.widgets.choose import FIRST_ITEM, Choice
from bvae.app.your_data import uploading
from bvae.app.your_data.state import EXAMPLES, Bring, Own, YourData
from tests.support.links import LINKS
from tests.support.pages import assert_clean, open_page


def of_model(kind) -> Form:
    return Form(kind, Choice(loaders.load_model("polymnist", "mwb-vae")))


def of_compare() -> Form:
    trained = loaders.trained("polymnist")
    return Form(compare.Compare, compare.About("polymnist", loaders.test_data("polymnist"), trained))


def of_your_data() -> Form:
    data, is_example, _ = uploading.current()
    return Form(YourData, Own(data, is_example))


def of_benchmarks() -> Form:
    return Form(results.Benchmarks, results.About("polymnist", loaders.trained("polymnist"), ["coherence"]))


def of_train() -> Form:
    return Form(train.Train, train.About("polymnist", "mwb-vae"))


KEY = ModelKey("polymnist", "mwb-vae", "0" * 64)
FORMS = {
    "explore": (lambda: of_model(Explore), {"shown": KEY}),
    "compare": (of_compare, {"data_name": "polymnist"}), "generate": (lambda: of_model(Generate), {"shown": KEY}),
    "latent space": (lambda: of_model(LatentSpace), {"shown": KEY}),
    "your data": (of_your_data, {"is_example": True}), "benchmarks": (of_benchmarks, {"data_name": "polymnist"}),
    "train": (of_train, {}), "bring": (lambda: Form(Bring, list(EXAMPLES)), {}),
}
NO_CONTROLS = {"v", "pin", "drawing", "changed", "focus", "z", "beliefs", "fool",
               "bring", "cells"}
"""What addresses hold beside: of parts that other pages have as well, of the pins, of the canvas, of a walk, short
addresses, which half of Your data, of the cells that are edited."""


@pytest.mark.parametrize("page", FORMS)
def test_a_state_is_a_value_that_caches_know(page):
    made, more = FORMS[page]
    form = made()
    state, again = form.state(**more), made().state(**more)
    assert isinstance(state, PageState)
    assert state == again
    assert hash(state) == hash(again)
    calls = []

    @st.cache_data
    def computed(of: PageState) -> int:
        calls.append(of)
        return len(calls)

    changed = [dataclasses.replace(state, **{name: "what nothing has"}) for name in form.controls
               if name not in form.kind.BESIDE]
    assert changed
    assert [*map(computed, (state, again, *changed))] == [1, 1, *range(2, 2 + len(changed))]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(state, dataclasses.fields(state)[0].name, None)


@pytest.mark.parametrize("page", FORMS)
def test_no_two_controls_share_a_key_and_first_values_are_offered(page):
    form = FORMS[page][0]()
    keys = [key for c in form.controls.values() for key in c.keys(form.about)]
    assert len(set(keys)) == len(keys)
    for c in form.controls.values():
        first, options = c.now("first", form.about), c.now("options", form.about)
        if options is not None and first is not None:
            assert set(first if isinstance(first, tuple) else [first]) <= set(options)
    assert set(form.kind.firsts(form.about)) <= set(keys)


@pytest.mark.parametrize("page", FORMS)
def test_all_that_links_hold_is_a_control_of_its_page(page):
    form = FORMS[page][0]()
    keys = {key for c in form.controls.values() for key in c.keys(form.about)}
    other_data = {"train_steps_mmvae-plus", "train_width_mnist-svhn-text", "lie_m9"}
    for name, link in LINKS.items():
        if name.split(",")[0] == page:
            assert set(link.query) - NO_CONTROLS - other_data <= keys


def test_what_depends_on_the_page_is_asked_of_it():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Small(PageState):
        name: str
        number: int = control(lambda about: about[0], low=0, high=len)
        several: tuple[int, ...] = control(1, "s_{}", each=lambda about: ["a", "b"], stays=True)
        plain: str = control("x", options=("x", "y"), called=str.upper, stated=True)

    controls = Small.controls()
    assert controls["several"].keys([5]) == ["s_a", "s_b"]
    assert Small.firsts([5, 6]) == {"number": 5, "plain": "x"}
    assert controls["number"].arguments("number_input", [5, 6], None, None) == {
        "value": 5, "min_value": 0, "max_value": 2, "bind": "query-params"}
    assert controls["plain"].arguments("selectbox", [5], None, "y")["index"] == 1
    assert controls["plain"].written("y") == "Y"
    assert Form(Small, [5]).state(name="n") == Small(name="n", number=5, several=(1, 1))
    assert Control("k", ("a",), options=("a", "b")).arguments("pills", None, None, None)["default"] == ["a"]


@pytest.mark.parametrize(("page", "key"), [("explore", "item"), ("compare", "item"), ("generate", "item")])
def test_every_page_about_items_opens_on_the_same(page, key):
    assert open_page(f"pages/{page}.py").number_input(key=key).value == FIRST_ITEM


def test_a_shared_link_states_what_another_version_may_change():
    app = open_page("pages/explore.py", views=["m0"])
    app.session_state["share"] = True
    app.run()
    assert_clean(app)
    query = next(c.value for c in app.code if "?" in c.value).partition("?")[2]
    assert sorted(query.split("&")) == ["data=PolyMNIST", "item=342", "model=MWB-VAE", "seed=0", "v=1", "views=m0"]
