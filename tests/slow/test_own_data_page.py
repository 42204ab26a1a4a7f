"""docs/own-data.md: its commands and programs run from above to below, and print what stands there, up to numbers."""

from __future__ import annotations

import re

import pytest

from benchmarks.own_data_page import BLOCK, filled
from tests.support import ROOT

PAGE = ROOT / "docs" / "own-data.md"
WORDS = ("Dream", "Biscoe", "Torgersen", "male", "female")


def without_numbers(text):
    """Lines without what differs between machines: digits, blanks, and words that a model chose."""
    text = re.sub("|".join(WORDS), "", text)
    return [re.sub(r"[\d.,±+\-\s\[\]e]+", " ", line).strip() for line in text.splitlines()]


def test_the_page_shows_what_its_commands_print(tmp_path):
    pytest.importorskip("palmerpenguins", reason="the birds come with palmerpenguins: pip install 'bvae[data]'")
    text = PAGE.read_text(encoding="utf-8")
    assert sum(kind == "text" for kind, _ in BLOCK.findall(text)) >= 8
    assert without_numbers(filled(text, tmp_path)) == without_numbers(text)
    found = dict(re.findall(r"^imputation (r2, \w+|coverage 90, \w+) +(-?[\d.]+)", text, re.MULTILINE))
    assert len(found) == 4
    assert all(float(value) > (0 if name.startswith("r2") else 0.8) for name, value in found.items())  # as it claims
