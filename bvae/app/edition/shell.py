"""What every page of an edition has: head, navigation, the rule that nothing is asked of another host, its foot."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bvae.app
from bvae.app.pages import PAGES
from bvae.app.start import CONFIG
from bvae.app.templates import HERE, Markup, render
from bvae.version import __version__

POLICY = ("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
          "img-src 'self' data: blob:; connect-src 'self' data:; worker-src 'self' blob:; base-uri 'none'; "
          "form-action 'none'")
"""Content-Security-Policy of every page. Styles stand in attributes, too: charts are placed by them."""
TOKENS = {"backgroundColor": "background-color", "secondaryBackgroundColor": "secondary-background-color",
          "textColor": "text-color", "primaryColor": "primary-color", "linkColor": "link-color"}
"""Of Streamlit's theme: key in its configuration -> the variable that components read."""


def address(page: str) -> str:
    """The file of a page of the app in an edition."""
    return "index.html" if page == "home" else f"{page.replace('_', '-')}.html"


def theme() -> dict[str, dict[str, str]]:
    """Colours of the app, by theme."""
    folder = Path(bvae.app.__file__).parent
    packaged = folder / "config.toml"
    path = packaged if packaged.is_file() else folder.parents[1] / CONFIG
    found: dict[str, dict[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))["theme"]
    return {name: {TOKENS[key]: value for key, value in found[name].items() if key in TOKENS}
            for name in ("light", "dark")}


def stylesheet() -> str:
    """The app's stylesheet with its colours in both themes, and what an edition has beyond it."""
    def tokens(of: Mapping[str, str]) -> str:
        return "".join(f"--st-{key}:{value};" for key, value in of.items())

    colors = theme()
    return (f":root{{color-scheme:light dark;{tokens(colors['light'])}--bvae-paper:var(--st-background-color)}}\n"
            f"@media (prefers-color-scheme:dark){{:root{{{tokens(colors['dark'])}}}}}\n"
            + "\n".join((HERE / name).read_text(encoding="utf-8")
                        for name in ("app.css", "columns.css", "edition/edition.css")))


def embedded(data: Any) -> Markup:
    """JSON for a script element: no text in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def page(
    here: str, parts: list[str], title: str, body: Markup, *, module: str = "", data: Any = None,
    ahead: Sequence[str] = (),
) -> str:
    """A whole page.

    Parameters
    ----------
    here : str
        Which page of the app it belongs to, for the navigation.
    parts : list of str
        Pages of the app that the edition has.
    title : str
    body : Markup
    module : str
        Module of ``browser/`` that runs on it.
    data
        What that module reads; anything that JSON can hold.
    ahead : sequence of str
        Scripts that the browser may fetch at once.
    """
    nav = [(address(name), PAGES[name].title, name == here) for name in parts]
    return str(render("edition/page", title=title, policy=POLICY, nav=nav, body=body, module=module,
                      data=None if data is None else embedded(data), ahead=ahead, version=__version__)) + "\n"
