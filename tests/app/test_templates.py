"""The pages' own HTML: whatever a text holds, it is a text; one stylesheet has every class; every template is used."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import torch

from bvae.app.beliefs import judging, sheet
from bvae.app.explore import imagined
from bvae.app.learn import teachers_sheet
from bvae.app.playground import scene_numbers as playground
from bvae.app.templates import HERE, Markup, render, stylesheet, templates
from bvae.app.widgets import images, layout, legends, small_table
from bvae.data import uploads
from bvae.plots import style
from tests.support import ROOT
from tests.support.pages import assert_clean, open_page

HOSTILE = """</div><b id=x>&amp; "a' onload=y $z$ `{{ 7 * 7 }}` {% if %} \\<script>alert(1)</script><!--"""
VOID = ("br", "img", "meta", "link", "col")


class Outline(HTMLParser):
    """Tags, attributes and texts, and whether tags nest."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open, self.words = [], [], [], ""
        self.feed(str(text))
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


SECTION = dict.fromkeys(
    ["number", "title", "idea", "minutes", "class_minutes", "setting", "question", "right", "because", "common",
     "tempting", "link", "code", "answer_link", "end_link", "trial", "summary"], HOSTILE)
OPENING = dict.fromkeys(["title", "caption", "link", "code"], HOSTILE)
VALUES = {
    "bold": {"text": HOSTILE},
    "replaced": {"notes": [(HOSTILE, HOSTILE, HOSTILE)]},
    "brought_notes": {"notes": [HOSTILE]},
    "brought_view": {"color": "#123456", "name": HOSTILE, "kind": HOSTILE, "size": HOSTILE, "where": HOSTILE},
    "card": {"uri": "", "alt": HOSTILE},
    "changes": {"share": HOSTILE, "apart": HOSTILE, "pictures": HOSTILE},
    "class_invitation": {"picture": "", "code": HOSTILE, "address": HOSTILE, "joined": 1, "unreachable": True},
    "class_options": {"options": [{"letter": HOSTILE, "text": HOSTILE, "votes": HOSTILE, "width": 3, "right": right}
                                  for right in (True, False)]},
    "class_screen": {},
    "columns": {"narrow": True, "blocks": [{
        "head": HOSTILE, "name": HOSTILE, "color": "#123456", "given": HOSTILE, "more": 3,
        "lines": [{"name": HOSTILE, "given": HOSTILE, "believed": "" if words else HOSTILE, "bar": (1.0, 2.0, 3.0, 4.0),
                   "words": words, "hollow": True}
                  for words in ([], [(HOSTILE, "3", HOSTILE, right) for right in (True, False)])]}]},
    "components": {"lines": [(HOSTILE, "3.0", HOSTILE)], "more": 1},
    "distribution": {"lie_color": "#123456",
                     "lines": [(HOSTILE, "3%", HOSTILE, kind) for kind in ("truth", "lie", "")]},
    "divergences": {"rules": [HOSTILE], "lines": [(HOSTILE, HOSTILE, [("★", HOSTILE, HOSTILE), ("", None, HOSTILE)])]},
    "far": {"spoken": HOSTILE, "mark": HOSTILE},
    "figure": {"uri": "", "text": HOSTILE, "alt": HOSTILE, "color": "#123456", "caption": HOSTILE, "side": 84,
               "gone": HOSTILE,
               "shrinks": True, "short": False, "letters": "8"},
    "gaps": {"label": HOSTILE, "lines": [{"column": HOSTILE, "view": HOSTILE, "said": HOSTILE, "color": "#123456",
                                          "width": 3}]},
    "gallery": {"blocks": [HOSTILE], "wide": 300},
    "head": {"color": "#123456", "name": HOSTILE, "below": HOSTILE},
    "hints": {"scripts": [HOSTILE], "fonts": [HOSTILE], "script": Markup("1 < 2")},
    "imputed": {"title": HOSTILE, "names": [(HOSTILE, True), (HOSTILE, False), (HOSTILE, False)],
                "lines": [(HOSTILE, [(HOSTILE, "3.0", True), (HOSTILE, "3.0", False), None])]},
    "judged": {"name": HOSTILE, "p": 0.5},
    "learn_links": {},
    "legend": {"entries": [(HOSTILE, "#123456", HOSTILE)], "further": HOSTILE},
    "observed": {"cells": [(HOSTILE, "#123456", HOSTILE, HOSTILE, look) for look in ("", "hidden", "long")]},
    "page": {"paper": "#123456", "light": "#123456", "dark": "#123456"},
    "paper_drawing": {"width": 10, "height": 10, "edge": 1, "floor": "3", "alt": HOSTILE, "across": HOSTILE,
                      "up": HOSTILE, "lines": [{"points": "0,0", "expert": True, "dash": "", "name": HOSTILE, "x": "1",
                                                "y": "1"}],
                      "numbers": [("1", "1", "end", HOSTILE)], "legend": [(HOSTILE, "")]},
    "paper_map": {"side": 10, "alt": HOSTILE, "title": HOSTILE, "points": [("1", "1", HOSTILE)]},
    "presence": {"alt": HOSTILE, "bars": [(HOSTILE, 3)], "views": [
        {"name": HOSTILE, "have": HOSTILE, "color": "#123456", "share": 3, "dots": ["off"]}]},
    "race": {"label": HOSTILE, "lanes": [
        {"name": HOSTILE, "color": "#123456", "mark": HOSTILE, "spoken": HOSTILE, "verdict": HOSTILE, "shows": HOSTILE,
         "moved": HOSTILE, "far": "3",
         "draws": [{"uri": "data:,", "text": "", "alt": HOSTILE, "kind": HOSTILE},
                   {"uri": "", "text": HOSTILE, "alt": "", "kind": HOSTILE}]}]},
    "row": {"label": HOSTILE, "color": "#123456", "figures": [HOSTILE], "wraps": True},
    "said": {"text": HOSTILE},
    "sample_head": {"number": HOSTILE, "far": HOSTILE, "near": HOSTILE},
    "second_line": {"text": HOSTILE},
    "sheet": {"label": HOSTILE, "columns": [HOSTILE], "lines": [(HOSTILE, [HOSTILE])], "side": 40, "shares": ["3"],
              "total": 100, "narrowest": 50},
    "sheet_picture": {"uri": "", "text": HOSTILE, "alt": HOSTILE, "color": None, "ratio": "1/1", "short": False},
    "small_table": {"label": HOSTILE, "height": 100, "stacks": True,
                    "heads": [(HOSTILE, True)] * 2, "lines": [[(HOSTILE, False)] * 2]},
    "teachers_link": {"address": HOSTILE},
    "own_report": {
        **dict.fromkeys(["title", "story", "version", "hash", "commands", "python"], HOSTILE),
        "data": {**dict.fromkeys(["count", "train", "test"], HOSTILE), "views": [{
            **dict.fromkeys(["name", "label", "kind", "size", "have", "share", "gaps"], HOSTILE),
            "color": "#123456", "columns": [HOSTILE]}], "patterns": [([True], HOSTILE, 50.0)], "more_patterns": 1,
            "labels": [(HOSTILE, HOSTILE, True)], "notes": [HOSTILE]},
        "training": {**dict.fromkeys(["method", "citation", "rule", "count", "seconds", "stopped", "loss"], HOSTILE),
                     "settings": [(HOSTILE,) * 3]},
        "map": dict.fromkeys(["drawing", "count", "by"], HOSTILE),
        "imputed": [(HOSTILE, {"names": [HOSTILE], "lines": [(HOSTILE, [(HOSTILE, True)])]})],
        "coverage": [(HOSTILE, HOSTILE)], "measured": [HOSTILE],
        "figures": [dict.fromkeys(["title", "of", "value", "meaning", "trap"], HOSTILE)],
        "who": {"views": [(HOSTILE,) * 3], "names": [HOSTILE], "dimensions": [(HOSTILE, [HOSTILE])], "all": 2,
                "count": HOSTILE, "gaps": True},
        "items": {"note": HOSTILE, "items": [{"name": HOSTILE, "hidden": HOSTILE, "tables": HOSTILE, "others": [
            {"name": HOSTILE, "color": "#123456", "parts": [
                {"said": HOSTILE, "alt": HOSTILE, "uri": "", "text": HOSTILE}]}]}]},
        "caveats": [HOSTILE]},
    "teachers_sheet": {"plans": [(HOSTILE, HOSTILE, [(HOSTILE,) * 4])], "base": HOSTILE, "local": True,
                       "class_link": HOSTILE, "opening": {**OPENING, "text": [HOSTILE], "drawings": [HOSTILE]},
                       "lessons": [{**SECTION, "options": [(HOSTILE, True, HOSTILE, HOSTILE)], "drawings": [HOSTILE]}]},
}


def filled(value, text):
    """The same values with another text in place of the hostile one."""
    if isinstance(value, dict):
        return {k: filled(v, text) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(filled(v, text) for v in value)
    return text if value == HOSTILE and not isinstance(value, Markup) else value


def test_every_template_is_tried_and_used():
    assert set(VALUES) == set(templates())
    code = "".join(path.read_text() for path in (ROOT / "bvae").rglob("*.py"))
    for name in templates():
        assert f'render("{name}"' in code, name


@pytest.mark.parametrize("name", VALUES)
def test_no_text_becomes_more_than_a_text(name):
    """With the hostile text, a template has the tags and attributes that it has with a harmless one."""
    hostile, harmless = (Outline(render(name, **filled(VALUES[name], text))) for text in (HOSTILE, "harmless"))
    assert hostile.tags == harmless.tags
    assert [(tag, key) for tag, key, _ in hostile.attributes] == [(tag, key) for tag, key, _ in harmless.attributes]
    for (_, key, mine), (*_, theirs) in zip(hostile.attributes, harmless.attributes, strict=True):
        if key == "style":
            assert mine == theirs
        else:
            assert (mine or "") == (theirs or "").replace("harmless", HOSTILE)
    assert hostile.words == harmless.words.replace("harmless", HOSTILE)
    assert harmless.words.count("harmless") + str(harmless.attributes).count("harmless") >= len(
        re.findall(re.escape(HOSTILE[:9]), repr(VALUES[name])))


def test_a_missing_value_is_an_error_and_not_a_gap():
    with pytest.raises(Exception, match="'text' is undefined"):
        render("said")


@pytest.mark.parametrize("value", [None, HOSTILE, "a b", torch.zeros(3, 4, 5)])
def test_figures_of_hostile_names(value):
    whole = images.row(HOSTILE, "#123456", [images.figure(value, HOSTILE, "#123456", HOSTILE, shrinks=shrinks)
                                            for shrinks in (True, False)])
    seen = Outline(whole)
    assert set(seen.tags) <= {"div", "span", "img"}
    assert seen.words.count(HOSTILE) == 3 + 2 * (value == HOSTILE)
    said = [v for _, key, v in seen.attributes if key in ("alt", "aria-label")]
    assert len(said) == 2
    assert all(v.startswith(HOSTILE) for v in said)
    one = Outline(sheet.picture(value, HOSTILE, "#123456") + sheet.head(HOSTILE, 1, HOSTILE) + sheet.said(HOSTILE))
    assert set(one.tags) <= {"div", "span", "img"}
    assert one.words.count(HOSTILE) == 3 + (value == HOSTILE)


def test_tables_and_legends_of_hostile_names():
    table = Outline(sheet.table(HOSTILE, [HOSTILE], [HOSTILE], [[sheet.said(HOSTILE)]]))
    assert table.words.count(HOSTILE) == 3
    assert "b" not in table.tags
    small = Outline(small_table.table(pd.DataFrame({HOSTILE: [HOSTILE], "n": [2.5]}), HOSTILE, height=100))
    assert small.words.count(HOSTILE) == 2
    assert small.tags.count("tr") == 2
    legend = Outline(layout.gallery([legends.legend([HOSTILE], ["#123456"], ["star"], HOSTILE)]))
    assert legend.words.count(HOSTILE) == 2
    bars = Outline(imagined.distribution(torch.tensor([0.5, 0.3, 0.2]), [HOSTILE] * 3, 0, [1]))
    assert bars.tags.count("b") == 1  # the true one
    assert bars.words.count(HOSTILE) == 3
    parts = Outline(imagined.components_html([(HOSTILE, 0.5)] * 40))
    assert parts.words.count(HOSTILE) == 32
    assert parts.words.endswith("and 8 more")
    (caption,) = judging.captions(torch.tensor([[0.0, 1.0]]), ["a", HOSTILE])
    assert Outline(images.figure(None, "", caption=caption)).words == f"hidden{HOSTILE} p=1.00"


def test_the_tables_of_the_playground_and_of_the_teacher_escape(monkeypatch):
    monkeypatch.setattr(playground.naming, "short", lambda name: HOSTILE)
    rules = ["moe", "geometric"]
    values, errors = ({(d, r): np.full(1, v) for d in playground.DIVERGENCES for r in rules} for v in (1.0, 0.0))
    table = playground.Table(["A"], np.ones(1), rules, values, errors, set(), set(rules), 0.5)
    seen = Outline(playground.table_html(table, None))
    assert "b" not in seen.tags
    assert seen.words.count(HOSTILE) > 2
    assert Outline(teachers_sheet.marked(HOSTILE)).tags == []
    assert Outline(teachers_sheet.anchor(HOSTILE)).attributes[1][2] == HOSTILE


def test_labels_of_an_upload_are_texts_on_every_part_of_its_page():
    names = [f"{HOSTILE.replace(chr(92), '')} {i}" for i in range(3)]
    content = uploads.write(np.random.default_rng(0).normal(size=(2, 30, 3)), np.ones((2, 30, 3)), ["a", "b"],
                            labels=[names[i % 3] for i in range(30)], name=names[0])
    app = open_page("pages/your_data.py", bring="Beliefs of a model of yours")
    app.file_uploader[0].upload("x.npz", content).run()
    for show in ("posterior", "map", "comparison"):
        app.segmented_control(key="show").set_value(show).run()
        assert_clean(app)
        for element in app.get("html"):
            if "<style>" not in element.proto.body:
                assert not {"b", "script"} & set(Outline(element.proto.body).tags)


# -- the stylesheet --------------------------------------------------------------------------------------------------


def test_every_class_of_a_template_has_its_style_and_the_other_way_round():
    css = "".join((HERE / f"{name}.css").read_text() for name in ("app", "columns", "teachers_sheet",
                                                                       "own_report"))
    styled = set(re.findall(r"\.(-?[a-zA-Z][\w-]*)", re.sub(r"/\*.*?\*/|\{.*?\}", "", css, flags=re.DOTALL)))
    used = set()
    for name in templates():
        source = re.sub(r"\{[%{].*?[%}]\}", " ", (HERE / f"{name}.html.jinja").read_text().replace("\n", " "))
        for classes in re.findall(r'class="([^"]*)"', source):
            used |= set(classes.split())
        used |= set(re.findall(r'"[ ]?(bvae-[\w-]+)', (HERE / f"{name}.html.jinja").read_text()))
        used |= {c for group in re.findall(r"[\" ]((?:bvae-[\w-]+ ?)+)", (HERE / f"{name}.html.jinja").read_text())
                 for c in group.split()}
    used -= {"bvae-share", "bvae-paper"}
    assert used <= styled
    used |= set(re.findall(r"bvae-[\w-]+", (ROOT / "bvae" / "plots" / "drawing.py").read_text()))
    assert {c for c in styled if c.startswith("bvae-")} <= used


def test_the_stylesheet_is_on_every_page_once_and_holds_both_themes():
    text = stylesheet("#010203", style.LIGHT.paper, style.DARK.paper)
    assert text.startswith("<style>")
    assert text.endswith("</style>")
    assert text.count("<") == 2
    assert f"light-dark({style.LIGHT.paper},{style.DARK.paper})" in text
    assert "/*" not in text
    for page in sorted((ROOT / "pages").glob("*.py")):
        app = open_page(f"pages/{page.name}")
        assert sum("--bvae-paper" in h.proto.body for h in app.get("html")) == 1, page.name


def test_numbers_of_a_column_have_as_many_digits_as_each_other():
    made = Outline(small_table.table(pd.DataFrame({
        "of": ["a", "b", "c"], "mean": [-3.0, -2.89, float("nan")], "items": [5.0, 12.0, float("nan")],
        "columns": [2000, 7, 12345]}), ""))
    assert made.words.replace("\n", "").replace(" ", "") == "ofmeanitemscolumnsa-3.0052000b-2.89127c––12,345"
