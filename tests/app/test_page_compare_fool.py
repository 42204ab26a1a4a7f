"""Fool the rules, a part of Compare: what it says is what its draws show."""

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from bvae.app import loaders
from bvae.app.beliefs.rules import called
from bvae.app.compare.fooling import card, script, telling
from bvae.app.compare.fooling.race import DRAWS, Race, Runner, Verdict, run
from bvae.app.compare.lie import ANOTHER, BLANK, DRAWN, LIES, lies_of, told
from bvae.data import drawings
from tests.support.pages import assert_clean, open_page, unfold

PAGE = "pages/compare.py"
FOUR = [True] * 4 + [False]
SEVEN = drawings.encode(drawings.EXAMPLES["a 7"])
CLASSES = [str(k) for k in range(10)]


@pytest.fixture(scope="module")
def model():
    return loaders.load_model("polymnist", "mmvae")


def lie_of(kind, label=None, drawing="", view="m0"):
    return told(loaders.test_data("polymnist"), view, 342, kind, label, 0.7, drawing, 0)


def runner(rule="poe", before=(3,) * 8, after=(3,) * 8, moved=1.0, picture=0.0):
    return Runner(rule, before, after, 0.9, 0.01, 0.1, moved, torch.full((8, 1, 2, 2), picture))


def race(*runners, lie=7, judged=("m4",), alone=False):
    return Race(tuple(runners), 3, lie, judged, "m4", True, True, alone)


def lanes(app):
    return next(h.proto.body for h in app.get("html") if 'class="bvae-race"' in h.proto.body)


@pytest.mark.parametrize("query", [{"fool": "1"}, {"part": "Fool the rules"}])
def test_it_opens_by_a_short_address_and_shows_every_rule(query):
    app = open_page(PAGE, **query)
    assert app.segmented_control(key="part").value == "fool"
    assert "fool" not in app.query_params
    assert lanes(app).count('role="listitem"') == 12
    assert not app.get("plotly_chart")
    app.segmented_control(key="part").set_value("side").run()
    assert_clean(app)
    assert app.pills(key="compared").value == ["poe", "moe", "wasserstein"]


def test_what_is_said_of_rules_is_what_their_draws_show(model):
    """By another way: the rule's posterior by `encode`, its draws by `generate`, the judge's most probable class."""
    data, judges = loaders.test_data("polymnist"), loaders.judges("polymnist")
    lie = lie_of(ANOTHER, 0)
    found = run(model, 342, FOUR, lie, 0)
    assert found.judged == ("m4",)
    assert (found.truth, found.lie) == (3, 0)
    assert [found.right(r) for r in found.runners] == sorted((found.right(r) for r in found.runners), reverse=True)
    honest = {v: data.x[v][342:343] for v in ("m0", "m1", "m2", "m3")}
    by_name = {r.rule: r for r in found.runners}
    for name in ("poe", "wasserstein", "moe"):
        for x, classes in ((honest, by_name[name].before), (honest | {"m0": lie.content(data)}, by_name[name].after)):
            draws = model.model.generate(x, targets=["m4"], num_samples=DRAWS, aggregator=telling_rule(name),
                                         weights=torch.full((5,), 0.2), generator=torch.Generator().manual_seed(0))
            seen = judges.probabilities({"m4": draws["m4"][:, 0].detach()})["m4"].argmax(-1)
            assert tuple(seen.tolist()) == classes
    said = telling.headline(found, "moe", CLASSES)
    first, *others = said.split(". ")
    fooled, _, not_fooled = first.partition(", not " if found.those(Verdict.FOOLED) else ": ")
    lost = " ".join(part for part in others if part.startswith("Lost"))
    assert found.those(Verdict.HOLDS)
    for verdict, part in ((Verdict.FOOLED, fooled), (Verdict.HOLDS, not_fooled), (Verdict.LOST, lost)):
        for r in found.those(verdict)[:4]:
            assert called(r.rule, "moe") in part


def telling_rule(name):
    import bvae

    return bvae.aggregator(name)


def test_without_a_lie_nothing_moves_and_nobody_is_called_fooled(model):
    found = run(model, 342, FOUR, None, 0)
    assert {r.moved for r in found.runners} == {0.0}
    assert all(r.before == r.after for r in found.runners)
    assert not found.those(Verdict.FOOLED)
    assert telling.headline(found, "moe", CLASSES).startswith("Nobody lies yet")


