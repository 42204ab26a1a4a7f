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
    "gaussians": "halfplane posterior randomness divergences",
    "aggregators": "weights comparison",
    "aggregators.verify": "numerical verification",
    "models": "networks likelihoods objectives interpolation",
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
} | {
    "bvae.points": "bvae.gaussians.points", "bvae.data.uploads.uploads": "bvae.data.uploads",
    "bvae.model": "bvae.models.vae", "bvae.models.model": "bvae.models.vae",
    "bvae.layers": "bvae.models.acceleration", "bvae.models.layers": "bvae.models.acceleration",
} | {
    f"bvae.{before}upload_{name}": f"bvae.data.uploads.{name}"
    for before in ("", "data.uploads.") for name in ("archive", "conversion", "format")
}


SPLIT = dict.fromkeys(("bvae.gaussian", "bvae.gaussians.gaussian"),
                      ("bvae.gaussians.diagonal", "bvae.gaussians.full_covariance", "bvae.gaussians.iteration"))
"""Modules that are several now; those names in them that began with ``full_`` no longer do."""


class LoaderOfSeveral(importlib.abc.Loader):
    """Gives a module that finds each name in that of several modules which has it."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.modules = [importlib.import_module(address) for address in addresses]

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """An empty one."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill it."""
        _, full, _ = self.modules
        for source in self.modules:
            vars(module).update({name: value for name, value in vars(source).items() if not name.startswith("__")
                                 and not hasattr(module, name)})
        vars(module).update({f"full_{name}": getattr(full, name) for name in (
            "log_prob", "entropy", "kl", "squared_wasserstein2", "mixture_moments", "normal_of_powers")})


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
        if name in SPLIT:
            warnings.warn(f"{name} is now {', '.join(SPLIT[name])}", DeprecationWarning, stacklevel=2)
            return importlib.machinery.ModuleSpec(name, LoaderOfSeveral(SPLIT[name]))
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
