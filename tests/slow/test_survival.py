"""Kills, full disks, second processes, damage, divergence: what is on disk stays whole, and is said."""

import contextlib
import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import filelock
import pytest
import torch

from bvae.cli import main
from bvae.io import locking, storage
from bvae.io.locking import BusyError, holder, locked
from bvae.io.storage import WriteError, read_json, read_tensors, sweep, write_json, write_tensors, write_text
from bvae.training import Settings, checkpoints_root
from bvae.training.loop import STATE, SaveEvery, read_state, train
from tests.support import ROOT
from tests.support.training import after_step

resource = pytest.importorskip("resource")  # forks, limits, users: Unix

TINY = {"steps": 6, "batch_size": 20, "width": 4, "latent_dim": 2, "precision": "32-true"}
FLAGS = [word for key, value in TINY.items() for word in (f"--{key.replace('_', '-')}", str(value))]


def settings(**changes):
    return Settings.for_method("polymnist", "wb-vae", **{**TINY, **changes})


def in_child(work):
    """Run `work` in a forked child, which may change its limits and its user; returns what it returns, as a text."""
    ours, theirs = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            said = str(work())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(theirs, said.encode())
        os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(process, 0)
    return said


# -- kills -------------------------------------------------------------------------------------------------------------


def test_two_hundred_kills_and_every_kind_of_damage(tmp_path):
    """190 kills of a process that writes checkpoints, 10 of a training; damage at many positions of every file.

    All of it without a home directory, and with no folder for caches.
    """
    bare = {k: v for k, v in os.environ.items() if k not in ("XDG_CACHE_HOME", "BVAE_CACHE")}
    path = tmp_path / "figures.json"
    subprocess.run([sys.executable, "-m", "benchmarks.survival", "--writer-kills", "190", "--training-kills", "10",
                    "--positions", "60", "--json", str(path)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL,
                   env={**bare, "HOME": "/proc/nowhere", "OMP_NUM_THREADS": "1"})
    figures = read_json(path)
    writers, trainings, damage = figures["writers"], figures["trainings"], figures["damage"]
    assert writers["kills"] == 190
    assert writers["files_whole"] == writers["files_checked"] == 3 * 190
    assert writers["versions_written"] > 20  # they did write
    assert writers["leftovers_of_killed_writers"] > 5  # and were killed on the way
    assert writers["leftovers_after_the_next_start"] == writers["locks_left"] == 0
    assert trainings["kills"] == 10
    for figure in ("weights_bit_identical", "history_identical", "only_the_files_of_a_checkpoint_left"):
        assert trainings[figure] == trainings["runs"] >= 1, figure
    for name in ("model.safetensors", "training.safetensors"):
        assert damage[name]["refused"] == damage[name]["damages"] > 100
    assert damage["config.json"]["refused"] > 0.9 * damage["config.json"]["damages"]  # a space, say, does not matter


def test_a_kill_after_the_last_file_leaves_a_lock_that_nobody_holds_and_the_next_start_removes(tmp_path, monkeypatch):
    def killed():
        monkeypatch.setattr(locking, "release", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        train(settings(), tmp_path, progress=False)

    assert in_child(killed) == ""  # it could say nothing
    whole = ["config.json", "history.csv", "model.safetensors"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*whole, locking.LOCK])
    assert holder(tmp_path) is None
    with locked(tmp_path, "looking"):
        pass
    assert sorted(p.name for p in tmp_path.iterdir()) == whole


def test_what_killed_writers_leave_is_swept_but_not_what_is_being_written(tmp_path):
    (tmp_path / ".config.json.abc.tmp").write_text("{")

    def write(temporary):
        assert sweep(tmp_path) == [".config.json.abc.tmp"]
        assert temporary.exists()
        temporary.write_text("new")

    storage.write_atomically(tmp_path / "a.txt", write)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


# -- disks that do not take it -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def full_disk(monkeypatch):
    """Temporary files are links to /dev/full: the kernel itself says ENOSPC at the first byte that it should store."""
    def mkstemp(prefix, suffix, dir):
        name = os.path.join(dir, f"{prefix}full{suffix}")
        os.symlink("/dev/full", name)
        return os.open(name, os.O_RDWR), name

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", mkstemp)
        patch.setattr(Path, "chmod", lambda self, mode: None)  # it would be that of the device
        yield


def test_a_full_disk_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch):
    write_tensors(tmp_path / "t.safetensors", {"x": torch.zeros(1000)})
    write_text(tmp_path / "a.txt", "old")
    with full_disk(monkeypatch):
        with pytest.raises(WriteError, match=r"t\.safetensors: cannot be written, the disk is full; .* kept as it was"):
            write_tensors(tmp_path / "t.safetensors", {"x": torch.ones(1000)})
        with pytest.raises(WriteError, match=r"new\.json: cannot be written, the disk is full$") as caught:
            write_json(tmp_path / "new.json", {"a": 1})
        assert caught.value.errno == errno.ENOSPC
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "t.safetensors"]
    assert read_tensors(tmp_path / "t.safetensors")["x"].sum() == 0


