"""Addresses of modules before they moved into folders: scripts that people have downloaded keep running for a while.

An import by the old address gives the module itself, and a DeprecationWarning that names the new one. Nothing of ours
uses it. To be deleted with version 0.3.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType

FOLDERS = {
    "gaussians": "gaussian halfplane posterior randomness divergences",
    "aggregators": "weights comparison",
    "aggregators.verify": "numerical verification",
    "models": "model networks likelihoods layers objectives interpolation",
    "io": "storage locking system compact texts",
    "data": "corruption uploads",
    "runs": "isolated sweep",
    "evaluation": "report",
    "maps": "map_files map_tables projections alignment latent_distance modality_gap",
}
OF_TRAINING = {"evaluation": "evaluation records differences", "runs": "jobs worker shipped"}
MOVED = {
    f"bvae.{before}{name}": f"bvae.{folder}.{name}"
    for before, folders in (("", FOLDERS), ("training.", OF_TRAINING))
    for folder, names in folders.items() for name in names.split()
} | {"bvae.points": "bvae.gaussians.points", "bvae.data.uploads.uploads": "bvae.data.uploads"} | {
    f"bvae.{before}upload_{name}": f"bvae.data.uploads.{name}"
    for before in ("", "data.uploads.") for name in ("archive", "conversion", "format")
}


class Loader(importlib.abc.Loader):
    """Gives a module that has its own name and place already."""

    def __init__(self, address: str) -> None:
        self.module = importlib.import_module(address)
        self.spec = self.module.__spec__

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """The module at its new address."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """It has run; what the import has just set is set back."""
        module.__spec__ = self.spec


class Finder(importlib.abc.MetaPathFinder):
    """Asked first."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A module of an old address; None for all others."""
        if not name.startswith("bvae."):  # every import of a process comes by here
            return None
        old = next((old for old in MOVED if name == old or name.startswith(f"{old}.")), None)
        if old is None:
            return None
        new = MOVED[old] + name.removeprefix(old)
        warnings.warn(f"{name} is now {new}", DeprecationWarning, stacklevel=2)
        return importlib.machinery.ModuleSpec(name, Loader(new))


def install() -> None:
    """Let old addresses be imported; once."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())  # first: a moved folder would be searched, and its modules made twice
