"""Names to classes or functions. One extension is one file that registers itself."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import pkgutil
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """A dictionary of names that fills itself and explains itself.

    Parameters
    ----------
    kind : str
        What the registry holds, in words; used in error messages.

    Attributes
    ----------
    broken : dict
        File -> why it cannot be read, see :func:`import_submodules`.

    Examples
    --------
    >>> rules = Registry("rule")
    >>> @rules.register("mean")
    ... class Mean: ...
    >>> rules.names()
    ['mean']
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        self.broken: dict[str, str] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: enter a class or function under `name`. Raises ValueError if the name is taken."""

        def enter(entry: T) -> T:
            taken = self._entries.get(name)
            # A module that is executed again (a reload, a notebook cell) may replace its own entry.
            if taken is not None and getattr(taken, "__qualname__", taken) != getattr(entry, "__qualname__", entry):
                raise ValueError(f"{self.kind} {name!r} is registered already, as {taken!r}")
            self._entries[name] = entry
            return entry

        return enter

    def remove(self, name: str) -> None:
        """Take an entry out, such as one that a person made; nothing happens where there is none."""
        self._entries.pop(name, None)

    def __getitem__(self, name: str) -> T:
        """Raises KeyError that lists the names there are and the nearest one."""
        try:
            return self._entries[name]
        except (KeyError, TypeError):
            near = difflib.get_close_matches(str(name), self._entries, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            missing = "".join(f" {file}: {why}." for file, why in self.broken.items())
            raise UnknownName(
                f"unknown {self.kind} {name!r}; there are {', '.join(self._entries)}.{hint}{missing}") from None

    def build(self, name: str, **options: Any) -> Any:
        """An instance of a registered dataclass, its options as keywords.

        Raises UnknownName for the name, and TypeError for an option that the class does not have; names those it has.
        """
        entry: Any = self[name]
        known = [field.name for field in dataclasses.fields(entry)]
        for option in options:
            if option not in known:
                have = f"its options are {', '.join(known)}" if known else "it has none"
                raise TypeError(f"{self.kind} {name!r} has no option {option!r}; {have}")
        return entry(**options)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def names(self) -> list[str]:
        """All registered names, in the order of registration."""
        return list(self._entries)


class UnknownName(KeyError, ValueError):
    """A name that no registry entry has. Its text is readable, unlike KeyError's."""

    def __str__(self) -> str:
        return str(self.args[0])


class MissingPackage(ImportError, ValueError):
    """What was asked for needs a package that is not installed."""


def import_submodules(package: ModuleType, registry: Registry[Any] | None = None) -> None:
    """Import every module of a package, so that each registers what it defines.

    With a `registry`, a module that cannot be imported takes nothing else away: it is warned of and noted in
    `Registry.broken`, and the others are imported all the same.
    """
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        if module.name.startswith("_"):
            continue
        try:
            importlib.import_module(f"{package.__name__}.{module.name}")
        except Exception as error:
            if registry is None:
                raise
            registry.broken[f"{module.name}.py"] = why = f"cannot be read: {type(error).__name__}: {error}"
            warnings.warn(f"{package.__name__}: {module.name}.py {why}", RuntimeWarning, stacklevel=2)


def require_number(name: str, value: Any, allowed: Callable[[float], bool], wanted: str) -> None:
    """Raise ValueError that names the option unless `value` is a number (no bool) that is allowed.

    `wanted` says what is, for example "a number in (0, 1]".
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not allowed(value):
        raise ValueError(f"{name}: expected {wanted}, got {value!r}")
