"""A made-up study: three tables of patients, seen partly, whose hidden values are known. The documentation shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

PEOPLE = [f"p{k:03d}" for k in range(400)]


def study(folder: Path) -> dict[str, dict[str, float]]:
    """Write blood.csv, questions.csv, scan.csv and labels.csv into a folder; returns the whole of scan, by id.

    Two numbers stand behind everything. One in five patients has no questions, three in ten no scan, and one cell in
    twelve of blood is empty; every patient has blood. Rows are in another order in every file.
    """
    g = np.random.default_rng(0)
    n = len(PEOPLE)
    folder.mkdir(parents=True, exist_ok=True)
    z = g.normal(size=(n, 2))

    def noise(size: float) -> np.ndarray:
        return size * g.normal(size=n)

    blood = {"hb": 13 + 1.2 * z[:, 0] + noise(0.4), "crp": np.exp(1 + 0.8 * z[:, 1] + noise(0.3)),
             "ldl": 120 - 15 * z[:, 0] + 10 * z[:, 1] + noise(5)}
    moods = np.array(["bad", "fair", "good"])[np.clip(np.round(1 + z[:, 0] + noise(0.3)), 0, 2).astype(int)]
    questions = {"pain": np.clip(np.round(5 + 2 * z[:, 1] + noise(0.7)), 0, 10).astype(int), "mood": moods,
                 "smoker": np.where(z[:, 1] + noise(0.3) > 0.5, "yes", "no")}
    scan = {f"region_{k}": z @ g.normal(size=2) + noise(0.3) for k in range(10)}
    written = {name: [f"{v:.1f}" for v in values] for name, values in blood.items()}
    for cells in written.values():
        for k in np.flatnonzero(g.random(n) < 1 / 12):
            cells[k] = ""
    write(folder / "blood.csv", written, np.arange(n)[g.permutation(n)])
    write(folder / "questions.csv", questions, np.flatnonzero(g.random(n) < 0.8)[::-1])
    write(folder / "scan.csv", {k: [f"{v:.3f}" for v in values] for k, values in scan.items()},
          g.permutation(np.flatnonzero(g.random(n) < 0.7)))
    write(folder / "labels.csv", {"diagnosis": np.where(z[:, 0] + noise(0.3) > 0, "A", "B")}, np.arange(n))
    return {i: {name: float(values[k]) for name, values in scan.items()} for k, i in enumerate(PEOPLE)}


def write(path: Path, columns: dict, rows: np.ndarray) -> None:
    """Some rows of a table as CSV, with the patients' ids."""
    lines = [",".join(["patient", *columns])]
    lines += [",".join([PEOPLE[k], *(str(values[k]) for values in columns.values())]) for k in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
