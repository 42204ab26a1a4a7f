"""A sweep of two tiny runs, stopped and gone on with; launchers that only start commands."""

import os
import signal
import sys
import threading
import time

import pytest
import torch

from bvae.cli import main
from bvae.io.locking import locked
from bvae.io.storage import read_json, read_tensors
from bvae.runs import sweep
from bvae.runs.shipped import state, stopped_at
from bvae.training import loop
from tests.support.training import after_step

TINY = ("steps=4", "batch-size=30", "width=4", "latent_dim=2", "precision=32-true")
SBATCH = """#!/bin/sh
# Does what Slurm does with an array: the wrapped command for each number.
for word in "$@"; do
  case "$word" in
    --array=*) numbers=$(echo "${word#--array=}" | sed 's/%.*//; s/,/ /g');;
    --wrap=*) command=${word#--wrap=};;
  esac
done
echo "$@" > "$(dirname "$0")/asked"
for number in $numbers; do SLURM_ARRAY_TASK_ID=$number sh -c "$command" || exit 1; done
"""


def arguments(root, *more):
    return ["sweep", "--methods", "wb-vae", "mvae", "--seeds", "3", "--set", *TINY, "--metrics",
            "latent_accuracy_one_probe", "--out", str(root), *more]


@pytest.mark.skipif(os.name == "nt", reason="its sbatch is a shell script")
def test_stopped_and_gone_on_with_as_an_array(tmp_path, monkeypatch, capsys):
    root = tmp_path / "models"
    runs = sweep.plan(["polymnist"], ["wb-vae", "mvae"], [3], sweep.parse_changes(TINY), ["latent_accuracy_one_probe"])
    assert [str(run) for run in runs] == ["polymnist/wb-vae-seed-3", "polymnist/mvae-seed-3"]
    assert runs[0].settings.seed == 3

    whole = tmp_path / "whole"
    loop.train(runs[0].settings, whole, progress=False)
    train = loop.train

    def stop(step):
        if step == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train", lambda *a, **k: train(*a, **k, callbacks=[after_step(stop)]))
        assert main(arguments(root, "--number", "0")) == 130
    assert stopped_at(runs[0], runs[0].folder(root)) == 2

    capsys.readouterr()
    assert main(arguments(root, "--dry-run")) == 0
    out = capsys.readouterr().out
    assert "polymnist/wb-vae-seed-3: 4 steps from step 2 on" in out
    assert "0 of 2 are done." in out
    assert out.count("--number") == 2

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "nothing"))
        assert main(arguments(root, "--launcher", "slurm")) == 1
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "sbatch").write_text(SBATCH)
    (bin_ / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    assert main(arguments(root, "--launcher", "slurm", "--jobs", "4", "--slurm=--partition=gpu --time=1:00:00")) == 0
    asked = (bin_ / "asked").read_text()
    for word in ("--array=0,1%4", "--partition=gpu", "--time=1:00:00", "--requeue", "--signal=B:TERM@120"):
        assert word in asked
    assert [state(run, root) for run in runs] == ["done", "done"]
    parts = read_tensors(runs[0].folder(root) / "model.safetensors")
    assert all(torch.equal(value, parts[name]) for name, value in read_tensors(whole / "model.safetensors").items())

    capsys.readouterr()
    before = (runs[0].folder(root) / "config.json").stat().st_mtime_ns
    assert main(arguments(root)) == 0  # nothing is left to do, so nothing is started
    assert "2 of 2 are done." in capsys.readouterr().out
    assert main(arguments(root, "--number", "1")) == 0
    assert (runs[0].folder(root) / "config.json").stat().st_mtime_ns == before
    assert read_json(runs[1].folder(root) / "metrics.json")["latent_accuracy_one_probe"]["5"]["mean"] > 0


def test_a_run_that_another_process_does_is_left_to_it(tmp_path, capsys):
    run = sweep.plan(["polymnist"], ["mvae"], [0], sweep.parse_changes(TINY))[0]
    statuses = []
    with locked(tmp_path / "polymnist" / "mvae", "training"):
        thread = threading.Thread(target=lambda: statuses.append(sweep.do(run, tmp_path, None)))
        thread.start()
        thread.join()
    assert statuses == [sweep.RUNS_ELSEWHERE]
    said = capsys.readouterr().out
    assert "is being done by another process" in said
    assert f"process {os.getpid()} on" in said
    assert "is training there since" in said


CHILD = """
import pathlib, signal, sys, time
place = pathlib.Path(sys.argv[1])
def stop(*_):
    place.with_suffix(".saved").touch()
    sys.exit(130)
signal.signal(signal.SIGTERM, stop)
place.with_suffix(".ready").touch()
time.sleep(float(sys.argv[2]))
"""


def command(path, seconds):
    return [sys.executable, "-c", CHILD, str(path), str(seconds)]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals to others")
def test_local_processes_at_a_time_and_told_to_stop(tmp_path):
    lines = []
    statuses = sweep.local({"a": command(tmp_path / "a", 0), "b": [sys.executable, "-c", "raise SystemExit(3)"]}, 1,
                           tmp_path / "logs", lines.append)
    assert statuses == {"a": 0, "b": 3}
    assert lines[:3] == ["a: started", "a: done", "b: started"]
    assert lines[3].startswith("b: failed, see")

    def terminate():
        while not all((tmp_path / f"{name}.ready").exists() for name in "cd"):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=terminate).start()
    with pytest.raises(KeyboardInterrupt):
        sweep.local({name: command(tmp_path / name, 100) for name in "cde"}, 2, tmp_path / "logs", lines.append)
    assert sorted(path.name for path in tmp_path.glob("*.saved")) == ["c.saved", "d.saved"]
    assert not (tmp_path / "e.ready").exists()


def test_what_is_no_setting_is_refused(tmp_path):
    for pair in ("steps", "steps=x", "seed=3", "lr=1", "augment=maybe"):
        with pytest.raises(ValueError, match=f"--set {pair}: expected"):
            sweep.parse_changes([pair])
    assert sweep.parse_changes(["augment=true", "batch-size=7", "beta=1"]) == {"augment": True, "batch_size": 7,
                                                                                "beta": 1.0}
    assert main(["sweep", "--out", str(tmp_path), "--metrics", "nothing"]) == 1
    assert main(["sweep", "--out", str(tmp_path), "--jobs", "0"]) == 1
