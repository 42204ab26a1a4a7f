"""Nothing that is computed or chosen depends on what numbers are called: with other words, all is found as before."""

import ast

import numpy as np
import pytest

import bvae
from bvae.app import loaders
from bvae.app.beliefs import contenders, item_beliefs, item_maps, judging, neighbours, numbers, wording
from bvae.app.beliefs.quantities import Better, Of, Quantity
from bvae.app.compare import pins
from bvae.app.explore import coping
from bvae.app.latent_space import map_panels
from bvae.app.results import tables
from bvae.data import MultimodalDataset
from bvae.evaluation import report
from bvae.plots import style
from bvae.plots.metrics import curve_figure
from tests.support import ROOT
from tests.support.pages import all_numbers, assert_clean, drawings, html_table, open_page, unfold

HIDDEN = ["m0", "m2"]


@pytest.fixture
def nonsense(monkeypatch):
    """Other words for every number, in an order that no word of before has."""
    def instead():
        for name in ("ROWS", "BRIEF", "HEADS"):
            words = getattr(wording, name)
            monkeypatch.setattr(wording, name, {key: f"{name.lower()} {len(words) - k}" for k, key in enumerate(words)})
        monkeypatch.setattr(wording, "SAYS", dict.fromkeys(Quantity, "?"))
        monkeypatch.setattr(wording, "whose", lambda number: f"{number.view or number.of.value}"[::-1])
        heads = wording.coping_heads
        monkeypatch.setattr(wording, "coping_heads", lambda *of: {q: f"head {q.name[::-1]}" for q in heads(*of)})
    return instead


def compared(rules, views=("m1", "m3", "m4")):
    """Contenders on item 342 with their numbers, hidden views judged."""
    loaded, data = loaders.load_model("polymnist", "mwb-vae"), loaders.test_data("polymnist")
    names = list(loaded.model.modalities)
    observed = [v in views for v in names]
    columns = [contenders.contender(rule, "", item_beliefs.build(loaded, 342, observed, [1.0] * 5, rule), True, "dims")
               for rule in rules]
    both = judging.imagined([(loaded.model, c.scene) for c in columns], 4, 0, loaders.judges("polymnist"))
    seen = {c.key: verdicts for c, (_, verdicts) in zip(columns, both, strict=True)}
    return columns, seen, *numbers.numbers(columns, names, seen, int(data.y[342]))


# -- the numbers themselves ------------------------------------------------------------------------------------------


def test_key_numbers_are_those_of_the_scene():
    columns, seen, found, _ = compared(["poe", "mopoe"])
    for c in columns:
        key = {(n.quantity, n.of): n.value for n in numbers.key_numbers(found, c.key, HIDDEN)}
        assert key == {
            (Quantity.WIDTH, Of.JOINT): c.width,
            (Quantity.ENTROPY, Of.JOINT): next(n.value for n in found if n.contender == c.key
                                               and (n.quantity, n.of) == (Quantity.ENTROPY, Of.JOINT)),
            (Quantity.W2, Of.OBSERVED_VIEWS): pytest.approx(
                c.scene.distances().wasserstein2[[1, 3, 4], 0].mean().item(), rel=1e-5),
            (Quantity.RIGHT_PROBABILITY, Of.HIDDEN_VIEWS): pytest.approx(
                np.mean([float(seen[c.key][v][:, 3].mean()) for v in HIDDEN]), rel=1e-5)}
    every = {(n.quantity, n.of): n.value for n in numbers.key_numbers(found, "poe", [])}
    assert every[Quantity.RIGHT_PROBABILITY, Of.ALL_VIEWS] == pytest.approx(
        np.mean([float(p[:, 3].mean()) for p in seen["poe"].values()]), rel=1e-5)
    unseen, *_ = compared(["poe"], views=())
    bare, _ = numbers.numbers(unseen, ["m0", "m1", "m2", "m3", "m4"])
    assert [n.quantity for n in numbers.key_numbers(bare, "poe", HIDDEN)] == [Quantity.WIDTH, Quantity.ENTROPY]


def test_the_table_puts_words_and_nothing_else(nonsense):
    columns, _, found, exact = compared(["poe", "mopoe"])
    assert not exact
    assert any(n.quantity is Quantity.ENTROPY_ERROR for n in found)
    before = wording.table(found, {c.key: c.short for c in columns})
    assert list(before.columns) == ["number", "of", "PoE", "MoPoE"]
    assert before["of"][before["number"] == "W2 to the joint"].tolist() == [
        "m0 (not observed)", "m1", "m2 (not observed)", "m3", "m4"]
    nonsense()
    after = wording.table(found, {c.key: c.key[::-1] for c in columns})
    np.testing.assert_array_equal(after.to_numpy()[:, 2:], before.to_numpy()[:, 2:])
    assert not set(after["number"]) & set(before["number"])
    assert list(after.columns[2:]) == ["eop", "eopom"]


