"""What ships, as a plan; the work that makes it again can be stopped, repeated and foretold."""

import dataclasses
import json
import shutil

import pytest

import bvae
from bvae.cli import main
from bvae.data import DataError
from bvae.evaluation import records
from bvae.io.storage import read_json, write_json
from bvae.models.methods import METHODS
from bvae.runs import rebuilding, shipped
from bvae.runs.estimates import Measured, estimate, in_words
from bvae.runs.rebuilding import files_of, finish, rebuild
from bvae.runs.shipped import CORE, ShippedRun, done, plan, state
from bvae.training import CheckpointError, Settings, checkpoints, checkpoints_root, load_checkpoint
from bvae.training.checkpoint import load_weights
from bvae.training.loop import STATE, train
from tests.support.training import after_step

TINY = {"steps": 3, "batch_size": 20, "width": 4, "latent_dim": 2, "precision": "32-true"}
QUICK = ("latent_accuracy_one_probe", "missing")


def tiny(name="wb-vae", ships_weights=True, metrics=QUICK, **changes):
    method = next(m for m in sorted(METHODS, key=len, reverse=True) if name.startswith(m))
    settings = Settings.for_method("polymnist", method, **{**TINY, **changes})
    return ShippedRun("polymnist", name, settings, ships_weights, metrics)


@pytest.fixture
def root(tmp_path, few_items):
    """A folder of checkpoints that has judges."""
    shutil.copytree(checkpoints_root() / "polymnist" / "classifiers", tmp_path / "polymnist" / "classifiers")
    return tmp_path


class Stop:
    """Raises KeyboardInterrupt at a step, as Ctrl-C does."""

    def __init__(self, step):
        self.step = step

    def __call__(self, step):
        if step == self.step:
            raise KeyboardInterrupt


def test_the_plan_has_every_method_and_what_the_core_methods_have_more():
    runs = plan()
    assert len({str(run) for run in runs}) == len(runs)
    for dataset in (name for name in ("polymnist", "mnist-svhn-text", "celeba") if name in bvae.datasets()):
        mine = [run for run in runs if run.dataset == dataset]
        figures_only = {run.name for run in mine if not run.ships_weights and run.metrics is None}
        assert figures_only == set(shipped.FIGURES_ONLY[dataset])
        assert {run.name for run in mine if run.ships_weights} >= {
            name for name in METHODS if dataset in shipped.ONLY.get(name, shipped.SHIPPED)} - figures_only
        assert all(run.settings.dataset == dataset and run.settings.source == "embedded" for run in mine)
    by_name = {str(run): run for run in runs}
    for method in CORE:
        base = by_name[f"polymnist/{method}"].settings
        assert base.seed == 0
        for seed in (1, 2):
            run = by_name[f"polymnist/{method}-seed-{seed}"]
            assert run.settings == dataclasses.replace(base, seed=seed)
            assert not run.ships_weights
            assert "missing" in run.metrics
            assert ("inventions" in run.metrics) == (method in shipped.INVENTING)
        for percent in (20, 50):
            run = by_name[f"polymnist/{method}-missing-{percent}"]
            assert run.settings == dataclasses.replace(base, missing=percent / 100)
        flat = by_name[f"mnist-svhn-text/{method}-2d"]
        assert flat.ships_weights == (flat.name not in shipped.FIGURES_ONLY["mnist-svhn-text"])
        assert flat.settings.latent_dim == 2
    for run in runs:
        if run.dataset not in shipped.TABLES:
            usual = 1000 if run.settings.method == "mmvae-dreg" else 2000
            assert run.settings.steps == usual


@pytest.mark.parametrize("size", ["embedded", "official"])
def test_other_seeds_differ_from_the_first_in_nothing_else(size):
    """Of every method that has some, at both sizes."""
    by_name = {str(run): run.settings for run in plan(size)}
    for method in shipped.SEEDED:
        for seed in (1, 2):
            assert by_name[f"polymnist/{method}-seed-{seed}"] == dataclasses.replace(
                by_name[f"polymnist/{method}"], seed=seed)


@pytest.mark.parametrize("dataset", shipped.TABLES)
def test_tables_are_trained_as_the_command_does(dataset, monkeypatch, tmp_path, capsys):
    mine = {run.name: run for run in plan() if run.dataset == dataset}
    assert set(mine) == set(CORE)
    seen = []
    monkeypatch.setattr("bvae.cli.train.train_in", lambda _, settings, *__: seen.append(settings) or 0)
    assert main(["train", dataset, "mwb-vae", "--out", str(tmp_path)]) == 0
    assert seen == [mine["mwb-vae"].settings]
    assert mine["mwb-vae"] in plan("official")


