"""Your data in Streamlit's AppTest: files are understood at once, corrected, kept, and nothing is left on the disk."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
import streamlit as st
from openpyxl import Workbook

from bvae.app.widgets.choose import data_label
from bvae.app.your_data import bring
from bvae.app.your_data.state import BELIEFS, EXAMPLES
from bvae.data.base import DATASETS
from bvae.data.own.manifest import read_manifest
from bvae.data.own.registering import FOLDERS
from bvae.runs import kept
from tests.support.pages import assert_clean, html_table, open_page

PAGE = "pages/your_data.py"
ROWS = range(40)
TABLES = {
    "beak.csv": "bird,length,depth\n" + "".join(
        f"N{k},{35 + k % 9}.5,{'' if k % 4 == 1 else 15 + k % 5}\n" for k in ROWS if k % 5),
    "body.csv": "bird,flipper,mass\n" + "".join(f"N{k},{190 + k % 7},{3000 + 25 * k}\n" for k in ROWS if k % 7 != 1),
    "life.csv": "bird,island,species\n" + "".join(
        f"N{k},{['Dream', 'Biscoe', 'Torgersen'][k % 3]},{'Gentoo' if k % 2 else 'Adelie'}\n" for k in ROWS),
}


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BVAE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(DATASETS, "_entries", dict(DATASETS._entries))
    before = dict(FOLDERS)
    yield tmp_path / "runs"
    FOLDERS.clear()
    FOLDERS.update(before)


def give(app, files=TABLES):
    for name, text in files.items():
        app.file_uploader[0].upload(name, text.encode() if isinstance(text, str) else text)
    return app.run()


def said(app):
    return " ".join(m.value for m in app.markdown).replace("\\", "")


def kinds(app):
    """Kind of each view -> those that it could be, in the order of the views."""
    return [(w.value, list(w.options)) for w in app.segmented_control if w.key.startswith("bring_kind_")]


def bodies(app):
    return " ".join(h.proto.body for h in app.get("html"))


def left_behind():
    return list(Path(tempfile.gettempdir()).glob("bvae-*"))


def test_it_opens_on_an_example_that_was_understood():
    app = open_page(PAGE)
    assert "What we understood: Penguins" in [s.value for s in app.subheader]
    assert "**344 items**, seen through **3 views**: 282 to learn from, 62 kept to test." in said(app)
    assert "342 of 344 items have all 3 views" in bodies(app)
    assert not kinds(app)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_understood_or_says_what_it_needs(name):
    app = open_page(PAGE, bring_data=name)
    assert app.segmented_control(key="bring_data").value == name
    assert ("to learn from" in said(app)) != any("is not installed" in w.value for w in app.warning)


def test_three_tables_with_gaps_are_understood():
    app = give(open_page(PAGE))
    assert_clean(app)
    assert "**40 items**, seen through **3 views**" in said(app)
    assert "The column **bird** names the items." in said(app)
    assert "Label **species**: Gentoo (20), Adelie (20)." in said(app)
    counts = Counter((k % 5 > 0, k % 7 != 1) for k in ROWS)
    assert f"{counts[True, True]} of 40 items have all 3 views; beak is there for 32" in bodies(app)
    gaps = html_table(app, "Gaps by column")
    assert gaps["column"].tolist() == ["depth"]
    assert gaps["gaps"].tolist() == [f"{sum(k % 4 == 1 and k % 5 > 0 for k in ROWS) / 32:.1%}"]
    first = html_table(app, "The first items")
    assert first.loc[0].tolist() == ["N1", "36.5", "–", "–", "–", "Biscoe", "Gentoo"]
    assert "40 items are few" in bodies(app)
    assert left_behind() == []


def test_the_twins_hold_every_pattern_and_every_column():
    app = open_page(PAGE)
    app.session_state["bring_presence_twin"] = app.session_state["bring_gaps_twin"] = True
    give(app)
    patterns, columns = (frame.value for frame in app.dataframe)
    assert patterns["items"].sum() == 40
    assert columns["column"].tolist() == ["length", "depth", "flipper", "mass", "island"]


def test_an_excel_file_is_its_sheets(tmp_path):
    book = Workbook()
    book.remove(book.active)
    for name, text in TABLES.items():
        sheet = book.create_sheet(Path(name).stem)
        for line in text.splitlines():
            sheet.append([float(c) if c.replace(".", "").isdigit() else c or None for c in line.split(",")])
    book.save(tmp_path / "birds.xlsx")
    app = give(open_page(PAGE), {"birds.xlsx": (tmp_path / "birds.xlsx").read_bytes()})
    assert_clean(app)
    assert "**40 items**, seen through **3 views**" in said(app)
    assert "Label **species**: Gentoo (20), Adelie (20)." in said(app)
    assert html_table(app, "The first items").loc[0].tolist() == ["N1", "36.5", "–", "–", "–", "Biscoe", "Gentoo"]
    assert left_behind() == []


def test_a_kind_is_changed_by_one_click_and_written_when_it_is_kept(runs):
    app = give(open_page(PAGE))
    assert kinds(app)[1] == ("vector", ["numbers", "counts", "mixed"])
    next(w for w in app.segmented_control if w.options == ["numbers", "counts", "mixed"]).set_value("counts").run()
    assert_clean(app)
    assert kinds(app)[1][0] == "counts"
    app.text_input(key="bring_name").set_value("my-birds").run()
    app.button(key="bring_keep").click().run()
    assert_clean(app)
    assert [s.value for s in app.success] == [r"my\-birds is kept on this computer\."]
    assert read_manifest(runs / "data" / "my-birds").modalities["body"].kind == "counts"
    assert left_behind() == []


def test_label_columns_are_chosen_and_a_choice_that_leaves_no_view_is_refused(runs):
    app = give(open_page(PAGE))
    chosen = app.multiselect[0]
    assert chosen.value == ["species"]
    chosen.set_value(["species", "mass"]).run()
    assert_clean(app)
    assert "Label **mass**" in said(app)
    assert "1 column: flipper" in bodies(app)
    app.multiselect[0].set_value(["species", "mass", "flipper", "length", "depth", "island"]).run()
    assert "expected at least one view, got labels only" in app.warning[0].value
    assert app.multiselect[0].value == ["species", "mass"]
    app.text_input(key="bring_name").set_value("my-birds").run()
    app.button(key="bring_keep").click().run()
    assert read_manifest(runs / "data" / "my-birds").labels == ("species", "mass")


def test_what_is_kept_is_listed_looked_at_and_deleted_after_one_question(runs):
    app = give(open_page(PAGE))
    app.text_input(key="bring_name").set_value("my-birds").run()
    app.button(key="bring_keep").click().run()
    assert "my-birds" in DATASETS
    assert app.segmented_control(key="bring_data").value == "my-birds"
    assert "What we understood: my\\-birds" in [s.value for s in app.subheader]
    assert "Kept on this computer" in [s.value for s in app.subheader]
    assert (runs / "data" / "my-birds" / "beak.csv").read_text() == TABLES["beak.csv"]
    again = open_page(PAGE, bring_data="my-birds")  # another session, by its address
    assert "**40 items**" in said(again)
    app.button(key="bring_delete_my-birds").click().run()
    assert_clean(app)
    assert kept.kept() == {}
    assert "my-birds" not in DATASETS
    assert "What we understood: Penguins" in [s.value for s in app.subheader]


def test_what_is_kept_and_damaged_says_why_and_can_be_deleted(runs):
    (runs / "data" / "broken").mkdir(parents=True)
    (runs / "data" / "broken" / "bvae.toml").write_text("name = [")
    app = open_page(PAGE)
    assert any("broken: " in c and "expected TOML" in c for c in (c.value.replace("\\", "") for c in app.caption))
    app.button(key="bring_delete_broken").click().run()
    assert_clean(app)
    assert kept.kept() == {}


@pytest.mark.parametrize("name", ["", "Birds", "../x", "penguins"])
def test_a_name_that_cannot_be_is_said_and_nothing_is_lost(runs, name):
    app = give(open_page(PAGE))
    app.text_input(key="bring_name").set_value(name).run()
    app.button(key="bring_keep").click().run()
    assert_clean(app)
    assert app.warning[0].value.startswith("Name\\: ")
    assert "**40 items**" in said(app)
    assert not list(runs.glob("**/*.csv"))


def test_training_on_it_keeps_it_first(monkeypatch):
    went = []
    monkeypatch.setattr(st, "switch_page", lambda page, query_params: went.append((Path(page).stem, query_params)))
    app = give(open_page(PAGE))
    app.text_input(key="bring_name").set_value("my-birds").run()
    app.button(key="bring_train").click().run()
    assert list(kept.kept()) == ["my-birds"]
    assert went == [("train", {"train_data": "my-birds"})]


BAD = {
    "a program": ({"x.exe": b"MZ"}, "x.exe: expected one of"),
    "an empty file": ({"x.csv": b""}, "got an empty one"),
    "a pickle": ({"x.pkl": b"x"}, "programs"),
    "no ZIP": ({"x.zip": b"x"}, "expected a ZIP"),
    "damaged Parquet": ({"x.parquet": b"PAR1x"}, "Parquet"),
    "ids that match nowhere": ({"a.csv": "id,x\na1,1\na2,2\n", "b.csv": "id,y\nb1,1\nb2,2\n"}, "write them in"),
    "an id twice": ({"a.csv": "id,x\na,1\nb,2\n", "b.csv": "id,y\na,1\na,2\nb,3\n"}, "every id once"),
    "a header only": ({"a.csv": "id,x\n"}, "without rows"),
    "one item": ({"a.csv": "id,x\na,1.5\n"}, "at least one each"),
    "bytes": ({"a.csv": bytes(range(256))}, "a.csv"),
}


@pytest.mark.parametrize(("files", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_a_sentence_and_nothing_else(files, says):
    app = give(open_page(PAGE), files)
    assert not app.exception
    problem = app.error[0].value if app.error else app.warning[0].value
    assert says in problem.replace("\\", "")
    assert problem.endswith((".", "?"))
    assert not app.get("download_button")
    assert left_behind() == []
    give(app, {})
    app.button(key="bring_forget").click().run()
    assert "What we understood: Penguins" in [s.value for s in app.subheader]


def test_names_and_values_of_a_person_are_never_html_or_markdown():
    odd = "<img src=x onerror=alert(1)>"
    table = f'id,"{odd}",**b**,species\n' + "".join(f"p{k},{k},{k % 3}.5,{odd}{k % 2}\n" for k in range(12))
    app = give(open_page(PAGE), {f"{odd}.csv": table, "b.csv": "id,y\n" + "".join(f"p{k},{k}\n" for k in range(12))})
    assert_clean(app)
    assert "<img src=x" not in bodies(app)
    assert odd not in " ".join(m.value for m in app.markdown)
    assert "&lt;img src=x" in bodies(app)


def test_a_folder_of_this_computer_is_looked_at_where_it_is(tmp_path):
    folder = tmp_path / "birds"
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / name).write_text(text)
    app = open_page(PAGE)
    app.text_input(key="bring_folder").set_value(str(folder)).run()
    assert_clean(app)
    assert "**40 items**" in said(app)
    assert app.text_input(key="bring_name").value == "birds"
    assert sorted(p.name for p in folder.iterdir()) == sorted(TABLES)
    app.text_input(key="bring_folder").set_value("birds").run()
    assert "expected a folder" in app.error[0].value


def test_where_others_can_reach_the_app_nothing_is_kept_and_no_folder_is_read(monkeypatch, runs):
    kept_before = give(open_page(PAGE))
    kept_before.text_input(key="bring_name").set_value("my-birds").run()
    kept_before.button(key="bring_keep").click().run()
    monkeypatch.setattr(bring.kept, "may_keep", lambda address: False)
    assert list(open_page(PAGE).segmented_control(key="bring_data").options) == [data_label(n) for n in EXAMPLES]
    app = give(open_page(PAGE))
    assert_clean(app)
    assert "**40 items**" in said(app)
    assert bring.ALONE in [i.value for i in app.info]
    assert not any(w.key in ("bring_name", "bring_folder") for w in app.text_input)
    assert not any((b.key or "").startswith(("bring_keep", "bring_train", "bring_delete")) for b in app.button)
    assert left_behind() == []


def test_another_session_sees_nothing_of_it():
    give(open_page(PAGE))
    assert "What we understood: Penguins" in [s.value for s in open_page(PAGE).subheader]


def test_addresses_from_before_there_was_a_choice_show_beliefs():
    for query in ({"show": "Latent space"}, {"my_item": "7"}, {"my_rule": "PoE"}, {"my_w_m1": "3"}):
        app = open_page(PAGE, **query)
        assert app.segmented_control(key="bring").value == BELIEFS, query
        assert any("This is the example" in m.value for m in app.markdown)
