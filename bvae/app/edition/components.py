"""The app's components as files of an edition: the same modules, put together as Streamlit gets them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from bvae.app import components
from bvae.app.components.playground.modules import bundle
from bvae.app.edition.files import Files

HERE = Path(components.__file__).parent
BROWSER = Path(__file__).resolve().parent / "browser"
IMPORT = re.compile(r'from "(\.{1,2}/[\w./-]+\.mjs)"')


class Component(NamedTuple):
    """Its script and its style, below ``bvae/app/components``, and the class of the element that it fills."""

    script: str
    style: str
    root: str


COMPONENTS = {
    "playground": Component("playground/browser/playground.mjs", "playground/playground.css", "bvae-playground"),
    "draw": Component("draw/draw.js", "draw/draw.css", "bvae-draw"),
    "map": Component("point_map/point_map.mjs", "point_map/point_map.css", "bvae-map"),
}


def add_component(files: Files, name: str) -> None:
    """Enter a component, unless it is there: ``assets/NAME.js`` and ``assets/NAME.css``."""
    of, target = COMPONENTS[name], f"assets/{name}"
    if f"{target}.js" in files:
        return
    files.add(f"{target}.js", bundle(HERE / of.script))
    files.add(f"{target}.css", (HERE / of.style).read_text(encoding="utf-8"))


def target_of(path: Path) -> str:
    """The file of a module in an edition; those of components have the component's name before their own."""
    own = path.stem if path.parent == BROWSER else f"{path.parent.parent.name}-{path.stem}"
    return f"assets/{own}.js"


def add_module(files: Files, path: Path) -> list[str]:
    """Enter a module and all that it imports, unless they are there; returns their files, its own first.

    They are called .js because not every web space knows that .mjs is JavaScript, and lie in one folder.

    Parameters
    ----------
    files : Files
    path : Path
        Of a module of ``browser/``, or of a component.
    """
    target, made = target_of(path), []
    text = path.read_text(encoding="utf-8")
    for address in dict.fromkeys(IMPORT.findall(text)):
        other = (path.parent / address).resolve()
        made += add_module(files, other)
        text = text.replace(f'from "{address}"', f'from "./{target_of(other).removeprefix("assets/")}"')
    if target not in files:
        files.add(target, text)
    return list(dict.fromkeys([target, *made]))
