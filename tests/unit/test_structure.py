"""Names of files and folders."""

import ast
import re
import sys
import tomllib

from tests.support import ROOT

OURS = {"bvae", "tests", "benchmarks", "app", "pages"}
CALLED = {"PIL": "pillow", "sklearn": "scikit-learn", "skimage": "scikit-image", "lightning_fabric": "lightning-fabric",
          "resvg_py": "resvg-py", "python_avatars": "python-avatars", "ot": "pot", "openTSNE": "opentsne",
          "math_core": "math-core", "axe_playwright_python": "axe-playwright-python", "_pytest": "pytest"}


def test_nothing_in_the_app_is_called_as_a_module_of_the_standard_library_is():
    """The installed app's script lies there, and Streamlit puts its folder in front of the path of imports."""
    names = {path.stem for path in (ROOT / "bvae" / "app").iterdir()}
    assert not names & set(sys.stdlib_module_names) - {"__init__"}


def test_every_import_is_of_a_declared_package():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = declared["optional-dependencies"].values()
    wanted = [*declared["dependencies"], *(one for extra in extras for one in extra)]
    known = {re.match(r"[\w.-]+", one)[0].lower() for one in wanted}
    for path in sorted(path for folder in ("bvae", "tests", "docs") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = ([a.name for a in node.names] if isinstance(node, ast.Import) else
                     [node.module] if isinstance(node, ast.ImportFrom) and not node.level else [])
            for name in (full.split(".")[0] for full in names):
                if name not in OURS and name not in sys.stdlib_module_names:
                    assert CALLED.get(name, name).lower() in known, f"{path.relative_to(ROOT)}: {name}"
