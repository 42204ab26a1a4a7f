"""The README fits a few screens, and the Python in it and in docs/ runs."""

import re

import pytest

from tests.support import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = {f"{page.relative_to(ROOT).as_posix()}-{k}": code for page in PAGES
          for k, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))}


def test_the_readme_is_a_door_and_not_the_house():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
    assert any(name.startswith("README.md") for name in BLOCKS)


@pytest.mark.parametrize("name", BLOCKS)
def test_python_of_the_readme_and_of_docs_runs(name):
    assert BLOCKS[name].strip()
    exec(BLOCKS[name], {})  # noqa: S102 - our own text
