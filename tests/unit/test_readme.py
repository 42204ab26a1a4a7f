"""The Python in the README runs."""

import re

import pytest

from tests.support import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=[f"block-{k}" for k in range(len(BLOCKS))])
def test_python_of_the_readme_runs(code):
    assert code.strip()
    exec(code, {})  # noqa: S102 - our own text
