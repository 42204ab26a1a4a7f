"""Files that are made when somebody presses the button that downloads them."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

Made = TypeVar("Made")


def later(make: Callable[[], Made]) -> Callable[[], Made]:
    """What a download button is given, where making the file asks the caches.

    Streamlit calls it when no page of the session runs. Caches that show a spinner look for the run that asks them, and
    each that finds none is a warning in the server's log: they get the run in which the button was shown, of which no
    page hears more.
    """
    run = get_script_run_ctx(suppress_warning=True)
    if run is None:
        return make
    unheard = dataclasses.replace(run, _enqueue=lambda message: None)

    def made() -> Made:
        with ThreadPoolExecutor(1, initializer=lambda: add_script_run_ctx(threading.current_thread(), unheard)) as one:
            return one.submit(make).result()

    return made