def test_every_number_has_words_of_its_own():
    for words in (wording.ROWS, wording.BRIEF, wording.HEADS):
        assert len(set(words.values())) == len(words)
    for quantity in Quantity:
        assert wording.says(quantity).endswith(".")
        assert ("is better" in wording.says(quantity)) == (quantity.better is not None)
    assert Quantity.RIGHT_PROBABILITY.better is Better.HIGHER
    assert Quantity.WIDTH.better is None
    _, _, found, _ = compared(["mopoe"])
    assert {(n.quantity, n.of) for n in found} == set(wording.ROWS)


# -- the pages -------------------------------------------------------------------------------------------------------


def test_compare_shows_the_same_numbers_under_any_name(nonsense):
    def shown():
        app = open_page("pages/compare.py", views=["m1", "m3"], pin=["polymnist~mwb-vae~poe~m1.m2~5~3~2"])
        brief = [html_table(app, f"{rule} in brief")["value"].tolist() for rule in ("PoE", "MoE", "Wasserstein")]
        pinned = next(d.value for d in app.dataframe if "link" in d.value.columns)
        sentence = next(m.value for m in app.markdown if "is the widest here" in m.value)
        in_numbers = open_page("pages/compare.py", views=["m1", "m3"], part="All numbers")
        return (brief, all_numbers(in_numbers).iloc[:, 2:].to_numpy(), pinned.iloc[0, 8:-1].tolist(), sentence), list(
            pinned.columns)

    before, heads = shown()
    nonsense()
    after, others = shown()
    assert after[0] == before[0]
    np.testing.assert_array_equal(after[1], before[1])
    assert after[2:] == before[2:]
    assert len(before[2]) == 4
    assert heads[:8] == others[:8]
    assert not set(heads[8:-1]) & set(others[8:-1])


def test_pins_are_measured_in_quantities():
    run = pins.Run("polymnist", "mwb-vae", "poe", ("m1", "m2"), 5, 3, 2)
    found = pins.measured(run, loaders.load_model("polymnist", "mwb-vae").key)
    assert [(n.quantity, n.of) for n in found] == [
        (Quantity.WIDTH, Of.JOINT), (Quantity.ENTROPY, Of.JOINT), (Quantity.W2, Of.OBSERVED_VIEWS),
        (Quantity.RIGHT_PROBABILITY, Of.HIDDEN_VIEWS)]


def test_coping_finds_its_numbers_its_rule_and_what_is_alike_under_any_name(nonsense, monkeypatch):
    drawn = []
    figure = coping.coping_figure

    def spy(rules, true, lied, error, chosen, *rest):
        drawn.append((list(true), list(lied), list(error), chosen))
        return figure(rules, true, lied, error, chosen, *rest)

    def shown():
        app = open_page("pages/explore.py", lie_m1="7", agg="Moment")
        said = next(s for s in drawings(app) if "true class" in s)
        alike = next(c.value for c in app.caption if "Judged the same" in c.value)
        table = next(d.value for d in app.dataframe if "aggregator" in d.value.columns)
        return said, alike, table

    monkeypatch.setattr(coping, "coping_figure", spy)
    said, alike, table = shown()
    nonsense()
    names = {rule: f"<{k}>" for k, rule in enumerate(bvae.aggregators())}
    ordinary = {coping.called(rule, ""): other for rule, other in names.items()}
    monkeypatch.setattr(coping, "called", lambda rule, own: names[rule])
    said_now, alike_now, table_now = shown()
    assert drawn[0] == drawn[1]
    assert table["aggregator"][drawn[0][-1]] == "Moment"
    for name in sorted(ordinary, key=len, reverse=True):
        said, alike = said.replace(f" {name},", f" {ordinary[name]},"), alike.replace(name, ordinary[name])
    assert said_now == said
    assert alike_now == alike
    np.testing.assert_array_equal(table_now.iloc[:, 1:], table.iloc[:, 1:])
    assert not set(table.columns[1:]) & set(table_now.columns[1:])


def test_labels_of_neighbours_are_no_part_of_the_items_names(monkeypatch):
    monkeypatch.setattr(MultimodalDataset, "called", lambda self, item: f"no. {item}")
    app = open_page("pages/compare.py", part="All items")
    app.session_state["changed_twin"] = True
    app.run()
    assert_clean(app)
    table = next(d.value for d in app.dataframe if "neighbours changed" in d.value.columns)
    classes = loaders.test_data("polymnist").y[table["item"].tolist()].tolist()
    assert table["label"].tolist() == [f"class {k}" for k in classes]
    assert table["neighbours changed"].is_monotonic_decreasing


