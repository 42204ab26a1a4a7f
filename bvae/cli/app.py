"""``bvae app``: start the app."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser(
        "app", help="start the app; more options go to Streamlit: bvae app -- --server.address 0.0.0.0")
    command.add_argument("--port", type=int)
    command.add_argument("options", nargs="*", metavar="-- OPTION", help="of `streamlit run`")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Start the app."""
    from bvae.app.start import start

    return start(options.port, options.options)
