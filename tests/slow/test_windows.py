"""The command line on Windows: no module, function or habit of Unix alone."""

import ast
import json
import os
import subprocess
import sys

import pytest

from bvae.io import storage, system
from bvae.io.locking import holder, locked
from bvae.io.storage import read_json, write_json, write_text
from tests.support import ROOT, windows

OURS = sorted([*ROOT.glob("bvae/**/*.py"), *ROOT.glob("benchmarks/*.py"), *ROOT.glob("pages/*.py"), ROOT / "app.py"])
TINY = ["--steps", "3", "--batch-size", "50", "--width", "4", "--latent-dim", "2", "--precision", "32-true"]
IMPORT_ALL = """
import importlib, sys
from tests.support import windows
windows.pretend((*windows.LIBRARIES, *windows.OF_THE_APP))
for name in sys.argv[1:]:
    importlib.import_module(name)
    print(name)
"""
COMMANDS = """
import json, sys
from tests.support import windows
windows.pretend()
from bvae.cli import main
from bvae.metrics import METRICS
for name in set(METRICS) - {"latent_accuracy_one_probe", "reconstruction"}:
    METRICS._entries.pop(name)  # they take minutes, and are of numbers alone
for command in json.loads(sys.argv[1]):
    status = main(command)
    if status:
        raise SystemExit(f"{command}: {status}")
"""


def on_windows(*arguments, code=None, **environment):
    """A process that thinks it is on Windows; its output is bytes, as it was written."""
    start = ["-c", code] if code else ["-m", "tests.support.windows"]
    return subprocess.run([sys.executable, *start, *map(str, arguments)], cwd=ROOT, capture_output=True, timeout=280,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment})


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_module_can_be_imported():
    """Except those that do their work when they are imported: the pages, and what is run as a command."""
    names = [name_of(path) for path in OURS
             if path.parent.name != "pages" and path.stem not in ("__main__", "app", "main", "page")
             and name_of(path) != "benchmarks.empty_page"]
    done = on_windows(*names, code=IMPORT_ALL)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert done.stdout.decode().split() == names
    assert len(names) > 100


def test_training_evaluation_data_and_sweeps_on_the_command_line(tmp_path):
    out, settings = ["--out", str(tmp_path)], ["steps=3", "batch_size=50", "width=4", "latent_dim=2"]
    commands = [
        ["train", "polymnist", "mwb-vae", *out, *TINY],
        ["evaluate", "polymnist", "mwb-vae", *out],
        ["train", "polymnist", "mwb-vae", "--resume", "--steps", "4", "--no-evaluate", *out],
        ["evaluate", "polymnist", "all", *out],
        ["data", "polymnist", "--sheet", str(tmp_path / "sheet.png")],
        ["sweep", "--methods", "wb-vae", "--set", *settings, "--metrics", "latent_accuracy_one_probe", "--number", "0",
         *out],
        ["checkpoints", *out],
    ]
    done = on_windows(json.dumps(commands), code=COMMANDS)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    folder = tmp_path / "polymnist" / "mwb-vae"
    assert {p.name for p in folder.iterdir()} == {
        "config.json", "history.csv", "metrics.json", "model.safetensors", "sampler.safetensors"}
    for path in folder.iterdir():
        assert path.suffix == ".safetensors" or b"\r" not in path.read_bytes()
    assert read_json(folder / "config.json")["settings"]["steps"] == 4
    assert read_json(folder / "metrics.json")["latent_accuracy_one_probe"]
    assert (tmp_path / "sheet.png").stat().st_size > 10_000
    assert (tmp_path / "polymnist" / "wb-vae" / "metrics.json").is_file()


def test_letters_that_a_terminal_does_not_have_are_no_error():
    """Redirected into a file, Windows takes a code page with 256 letters."""
    done = on_windows("bvae", "train", "polymnist", "wb-vae", "--name", "ü ü", PYTHONIOENCODING="ascii",
                      PYTHONUTF8="1")
    assert done.returncode == 1
    assert done.stderr.endswith(b"got '? ?'\n") or done.stderr.endswith(b"got '? ?'\r\n"), done.stderr