def test_who_was_unsure_before_is_not_fooled():
    unsure = runner("moe", before=(3,) * 5 + (7,) * 3, after=(7,) * 8)
    fooled = runner("poe", after=(7,) * 8)
    found = race(unsure, fooled)
    assert [found.verdict(r) for r in found.runners] == [Verdict.UNSURE, Verdict.FOOLED]
    said = telling.headline(found, "poe", CLASSES)
    assert said == "You fooled PoE. Unsure even before the lie, so not counted: MoE."


def test_who_shows_neither_the_truth_nor_the_lie_is_lost_not_fooled():
    found = race(runner("code", after=(5,) * 8), runner("poe", after=(7,) * 4 + (5,) * 4), runner("moe"))
    assert [found.verdict(r) for r in found.runners] == [Verdict.LOST, Verdict.FOOLED, Verdict.HOLDS]
    said = telling.headline(found, "poe", CLASSES)
    assert said == "You fooled PoE, not MoE. Lost, showing neither 3 nor the lie: CoDE."
    damaged = race(runner("code", after=(5,) * 8), lie=None)  # no class that it could follow
    assert damaged.verdict(damaged.runners[0]) is Verdict.FOOLED


@pytest.mark.parametrize(("right", "verdict"), [
    (8, Verdict.HOLDS), (6, Verdict.HOLDS), (5, Verdict.TORN), (3, Verdict.TORN), (2, Verdict.FOOLED),
    (0, Verdict.FOOLED)])
def test_the_verdict_counts_draws(right, verdict):
    found = race(runner(after=(3,) * right + (7,) * (8 - right)))
    assert found.verdict(found.runners[0]) is verdict


@pytest.mark.parametrize(("runners", "more", "said"), [
    ([runner("poe"), runner("moe")], {}, "Nobody was fooled: all 2 rules still show 3."),
    ([runner("poe", after=(7,) * 8), runner("moe", after=(7,) * 7 + (1,))], {}, "You fooled every rule: all 2."),
    ([runner("poe", after=(1,) * 8)], {}, "Nobody was fooled. Lost, showing neither 3 nor the lie: PoE."),
    ([runner("wasserstein"), runner("poe", after=(7,) * 8)], {}, "You fooled PoE, not Wasserstein."),
    ([runner("poe", after=(3, 7) * 4)], {}, "Nobody was fooled for good. Torn: PoE."),
    ([runner("poe"), runner("moe", after=(3, 7) * 4)], {}, "Nobody was fooled: PoE still shows 3. Torn: MoE."),
    ([runner("poe", before=(7,) * 8)], {}, "There was nothing to fool: no rule was sure of the 3 even before the lie."),
    ([runner("poe", after=(7,) * 8)], {"alone": True},
     "The rules see the liar alone: nobody can hold without an honest view. Let them see another one."),
    ([runner("poe", (), ())], {"judged": ()},
     "No judge knows these views: nobody can say who was fooled, but how far the joint beliefs moved."),
])
def test_the_headline_is_honest_in_every_case(runners, more, said):
    assert telling.headline(race(*runners, **more), "poe", CLASSES) == said


def test_ties_share_a_place_and_the_very_same_draws_are_named():
    first, second, third = runner("poe"), runner("moe", picture=1.0), runner("mopoe", after=(3,) * 7 + (7,))
    found = race(first, second, third)
    assert found.places() == [1, 1, 3]
    assert [[r.rule for r in group] for group in found.tied()] == [["poe", "mopoe"]]
    assert "tied for certain: PoE and MoPoE." in telling.explained(found, CLASSES, True, "poe")
    assert list(telling.table(found, "poe", CLASSES)["draws after"]) == ["8 × 3", "8 × 3", "7 × 3, 1 × 7"]


@pytest.mark.parametrize("kind", [k for k in lies_of(loaders.test_data("polymnist"), "m1") if k != ANOTHER])
def test_every_lie_can_be_told_and_reproduced(kind, model):
    data = loaders.test_data("polymnist")
    lie = lie_of(kind, drawing=SEVEN, view="m1")
    found = run(model, 342, FOUR, lie, 3)
    assert found.lie == (7 if kind == DRAWN else None)
    if kind == BLANK:
        assert float(lie.content(data).std()) == 0
    names: dict = {}
    text = script.of("polymnist", "mmvae", data, 342, ["m0", "m1", "m2", "m3"], lie, found.judged, 3)
    exec(compile(text, "fool", "exec"), names)  # noqa: S102 - our own text, shown on the page
    assert {r.rule: list(r.after) for r in found.runners} == names["shown"]


