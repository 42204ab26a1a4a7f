"""The command line, as a person types it."""

import os
import shlex
import signal
import subprocess
import sys

import pytest
import torch

from bvae.cli import main
from bvae.io.storage import read_json, read_tensors, write_json
from bvae.training import load_checkpoint
from tests.support import ROOT

QUICK = ["--steps", "2", "--batch-size", "50", "--width", "8", "--latent-dim", "4", "--no-evaluate"]


def test_train_then_list(tmp_path, capsys):
    out = ["--out", str(tmp_path)]
    assert main(["train", "polymnist", "wb-vae", "--name", "mine", *out, *QUICK]) == 0
    assert "saved" in capsys.readouterr().out
    assert main(["checkpoints", *out]) == 0
    listed = capsys.readouterr().out
    assert "polymnist/mine: WB-VAE (full set), D = 4, 2 steps" in listed
    settings = read_json(tmp_path / "polymnist" / "mine" / "config.json")["settings"]
    assert settings["width"] == 8


def test_a_finished_model_is_not_replaced_by_accident(tmp_path, capsys):
    command = ["train", "polymnist", "wb-vae", "--out", str(tmp_path), *QUICK]
    assert main(command) == 0
    assert main(command) == 1
    assert "holds a finished model. Choose another --name, or replace it with --overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0


