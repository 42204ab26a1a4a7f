"""Your data in Streamlit's AppTest: the id, the labels and the kinds are put right, before and after it is kept; and
what to mend in files that cannot be read."""

import gzip
from dataclasses import replace

import pytest

from bvae.data.base import DATASETS
from bvae.data.own.manifest import read_manifest
from bvae.data.own.registering import FOLDERS
from bvae.runs import kept
from bvae.training import Settings
from bvae.training.loop import train
from tests.app.test_page_bring import PAGE, TABLES, bodies, give, kinds, runs, said  # noqa: F401  # a fixture
from tests.support.brought import TINY
from tests.support.pages import assert_clean, open_page
from tests.unit.data.own.test_as_people_write import REFUSED
from tests.unit.data.own.test_receiving import locked
from tests.unit.data.own.test_spreadsheets import book, merged

TWO_IDS = {
    "beak.csv": "nest,bird,length\n" + "".join(f"{k + 7},N{k},{35 + k % 9}.5\n" for k in range(30)),
    "body.csv": "bird,nest,mass\n" + "".join(f"N{k},{k + 7},{3000 + 25 * (k % 8)}.5\n" for k in range(3, 30)),
}


def widget(app, kind, start):
    return next(w for w in getattr(app, kind) if (w.key or "").startswith(start))


@pytest.fixture
def birds(runs):  # noqa: F811  # the fixture
    """A session in which the three tables are kept as my-birds."""
    app = give(open_page(PAGE))
    app.text_input(key="bring_name").set_value("my-birds").run()
    app.button(key="bring_keep").click().run()
    return app


def test_another_column_names_the_items_and_back(runs):  # noqa: F811
    app = give(open_page(PAGE), TWO_IDS)
    chosen = widget(app, "selectbox", "bring_item_column_")
    assert chosen.value == "bird"
    assert chosen.options == ["bird", "nest"]
    assert "2 columns: nest, length" in bodies(app)
    chosen.set_value("nest").run()
    assert_clean(app)
    assert "The column **nest** names the items." in said(app)
    assert "1 column: length" in bodies(app)
    widget(app, "selectbox", "bring_item_column_").set_value("bird").run()
    assert "The column **bird** names the items." in said(app)
    assert "2 columns: nest, length" in bodies(app)
    assert not app.warning


def test_a_column_that_cannot_name_items_is_not_offered():
    app = give(open_page(PAGE))
    assert not [w for w in app.selectbox if (w.key or "").startswith("bring_item_column_")]


def test_a_label_that_is_none_any_more_belongs_to_its_view_again():
    app = give(open_page(PAGE))
    widget(app, "multiselect", "bring_labels_").set_value(["species", "island"]).run()
    assert_clean(app)
    assert "seen through **2 views**" in said(app)
    widget(app, "multiselect", "bring_labels_").set_value([]).run()
    assert_clean(app)
    assert "seen through **3 views**" in said(app)
    assert "2 columns: island, species" in bodies(app)
    assert "Label" not in said(app)


def test_what_is_kept_is_changed_and_saved(birds, runs):  # noqa: F811
    birds.button(key="bring_change_my-birds").click().run()
    assert_clean(birds)
    assert "What we understood: my\\-birds" in [s.value for s in birds.subheader]
    assert birds.button(key="bring_save").disabled
    assert not any((b.key or "") in ("bring_keep", "bring_train") for b in birds.button)
    assert kinds(birds)[1] == ("vector", ["numbers", "counts", "mixed"])
    next(w for w in birds.segmented_control if w.options == ["numbers", "counts", "mixed"]).set_value("counts").run()
    widget(birds, "multiselect", "bring_labels_").set_value(["species", "island"]).run()
    version = DATASETS["my-birds"].version
    birds.button(key="bring_save").click().run()
    assert_clean(birds)
    saved = read_manifest(runs / "data" / "my-birds")
    assert (saved.name, saved.modalities["body"].kind, saved.labels) == ("my-birds", "counts", ("species", "island"))
    assert DATASETS["my-birds"].version > version
    assert "What we understood: my\\-birds" in [s.value for s in birds.subheader]
    assert "seen through **2 views**" in said(birds)
    assert (runs / "data" / "my-birds" / "beak.csv").read_text() == TABLES["beak.csv"]


def test_a_model_that_was_trained_before_says_that_the_views_have_changed(birds, runs):  # noqa: F811
    folder = FOLDERS["my-birds"]
    train(Settings.for_method("my-birds", "mwb-vae", **TINY), folder / "models" / "my-birds" / "mwb-vae",
          progress=False)
    assert_clean(open_page("pages/explore.py", data="my-birds"))
    given = read_manifest(folder)
    kept.change("my-birds", replace(given, modalities={**given.modalities, "body": replace(
        given.modalities["body"], kind="counts")}))
    with pytest.raises(AssertionError, match="the view 'body' has changed; train a model of the data as they are now"):
        open_page("pages/explore.py", data="my-birds")  # which wants a page without errors


def test_a_change_that_is_not_saved_is_none(birds, runs):  # noqa: F811
    before = (runs / "data" / "my-birds" / "bvae.toml").read_bytes()
    birds.button(key="bring_change_my-birds").click().run()
    widget(birds, "multiselect", "bring_labels_").set_value(["species", "mass"]).run()
    birds.button(key="bring_forget").click().run()
    assert_clean(birds)
    assert (runs / "data" / "my-birds" / "bvae.toml").read_bytes() == before
    assert list(kept.kept()) == ["my-birds"]


def test_what_is_deleted_while_it_is_changed_is_gone(birds):
    birds.button(key="bring_change_my-birds").click().run()
    birds.button(key="bring_delete_my-birds").click().run()
    assert_clean(birds)
    assert kept.kept() == {}
    assert "What we understood: Penguins" in [s.value for s in birds.subheader]


TO_MEND = {
    "gzip": ({"x.csv": gzip.compress(b"id,x")}, "got a packed file (gzip) with this name; unpack it."),
    "JSON": ({"x.csv": b'[{"id": 1}]'}, "got JSON with this name; save the table as CSV."),
    "a title": ({"x.csv": "Birds of 2024\n" + TABLES["beak.csv"]}, "row 2: expected 1 cell"),
    "a short row": ({"x.csv": TABLES["beak.csv"] + "N99,1\n"}, "got 2; fill up the row."),
    "an open quote": ({"x.csv": TABLES["beak.csv"].replace("N3,", 'N3,"')}, "row 4: expected every quotation mark"),
    "a word among numbers": ({"x.csv": TABLES["beak.csv"].replace("38.5", "<38")}, "mend the cell"),
    "arrays of two lengths": ({"x.npz": REFUSED["arrays of two lengths"][0]["a_npz"]},
                              "a column that names the items."),
    "a picture cut off": ({"x.png": REFUSED["a picture cut off"][0]["a_png"]}, "save it again, or leave it out."),
    "a password": ({"x.zip": locked()}, "got one behind a password; pack it without."),
    "an old workbook": ({"x.xls": b"x"}, "open it and save it as .xlsx"),
    "merged cells": ({"x.xlsx": book(t=merged)}, "undo the merging and fill each of them."),
}


def test_each_of_further_damaged_files_says_where_it_is_and_how_to_mend_it():
    app = open_page(PAGE)
    for name, (files, says) in TO_MEND.items():
        give(app, files)
        assert not app.exception
        problem = app.error[0].value.replace("\\", "")
        assert says in problem, name
        assert "bvae-" not in problem  # the folder in which they lay
        app.button(key="bring_forget").click().run()
        assert not app.error