def test_texts_lie_in_their_own_ways():
    data = loaders.test_data("mnist-svhn-text")
    assert set(lies_of(data, "text")) == {ANOTHER, "misspell", "erase", "shuffle", BLANK}
    assert set(lies_of(data, "mnist")) == {ANOTHER, DRAWN, "noise", "occlude", BLANK}
    assert set(LIES) == set(lies_of(data, "text")) | set(lies_of(data, "mnist"))
    blank = told(data, "text", 342, BLANK, None, 0.0, "", 0).content(data)
    assert data.read_text(blank)[0].strip(f" {data.text_padding}") == ""


def test_an_empty_canvas_is_no_lie_and_a_drawing_comes_with_the_link():
    app = open_page(PAGE, fool="1", lie="My drawing")
    assert any("Nobody lies yet" in m.value for m in app.markdown)
    assert any("Draw something else" in i.value for i in app.info)
    app = open_page(PAGE, fool="1", lie="My drawing", drawing=SEVEN)
    assert app.query_params["drawing"] in (SEVEN, [SEVEN])
    assert not any("Nobody lies yet" in m.value for m in app.markdown)
    assert "m0 lies" in " ".join(h.proto.body for h in app.get("html"))
    assert_clean(open_page(PAGE, fool="1", lie="My drawing", drawing="<script>"))


def test_no_choice_can_raise():
    app = open_page(PAGE, fool="1")
    for views in (["m0"], ["m4"], [], ["m0", "m1", "m2", "m3", "m4"]):
        app.pills(key="views").set_value(views).run()
        assert_clean(app)
    app.segmented_control(key="liar").set_value("m2").run()
    for lie in ("noise", "occlude", BLANK, ANOTHER):
        app.selectbox(key="lie").set_value(lie).run()
        assert_clean(app)
    for item in (0, 999):
        app.number_input(key="item").set_value(item).run()
        assert_clean(app)
        truth = str(int(loaders.test_data("polymnist").y[item]))
        assert truth not in app.selectbox(key="shows").options
    for data in ("mnist-svhn-text", "celeba"):
        assert_clean(open_page(PAGE, fool="1", data=data))


def test_other_draws_are_another_seed():
    app = open_page(PAGE, fool="1")
    before = lanes(app)
    next(b for b in app.button if b.label == "Other draws").click().run()
    assert_clean(app)
    assert app.number_input(key="seed").value == 1
    assert lanes(app) != before


def test_the_card_is_a_picture_with_the_link_to_the_same_race():
    app = open_page(PAGE, fool="1", model="MMVAE")
    app.session_state["fool_card"] = True
    app.run()
    assert_clean(app)
    link = next(c.value for c in app.code if "compare" in c.value or "?" in c.value)
    assert "model=MMVAE" in link
    assert "part=Fool" in link
    said = next(re.search('alt="(I fooled [^"]*)" class="bvae-card"', h.proto.body) for h in app.get("html")
                if "bvae-card" in h.proto.body)
    assert said is not None
    assert "I fooled" in next(m.value for m in app.markdown if m.value.startswith("I fooled"))


def test_the_card_takes_any_text_and_grows_with_what_it_holds():
    given = [card.Given("ansicht α", torch.rand(3, 28, 28), True), card.Given("text", "a description " * 20, False)]
    lane = card.Lane("Hölder", "fooled", "4 × 3, 4 × 7", [(torch.rand(1, 64, 64), "lie")] * 8)
    sizes = []
    for count, link in ((2, "http://localhost/compare?v=1"), (12, "http://localhost/" + "x" * 3000)):
        made = card.png("I fooled Hölder, not 象", "about", given, [lane] * count, link, "note")
        with Image.open(io.BytesIO(made)) as picture:
            assert picture.format == "PNG"
            sizes.append(picture.size)
            assert np.asarray(picture.convert("L")).std() > 10
    assert sizes[0][0] == sizes[1][0] == card.WIDTH
    assert sizes[1][1] > sizes[0][1]
    letters = card.font(20)
    assert all(letters.getlength(line) <= 300 for line in card.wrapped("x" * 500 + " and words", 20, 300))
    assert card.spelt("Hölder 4 × 3") == "Hoelder 4 x 3"


def test_reproduce_is_offered():
    app = unfold(open_page(PAGE, fool="1"))
    assert any("bvae.aggregators()" in c.value for c in app.code)
