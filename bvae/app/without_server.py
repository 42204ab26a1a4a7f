"""The app's parts in a process that serves no app: commands, notebooks."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def without_server() -> Iterator[None]:
    """Inside, nothing is said of the server that Streamlit's caches miss."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
