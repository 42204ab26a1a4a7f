"""The address at which students reach this app: asked for once, and used on the projector and on paper."""

from __future__ import annotations

from urllib.parse import urlsplit

import segno
import streamlit as st

from bvae.app.learn import memory
from bvae.app.templates import Markup

LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
LONGEST = 300


def base_url() -> str:
    """Where this page was opened, without a slash at its end."""
    url = st.context.url or "http://localhost:8501/learn"
    return url.split("?")[0].removesuffix("/").removesuffix("/learn")


def checked(text: str) -> str | None:
    """An address as a person types it, made whole and without a slash at its end; None if it is none."""
    text = text.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # a port that is no number raises
    except ValueError:
        return None
    plain = text.isprintable() and not set(text) & set(" <>\"'`\\")
    if parts.scheme not in ("http", "https") or not host or not plain or len(text) > LONGEST:
        return None
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/").removesuffix("/learn")


def local(address: str) -> bool:
    """Whether only this computer itself reaches it."""
    return urlsplit(address).hostname in LOCAL


def students() -> str:
    """The address that was given, or the one at which this page was opened."""
    return checked(memory.address()) or base_url()


def field() -> str:
    """Ask for it, warn where phones cannot reach it; the address that holds now."""
    def changed() -> None:
        memory.keep_address(st.session_state["learn_address"].strip())

    typed = memory.address() or base_url()
    st.session_state["learn_address"] = typed  # what the browser keeps arrives after the field was first shown
    st.text_input("Address that your students will use", key="learn_address", on_change=changed, max_chars=LONGEST,
                  help="As it stands in a student's browser, up to the first single slash. This browser keeps it; "
                       "class mode and the sheet use it.")
    if checked(typed) is None:
        st.warning(f"This is no address; one looks like http://192.168.1.20:8501. Until then {base_url()} is used.",
                   icon=":material/link_off:")
    elif local(students()):
        st.info("Phones do not reach this address: it is this computer's own. Type the one that your school's network "
                "has for it (docs/serve.md says how to serve a class). Without one, let the class raise hands: all "
                "else works.", icon=":material/wifi_off:")
    return students()


def inline_code(address: str) -> Markup:
    """It as a QR code, an SVG of our own that takes the size of its place."""
    return Markup(segno.make(address, error="m").svg_inline(omitsize=True, border=2, light="#fff"))


def code_image(address: str) -> str:
    """It as a QR code, for the `src` of an image."""
    return segno.make(address, error="m").svg_data_uri(scale=4, border=2, light="#fff")