def faults_of_encoding(tree):
    """Lines that read or write text without saying how. Bytes need nothing."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        given = {keyword.arg for keyword in node.keywords}
        mode = next((a.value for a in node.args[1:2] if isinstance(a, ast.Constant)), "r")
        method = isinstance(node.func, ast.Attribute)
        wanted = (
            {"encoding", "newline"} if name == "write_text" and method else
            {"encoding"} if name == "read_text" and method and not node.args else
            {"encoding"} if name == "open" and not method and "b" not in mode else
            {"encoding"} if name in ("Popen", "run") and {"text", "universal_newlines"} & given else set())
        if not wanted <= given:
            yield node.lineno


def faults_of_imports(tree):
    """Lines that import what only Unix has, where nobody sees to its absence."""
    guarded = {id(node) for attempt in ast.walk(tree) if isinstance(attempt, ast.Try) for node in ast.walk(attempt)}
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else (
            [node.module] if isinstance(node, ast.ImportFrom) else [])
        if id(node) not in guarded and set(names) & set(windows.MODULES):
            yield node.lineno


@pytest.mark.parametrize("faults", [faults_of_encoding, faults_of_imports])
def test_no_source_has_habits_of_unix(faults):
    found = [f"{path.relative_to(ROOT)}:{line}" for path in OURS
             for line in faults(ast.parse(path.read_text(encoding="utf-8")))]
    assert found == []
    assert list(faults(ast.parse("import fcntl; open('a'); p.write_text('b', encoding='utf-8')")))


# -- locks and files, in this process ----------------------------------------------------------------------------------


@pytest.fixture
def as_windows(monkeypatch):
    """Its habits, without those that would reach the tests' own libraries."""
    monkeypatch.setattr(system, "WINDOWS", True)


def test_a_file_that_a_reader_has_open_is_replaced_a_moment_later(as_windows, tmp_path, monkeypatch):
    real, refused = os.replace, []

    def replace(source, target):
        if len(refused) < 3:
            refused.append(target)
            raise PermissionError(13, "The process cannot access the file")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    write_json(tmp_path / "a.json", {"a": "σ"})
    assert len(refused) == 3
    assert read_json(tmp_path / "a.json") == {"a": "σ"}
    monkeypatch.setattr(system, "PATIENCE", 0.0)
    refused.clear()
    with pytest.raises(storage.WriteError, match=r"a\.json: cannot be written, this user may not write there"):
        write_text(tmp_path / "a.json", "other")
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_what_killed_writers_left_is_swept_when_it_is_old(as_windows, tmp_path):
    for name in (".a.json.1.tmp", ".a.json.2.tmp"):
        (tmp_path / name).write_text("{", encoding="utf-8")
    os.utime(tmp_path / ".a.json.1.tmp", (0, 0))
    assert storage.sweep(tmp_path) == [".a.json.1.tmp"]
    assert [p.name for p in tmp_path.iterdir()] == [".a.json.2.tmp"]


def test_locks_say_who_has_them_and_leave_nothing(as_windows, tmp_path):
    with locked(tmp_path, "training"):
        assert holder(tmp_path)["doing"] == "training"
        code = ("import sys; from pathlib import Path; from bvae.io.locking import locked\n"
                "with locked(Path(sys.argv[1])): pass")
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, check=False)
        assert b"BusyError" in other.stderr
        assert f"process {os.getpid()} on".encode() in other.stderr
    assert holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_first_byte_of_a_lock_which_windows_lets_nobody_read_is_none_of_its_text(as_windows, tmp_path):
    with locked(tmp_path):
        assert (tmp_path / ".lock").read_bytes()[:1] == b"\n"


def test_the_names_of_devices_are_no_names(tmp_path, capsys):
    from bvae.cli import main

    for name in ("con", "NUL", "com1"):
        assert main(["train", "polymnist", "mvae", "--name", name, "--out", str(tmp_path)]) == 1
        assert "--name: expected letters" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