def test_coordinates_of_the_items_that_moved_are_theirs():
    rng = np.random.default_rng(0)
    means = [rng.normal(size=(40, 2)) for _ in range(2)]
    maps = neighbours.link(means, means, [("", "")] * 2, True)
    items = np.arange(100, 140)
    table = item_maps.moved_table(neighbours.most_changed(maps, 1, items), maps, ["a", "a: x"], str)
    for row in table.itertuples(index=False):
        assert row[4:] == (*means[0][row.item - 100], *means[1][row.item - 100])
        assert row.label == str(row.item)
        assert row[3] == pytest.approx(np.linalg.norm(means[0][row.item - 100] - means[1][row.item - 100]))


def test_where_a_map_comes_from_is_known_under_any_name(monkeypatch):
    monkeypatch.setattr(map_panels, "MADE", {made: f"{made.value}" for made in map_panels.Made})
    for asked, rounded in (("t-SNE", True), ("PCA", False)):
        app = unfold(open_page("pages/latent_space.py", map=asked))
        assert any("rounded to half precision" in m.value for m in app.markdown) == rounded
        assert any(f"This map is {map_panels.Made.BEFORE.value}." in c.value for c in app.caption) == rounded


def test_the_report_has_the_same_figures_under_any_name(monkeypatch):
    def cells():
        rows = [line.split("|")[2:] for line in report.report("polymnist").splitlines() if line.startswith("| ")]
        return [row for row in rows if "0." in row[0]]  # not those of heads

    before = cells()
    monkeypatch.setattr(report, "HEADS", {metric: f"{k}" for k, metric in enumerate(report.HEADS)})
    assert cells() == before
    assert len(before) > 10
    assert set(report.HEADS) >= {*report.BY_VIEWS, *report.MEANS}


def test_a_method_keeps_its_look_under_any_name():
    curve = {"1": {"mean": 0.5, "se": 0.1}, "2": {"mean": 0.6, "se": 0.1}}

    def looks(called):
        figure = curve_figure({"b": curve, "c": curve}, "", style.LIGHT, ["a", "b", "c"], called=called)
        return [(t.line.color, t.line.dash, t.marker.symbol) for t in figure.data]

    assert looks(lambda name: "the same") == looks(str)
    assert len(set(looks(str))) == 2
    assert style.CLASS_COLORS[0] not in {color for color, *_ in looks(str)}  # that of a


def test_benchmarks_tell_of_how_many_seeds_a_row_is(monkeypatch):
    def over(n):
        return {"coherence": {"1": {"mean": 0.5, "se_seeds": 0.1, "n": n}}}

    table = tables.figures({"mvae": over(3), "mmvae": over(13), "wb-vae": over(3)})
    assert table["seeds"].tolist() == ["3 or 13"]
    monkeypatch.setattr(tables, "label", lambda name: f"3 or {name}")
    assert tables.figures({"mvae": over(13)})["seeds"].tolist() == ["13"]


# -- the source ------------------------------------------------------------------------------------------------------

ASKING = ("startswith", "endswith", "partition", "rpartition", "removeprefix", "removesuffix", "replace")


def prose(node):
    """Strings with a blank in a node, or in the tuple or list that it is."""
    parts = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]
    return [p.value for p in parts
            if isinstance(p, ast.Constant) and isinstance(p.value, str) and " " in p.value.strip()]


def asked_for(source):
    """What of a text in words is compared, cut off, or looked up."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            yield from (text for part in (node.left, *node.comparators) for text in prose(part))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING:
            yield from (text for part in node.args for text in prose(part))
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            yield from prose(node.slice)


def test_words_that_are_asked_for_are_seen():
    assert list(asked_for('x == "W2 to the joint"')) == ["W2 to the joint"]
    assert list(asked_for('of.endswith(("(not observed)", "a"))')) == ["(not observed)"]
    assert list(asked_for('table["its standard error"], {"a b": 1}')) == ["its standard error"]
    assert list(asked_for('row["a b"] = 1; x == "mwb"')) == []


@pytest.mark.parametrize("folder", ["app", "plots", "evaluation", "metrics"])
def test_no_source_asks_for_words(folder):
    files = [f for f in sorted((ROOT / "bvae" / folder).rglob("*.py"))
             if "components" not in f.relative_to(ROOT).parts]  # which read JavaScript
    assert files
    assert {str(f.relative_to(ROOT)): found for f in files
            if (found := list(asked_for(f.read_text(encoding="utf-8"))))} == {}
