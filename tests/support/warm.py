"""What a process has loaded from which others are forked: bvae's commands, and what programs of the docs need."""

from __future__ import annotations

import contextlib
import os
import shlex
import warnings

import pandas  # noqa: F401 - so that those who are forked have it
import sklearn.linear_model
import sklearn.model_selection
import sklearn.pipeline  # noqa: F401
import torch

from bvae.cli import main
from bvae.training import sizing


def run(kind: str, code: str, folder: str, output: str) -> None:
    """Run a program, or the arguments of one command of bvae, in a folder; what it prints goes to a file.

    Trainings have a tenth of the steps that their data would get.
    """
    os.chdir(folder)
    torch.set_num_threads(1)
    sizing.EPOCHS, sizing.FEWEST_STEPS = sizing.EPOCHS / 10, sizing.FEWEST_STEPS // 10
    warnings.simplefilter("ignore")
    with open(output, "w", encoding="utf-8") as said, contextlib.redirect_stdout(said):
        if kind == "python":
            exec(compile(code, "block of the page", "exec"), {"__name__": "__main__"})  # noqa: S102 - of our own docs
        elif status := main(shlex.split(code)):
            raise SystemExit(status)
