"""The README fits a few screens, and the Python in it and in docs/ runs."""

import re

import pytest

from tests.support import ROOT

WHOLE = ROOT / "docs" / "own-data.md"
"""Runs as a whole, its commands too: tests/slow/test_own_data_page.py."""
PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page != WHOLE)]
BLOCKS = {f"{page.relative_to(ROOT).as_posix()}-{k}": code for page in PAGES
          for k, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))}


def test_the_readme_is_a_door_and_not_the_house():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
    assert any(name.startswith("README.md") for name in BLOCKS)


@pytest.mark.parametrize("name", BLOCKS)
def test_python_of_the_readme_and_of_docs_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what a block writes stays there
    assert BLOCKS[name].strip()
    exec(BLOCKS[name], {})  # noqa: S102 - our own text
