"""``bvae barycenters``: list the aggregation rules, or prove them."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("barycenters", help="list the aggregation rules; --verify proves them numerically")
    command.add_argument("--verify", action="store_true", help="every rule and divergence by a second route (a minute)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List the rules, or prove them."""
    from bvae.aggregators import AGGREGATORS

    if not options.verify:
        for name in AGGREGATORS:
            print(f"{name:<12} {(AGGREGATORS[name].__doc__ or '').strip().splitlines()[0]}")
        return 0
    from bvae.aggregators.verify.verification import print_tables

    return 0 if print_tables() else 1
