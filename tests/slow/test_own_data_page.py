"""docs/own-data.md: its commands and programs run from above to below, and print what stands there, up to numbers."""

from __future__ import annotations

import re
import subprocess

import pytest

from benchmarks.own_data_page import BLOCK, filled, shown
from tests.support import ROOT, warm

PAGE = ROOT / "docs" / "own-data.md"
WORDS = ("Dream", "Biscoe", "Torgersen", "male", "female")


def without_numbers(text):
    """Lines without what differs between machines: digits, blanks, and words that a model chose."""
    text = re.sub("|".join(WORDS), "", text)
    return [re.sub(r"[\d.,±+\-\s\[\]e]+", " ", line).strip() for line in text.splitlines()]


COMMAND = re.compile(r"bvae ([^|>]*)(.*)")
"""A command of bvae, and what becomes of what it prints."""


@pytest.fixture
def run(tmp_path):
    """Runs a block as `printed` of the benchmark does, with trainings of a tenth of the steps."""
    def program(kind, code, folder):
        return warm.printed(kind, code, folder, tmp_path / "output.txt", share=0.1)

    def line(code, folder):
        """A line of a shell: of `bvae ARGUMENTS | REST`, the rest gets what the command has printed."""
        found = COMMAND.fullmatch(code)
        said = program("bvae", found[1], folder) if found else None
        shell = f"cat {found[2]}" if found else code
        return subprocess.run(["bash", "-ec", shell], cwd=folder, input=said, stdout=subprocess.PIPE, check=True,
                              encoding="utf-8").stdout

    def block(kind, code, folder):
        if kind == "python":
            return shown(program(kind, code, folder), folder)
        return shown("".join(line(one, folder) for one in code.splitlines()), folder)

    return block


def test_the_page_shows_what_its_commands_print(tmp_path, run):
    pytest.importorskip("palmerpenguins", reason="the birds come with palmerpenguins: pip install 'bvae[data]'")
    text = PAGE.read_text(encoding="utf-8")
    assert sum(kind == "text" for kind, _ in BLOCK.findall(text)) >= 8
    folder = tmp_path / "page"
    folder.mkdir()
    assert without_numbers(filled(text, folder, run)) == without_numbers(text)
    found = dict(re.findall(r"^imputation (r2, \w+|coverage 90, \w+) +(-?[\d.]+)", text, re.MULTILINE))
    assert len(found) == 4
    assert all(float(value) > (0 if name.startswith("r2") else 0.8) for name, value in found.items())  # as it claims
