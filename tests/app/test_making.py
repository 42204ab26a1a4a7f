"""Files that are made after the page that offers them has been run."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit.testing.v1 import AppTest

MISSING = "missing ScriptRunContext"


def page():
    """Offers one file made as it is, and one made later."""
    import streamlit as st

    from bvae.app.widgets import making

    @st.cache_data(show_spinner="Asking")
    def asked(name):
        return name

    def broken():
        raise ValueError("no file")

    st.session_state.update(plain=lambda: asked("plain"), later=making.later(lambda: asked("later")),
                            broken=making.later(broken))


@pytest.fixture
def offered():
    return AppTest.from_function(page).run().session_state


def made(make):
    """As the server makes it: in a thread of its own."""
    with ThreadPoolExecutor(1) as server:
        return server.submit(make).result()


def test_the_caches_find_the_run_that_asks_them(offered, caplog):
    caplog.clear()
    assert made(offered["plain"]) == "plain"
    assert MISSING in caplog.text
    caplog.clear()
    assert made(offered["later"]) == "later"
    assert MISSING not in caplog.text


def test_what_goes_wrong_is_told(offered):
    with pytest.raises(ValueError, match="no file"):
        made(offered["broken"])
