"""``bvae app``: the app from a checkout or from an installed package, in any folder."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bvae.app.pages import CHECKOUT, HERE
from bvae.training.checkpoint import checkpoints, checkpoints_root, is_checkout, where_checkpoints_are

CONFIG = ".streamlit/config.toml"


def start(port: int | None = None, options: Sequence[str] = ()) -> int:
    """Run the app until it is stopped.

    Parameters
    ----------
    port : int, optional
        Streamlit's own choice by default: 8501, or the next free one.
    options : sequence of str
        More options of ``streamlit run``; they win over everything else.

    Returns
    -------
    int
        The exit status.
    """
    try:
        from streamlit.web.cli import main
    except ImportError as error:
        raise OSError(f"the app is not installed ({error}): pip install 'bvae[app]'") from error
    from bvae.data import datasets

    counts = ", ".join(f"{len(found)} of {name}" for name in datasets() if (found := checkpoints(name)))
    print(f"bvae: trained models from {checkpoints_root()} ({where_checkpoints_are()}): {counts or 'none'}", flush=True)
    flags = [f"--{name}={value}" for name, value in settings()]
    if port is not None:
        flags.append(f"--server.port={port}")
    sys.argv = ["streamlit", "run", str(script()), *flags, *options]
    return main(standalone_mode=False) or 0


def script() -> Path:
    """The file that Streamlit runs."""
    return CHECKOUT / "app.py" if is_checkout() else HERE / "main.py"


def settings() -> Iterator[tuple[str, str]]:
    """Our theme and server, but for what a person's own `.streamlit/config.toml` in this folder says."""
    packaged = HERE / "config.toml"
    ours, own = packaged if packaged.is_file() else CHECKOUT / CONFIG, Path(CONFIG)
    theirs = dict(flat(tomllib.loads(own.read_text(encoding="utf-8")))) if own.is_file() else {}
    for name, value in flat(tomllib.loads(ours.read_text(encoding="utf-8"))):
        if name not in theirs:
            yield name, str(value).lower() if isinstance(value, bool) else str(value)


def flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables -> dotted names."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        else:
            yield before + name, value
