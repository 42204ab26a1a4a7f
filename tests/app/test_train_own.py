"""Train with data that a person brought, and with our tables: what follows from the data, time, states, the model."""

import io
import shlex
import zipfile

import pytest

import bvae
from bvae.app.train import taking
from bvae.app.train.state import About
from bvae.app.train.training import Wanted, reproduce
from bvae.app.widgets.markdown import plain
from bvae.data.base import DATASETS
from bvae.data.own import register
from bvae.data.own.registering import FOLDERS
from bvae.io.storage import read_json
from bvae.runs import jobs, kept, limits, queue, worker
from bvae.training import load_checkpoint
from bvae.training.sizing import sized
from tests.support import brought
from tests.support.pages import assert_clean, open_page

PAGE = "pages/train.py"


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """No run yet, none that starts by itself, and a registry that forgets what a test has brought."""
    monkeypatch.setenv("BVAE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(queue, "_launch", lambda job: False)
    monkeypatch.setattr(DATASETS, "_entries", dict(DATASETS._entries))
    before = dict(FOLDERS)
    yield tmp_path / "runs"
    FOLDERS.clear()
    FOLDERS.update(before)


def button(app, text):
    return next(b for b in app.button if text in b.label)


def texts(app):
    return " ".join(e.value for e in [*app.markdown, *app.caption, *app.info, *app.warning, *app.subheader])


@pytest.mark.parametrize("name", ["penguins", "mfeat", "breast-cancer", "simulated-cells"])
def test_tables_are_offered_what_follows_from_them(runs, name):
    app = open_page(PAGE, train_data=name, train_time="5 minutes")
    found = texts(app)
    for line in sized(bvae.dataset(name, "train")).why:
        assert plain(line) in found
    assert "at most 5 min" in found
    usual = About(name, "mwb-vae").usual
    assert app.number_input(key=f"train_d_{name}").value == usual.latent_dim
    assert app.number_input(key=f"train_steps_{name}").value == usual.steps
    app.number_input(key=f"train_d_{name}").set_value(5).run()
    assert_clean(app)
    assert plain("instead: latent dimensions 5") in texts(app)
    button(app, "Start").click().run()
    assert_clean(app)
    (job,) = jobs.jobs()
    assert (job.time, job.settings.latent_dim, job.settings.steps, job.data) == (300, 5, usual.steps, None)
    button(app, "Reset everything").click().run()
    assert_clean(app)
    assert app.selectbox(key="train_data").value == "polymnist"
    assert app.number_input(key="train_d").value == 32  # what follows from tables is theirs alone
    app.selectbox(key="train_data").set_value(name).run()
    assert app.number_input(key=f"train_d_{name}").value == usual.latent_dim


@pytest.mark.parametrize("make", [brought.tables, brought.captions])
def test_what_was_brought_is_trained_shown_evaluated_and_in_the_lists(runs, make, monkeypatch):
    """The life of a run on a kept folder; the worker's own work, here in this process."""
    folder = make(kept.kept_root())
    kept.register_kept()
    name = folder.name
    app = open_page(PAGE, train_data=name, train_time="30 seconds")
    assert f"No model of {name} is there yet" in texts(app)
    app.number_input(key=f"train_steps_{name}").set_value(60)
    app.text_input(key="train_name").set_value("mine").run()
    assert_clean(app)
    button(app, "Start mine").click().run()
    assert_clean(app)
    (job,) = jobs.jobs()
    assert (job.state, job.data, job.time) == ("queued", folder.resolve(), 30)
    (job.folder / jobs.QUEUED).unlink()
    kept.unregister(name)  # as in another process: the worker finds the data by what the job says
    monkeypatch.setattr(worker, "SAMPLES_EVERY", 0.1)
    worker.work(job.folder)
    job = jobs.find(job.id)
    assert job.state == "finished", job.message
    assert job.settings.steps <= 60
    assert job.model_folder == folder.resolve() / "models" / name / "mine"
    assert bvae.checkpoints(name) == ["mine"]
    assert job.evaluated
    assert load_checkpoint(name, "mine").metrics
    app.run()
    assert_clean(app)
    found = texts(app)
    assert "**Finished**" in found
    assert "Where the items are by now" in found
    assert "What it invents after step" in found
    explore = open_page("pages/explore.py", data=name, model="mine")
    assert explore.selectbox(key="model").value == "mine"
    button(app, "for good").click().run()
    assert_clean(app)
    assert bvae.checkpoints(name) == []
    assert (folder / "bvae.toml").is_file()  # the data stay


@pytest.mark.parametrize("make", [brought.tables, brought.captions])
def test_what_one_takes_away(runs, make):
    """Embedding, filled tables and report are those of the command line."""
    folder = make(kept.kept_root())
    name = brought.trained(folder, "mwb-vae")
    app = open_page(PAGE, train_data=name)
    assert [b.label for b in app.get("download_button")][:3] == [
        "Embedding (CSV)", "Filled tables (ZIP)", "Report (HTML)"]
    assert any(f"impute {folder.resolve()} mwb-vae --to filled" in c.value for c in app.code)
    lines = taking.embedding(name, "mwb-vae").decode().splitlines()
    assert lines[0].startswith("id,z1,z2,z1_sd,z2_sd,")
    items = sum(len(bvae.dataset(name, split)) for split in ("train", "test"))
    assert len(lines) == 1 + items
    with zipfile.ZipFile(io.BytesIO(taking.filled(name, "mwb-vae"))) as archive:
        names = archive.namelist()
        if name == "beasts":
            assert {"head.csv", "head-uncertainty.csv", "life.csv"} <= set(names)
            rows = archive.read("head.csv").decode().splitlines()
            assert len(rows) == 1 + items  # also those that the file lacked
            assert not any(",," in row or row.endswith(",") for row in rows)
        else:
            lacking = [n for n in names if n.startswith("photo/")]
            assert sorted(lacking) == sorted(f"photo/S{k}.png" for k in range(0, items, 6))
    assert taking.report(name, "mwb-vae").startswith(b"<!doctype html>")
    assert not taking.offered("polymnist")


def test_a_run_is_stopped_while_it_finds_out_how_many_steps_fit(runs, monkeypatch):
    name = register(brought.tables(kept.kept_root()))
    job = queue.submit("mine", About(name, "mvae").usual, time=30)
    (job.folder / jobs.QUEUED).unlink()
    from bvae.training import sizing
    from bvae.training.loop import TrainingStopped

    def stop(*_):
        raise TrainingStopped("by a person")

    with monkeypatch.context() as patch:
        patch.setattr(sizing, "within", stop)
        worker.work(job.folder)
    job = jobs.find(job.id)
    assert (job.state, job.step) == ("stopped", 0)
    monkeypatch.setattr(sizing, "within", lambda data, settings, seconds: (
        About(name, "mvae").usual.__class__(**{**settings.as_dict(), "steps": 12, "warmup_steps": 1}), ""))
    worker.work(job.folder)
    job = jobs.find(job.id)
    assert (job.state, job.step, job.settings.steps) == ("finished", 12, 12)
    assert read_json(job.folder / jobs.FITTED) == {"steps": 12, "warmup_steps": 1}
    assert not job.evaluated
    app = open_page(PAGE)
    button(app, "Evaluate mine").click().run()
    assert_clean(app)
    assert jobs.find(job.id).state == "queued"
    (job.folder / jobs.QUEUED).unlink()
    worker.work(job.folder)
    assert jobs.find(job.id).evaluated
    with pytest.raises(jobs.JobError, match="has none"):
        queue.evaluate(jobs.find(job.id))


def test_a_run_of_data_that_are_gone_says_so_and_can_be_deleted(runs, tmp_path):
    name = register(brought.tables(tmp_path / "elsewhere"))
    job = queue.submit("mine", About(name, "mvae").usual)
    (job.folder / jobs.QUEUED).unlink()
    (tmp_path / "elsewhere" / name).rename(tmp_path / "moved")
    kept.unregister(name)
    app = open_page(PAGE)
    assert "**Damaged**" in texts(app)
    assert "Its data are not there any more" in texts(app)
    button(app, "for good").click().run()
    assert jobs.jobs() == []


def test_a_run_of_brought_data_is_found_again_but_not_where_others_can_see_it(runs, tmp_path, monkeypatch):
    name = register(brought.tables(tmp_path / "elsewhere"))
    job = queue.submit("mine", About(name, "mvae").usual)
    kept.unregister(name)  # as after a restart
    monkeypatch.setenv("BVAE_TRAINING", "off")
    app = open_page(PAGE)
    assert "mine" not in texts(app)
    assert name not in DATASETS
    monkeypatch.delenv("BVAE_TRAINING")
    app = open_page(PAGE)
    assert "**mine**" in texts(app)
    assert jobs.find(job.id).state == "queued"


def test_what_is_kept_is_there_when_the_app_starts_but_not_where_others_can_see_it(runs, monkeypatch):
    name = brought.tables(kept.kept_root()).name
    with monkeypatch.context() as others:
        others.setattr(kept, "may_keep", lambda address: False)
        others.setenv("BVAE_TRAINING", "on")  # others may train; the owner's data are still nothing for them
        assert name not in open_page(PAGE).selectbox(key="train_data").options
    assert name in open_page(PAGE).selectbox(key="train_data").options


def test_data_that_cannot_be_read_are_said_and_the_rest_of_the_page_stays(runs, tmp_path):
    folder = brought.tables(tmp_path)
    name = register(folder)
    (folder / "head.csv").unlink()
    app = open_page(PAGE)
    app.selectbox(key="train_data").set_value(name).run()
    assert not app.exception
    assert plain("head.csv") in app.error[0].value
    assert "Start" not in " ".join(b.label for b in app.button)
    app.selectbox(key="train_data").set_value("polymnist").run()
    assert_clean(app)


def test_what_came_from_arrays_is_refused(runs):
    name = register(bvae.from_arrays({"a": [[1.0], [2.0], [3.0], [4.0]]}, name="in-memory"))
    with pytest.raises(jobs.JobError, match="memory of this process"):
        limits.check("mine", About(name, "mvae").usual)


def test_the_command_line_and_python_train_the_same(runs, tmp_path, monkeypatch):
    """What Reproduce prints for a brought folder, run: both give the settings of the page."""
    from bvae import cli
    from bvae.training import loop, sizing

    folder = brought.tables(tmp_path)
    name = register(folder)
    seen = []
    monkeypatch.setattr(loop, "train", lambda settings, folder, **_: seen.append((settings, folder)) or exit())
    monkeypatch.setattr(sizing, "within", lambda data, settings, seconds: (settings, f"{seconds}"))
    usual = About(name, "mvae").usual
    settings = type(usual)(**{**usual.as_dict(), "latent_dim": 3, "seed": 2})
    command, code = reproduce(Wanted("mine", settings, False, 120.0))
    assert "--time 120s" in command
    with pytest.raises(SystemExit):
        cli.main(shlex.split(command)[3:])
    with pytest.raises(SystemExit):
        exec(compile(code, "reproduce", "exec"), {})  # noqa: S102 - our own text, shown on the page
    assert seen == [(settings, folder.resolve() / "models" / name / "mine")] * 2
