"""Reproduce: the picture as a file, and Python and a command line that give the same numbers as the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

import bvae
from bvae.aggregators import Aggregator, LearnedAggregator, name_of, options_of
from bvae.app.components.picture import save_buttons
from bvae.app.widgets import fold
from bvae.data.own.registering import FOLDERS


def opened(data_name: str) -> list[str]:
    """Lines of Python that make a data set known by its name: an empty one for those that ship, else its folder's."""
    if data_name not in FOLDERS:
        return [""]
    return ["from bvae.data.own import register", "", f"register({str(FOLDERS[data_name])!r})  # the files brought"]


def made(rule: Aggregator) -> str:
    """Python that makes a rule; one that is a network is the model's."""
    if isinstance(rule, LearnedAggregator):
        return "model.aggregator"
    options = "".join(f", {k}={v!r}" for k, v in options_of(rule).items())
    return f'bvae.aggregator("{name_of(rule)}"{options})'


def show(
    code: str | Callable[[], str], file_name: str, *, checkpoints: Sequence[str] = (), seed: int | None = None,
    commands: Sequence[tuple[str, str]] = (), title: str = "Reproduce these numbers",
) -> None:
    """What the page shows as a picture; Python and command lines that give the same, with what they depend on.

    Parameters
    ----------
    code : str, or callable
        () -> str where it is known only when somebody opens it.
    file_name : str
        Of the script, ending in ".py"; the picture's is the same with another ending.
    checkpoints : sequence of str
        Markdown, such as "mwb-vae 0123456789ab".
    seed : int, optional
    commands : sequence of (str, str)
        Further command lines, each with what it does.
    title : str
    """
    def content() -> None:
        save_buttons(file_name.removesuffix(".py"), key="save_picture")
        facts = [f"bvae {bvae.__version__}"]
        facts += [f"weights {', '.join(checkpoints)}"] if checkpoints else []
        facts += [f"seed {seed}"] if seed is not None else []
        st.markdown(f"{', '.join(facts)}. The address holds everything that you chose. In Python:")
        script = code() if callable(code) else code
        st.code(script, language="python")
        st.download_button(f"Download as {file_name}", lambda: script + "\n", file_name, "text/x-python",
                           icon=":material/download:", on_click="ignore", key="reproduce_file")
        st.markdown("On the command line:")
        lines = [f"python {file_name}  # the script above", *(f"{line}  # {does}" for line, does in commands)]
        st.code("\n".join(lines), language="bash")

    fold.show(title, "code", "reproduce", content)
