"""Which shipped figures are other ones than at an earlier commit: old -> new, as Markdown.

    python -m benchmarks.changed COMMIT

Of all `metrics.json` under `checkpoints/`, one row for each method and figure; figures with several keys have them in
their order. What only one side has is named below the table.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bvae.evaluation.records import keyed
from bvae.metrics import CATALOG
from bvae.models.methods import title_of
from bvae.runs.shipped import SHIPPED
from bvae.training.checkpoint import METRICS, checkpoints

ROOT = Path(__file__).parents[1]


def at(commit: str, path: str) -> dict[str, Any]:
    """A JSON file of the repository as it was; nothing if it was not there."""
    shown = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=ROOT, capture_output=True, encoding="utf-8",
                           check=False)
    return json.loads(shown.stdout) if shown.returncode == 0 else {}


def numbers(value: dict[str, Any]) -> str:
    """The means of a figure, in the order of its keys."""
    return " ".join(f"{f['mean']:.4g}" for f in keyed(value).values())


def main() -> None:
    (commit,) = sys.argv[1:]
    for dataset in SHIPPED:
        rows, new, gone = [], {}, {}
        for name in checkpoints(dataset):
            path = f"checkpoints/{dataset}/{name}/{METRICS}"
            before, now = at(commit, path), json.loads((ROOT / path).read_text(encoding="utf-8"))
            for figure in [key for key in {**before, **now} if key != "evaluation"]:
                title = CATALOG[figure].title if figure in CATALOG else figure
                if figure in before and figure in now:
                    if numbers(before[figure]) != numbers(now[figure]):
                        rows.append((title, title_of(name), numbers(before[figure]), numbers(now[figure])))
                else:
                    (new if figure in now else gone).setdefault(title, []).append(title_of(name))
        print(f"### {dataset}\n\n| figure | method | before | now |\n|---|---|---|---|")
        for row in sorted(rows):
            print("| " + " | ".join(row) + " |")
        for said, found in (("New", new), ("Gone", gone)):
            for title, names in found.items():
                print(f"\n{said}: {title} ({', '.join(names)}).")
        print()


if __name__ == "__main__":
    main()
