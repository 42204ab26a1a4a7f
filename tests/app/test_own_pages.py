"""Every page with models of what a person brought: tables with gaps, with labels or none, pictures with captions."""

from html.parser import HTMLParser

import pytest

import bvae
from bvae.cli import main
from bvae.data.base import DATASETS
from bvae.data.own import register
from bvae.data.own.registering import FOLDERS
from bvae.runs import kept, queue
from tests.support import brought
from tests.support.pages import assert_clean, drawings, open_page, opened, unfold

MAKERS = {"beasts": brought.tables, "shapes": brought.captions,
          "unlabelled": lambda root: brought.tables(root, "unlabelled", labels=False),
          "few": lambda root: brought.tables(root, "few", items=8)}
PAGES = ("explore", "latent_space", "compare", "generate", "benchmarks", "train")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Data sets with two tiny models each, one of them evaluated."""
    from bvae.evaluation.evaluation import evaluated
    from bvae.io.storage import write_json
    from bvae.training import load_checkpoint
    from bvae.training.checkpoint import METRICS, checkpoints_root

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BVAE_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setattr(queue, "_launch", lambda job: False)
        patch.setattr(DATASETS, "_entries", dict(DATASETS._entries))
        before = dict(FOLDERS)
        for name, make in MAKERS.items():
            brought.trained(make(kept.kept_root()), "mwb-vae", "mvae", **({"validation": 0.0} if name == "few" else {}))
            for method in ("mwb-vae", "mvae") if name != "few" else ():
                checkpoint = load_checkpoint(name, method)
                write_json(checkpoint.folder / METRICS, evaluated(checkpoint, checkpoints_root()))
        yield
        FOLDERS.clear()
        FOLDERS.update(before)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", MAKERS)
def test_every_page_opens_and_unfolds(models, name, page):
    query = {"train_data": name} if page == "train" else {"data": name}
    app = open_page(f"pages/{page}.py", **query)
    box = app.selectbox(key="train_data" if page == "train" else "data")
    assert box.value == name
    unfold(app)


@pytest.mark.parametrize("name", MAKERS)
def test_a_view_is_hidden_and_imputed_on_explore(models, name):
    app = open_page("pages/explore.py", data=name)
    for toggle in app.toggle[:2]:
        toggle.set_value(not toggle.value).run()
        assert_clean(app)
    assert drawings(app)


@pytest.mark.parametrize("page", PAGES)
def test_data_that_were_changed_or_are_gone_are_said(models, page, tmp_path):
    """Of a model of other columns, and of a folder that lacks a file by now: a sentence, no traceback."""
    folder = brought.tables(tmp_path, "changed")
    name = brought.trained(folder, "mwb-vae", "mvae")
    query = {"train_data" if page == "train" else "data": name}
    head = (folder / "head.csv").read_text()
    (folder / "head.csv").write_text(head.replace("nose_mm", "tail_mm"))
    register(folder)
    for wrong in ("the view 'head' has changed", "head.csv"):
        app = opened(f"pages/{page}.py", **query)
        assert not app.exception, [e.value for e in app.exception]
        said = " ".join(e.value for e in app.error).replace("\\", "")
        if page != "benchmarks":  # it shows stored figures, and needs no data
            assert wrong in said
        (folder / "head.csv").unlink(missing_ok=True)
        register(folder)


@pytest.mark.parametrize("page", ["explore", "generate", "latent_space"])
def test_what_reproduces_a_page_opens_the_files_that_were_brought(models, page):
    """The script runs as it is where nothing is registered yet, as in another Python."""
    app = unfold(open_page(f"pages/{page}.py", data="beasts"))
    code = next(c.value for c in app.code if 'bvae.dataset("beasts"' in c.value)
    known, folder = dict(DATASETS._entries), FOLDERS.pop("beasts")
    del DATASETS._entries["beasts"]
    try:
        exec(compile(code, "reproduce", "exec"), {})  # noqa: S102 - our own text, shown on the page
    finally:
        DATASETS._entries.update(known)
        FOLDERS["beasts"] = folder


def test_ranges_are_of_the_items_that_have_the_view(models):
    from bvae.app.beliefs import columns

    data = bvae.dataset("beasts", "test")
    m = list(data.modalities).index("body")
    there = data.x["body"][data.present[m]]
    assert not bool(data.present[m].all())
    low, high = columns.ends(data, "body")
    assert low[0] > 0
    assert low[0] == pytest.approx(float(there[:, 0].nan_to_num(float("inf")).min()))
    assert high[0] == pytest.approx(float(there[:, 0].nan_to_num(0).max()))


def test_benchmarks_of_what_was_brought_have_no_empty_chart_and_no_command_for_others(models):
    app = open_page("pages/benchmarks.py", data="beasts")
    said = " ".join(e.value for e in [*app.caption, *app.info])
    assert "makes those of PolyMNIST" not in said
    assert "checkpoints/beasts" not in said
    assert "models/beasts/METHOD/metrics.json" in said
    heads = [s.value for s in app.subheader]
    assert heads[0] == "What is imputed, beside simpler methods"
    assert app.selectbox(key="curve").value.startswith("imputation")
    for chart in drawings(app):
        assert "Coherence of what is missing" not in chart


def test_items_without_a_label_are_no_class_that_a_view_could_say(models, tmp_path):
    folder = brought.tables(tmp_path, "half-labelled")
    lines = (folder / "life.csv").read_text().splitlines()
    (folder / "life.csv").write_text("\n".join(line.rsplit(",", 1)[0] + "," if k % 3 == 1 else line
                                               for k, line in enumerate(lines)) + "\n")
    brought.trained(folder, "mwb-vae")
    data = bvae.dataset("half-labelled", "test")
    assert "unknown" in data.class_names
    app = open_page("pages/explore.py", data="half-labelled")
    assert not any("unknown" in b.label for b in app.button)
    lie = next(s for s in app.selectbox if s.label.endswith(" shows"))
    assert "unknown" not in lie.options
    assert len(lie.options) > 2


def test_an_item_that_was_learnt_from_is_said_to_be_one(models):
    others = " ".join(bvae.dataset("beasts", "test").ids)
    name = next(i for i in bvae.dataset("beasts", "train").ids if i not in others)
    app = open_page("pages/latent_space.py", data="beasts")
    app.text_input(key="find").set_value(name.lower()).run()
    assert_clean(app)
    assert any(f"{name} is one of the {len(bvae.dataset('beasts', 'train'))} items that models learn from" in c.value
               for c in app.caption)


def test_a_view_is_said_to_be_seen_once(models):
    app = open_page("pages/explore.py", data="beasts")
    (body,) = [h.proto.body for h in app.get("html") if "bvae-columns-belief" in h.proto.body
               and "<table" in h.proto.body]
    assert body.count(">seen<") == body.count("<table")
    assert body.count("seen") == body.count("<table")


def test_pages_open_on_an_item_that_has_all_views_and_say_what_is_not_there(models):
    data = bvae.dataset("beasts", "test")
    app = open_page("pages/explore.py", data="beasts")
    first = app.number_input(key="item").value
    assert bool(data.present[:, first].all())
    lacking = int((~data.present.all(0)).nonzero()[0])
    app.number_input(key="item").set_value(lacking).run()
    assert_clean(app)
    shown = " ".join(h.proto.body for h in app.get("html"))
    assert "not there" in shown
    assert "(hidden)" not in shown
    assert bool(data.present[:, open_page("pages/compare.py", data="beasts").number_input(key="item").value].all())


def test_data_without_a_model_lead_to_train_and_to_the_command_that_works(models, tmp_path):
    folder = brought.tables(tmp_path, "untrained")
    register(folder)
    app = open_page("pages/explore.py", data="untrained")
    assert f"bvae train {folder.resolve()} mwb-vae" in app.info[0].value


@pytest.mark.parametrize("name", MAKERS)
def test_a_report_is_one_file_that_says_what_the_data_are(models, name, tmp_path):
    """By the command line; it holds every view, loads nothing, runs nothing, and is whole HTML."""
    to = tmp_path / "report.html"
    assert main(["report", str(kept.kept()[name]), "mwb-vae", "--to", str(to)]) == 0
    text = to.read_text()
    reader = Read()
    reader.feed(text)
    assert not reader.open, "every element is closed"
    assert not {"script", "link", "iframe"} & reader.seen
    assert [a for a in reader.addresses if not a.startswith(("data:", "#"))] == []
    assert "object at 0x" not in text
    told = " ".join(reader.words)
    for view in bvae.dataset(name, "train").modalities:
        assert view in told
    assert ("nearest neighbours" in told) is (name in ("beasts", "unlabelled"))
    assert ("not evaluated" in told) is (name == "few")
    assert str(kept.kept_root()) not in text  # nobody else's business


def test_what_a_person_wrote_is_text_in_a_report(tmp_path, models):
    folder = brought.tables(tmp_path, "hostile")
    life = (folder / "life.csv").read_text()
    (folder / "life.csv").write_text(life.replace("Uist", "<script>alert(1)</script>").replace("Cat", "<img src=x>"))
    for file in ("head.csv", "body.csv"):
        (folder / file).write_text((folder / file).read_text().replace("mm", "<b>&"))
    manifest = folder / "bvae.toml"
    manifest.write_text(manifest.read_text().replace('story = ""', 'story = "</p><script src=//x>"'))
    brought.trained(folder, "mvae")
    to = tmp_path / "report.html"
    assert main(["report", str(folder), "mvae", "--to", str(to)]) == 0
    reader = Read()
    reader.feed(to.read_text())
    assert not {"script", "img"} & reader.seen
    assert "<script>alert(1)</script>" in " ".join(reader.words)
    assert main(["report", str(folder), "mvae", "--to", str(folder / "head.csv")]) != 0  # never over the data
    assert main(["report", str(folder)]) != 0


class Read(HTMLParser):
    """Elements, addresses and words of a file."""

    VOID = ("meta", "br", "img", "rect", "path", "circle")

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.addresses, self.words = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href") and v]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())


@pytest.mark.parametrize("page", ["explore", "compare", "generate"])
def test_an_item_is_chosen_by_its_id(models, page):
    data = bvae.dataset("beasts", "test")
    app = open_page(f"pages/{page}.py", data="beasts")
    box = app.selectbox(key="item_by_id")
    assert box.options == list(data.ids)
    assert box.value == app.number_input(key="item").value
    box.set_value(len(data) - 1).run()
    assert_clean(app)
    assert app.number_input(key="item").value == len(data) - 1
    app.number_input(key="item").set_value(1).run()
    assert app.selectbox(key="item_by_id").value == 1