def test_data_describes_and_draws(tmp_path, capsys):
    sheet = tmp_path / "new" / "sheet.png"
    assert main(["data", "polymnist", "--sheet", str(sheet)]) == 0
    text = capsys.readouterr().out
    assert "4,000 items, 10 classes" in text
    assert "1,000 items" in text
    assert sheet.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "polymnist", "nothing"], "no checkpoint 'nothing'"),
        (["evaluate", "polymnist", "all"], "no checkpoints there"),
        (["train", "polymnist", "mvae", "--name", "../x"], "--name: expected letters"),
        (["train", "polymnist", "mvae", "--name", "records"], "none of all, classifiers, classifiers-sharp, records"),
        (["train", "polymnist", "mvae", "--steps", "0"], "steps: expected a positive integer"),
        (["train", "polymnist", "mvae", "--resume"], "nothing to resume"),
        (["train", "polymnist", "mvae", "--source", "published"], "needs root"),
        (["data", "polymnist", "--source", "mnist", "--root", "/nonexistent"], "torchvision cannot read MNIST"),
    ],
)
def test_mistakes_are_said_in_one_line(arguments, message, tmp_path, capsys):
    extra = [] if arguments[0] == "data" else ["--out", str(tmp_path)]
    assert main([*arguments, *extra]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_training_leaves_a_sampler_and_a_command_makes_those_that_are_missing(tmp_path, capsys):
    out = ["--out", str(tmp_path)]
    assert main(["train", "penguins", "wb-vae", "--name", "mine", *out, "--steps", "3", "--no-evaluate"]) == 0
    path = tmp_path / "penguins" / "mine" / "sampler.safetensors"
    first = read_tensors(path)
    path.unlink()
    capsys.readouterr()
    assert main(["checkpoints", "--samplers", *out]) == 0
    assert "penguins/mine: a sampler" in capsys.readouterr().out
    assert all(torch.equal(value, first[name]) for name, value in read_tensors(path).items())  # fitted with a seed
    assert main(["checkpoints", "--samplers", *out]) == 0
    assert "penguins/mine: up to date" in capsys.readouterr().out
    assert main(["checkpoints", *out]) == 0
    assert "sampler gaussian-mixture" in capsys.readouterr().out
    (path.parent / "sampler.safetensors").write_bytes(b"no")
    assert main(["checkpoints", "--samplers", *out]) == 0
    assert read_tensors(path).keys() == first.keys()


@pytest.mark.parametrize("command", ["train", "evaluate", "checkpoints", "barycenters", "classifiers", "data",
                                     "contributions"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert "usage: python -m bvae" in capsys.readouterr().out


def test_evaluate_seeds_prints_what_the_files_hold_and_computes_nothing_again(tmp_path, capsys):
    from bvae.io.storage import write_json
    from bvae.metrics import METRICS
    from tests.support.records import metrics, put_checkpoint, put_family

    put_family(tmp_path)
    put_checkpoint(tmp_path, "mvae")
    for name in ("wb-vae", "mvae"):  # complete metrics: the weights, which are no weights, are not read
        path = tmp_path / "polymnist" / name / "metrics.json"
        figures = metrics(0.5)
        write_json(path, {**figures, "evaluation": {**figures["evaluation"], "metrics": list(METRICS)}})
    assert main(["evaluate", "polymnist", "all", "--seeds", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    first, *parts = out.split("\n\n")
    assert "coherence, 1 view " in first
    assert "latent accuracy missing, 20 % missing" in first
    accuracy, coherence, seeds = parts
    assert accuracy.startswith("latent accuracy missing, by the share missing in the test")
    row = next(line for line in accuracy.splitlines() if line.startswith("wb-vae, 50 % missing in training"))
    assert row.split()[-6:] == ["0.650", "±0.010", "0.630", "±0.010", "0.600", "±0.010"]
    assert "0 % missing  " not in coherence.splitlines()[1].replace("20 %", "").replace("50 %", "")
    assert "mvae, 0" not in accuracy.replace("wb-vae", "")  # no records of it
    assert "0.300 ±0.029 n=3" in seeds
    assert read_json(tmp_path / "polymnist" / "seeds.json")["wb-vae"]["joint_coherence"]["n"] == 3
    assert main(["evaluate", "polymnist", "mvae", "--seeds", "--out", str(tmp_path)]) == 0
    assert "No run of another seed is recorded" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals to others")
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path):
    """A real process, a real SIGINT; the command that it prints then finishes the run."""
    arguments = ["train", "polymnist", "wb-vae", "--out", str(tmp_path), "--steps", "60", "--batch-size", "50",
                 "--width", "8", "--latent-dim", "4", "--no-evaluate"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "bvae", *arguments], cwd=ROOT, env=environment, text=True,
                               stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                               # A suite that runs in the background of a shell has SIGINT ignored, and hands that down.
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    seen = ""
    while "/60 " not in seen or " 0/60 " in seen[-80:]:
        character = process.stderr.read(1)
        assert character, seen
        seen += character
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=600)
    assert process.returncode == 130, seen + rest
    assert "everything is saved" in rest
    printed = next(line.strip() for line in rest.splitlines() if "--resume" in line)
    again = shlex.split(printed)
    assert again[:3] == ["python", "-m", "bvae"]
    subprocess.run([sys.executable, *again[1:]], cwd=ROOT, env=environment, check=True, capture_output=True)
    assert (tmp_path / "polymnist" / "wb-vae" / "model.safetensors").is_file()


def test_single_metrics_are_computed_anew_and_the_others_kept_while_the_weights_are_the_same(tmp_path, capsys):
    out = ["--out", str(tmp_path)]
    assert main(["train", "polymnist", "wb-vae", *out, *QUICK]) == 0
    file = tmp_path / "polymnist" / "wb-vae" / "metrics.json"
    assert main(["evaluate", "polymnist", "wb-vae", *out, "--metrics", "reconstruction"]) == 0
    first = read_json(file)
    assert list(first) == ["reconstruction_error", "evaluation"]
    assert main(["evaluate", "polymnist", "wb-vae", *out, "--metrics", "coverage", "distance_to_joint"]) == 0
    second = read_json(file)
    assert second["reconstruction_error"] == first["reconstruction_error"]
    assert {"coverage_90_decoded", "w2_to_joint"} <= set(second)
    assert set(second["evaluation"]["metrics"]) == {"reconstruction", "coverage", "distance_to_joint"}
    assert second["evaluation"]["seconds"] >= first["evaluation"]["seconds"]
    assert load_checkpoint("polymnist", "wb-vae", tmp_path).metrics == second  # and its digest is right
    # Other weights: what is known of the old ones goes.
    assert main(["train", "polymnist", "wb-vae", "--overwrite", "--seed", "1", *out, *QUICK]) == 0
    write_json(file, second)
    assert main(["evaluate", "polymnist", "wb-vae", *out, "--metrics", "reconstruction"]) == 0
    third = read_json(file)
    assert list(third) == ["reconstruction_error", "evaluation"]
    assert third["reconstruction_error"] != first["reconstruction_error"]
    capsys.readouterr()
    assert main(["evaluate", "polymnist", "wb-vae", *out, "--metrics", "nothing"]) == 1
    assert "unknown metric 'nothing'" in capsys.readouterr().err