def test_a_limit_of_the_file_size_is_said_too(tmp_path):
    write_tensors(tmp_path / "t.safetensors", {"x": torch.zeros(10)})

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        write_tensors(tmp_path / "t.safetensors", {"x": torch.zeros(100_000)})

    assert "cannot be written, files may not become that large here; the file" in in_child(work)
    assert [p.name for p in tmp_path.iterdir()] == ["t.safetensors"]
    assert len(read_tensors(tmp_path / "t.safetensors")["x"]) == 10


def test_training_on_a_disk_that_fills_up_keeps_its_last_state_and_goes_on_from_it(tmp_path, monkeypatch):
    folder, full = tmp_path / "mine", full_disk(monkeypatch)

    def fill(step):
        if step == 3:
            full.__enter__()

    with pytest.raises(WriteError) as caught:
        train(settings(), folder, progress=False, callbacks=[SaveEvery(0.0), after_step(fill)])
    full.__exit__(None, None, None)
    said = str(caught.value)
    assert "the disk is full" in said
    assert "stopped at step 4: the state of step 3 is kept in" in said
    assert "\n" not in said
    assert read_state(folder / STATE)[1]["step"] == 3
    train(settings(), folder, resume=True, progress=False)
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "history.csv", "model.safetensors"]


@pytest.fixture
def unprivileged():
    """Not root, for whom no folder is read-only; and a folder that such a user can reach."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)

    def become():
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)

    yield folder, become
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_folder_is_said_in_one_line_before_any_work(unprivileged, monkeypatch):
    folder, become = unprivileged
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.delenv("BVAE_CACHE", raising=False)
    folder.chmod(0o555)

    def work():
        become()
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = main(["train", "polymnist", "wb-vae", "--out", str(folder), *FLAGS])
        return f"{status} {said.getvalue()}"

    said = in_child(work)
    assert said.startswith("1 bvae: ")
    assert "cannot be written, this user may not write there" in said
    assert said.count("\n") == 1


def test_a_clock_that_jumps_changes_nothing(tmp_path, monkeypatch):
    """The wall clock goes back and forth by years between any two questions; seconds and saving do not mind."""
    jumps = iter([4e9, 0.0] * 100_000)
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    train(settings(), tmp_path / "mine", progress=False, callbacks=[SaveEvery(1e-3)])
    assert 0 < read_json(tmp_path / "mine" / "config.json")["seconds"] < 1e6  # a jump would be billions, or negative


# -- two processes -----------------------------------------------------------------------------------------------------

HOLD = ("import sys, time; from pathlib import Path; from bvae.io.locking import locked\n"
        "with locked(Path(sys.argv[1]), 'training'):\n    print('ready', flush=True); time.sleep(3600)")


def test_a_second_process_is_locked_out_until_the_first_one_dies(tmp_path, capsys):
    folder = tmp_path / "polymnist" / "wb-vae"
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    try:
        assert first.stdout.readline() == "ready\n"
        assert holder(folder)["pid"] == first.pid
        assert main(["train", "polymnist", "wb-vae", "--out", str(tmp_path), *FLAGS]) == 1
        said = capsys.readouterr().err
        assert f"process {first.pid} on" in said
        assert "is training there since" in said
        assert "wait for it, stop it, or choose another name" in said
        assert said.count("\n") == 1
    finally:
        first.kill()
        first.wait()
    assert (folder / locking.LOCK).exists()  # it could not tidy up
    assert holder(folder) is None
    with locked(folder):
        assert holder(folder)["pid"] == os.getpid()
        with locked(folder):  # a thread may take it again
            pass
        assert in_child(lambda: locked(folder).__enter__()).startswith("BusyError")
    assert list(folder.iterdir()) == []


def test_where_the_file_system_knows_no_locks_the_named_process_is_asked_for(tmp_path, monkeypatch, capsys):
    def unsupported(handle, blocking):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock, "lock_descriptor", unsupported)
    with locked(tmp_path):
        said = in_child(lambda: locked(tmp_path).__enter__())
        assert said.startswith("BusyError")
        assert f"process {os.getpid()}" in said
        assert holder(tmp_path) is None  # it is ourselves
    (tmp_path / locking.LOCK).write_text(json.dumps({"pid": 2**22 + 1, "host": locking.socket.gethostname()}))
    with locked(tmp_path):  # that process is gone
        pass
    assert "this file system knows no locks" in capsys.readouterr().err
    (tmp_path / locking.LOCK).write_text(json.dumps({"pid": 1, "host": "another.example"}))
    with pytest.raises(BusyError, match=r"process 1 on another\.example"), locked(tmp_path):
        pass


# -- divergence --------------------------------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(tmp_path, monkeypatch):
    from bvae.training.loop import Trainer

    one_step = Trainer.one_step

    def poisoned(self, x, present):
        out = one_step(self, x, present)
        if self.step == 4:  # the loss of this step is fine; the weights that it leaves are not
            with torch.no_grad():
                next(iter(self.model.parameters())).fill_(float("nan"))
        return out

    monkeypatch.setattr(Trainer, "one_step", poisoned)
    with pytest.raises(FloatingPointError) as caught:
        train(settings(), tmp_path / "mine", progress=False, callbacks=[SaveEvery(0.0)])
    said = str(caught.value)
    assert "not finite any more at step 5, learning rate 0.0001;" in said
    assert "the state of step 4 is kept in" in said
    assert "--learning-rate 0.0002" in said
    tensors, progress, _ = read_state(tmp_path / "mine" / STATE)
    assert progress["step"] == 4
    assert all(t.isfinite().all() for t in tensors.values())
    assert not (tmp_path / "mine" / "config.json").exists()


def test_a_loss_that_explodes_stops_though_it_is_finite(tmp_path, monkeypatch, capsys):
    from bvae.training.loop import Trainer

    one_step = Trainer.one_step
    monkeypatch.setattr(Trainer, "one_step", lambda self, x, present: one_step(self, x, present) * (
        1e3 if self.step >= 3 else 1.0))
    flags = [*FLAGS[2:], "--steps", "8", "--batch-size", "2000"]  # two steps an epoch
    assert main(["train", "polymnist", "wb-vae", "--out", str(tmp_path), "--no-evaluate", *flags]) == 1
    said = capsys.readouterr().err
    assert "the loss has exploded, to" in said
    assert "at step 4" in said
    assert "Traceback" not in said
    assert not (tmp_path / "polymnist" / "wb-vae" / "model.safetensors").exists()


# -- damage, in the terminal and in the app ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A root with one tiny evaluated checkpoint, copied for each test."""
    from tests.support.records import metrics, put_record

    root = tmp_path_factory.mktemp("finished")
    folder = root / "polymnist" / "wb-vae"

    def keep(step):
        if step == 2:
            shutil.copy(folder / STATE, root / STATE)

    train(settings(steps=2), folder, progress=False, callbacks=[SaveEvery(0.0), after_step(keep)])
    write_json(folder / "metrics.json", metrics(0.5, read_json(folder / "config.json")["sha256"]))
    put_record(root, "wb-vae-seed-1", 0.6, seed=1)
    return root


