"""The notebooks in examples/: whole, without outputs, linked, and they run from above to below as they stand."""

import nbformat
import pytest

from tests.support import ROOT, warm

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_of(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@every
def test_a_notebook_is_valid_without_outputs_and_linked(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    for page in ("README.md", "docs/examples.md"):
        assert path.name in (ROOT / page).read_text(encoding="utf-8")


@every
def test_a_notebook_runs(path, tmp_path):
    """Its cells as one script, in a folder of its own, with one thread as all tests."""
    code = "\n\n".join(code_of(path))
    assert "assert " in code
    folder = tmp_path / "empty"
    folder.mkdir()
    warm.printed("python", code, folder, tmp_path / "output.txt")


def test_the_method_in_one_file_needs_nothing_but_torch():
    code = "\n".join(code_of(ROOT / "examples" / "wb_vae_from_scratch.ipynb"))
    imports = [line.split()[1].split(".")[0] for line in code.splitlines() if line.startswith(("import ", "from "))]
    assert set(imports) == {"math", "torch"}
    assert len(code.splitlines()) <= 160
