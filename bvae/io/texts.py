"""Texts from strangers, as names: what is removed, what is refused, and the order in which a person expects them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

INVISIBLE = frozenset(
    "\u00ad\u061c\u180e\u200b\u200e\u200f\ufeff\U000e0001"
    + "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFFF9, 0xFFFC)])))
"""Characters that are not seen and mean nothing in a name: those that turn the direction of writing first of all.

The joiner and the non-joiner (U+200D, U+200C) are none of them: Persian, Hindi and emoji are other words without.
"""
NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
DIGITS = re.compile(r"([0-9]+)")


def visible(text: str) -> str:
    """A text without :data:`INVISIBLE`."""
    return "".join(c for c in text if c not in INVISIBLE)


def unprintable(text: str) -> str:
    """The first character that has no place in a line: a control character, the end of a line, half a pair; or ""."""
    return next((c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), "")


def natural(text: str) -> tuple[Any, ...]:
    """A key to sort by: numbers by their size, "2" before "10" and "day 2" before "day 10", then all others."""
    if NUMBER.fullmatch(text):
        return (0, float(text), (), text)
    return (1, 0.0, tuple((1, part, 0) if i % 2 == 0 else (0, "", int(part))
                          for i, part in enumerate(DIGITS.split(text))), text)


def in_order(texts: Iterable[str]) -> list[str]:
    """Each of the texts once, in the order of :func:`natural`."""
    return sorted(set(texts), key=natural)
