"""Links that people have: what each of them opens. An address that is in one of them may never come to mean another."""

from types import SimpleNamespace
from typing import Any

import pytest

from bvae.app import links
from bvae.app.generate.drawing import DRAWING
from bvae.data import drawings
from tests.support.links import LINKS
from tests.support.pages import assert_clean, open_page, unfold
from tests.support.pages import drawings as pictures

KINDS = ("selectbox", "segmented_control", "pills", "radio", "number_input", "slider", "select_slider", "toggle",
         "checkbox", "text_input")


def values(app) -> dict[str, Any]:
    """Key of every control that the page shows -> its value."""
    return {control.key: control.value for kind in KINDS for control in app.get(kind) if control.key}


def text(app) -> str:
    """All that a page says: in its text, in the descriptions of its pictures and maps, and in its scripts."""
    written = [e.value for kind in (app.markdown, app.caption, app.info, app.subheader, app.title, app.code)
               for e in kind]
    links = [e.proto.label for e in app.get("page_link")]
    charts = [str(e.proto) for e in app.get("plotly_chart")]
    return "\n".join([*map(str, written), *links, *pictures(app), *charts])


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_an_old_link_opens_what_it_opened(link):
    app = open_page(link.page, **link.query)
    shown = values(app)
    assert {key: shown.get(key) for key in link.opens} == link.opens
    said = text(unfold(app))
    assert [words for words in link.says if words not in said] == []
    if link is not LINKS["explore, nonsense"]:
        assert app.session_state[links.NOTES] == []


def test_what_a_link_asks_for_and_does_not_get_is_noted():
    link = LINKS["explore, nonsense"]
    app = open_page(link.page, **link.query)
    noted = {label: (wanted, shown) for label, wanted, shown in app.session_state[links.NOTES]}
    assert noted["Method"] == ("../../etc", "MWB-VAE")
    assert noted["Item"] == ("-7", "342")
    assert {wanted for wanted, _ in noted.values()} >= {"<script>", "m9", "x", "1e9", "9 Sleep"}
    app.number_input(key="item").set_value(5).run()
    assert len(app.session_state[links.NOTES]) == len(noted)  # what a person chooses is no link's


@pytest.mark.parametrize(("text", "ways", "same"), [
    ("poe", ("PoE", "poe"), True), ("3", ("3.0",), True), ("TRUE", ("True",), True), ("0.30", ("0.3",), True),
    ("nan", ("1.0",), False), ("-7", ("342",), False), ("m9", (), False), ("1e9", ("4",), False),
])
def test_a_value_may_be_written_in_several_ways(text, ways, same):
    assert links.same(text, ways) is same


def test_an_address_that_the_page_itself_has_replaced_is_no_news():
    """A browser that did not hear of the newer one yet sends it with its next request."""
    house, seven = (drawings.encode(drawings.EXAMPLES[name]) for name in ("a house", "a 7"))
    app = open_page("pages/generate.py", task="Draw or write", drawing=house)

    def shown():
        assert_clean(app)
        assert app.query_params["drawing"] == drawings.encode(app.session_state[DRAWING])
        return app.query_params["drawing"]

    assert shown() == house
    app.pills(key="example").set_value("a 7").run()
    assert shown() == seven
    app.query_params["drawing"] = house
    app.run()
    assert shown() == seven
    other = drawings.encode(drawings.EXAMPLES["a 2"])
    app.query_params["drawing"] = other  # somebody else's
    app.run()
    assert shown() == other


def test_what_was_written_is_news_again_when_one_goes_back(monkeypatch):
    session, address, browser = {}, {}, SimpleNamespace(is_history_navigation=False)
    monkeypatch.setattr(links, "st", SimpleNamespace(session_state=session, query_params=address))
    monkeypatch.setattr(links, "get_script_run_ctx", lambda: browser)
    for z in ("1", "2", ""):
        links.hold({"z": z, "beliefs": ""})
    assert address == {}
    assert links.news("z", "beliefs") is None
    address["z"] = "1"
    assert links.news("z", "beliefs") is None
    browser.is_history_navigation = True
    assert links.news("z", "beliefs") == ("1", "")
    assert links.news("z", "beliefs") is None  # once
    address["beliefs"] = "x"
    browser.is_history_navigation = False
    assert links.news("z", "beliefs") == ("1", "x")
    for k in range(2 * links.MOST_WRITTEN):
        links.hold({"z": str(k), "beliefs": ""})
    assert len(session[links.WRITTEN]["z", "beliefs"]) == links.MOST_WRITTEN


RESET = {name: link for name, link in LINKS.items() if "all of its controls" in name or name in (
    "home, changed", "generate, translate", "generate, between views", "your data, posteriors", "your data, map",
    "your data, comparison", "latent space, the plane")}


@pytest.mark.parametrize("link", RESET.values(), ids=RESET)
def test_reset_takes_all_out_of_the_address_and_opens_what_the_page_opens_on(link):
    app = open_page(link.page, **link.query)
    kept = {key: link.query[key] for key in ("data", "task", "show") if key in link.query}
    if "bring" in app.query_params:
        kept["bring"] = app.query_params["bring"]
    held = {"v", "pin", *kept}
    assert set(app.query_params) - held
    next(button for button in app.button if "Reset" in button.label).click().run()
    assert_clean(app)
    fresh = open_page(link.page, **kept)
    first, now = values(fresh), values(app)
    assert now == {key: first.get(key) for key in now}
    assert set(app.query_params) <= held
