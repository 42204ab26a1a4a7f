"""The browser's modules as one: Streamlit takes a component's script as a single text, and no build tool is wanted.

Every module becomes a function of its own that returns what it exports, so two modules may use the same name inside;
an import becomes names taken from what such a function returned. What the modules may write is less than JavaScript
allows, and anything else is refused with its place::

    import { a, b as c } from "./other.mjs";                            // or from "../../another/browser/other.mjs"
    import data from "../data.json" with { type: "json" };
    export function a() {}      // async function, class, const; also: export const [a, b] = ...
    export default function (component) {}      // in the first module only, which stays as it is
    import(address)      // of a variable: what a server has at an address that is known while the page runs
"""

from __future__ import annotations

import json
import re
from pathlib import Path

NAMED = re.compile(r'^import \{([^{}]*)\} from "((?:\./|(?:\.\./)+)[\w/-]+\.mjs)";$', re.MULTILINE)
DATA = re.compile(r'^import (\w+) from "([\w./-]+\.json)" with \{ type: "json" \};$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+|\[[\w, ]+\]))", re.MULTILINE)
LEFT_OVER = re.compile(
    r"""^\s*((?:import\b(?!\()|export(?! default function)\b).*|.*\bimport\((?=\s*["'`]).*)""", re.MULTILINE)


class BadModule(ValueError):
    """What a module writes that cannot be put together, with its file and line."""


def bundle(first: Path) -> str:
    """The text of one module that does what `first` does with all that it imports.

    Parameters
    ----------
    first : Path
        A module with a default export.

    Raises
    ------
    BadModule
        If a module imports what another does not export, if imports go in a circle, or at a line that is not as above.
    FileNotFoundError
        If an imported file is missing.
    """
    done: dict[Path, tuple[str, list[str]]] = {}
    _collect(first.resolve(), done, ())
    *others, (_, (main, _)) = done.items()
    wrapped = [f"const {_variable(path, done)} = (() => {{\n{text}\nreturn {{ {', '.join(exports)} }};\n}})();\n"
               for path, (text, exports) in others]
    return "\n".join([*wrapped, main])


def _collect(path: Path, done: dict[Path, tuple[str, list[str]]], above: tuple[Path, ...]) -> None:
    """Enter a module into `done`, after all that it imports: its text and the names that it exports."""
    if path in done:
        return
    if path in above:
        raise BadModule(f"imports go in a circle: {' -> '.join(p.name for p in (*above, path))}")
    name, folder = path.name, path.parent
    text = path.read_text(encoding="utf-8")
    for _, other in NAMED.findall(text):
        _collect((folder / other).resolve(), done, (*above, path))

    def named(found: re.Match) -> str:
        other = (folder / found[2]).resolve()
        pairs = [part.split(" as ") for part in (p.strip() for p in found[1].split(",")) if part]
        for source, *_ in pairs:
            if source not in done[other][1]:
                raise BadModule(f"{name}: {other.name} exports no {source!r}")
        return f"const {{ {', '.join(': '.join(pair) for pair in pairs)} }} = {_variable(other, done)};"

    def data(found: re.Match) -> str:
        return f"const {found[1]} = {json.dumps(json.loads((folder / found[2]).read_text(encoding='utf-8')))};"

    rest = EXPORT.sub("", DATA.sub(_lines, NAMED.sub(_lines, text)))
    if wrong := LEFT_OVER.search(rest):
        line = rest.count("\n", 0, wrong.start(1)) + 1
        raise BadModule(f"{name}, line {line}: cannot be put together: {wrong[1]}")
    exports = [word for names in EXPORT.findall(text) for word in re.findall(r"\w+", names)]
    made = EXPORT.sub("", DATA.sub(data, NAMED.sub(named, text)))
    if above and "export default" in made:
        raise BadModule(f"{name}: only the first module has a default export")
    done[path] = (made, exports)


def _lines(found: re.Match) -> str:
    """Nothing, on as many lines."""
    return "\n" * found[0].count("\n")


def _variable(path: Path, done: dict[Path, tuple[str, list[str]]]) -> str:
    """half-plane.mjs -> module_half_plane; module_half_plane_2 if a module of another folder has that name already."""
    alike = [other for other in done if other.name == path.name]
    number = alike.index(path) + 1
    return f"module_{path.stem.replace('-', '_')}" + (f"_{number}" if number > 1 else "")