def test_a_data_set_whose_package_is_missing_is_not_in_the_plan(monkeypatch):
    def absent(name, *_):
        raise DataError("it comes with a package that is not installed")

    monkeypatch.setattr(shipped, "make", absent)
    shipped.sized_for.cache_clear()
    assert {run.dataset for run in plan()} == set(shipped.SHIPPED) & set(bvae.datasets())
    shipped.sized_for.cache_clear()


def test_the_official_plan_is_the_same_list_at_the_published_sizes():
    small, large = plan(), plan("official")
    assert [str(run) for run in small] == [str(run) for run in large]
    run = large[0]
    assert run.settings.source == "published"
    assert run.settings.batch_size == 256
    assert run.settings.steps == 300 * (60_000 // 256)
    with pytest.raises(ValueError, match="size: expected"):
        plan("large")


def test_changes_of_a_data_set_keep_a_methods_share_of_the_steps(monkeypatch):
    monkeypatch.setattr(shipped, "CHANGES", {"polymnist": {"steps": 1000, "width": 48}})
    by_name = {str(run): run.settings for run in plan()}
    assert by_name["polymnist/mvae"].steps == 1000
    assert by_name["polymnist/mmvae-dreg"].steps == 500
    assert by_name["polymnist/mvae-seed-1"].width == 48
    assert by_name["mnist-svhn-text/mvae"].steps == 2000


def test_patterns_choose_runs():
    runs = plan()
    assert {run.name for run in shipped.chosen(runs, ["polymnist/mvae*-seed-?"])} == {"mvae-seed-1", "mvae-seed-2"}
    assert {run.dataset for run in shipped.chosen(runs, ["mvae"])} >= {"polymnist", "mnist-svhn-text"}
    assert shipped.chosen(runs, []) == runs
    with pytest.raises(ValueError, match="--only nothing: fits no run"):
        shipped.chosen(runs, ["nothing"])


def test_estimates_come_from_the_nearest_run_that_was_measured():
    run, other = tiny("wb-vae", steps=100), tiny("mvae", steps=100)
    assert estimate(run, "done", []) == 0
    assert estimate(run, "train", []) is None
    assert estimate(run, "evaluate", []) is None
    # Another method of the same data: its seconds per step.
    known = [Measured(tiny("mvae", steps=50).settings, 25.0, evaluation=7.0)]
    assert estimate(run, "train", known) == pytest.approx(50 + 7)
    assert estimate(run, "evaluate", known) == 7
    assert estimate(run, "train", known, step=40) == pytest.approx(30 + 7)
    # The same method with other settings is nearer, and the same settings nearer still.
    known.append(Measured(tiny("wb-vae", steps=10, seed=3).settings, 10.0, 3.0, ships_weights=False))
    assert estimate(run, "train", known) == pytest.approx(100 + 7)
    known.append(Measured(run.settings, 42.0, None))
    assert estimate(run, "train", known) == pytest.approx(42 + 7)
    assert estimate(other, "train", known) == pytest.approx(50 + 7)
    assert estimate(tiny("wb-vae-seed-1", False, seed=1, steps=100), "evaluate", known) == 3
    # Other data, another batch size: nothing is known.
    assert estimate(run, "train", [Measured(tiny("wb-vae", steps=10, batch_size=40).settings, 10.0)]) is None
    elsewhere = Settings.for_method("mnist-svhn-text", "wb-vae", **TINY)
    assert estimate(run, "train", [Measured(elsewhere, 10.0, 1.0)]) is None


@pytest.mark.parametrize(("estimates", "text"), [
    ([30.0], "about 30 s"), ([600.0, 90.0], "about 12 min"), ([4000.0, 4000.0], "about 2 h 13 min"),
    ([600.0, None], "at least 10 min"), ([None], "unknown time"), ([], "about 0 s"),
])
def test_times_in_words(estimates, text):
    assert in_words(estimates) == text


def test_a_rebuild_that_is_stopped_goes_on_and_then_has_nothing_to_do(root):
    runs = [tiny("wb-vae"), tiny("wb-vae-seed-1", False, seed=1), tiny("wb-vae-missing-50", False, missing=0.5)]
    lines = []

    def go(**options):
        lines.clear()
        return rebuild(runs, root, report=lines.append, progress=False, **options)

    assert go(dry_run=True) == []
    assert "0 of 3 are done." in lines[-1]
    assert not checkpoints("polymnist", root)
    with pytest.raises(KeyboardInterrupt):
        go(callbacks=[after_step(Stop(2))])
    assert [state(run, root) for run in runs] == ["train"] * 3
    assert (root / "polymnist" / "wb-vae" / STATE).is_file()
    assert go() == []
    assert "polymnist/wb-vae: 3 steps from step 2 on" in lines[0]
    assert lines[-1] == "polymnist/wb-vae-missing-50: finished. That was the last one."
    assert any("2 to go, about" in line for line in lines)  # measured now
    assert all(done(run, root) for run in runs)
    # Weights of the one, records of the others, and nothing left over.
    assert checkpoints("polymnist", root) == ["wb-vae"]
    assert {r.name for r in records.records("polymnist", root)} == {"wb-vae-seed-1", "wb-vae-missing-50"}
    assert {p.name for p in (root / "polymnist").iterdir()} == {"classifiers", "records", "seeds.json", "wb-vae"}
    assert read_json(root / "polymnist" / "seeds.json")["wb-vae"]["latent_accuracy_missing"]["20"]["n"] == 2
    assert set(load_checkpoint("polymnist", "wb-vae", root).metrics) == {
        "latent_accuracy_one_probe", "latent_accuracy_missing", "coherence_missing", "evaluation"}
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file() and p.name != "seeds.json"}
    assert go(callbacks=[after_step(Stop(1))]) == []
    assert lines[-1] == "3 of 3 are done."
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_a_record_of_private_latents_is_of_parts_that_a_sampler_draws(root, monkeypatch):
    """Drawn from N(0, I) they bring digits of their own: coherence of .25 was once recorded where .84 is right."""
    samplers, whole = [], rebuilding.evaluated

    def looked(checkpoint, *arguments, **options):
        samplers.append(load_weights(checkpoint).private_sampler)
        return whole(checkpoint, *arguments, **options)

    monkeypatch.setattr(rebuilding, "evaluated", looked)
    run = tiny("mwb-vae-plus-seed-1", False, private_dim=2, seed=1)
    rebuild([run], root, report=str, progress=False)
    assert samplers[0] is not None
    assert done(run, root)


