"""Results of the benchmarks as Markdown: ``python -m benchmarks.report [FILE ...] [--into DOCUMENT]``.

With ``--into`` they go between the lines ``<!-- benchmark NAME -->`` and ``<!-- end of benchmark NAME -->`` of a
document, NAME that of the file of results; those that it has no such lines for are left out.

A file of results is JSON: {"title", "command", "tables": [{"title", "columns", "rows", "notes"}, ...], "notes"}; a
single table may stand in place of "tables". A row is a list, or a mapping from columns. A file without a title holds
figures by name, nested or not.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bvae.io.storage import read_json, write_text

RESULTS = Path(__file__).parent / "results"


def figure(value: float) -> float:
    """Three significant digits."""
    return value if value == 0 or not math.isfinite(value) else round(value, 2 - math.floor(math.log10(abs(value))))


def cell(value: Any) -> str:
    """An entry of a table."""
    if value is None:
        return "-"
    if isinstance(value, float):
        value = figure(value)
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value).replace("|", "\\|")


def table(columns: Sequence[str], rows: Sequence[Sequence | Mapping[str, Any]]) -> str:
    """A Markdown table."""
    lists = [[row.get(c) for c in columns] if isinstance(row, Mapping) else list(row) for row in rows]
    lines = [list(columns), ["---"] * len(columns), *([cell(v) for v in row] for row in lists)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def markdown(result: Mapping[str, Any], level: int = 3) -> str:
    """A file of results. Raises ValueError if a row does not have as many entries as there are columns."""
    parts = [f"{'#' * level} {result['title']}"]
    if result.get("command"):
        parts.append(f"`{result['command']}`")
    tables = result.get("tables")
    for one in [{"columns": result["columns"], "rows": result["rows"]}] if tables is None else tables:
        for row in one["rows"]:
            if not isinstance(row, Mapping) and len(row) != len(one["columns"]):
                raise ValueError(f"{result['title']}: expected {len(one['columns'])} entries in each row, got {row}")
        parts += [f"**{one['title']}**"] if one.get("title") else []
        parts += [table(one["columns"], one["rows"]), *one.get("notes", ())]
    return "\n\n".join([*parts, *result.get("notes", ())]) + "\n"


def flat(figures: Mapping[str, Any], prefix: str = "") -> list[list[Any]]:
    """Figures that are no table, nested or not, as rows of a name and a value."""
    rows: list[list[Any]] = []
    for key, value in figures.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        rows += flat(value, f"{name}: ") if isinstance(value, Mapping) else [
            [name, ", ".join(map(str, value)) if isinstance(value, list) else value]]
    return rows


def read(path: Path) -> Mapping[str, Any]:
    """A file of results; figures without a table become one."""
    content = read_json(path)
    if "title" in content:
        return content
    return {"title": path.stem.capitalize(), "command": f"python -m benchmarks.{path.stem} --json {path.name}",
            "columns": ["figure", "value"], "rows": flat(content)}


def put(text: str, name: str, results: str) -> str:
    """`text` with everything between the lines of this name replaced; as it is, if it has no such lines."""
    begin, end = (re.escape(f"<!-- {words} {name} -->") for words in ("benchmark", "end of benchmark"))
    return re.sub(f"({begin}\n).*?({end})", lambda found: f"{found[1]}\n{results}\n{found[2]}", text, flags=re.DOTALL)


def main() -> None:
    """Print the files that are named, or all, or put them into a document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="default: all of benchmarks/results")
    parser.add_argument("--into", type=Path, metavar="DOCUMENT")
    options = parser.parse_args()
    results = {path.stem: markdown(read(path)) for path in options.files or sorted(RESULTS.glob("*.json"))}
    if options.into is None:
        print("\n".join(results.values()))
        return
    text = options.into.read_text(encoding="utf-8")
    for name, tables in results.items():
        text = put(text, name, tables)
    write_text(options.into, text)


if __name__ == "__main__":
    main()
