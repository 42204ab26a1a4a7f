"""Programs of the documentation, in processes forked from one that has loaded bvae, torch and what else they need."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shlex
import warnings
from pathlib import Path

import pandas  # noqa: F401 - so that those who are forked have it
import sklearn.linear_model
import sklearn.model_selection
import sklearn.pipeline  # noqa: F401
import torch

from bvae.cli import main
from bvae.training import sizing


def printed(kind: str, code: str, folder: Path, output: Path, share: float = 1.0) -> str:
    """What a program prints, or a command of bvae, that is run in a folder. AssertionError, with its traceback or what
    the command said in what pytest has captured, if it fails.

    Parameters
    ----------
    kind : str
        ``python``: the code is a program; else it is the arguments of a command.
    output : Path
        A file to write to meanwhile.
    share : float
        How many of the steps that trainings would get from their data they have.
    """
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    process = processes.Process(target=_run, args=(kind, code, folder, output, share))
    process.start()
    process.join()
    assert process.exitcode == 0, code
    return output.read_text(encoding="utf-8")


def _run(kind: str, code: str, folder: Path, output: Path, share: float) -> None:
    """In the process that was forked."""
    os.chdir(folder)
    os.environ["MPLBACKEND"] = "agg"
    torch.set_num_threads(1)
    sizing.EPOCHS, sizing.FEWEST_STEPS = sizing.EPOCHS * share, int(sizing.FEWEST_STEPS * share)
    warnings.simplefilter("ignore")
    with open(output, "w", encoding="utf-8") as said, contextlib.redirect_stdout(said):
        if kind == "python":
            exec(compile(code, "program", "exec"), {"__name__": "__main__"})  # noqa: S102 - of our own documentation
        elif status := main(shlex.split(code)):
            raise SystemExit(status)
