"""Which files of Streamlit's client a browser should fetch at once, and which later.

They are looked up in the folder of the installed version, where their names end in a hash: another version has others,
and a file that it does not have is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from bvae.app.pages import PAGES
from bvae.app.templates import Markup, render

FIRST = ("Html", "ButtonGroup", "Button", "Selectbox", "NumberInput", "Slider", "PageLink", "DownloadButton",
         "BidiComponent")
"""Elements that the top of most pages has."""
FIRST_ON_HOME = ("Html", "Button", "PageLink", "BidiComponent")
"""Those that the first page has: the others need not arrive before its picture."""
FONTS = ("MaterialSymbols-Rounded",)
"""Every page has icons; without their font they are words for a moment, and the page moves when it comes."""
LATER = ("PlotlyChart", "Checkbox", "TextInput", "Spinner", "Radio", "FileUploader", "DataFrame")
"""Elements that stand lower or on other pages, fetched when the first picture is there; the largest first."""
IMPORT = re.compile(r"""(?:from|import)\s*["'`]\./([\w.-]+\.js)["'`]""")
SCRIPTS = ("history.js", "access.js", "later.js")
"""What runs in the browser beside Streamlit's client, before it: files beside this one."""
# The client looks for its server below the address of a page first; where the index page's own files are, it is.
BASE = 'window.__streamlit = {...window.__streamlit, BACKEND_BASE_URL: new URL(".", location.href).href};'


def chunk(folder: Path, name: str) -> str | None:
    """File of one part of the client, such as ``Html.CzLZZ4bP.js``; None if there is none, or more than one."""
    found = [path.name for path in folder.glob(f"{name}.*.js") if path.name.count(".") == 2]
    return found[0] if len(found) == 1 else None


def needed(folder: Path, names: Iterable[str]) -> list[str]:
    """The files of these parts and all that they import, without repetition, what is asked for first in front."""
    order: list[str] = []
    waiting = [file for file in (chunk(folder, name) for name in names) if file]
    while waiting:
        file = waiting.pop(0)
        if file in order or not (folder / file).is_file():
            continue
        order.append(file)
        waiting += IMPORT.findall((folder / file).read_text(encoding="utf-8"))
    return order


def hints(static: str | Path, elements: Sequence[str] = FIRST) -> str:
    """HTML for the head of Streamlit's index page; empty if its folder looks different from what we know.

    Parameters
    ----------
    static : str or Path
        The folder of ``index.html``.
    elements : sequence of str
        What the page needs at once; the others of `FIRST` come later, before those of `LATER`.
    """
    static = Path(static)
    folder, media, index = static / "static" / "js", static / "static" / "media", static / "index.html"
    if not (folder.is_dir() and index.is_file()):
        return ""
    known = index.read_text(encoding="utf-8")
    first = [file for file in needed(folder, elements) if file not in known]
    later = [file for file in needed(folder, [*FIRST, *LATER]) if file not in known and file not in first]
    fonts = [path.name for font in FONTS for path in sorted(media.glob(f"{font}.*.woff2"))[:1]]
    script = "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in SCRIPTS)
    for word, value in {"LATER": [f"./static/js/{file}" for file in later],
                        "GROUPS": {name: page.group for name, page in PAGES.items()}}.items():
        script = script.replace(word, json.dumps(value))
    return render("hints", scripts=first, fonts=fonts, script=Markup(f"\n{BASE}\n{script}"))