DAMAGES = {
    "half the weights": ("model.safetensors", lambda b: b[: len(b) // 2], "SHA-256 is not the one"),
    "a flipped weight": ("model.safetensors", lambda b: b[:-9] + bytes([b[-9] ^ 4]) + b[-8:], "SHA-256 is not the one"),
    "half of config.json": ("config.json", lambda b: b[: len(b) // 2], "expected a JSON file"),
    "another version": ("config.json", lambda b: b.replace(b'"format": 1', b'"format": 7'), "expected format 1, got 7"),
    "another architecture": ("config.json", lambda b: b.replace(b'"width": 4', b'"width": 8'), "was changed after"),
    "no object": ("config.json", lambda b: b"[1]", "expected format 1, got 'list'"),
    "the config.json of another": ("config.json", lambda b: (checkpoints_root() / "polymnist" / "wb-vae" / "config.json"
                                                             ).read_bytes(), "SHA-256 is not the one"),
    "half of metrics.json": ("metrics.json", lambda b: b[: len(b) // 2], "expected a JSON file"),
    "metrics of another form": ("metrics.json", lambda b: b'{"coherence": {"1": 3}}', r"metrics.json: damaged"),
    "a key that is no number": ("metrics.json", lambda b: b.replace(b'"3"', b'"x"', 1), "its keys are 1, 2, x, 4"),
    "a figure without its error": ("metrics.json", lambda b: b.replace(b'"se"', b'"sf"', 1), "damaged ('se')"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_said_in_the_terminal_and_on_the_pages(damage, finished, tmp_path, monkeypatch, capsys):
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    from tests.support.pages import TIMEOUT

    root = tmp_path / "root"
    shutil.copytree(finished, root)
    name, change, message = DAMAGES[damage]
    path = root / "polymnist" / "wb-vae" / name
    path.write_bytes(change(path.read_bytes()))
    assert main(["checkpoints", "--out", str(root)]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.splitlines()[-1].startswith("bvae: ")
    assert "Traceback" not in said
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(root))
    st.cache_resource.clear()
    app = AppTest.from_file(ROOT / "app.py", default_timeout=TIMEOUT).run()
    for page in ("pages/explore.py", "pages/benchmarks.py"):
        app.switch_page(page).run()
        assert not app.exception, [e.value for e in app.exception]
        shows = " ".join(e.value for e in [*app.error, *app.warning, *app.info]).replace("\\", "")  # of Markdown
        if page == "pages/benchmarks.py" and "SHA-256" in message:
            continue  # it shows figures, and does not read weights
        assert message in shows, (page, shows)
    others = ("latent_space", "generate", "compare", "learn", "your_data", "train", "home")
    for page in others if damage in ("half of config.json", "half of metrics.json", "a flipped weight") else ():
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, (page, [e.value for e in app.exception])
    st.cache_resource.clear()


def test_a_damaged_state_is_refused_and_damaged_records_are_named(finished, tmp_path, capsys):
    root = tmp_path / "root"
    folder = root / "polymnist" / "wb-vae"
    content = (finished / STATE).read_bytes()
    for damaged, message in ((content[:-100], "expected a safetensors file"), (content[:-1] + b"\x7f", "its digest"),
                             (content.replace(b'"format":"2"', b'"format":"9"'), "digest"), (b"", "safetensors file")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STATE).write_bytes(damaged)
        flags = [*FLAGS[2:], "--steps", "2"]
        assert main(["train", "polymnist", "wb-vae", "--out", str(root), "--resume", "--no-evaluate", *flags]) == 1
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
    shutil.rmtree(root)
    shutil.copytree(finished, root)
    path = root / "polymnist" / "records" / "wb-vae-seed-1.json"
    text = path.read_text()
    for damaged in (text[:-30], text.replace('"mean"', '"maen"', 1), text.replace("0.6", '"0.6"', 1)):
        path.write_text(damaged)
        assert main(["report", "--out", str(root)]) == 1
        assert "wb-vae-seed-1.json" in capsys.readouterr().err
