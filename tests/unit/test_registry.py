"""Registries that fill themselves from the files of a package."""

import importlib
import sys

import pytest

from bvae.registry import Registry, UnknownName, import_submodules


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of rules, one of whose files cannot be read."""
    folder = tmp_path / "rules_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("from bvae.registry import Registry\nRULES = Registry('rule')\n")
    for name in ("first", "second"):
        (folder / f"{name}.py").write_text(f"from rules_of_a_test import RULES\nRULES.register('{name}')(int)\n")
    (folder / "broken.py").write_text("def unfinished(:\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("rules_of_a_test")
    for name in [n for n in sys.modules if n.startswith("rules_of_a_test")]:
        del sys.modules[name]


def test_a_file_that_cannot_be_read_takes_nothing_else_away(package):
    with pytest.warns(RuntimeWarning, match=r"rules_of_a_test: broken.py cannot be read: SyntaxError"):
        import_submodules(package, package.RULES)
    assert package.RULES.names() == ["first", "second"]
    assert list(package.RULES.broken) == ["broken.py"]
    with pytest.raises(UnknownName, match=r"there are first, second. broken.py: cannot be read: SyntaxError"):
        package.RULES["third"]


def test_where_nothing_is_asked_for_it_is_raised(package):
    with pytest.raises(SyntaxError):
        import_submodules(package)
    assert Registry("rule").broken == {}
