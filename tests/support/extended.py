"""The files of docs/extend, run as they stand; as a plugin (``pytest -p tests.support.extended``) before tests are
collected, so that the contracts find what the files register."""

from tests.support import ROOT

FOLDER = ROOT / "docs" / "extend"
REGISTERING = ("aggregator.py", "dataset.py", "method.py")


def shown(file):
    """The code that the page shows."""
    return (FOLDER / file).read_text(encoding="utf-8")


def run(file):
    names: dict = {"__name__": file}
    exec(compile(shown(file), file, "exec"), names)  # noqa: S102 - our own text
    return names


def pytest_configure(config):
    """Called where this module is pytest's plugin."""
    for file in REGISTERING:
        run(file)