def test_a_record_that_counts_inventions_is_of_a_sampler(root):
    run = tiny("wb-vae-seed-1", False, ("inventions",), seed=1)
    rebuild([run], root, report=str, progress=False)
    record = records.read(records.folder_of("polymnist", root) / "wb-vae-seed-1.json")
    assert 0 <= record.metrics["joint_coherence_fitted"]["mean"] <= 1


def test_weights_that_do_not_ship_are_kept_where_they_are_asked_for(root, monkeypatch):
    monkeypatch.setattr(shipped, "plan", lambda size: [tiny("wb-vae", False)])
    command = ["checkpoints", "--rebuild", "--only", "polymnist/wb-vae", "--out", str(root)]
    assert main(command) == 0
    assert checkpoints("polymnist", root) == []
    record = records.results("polymnist", root)["wb-vae"]
    with pytest.raises(CheckpointError, match="--rebuild --weights --only 'polymnist/wb-vae'"):
        load_checkpoint("polymnist", "wb-vae", root)
    assert main([*command, "--weights"]) == 0
    model = load_checkpoint("polymnist", "wb-vae", root)
    assert model.hash == record.hash  # the same run again
    assert records.results("polymnist", root)["wb-vae"] == model
    assert main(["checkpoints", "--weights"]) == 1  # it belongs to --rebuild


def test_only_what_is_missing_is_made_again(root):
    run = tiny()
    rebuild([run], root, report=str, progress=False)
    folder = run.folder(root)
    # A metric more than was computed: metrics only.
    more = dataclasses.replace(run, metrics=(*QUICK, "joint_coherence"))
    assert state(more, root) == "evaluate"
    rebuild([more], root, report=str, progress=False, callbacks=[after_step(Stop(1))])
    assert "joint_coherence" in load_checkpoint("polymnist", "wb-vae", root).metrics
    # Metrics of other weights, or none that can be read.
    metrics = read_json(folder / "metrics.json")
    metrics["evaluation"]["sha256"] = "0" * 64
    write_json(folder / "metrics.json", metrics)
    assert state(run, root) == "evaluate"
    (folder / "metrics.json").write_text("{")
    assert state(run, root) == "evaluate"
    # Other settings, or damaged weights: training.
    assert state(tiny(steps=4), root) == "train"
    with open(folder / "model.safetensors", "ab") as file:
        file.write(b"x")
    assert state(run, root) == "train"


def test_a_stopped_run_of_other_settings_is_started_anew(root):
    with pytest.raises(KeyboardInterrupt):
        rebuild([tiny(seed=5)], root, report=str, progress=False, callbacks=[after_step(Stop(2))])
    steps = []
    rebuild([tiny()], root, report=str, progress=False, callbacks=[after_step(steps.append)])
    assert steps == [1, 2, 3]
    assert done(tiny(), root)


