"""Generate, *Edit a row*: cells are changed or emptied, everything follows; link and script make the same."""

import math

import pytest
import torch

import bvae
from bvae.app import links, loaders
from bvae.app.beliefs import columns
from bvae.app.generate import cells, editing
from bvae.app.generate.tasks import DRAW_OR_WRITE, EDIT
from bvae.data.own.registering import FOLDERS, unregister
from bvae.models.imputation import impute
from tests.support import brought
from tests.support.pages import assert_clean, open_page, unfold

PAGE = "pages/generate.py"
FIELDS = {"penguins": 6, "breast-cancer": 3, "simulated-cells": 2, "mfeat": 5}


@pytest.fixture(autouse=True)
def unregistered():
    """What a test has brought is gone after it."""
    before = set(FOLDERS)
    yield
    for name in set(FOLDERS) - before:
        unregister(name)


def texts(app):
    return " ".join([m.value for m in app.markdown] + [h.proto.body for h in app.get("html")])


def held(app, key):
    """What the address holds for a parameter."""
    value = app.query_params.get(key, "")
    return value if isinstance(value, str) else value[0] if value else ""


def fields(app):
    return [w for w in [*app.number_input, *app.selectbox] if str(w.key).startswith(editing.CELL)]


@pytest.mark.parametrize("name", FIELDS)
def test_fields_are_of_the_columns_kinds_and_everything_follows(name):
    app = open_page(PAGE, data=name, task=EDIT)
    assert app.segmented_control(key="task").value == EDIT
    assert len(fields(app)) == FIELDS[name]  # all of a small table; of a wide one the first of each view
    number = next(w for w in app.number_input if str(w.key).startswith(editing.CELL))
    before = texts(app)
    number.set_value(number.value + number.step).run()
    assert_clean(app)
    assert "Your changes move" in texts(app)
    assert texts(app) != before
    m, k = number.key.removeprefix(editing.CELL).split("_")
    assert held(app, "cells").startswith(f"{m}.{k}:")
    assert_clean(unfold(app))


def test_an_emptied_cell_is_imputed_and_shows_what_stood_there():
    app = open_page(PAGE, data="penguins", task=EDIT, item="5")
    number = app.number_input(key="cell_1_1")
    was = number.value
    number.set_value(None).run()
    assert_clean(app)
    assert held(app, "cells") == "1.1:"
    assert f"empty, was {was:,.0f}" in texts(app)
    app.selectbox(key="cell_2_0").set_value(None).run()
    assert held(app, "cells") == "1.1:_2.0:"
    next(b for b in app.button if b.label == "The item as it is").click().run()
    assert_clean(app)
    assert not held(app, "cells")
    assert app.number_input(key="cell_1_1").value == was


def test_another_item_begins_anew_and_reset_forgets():
    app = open_page(PAGE, data="penguins", task=EDIT, item="5", cells="0.0:50")
    assert app.number_input(key="cell_0_0").value == 50
    app.number_input(key="item").set_value(6).run()
    own = cells.own(loaders.test_data("penguins"), 6, (0, 0))
    assert app.number_input(key="cell_0_0").value == own != 50
    app.number_input(key="cell_0_0").set_value(45.5).run()
    next(b for b in app.button if "Reset" in b.label).click().run()
    assert_clean(app)
    assert not held(app, "cells")


def test_a_link_opens_the_same_row_and_a_bad_one_is_said():
    first = open_page(PAGE, data="penguins", task=EDIT, item="5", cells="0.0:50_2.0:1_2.1:")
    assert first.number_input(key="cell_0_0").value == 50
    assert first.selectbox(key="cell_2_0").value == 1
    assert first.selectbox(key="cell_2_1").value is None
    again = open_page(PAGE, **{k: held(first, k) for k in first.query_params})
    assert texts(again) == texts(first)
    for bad in ("9.9:1", "0.0:nan", "2.0:7", "x", "0.0:1e400", "_" * 70):
        app = open_page(PAGE, data="penguins", task=EDIT, item="5", cells=bad)
        assert [(label, shown) for label, _, shown in app.session_state[links.NOTES]] == [
            ("Changed cells", "the item as it is")], bad
        assert app.number_input(key="cell_0_0").value == cells.own(loaders.test_data("penguins"), 5, (0, 0))


