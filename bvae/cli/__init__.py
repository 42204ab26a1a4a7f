"""``bvae``, or ``python -m bvae``: one file a command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bvae.cli import (
    app,
    barycenters,
    checkpoints,
    classifiers,
    compare,
    contributions,
    data,
    embed,
    evaluate,
    export,
    impute,
    maps,
    publish,
    report,
    sweep,
    train,
)
from bvae.io.system import print_anything
from bvae.training.checkpoint import first_line

COMMANDS = (app, train, evaluate, compare, report, publish, export, checkpoints, maps, embed, impute, contributions,
            barycenters, classifiers, data, sweep)
"""In the order of the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. What a person can mend is said in one line, without a traceback."""
    print_anything()
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, TypeError, OSError, ArithmeticError) as error:
        print(f"bvae: {error}", file=sys.stderr)
        return 1
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        print("bvae: there is not enough memory for this; try smaller numbers, such as a smaller --batch-size or "
              f"--width ({first_line(error)})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbvae: stopped", file=sys.stderr)
        return 130


def out_of_memory(error: BaseException) -> bool:
    """Whether a computation failed for want of memory, of the machine or of a device."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in said or "allocate memory" in said or (
        "alloc" in said and "bytes" in said) or "storage size calculation overflowed" in said


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m bvae", description="Multimodal VAEs, seen as barycenters.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return top