def test_runs_that_were_trained_elsewhere_are_kept_or_recorded(root, tmp_path):
    kept, recorded = tiny(), tiny("wb-vae-seed-1", False, seed=1)
    for run in (kept, recorded):
        folder = tmp_path / "elsewhere" / run.name
        train(run.settings, folder, progress=False)
        finish(run, folder, root)
        assert done(run, root)
        assert (folder / "model.safetensors").is_file()  # left as it was
    own = kept.folder(root)
    assert {p.name for p in own.iterdir()} == {
        "model.safetensors", "config.json", "metrics.json", "history.csv", "sampler.safetensors"}
    with pytest.raises(CheckpointError, match="does not hold the finished weights of polymnist/wb-vae-seed-1"):
        finish(recorded, tmp_path / "elsewhere" / "wb-vae", root)


def test_a_run_that_diverges_does_not_stop_the_others(root, monkeypatch):
    wild, tame, lines, trained = tiny("mvae"), tiny(), [], rebuilding.train_run

    def diverges(run, *arguments, **options):
        if run is wild:
            raise FloatingPointError("the loss is not finite any more")
        return trained(run, *arguments, **options)

    monkeypatch.setattr(rebuilding, "train_run", diverges)
    assert rebuild([wild, tame], root, report=lines.append, progress=False) == [wild]
    assert done(tame, root)
    assert "polymnist/mvae: the loss is not finite any more" in lines


def test_missing_judges_are_trained_first(tmp_path, monkeypatch, few_items):
    asked = []

    def fake(root, name, **options):
        asked.append((root, name, options))
        shutil.copytree(checkpoints_root() / name / "classifiers", root / name / "classifiers")

    monkeypatch.setattr(rebuilding.judges, "train", fake)
    lines = []
    rebuild([tiny()], tmp_path, report=lines.append, progress=False)
    assert asked == [(tmp_path, "polymnist", {"data_root": None})]
    assert "polymnist: judges of coherence are trained first, unknown time" in lines


def test_the_command_rebuilds_lists_and_says_how_to_go_on(root, monkeypatch, capsys):
    runs = [tiny(), tiny("wb-vae-seed-1", False, seed=1), tiny("mvae")]
    monkeypatch.setattr(shipped, "plan", lambda size: runs)
    command = ["checkpoints", "--rebuild", "--only", "wb-vae*", "--out", str(root)]
    assert main([*command, "--dry-run"]) == 0
    assert "0 of 2 are done. The other 2 will take" in capsys.readouterr().out

    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rebuilding, "train_run", stopped)
        assert main(command) == 130
    error = capsys.readouterr().err
    assert f"python -m bvae checkpoints --rebuild --only 'wb-vae*' --out {root}" in error
    assert main(command) == 0
    capsys.readouterr()
    assert main(["checkpoints", "--out", str(root)]) == 0
    listed = capsys.readouterr().out
    assert "polymnist/wb-vae: WB-VAE (full set), D = 2, 3 steps" in listed
    assert "polymnist/records/wb-vae-seed-1: WB-VAE (full set), D = 2, 3 steps" in listed
    assert "seed 1, metrics only" in listed


@pytest.mark.parametrize(("arguments", "message"), [
    (["--dry-run"], "belong to --rebuild"),
    (["--rebuild", "--official"], "--official needs --root"),
    (["--rebuild", "--root", "x"], "--root belongs to --official"),
    (["--rebuild", "--only", "nothing-like-it"], "fits no run of the plan"),
])
def test_mistakes_are_said_in_one_line(arguments, message, capsys):
    assert main(["checkpoints", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_official_models_do_not_replace_the_shipped_ones(capsys):
    out = str(checkpoints_root())
    assert main(["checkpoints", "--rebuild", "--official", "--root", "x", "--out", out]) == 1
    assert "expected another folder" in capsys.readouterr().err


def test_files_of_a_data_set_may_have_a_folder_of_their_own(tmp_path):
    (tmp_path / "polymnist").mkdir()
    assert files_of("polymnist", tmp_path) == str(tmp_path / "polymnist")
    assert files_of("mnist-svhn-text", tmp_path) == str(tmp_path)
    assert files_of("polymnist", None) is None


def test_the_plan_can_be_written_down():
    """Every run of the plan has settings that JSON can hold and give back."""
    for run in plan():
        assert Settings.from_mapping(json.loads(json.dumps(run.settings.as_dict()))) == run.settings