def test_nothing_filled_in_is_said():
    app = open_page(PAGE, data="penguins", task=EDIT)
    app.pills(key="filled").set_value([]).run()
    assert_clean(app)
    assert any("Nothing is filled in" in i.value for i in app.info)


def test_the_script_imputes_what_the_page_shows(capsys):
    app = unfold(open_page(PAGE, data="penguins", task=EDIT, item="5", cells="0.0:50_1.1:_2.1:", agg="PoE"))
    code = next(c.value for c in app.code if "impute" in c.value)
    scope = {}
    exec(compile(code, "generate.py", "exec"), scope)  # noqa: S102
    assert "body" in capsys.readouterr().out
    model, data = bvae.load("penguins", "mwb-vae"), bvae.dataset("penguins", "test")
    x = editing.enters(data, 5, {(0, 0): 50.0, (1, 1): None, (2, 1): None}, list(data.modalities))
    z = model.encode(x, bvae.aggregator("poe").conditional()).common(columns.DRAWS, torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = columns.of_draws(model, data, z[:, 0], x, {}, calibrated=False)  # PoE is not the rule it is of
    mass = scope["filled"]["body"]
    assert bool(mass.missing[0, 1])
    assert float(mass.mean[0, 1]) == pytest.approx(float(found["body"][1].mean), rel=1e-5)
    assert float(mass.scale[0, 1]) == pytest.approx(float(found["body"][1].scale), rel=1e-5)
    assert found["body"][1].believed().split(" (")[0] in texts(app)
    other = impute(model, x, num_draws=columns.DRAWS, generator=torch.Generator().manual_seed(0))
    assert float(other["body"].mean[0, 1]) != pytest.approx(float(mass.mean[0, 1]), rel=1e-6)


def test_a_row_of_a_brought_set_with_gaps(tmp_path):
    name = brought.trained(brought.tables(tmp_path, "edited"), "mwb-vae")
    app = open_page(PAGE, data=name, task=EDIT)
    assert len(fields(app)) == len([c for m in bvae.dataset(name, "test").modalities.values() for c in m.columns])
    for item in range(len(bvae.dataset(name, "test"))):  # some lack a view, some a cell
        app.number_input(key="item").set_value(item).run()
        assert_clean(app)
    for field in fields(app):
        field.set_value(None)
    app.run()
    assert_clean(app)
    assert any("Nothing is filled in" in i.value for i in app.info)
    count = next(w for w in app.number_input if w.label.startswith("warts"))
    count.set_value(3).run()
    assert_clean(app)
    code = next(c.value for c in unfold(app).code if "impute" in c.value)
    assert "register(" in code
    exec(compile(code, "generate.py", "exec"), {})  # noqa: S102


def test_who_draws_and_changes_to_tables_edits_a_row():
    app = open_page(PAGE, data="polymnist", task=DRAW_OR_WRITE)
    app.selectbox(key="data").set_value("penguins").run()
    assert_clean(app)
    assert app.segmented_control(key="task").value == EDIT
    app.selectbox(key="data").set_value("polymnist").run()
    assert app.segmented_control(key="task").value == DRAW_OR_WRITE


def test_numbers_of_links_come_within_bounds_and_counts_are_whole():
    data = loaders.test_data("simulated-cells")
    low, high = cells.bounds(data, 0, (0, 0))
    assert low == 0
    assert cells.decode("0.0:1000000", data, 0) == {(0, 0): high}
    assert cells.decode("0.0:2.6", data, 0) == {(0, 0): 3.0}
    changes = {(0, 0): 3.0, (1, 2): None, (1, 3): -0.25}
    assert cells.decode(cells.encode(changes), data, 0) == changes
    x = cells.changed(data, 0, changes)
    assert float(x["rna"][0, 0]) == 3
    assert math.isnan(float(x["protein"][0, 2]))
    assert torch.equal(x["rna"][0, 1:], data.x["rna"][0, 1:])
