"""The address at which students reach this app: asked for once, and used on the projector and on paper."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import segno
import streamlit as st

from bvae.app.learn import memory
from bvae.app.templates import Markup
from bvae.runs import limits

LOCAL = (*limits.LOCAL, "0.0.0.0")
ALL = "0.0.0.0"
"""What an app listens on that every computer of the network reaches."""
ELSEWHERE = ("192.0.2.1", "192.168.0.1", "10.0.0.1", "172.16.0.1")
"""An address that nobody has (RFC 5737), and one of each range that networks of schools and homes have."""
LONGEST = 300
HANDS = "Without phones, let the class raise hands: all else works."


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


def closed() -> bool:
    """Whether the app listens on this computer's own address alone, and this page was opened there: not by a web server
    in front of it."""
    return (st.get_option("server.address") or ALL).strip("[]").lower() in limits.LOCAL and local(base_url())


def visitor() -> str | None:
    """The address from which a visitor comes; None for one at this computer."""
    return st.context.ip_address


def in_network() -> list[str]:
    """Addresses of the app in this computer's networks, that of the way out first; none for who sits elsewhere."""
    if not local(base_url()) or visitor():
        return []
    port = urlsplit(base_url()).port
    return [f"http://{host}" + (f":{port}" if port else "") for host in own_hosts()]


def own_hosts() -> list[str]:
    """This computer's IPv4 addresses in its networks. The system says from which one it would send; nothing is sent."""
    found = []
    for host in ELSEWHERE:
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect((host, 9))
            found.append(way.getsockname()[0])
    return [host for host in dict.fromkeys(found) if not ipaddress.ip_address(host).is_loopback]


def opening() -> str:
    """The command that starts the app again so that the network reaches it."""
    python = Path(sys.executable)
    entry = shutil.which("bvae")
    if entry and Path(entry).parent == python.parent:
        start = ["bvae"]
    else:
        start = [str(python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else python), "-m", "bvae"]
    port = urlsplit(base_url()).port or 80
    return subprocess.list2cmdline([*start, "app", "--port", str(port), "--", "--server.address", ALL])


def first() -> str:
    """The address before one was given: that of this computer in its network, if the network reaches the app, else the
    one at which this page was opened."""
    return next(iter([] if closed() else in_network()), base_url())


def students() -> str:
    """The address that was given, or the first one."""
    return checked(memory.address()) or first()


def unreachable(address: str) -> bool:
    """Whether no phone reaches the app there."""
    return closed() or local(address)


def field() -> str:
    """Ask for it, propose this computer's own, warn where phones cannot reach it; the address that holds now."""
    def changed() -> None:
        memory.keep_address(st.session_state["learn_address"].strip())

    typed = memory.address() or first()
    st.session_state["learn_address"] = typed  # what the browser keeps arrives after the field was first shown
    st.text_input("Address that your students will use", key="learn_address", on_change=changed, max_chars=LONGEST,
                  help="As it stands in a student's browser, up to the first single slash. This browser keeps it; "
                       "class mode and the sheet use it.")
    if checked(typed) is None:
        st.warning(f"This is no address; one looks like http://192.168.1.20:8501. Until then {base_url()} is used.",
                   icon=":material/link_off:")
    proposed = [address for address in in_network() if address != students()]
    if proposed and not closed():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("This computer in its network:", width="content")
            for address in proposed:
                st.button(address, key=f"learn_address_{address}", on_click=memory.keep_address, args=(address,))
    if closed():
        how_to_open(in_network())
    elif local(students()):
        st.warning("Phones do not reach this address: it is this computer's own. Type the one that your school's "
                   f"network has for it. {HANDS}", icon=":material/wifi_off:")
    return students()


def how_to_open(addresses: list[str]) -> None:
    """That phones cannot reach the app as it was started, and what opens it to them."""
    st.warning("**No phone reaches the app yet, whatever address stands here:** it was started for this computer only. "
               f"Stop it (Ctrl+C) and start it with the command below. {HANDS}", icon=":material/wifi_off:")
    st.code(opening(), language=None, wrap_lines=True)
    where = f", at {' or '.join(f'`{each}`' for each in addresses)}" if addresses else ""
    st.caption(f"Then everybody in the same network can open it{where}, without a password, until you stop it; "
               "meanwhile your own data sets are hidden and Train is off.")


@functools.lru_cache(maxsize=64)
def inline_code(address: str) -> Markup:
    """It as a QR code, an SVG of our own that takes the size of its place."""
    return Markup(segno.make(address, error="m").svg_inline(omitsize=True, border=2, light="#fff"))


@functools.lru_cache(maxsize=64)
def code_image(address: str) -> str:
    """It as a QR code, for the `src` of an image."""
    return segno.make(address, error="m").svg_data_uri(scale=4, border=2, light="#fff")
