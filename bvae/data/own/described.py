"""What a folder holds, in words: ``bvae data FOLDER``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import torch

from bvae.data.base import Modality
from bvae.data.columns import Column, places
from bvae.data.own.own_data import UNLABELLED, OwnData
from bvae.data.own.words import is_gap, word

SHOWN = 12
"""Columns of a modality, patterns of presence and notes that are listed."""


def described(parts: Mapping[str, OwnData]) -> str:
    """All items by modality, pattern of presence, split and label, with what was left out."""
    train, test = parts["train"], parts["test"]
    total = len(train) + len(test)
    lines = [f"{train.name}: {total:,} items, {len(train):,} to train on, {len(test):,} to test"]
    for m, (name, modality) in enumerate(train.modalities.items()):
        have = int(train.present[m].sum() + test.present[m].sum())
        gaps = float(np.average([train.gaps(name), test.gaps(name)], weights=[len(train), len(test)]))
        lines.append(f"  {name}: {modality.kind}, {size(modality)}; {have:,} items have it ({have / total:.0%})"
                     + (f", {gaps:.1%} of their cells are gaps" if gaps else ""))
        if modality.columns:
            cells = sum(c.width for c in modality.columns[:SHOWN])
            x = torch.cat([part.first_cells(name, cells) for part in (train, test)])
            lines += [f"    {line}" for line in column_lines(modality.columns, x)]
    patterns: Counter[tuple[str, ...]] = Counter()
    for part in (train, test):
        patterns.update(dict(part.patterns()))
    lines.append("  which views items have:")
    for names, count in patterns.most_common(SHOWN):
        lines.append(f"    {count:>7,}  {'all' if len(names) == len(train.modalities) else ' + '.join(names)}")
    if len(patterns) > SHOWN:
        lines.append(f"    and {len(patterns) - SHOWN:,} further patterns")
    for key in train.label_columns:
        words = Counter(UNLABELLED if is_gap(v) else word(v)
                        for part in (train, test) for v in part.label_columns[key])
        shown = ", ".join(f"{w} ({c:,})" for w, c in words.most_common(SHOWN))
        lines.append(f"  label {key}: {shown}{', ...' if len(words) > SHOWN else ''}"
                     + (" (the classes)" if key == train.class_column else ""))
    lines += [f"  note: {note}" for note in train.notes[:SHOWN]]
    if len(train.notes) > SHOWN:
        lines.append(f"  and {len(train.notes) - SHOWN:,} further notes")
    return "\n".join(lines)


def size(modality: Modality) -> str:
    """How much of it there is in an item."""
    if modality.columns:
        kinds = Counter(c.type for c in modality.columns)
        words = {"number": ("number", "numbers"), "count": ("count", "counts"), "binary": ("binary", "binary"),
                 "category": ("category", "categories")}
        total = len(modality.columns)
        return f"{total:,} column{'s' * (total != 1)}" + (
            f" ({', '.join(f'{n:,} {words[t][n != 1]}' for t, n in kinds.items())})" if len(kinds) > 1 else "")
    if modality.kind == "text":
        return f"{modality.shape[0]} characters of {modality.shape[1]} different ones"
    return " x ".join(map(str, modality.shape))


def column_lines(columns: tuple[Column, ...], x: torch.Tensor) -> list[str]:
    """Ranges or shares of the first columns, one line each."""
    lines = []
    for column, place in zip(columns[:SHOWN], places(columns[:SHOWN]), strict=True):
        values = x[:, place]
        gaps = float(values.isnan().any(1).float().mean()) if len(values) else 1.0
        lines.append(f"{column.name} ({column.type}): {told(column, values)}" + (f"; {gaps:.0%} gaps" if gaps else ""))
    if len(columns) > SHOWN:
        lines.append(f"and {len(columns) - SHOWN:,} further columns")
    return lines


def told(column: Column, values: torch.Tensor) -> str:
    """The range of a column's cells (N, width), or how often each of its words stands there."""
    there = values[~values.isnan().any(1)].double()
    if not len(there):
        return "gaps only"
    if column.type == "category":
        shares = sorted(zip(there.mean(0).tolist(), column.categories, strict=True), reverse=True)
        return ", ".join(f"{word} {share:.0%}" for share, word in shares[:5]) + ", ..." * (len(shares) > 5)
    if column.type == "binary":
        no, yes = column.categories or ("0", "1")
        return f"{yes} {float(there.mean()):.0%}, {no} {1 - float(there.mean()):.0%}"
    return f"{float(there.min()):g} to {float(there.max()):g}, mean {float(there.mean()):.4g}"
