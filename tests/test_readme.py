"""The Python in the README runs."""

import re
from pathlib import Path

import pytest

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=[f"block-{k}" for k in range(len(BLOCKS))])
def test_python_of_the_readme_runs(code):
    assert code.strip()
    exec(code, {})  # noqa: S102 - our own text
