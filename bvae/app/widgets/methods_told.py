"""What trained methods are, and where they differ from their sources: on Benchmarks and on Compare."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from bvae.app.widgets import fold
from bvae.app.widgets.markdown import plain
from bvae.models.methods import METHODS


def show(names: Iterable[str]) -> None:
    """A fold with a paragraph for each of some methods, by their registered names."""
    unique = list(dict.fromkeys(names))

    def content() -> None:
        for name in unique:
            method = METHODS[name]
            options = "".join(f", {key} = {value}" for key, value in method.aggregator_options.items())
            st.markdown(f"**{plain(method.title)}** ({plain(method.citation)}): rule `{method.aggregator}{options}`, "
                        f"objective `{method.objective}`. {plain(method.differs)}")

    fold.show("The methods, and where they differ from their sources", "rule", "methods_told", content)
