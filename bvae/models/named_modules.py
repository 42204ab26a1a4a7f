"""Modules by names that a person chose."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping

from torch import nn

OWN = frozenset(dir(nn.Module()))


class NamedModules(nn.Module):
    """A dictionary of modules, as `nn.ModuleDict`, whose keys may be any text.

    `nn.ModuleDict` refuses a full stop, the empty text, and the names of its own methods, such as "type" and "values".
    Here other characters than letters, digits, "-" and "_" are written as %XX in the names of parameters, and names of
    a module's own attributes end with %, so that any other plain name stands there as it is.

    Parameters
    ----------
    modules : mapping of str to Module, optional
    """

    def __init__(self, modules: Mapping[str, nn.Module] | None = None) -> None:
        super().__init__()
        for name, module in (modules or {}).items():
            self[name] = module

    def __getitem__(self, name: str) -> nn.Module:
        module = self._modules[escaped(name)]
        assert module is not None  # none is put in
        return module

    def __setitem__(self, name: str, module: nn.Module) -> None:
        self._modules[escaped(name)] = module

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and escaped(name) in self._modules

    def __iter__(self) -> Iterator[str]:
        return (unescaped(key) for key in self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def values(self) -> Iterator[nn.Module]:
        """The modules, in the order in which they were put in."""
        return (self[name] for name in self)

    def items(self) -> Iterator[tuple[str, nn.Module]]:
        """Names and modules."""
        return ((name, self[name]) for name in self)


@functools.lru_cache(maxsize=4096)  # asked for at every step of a training
def escaped(name: str) -> str:
    """A name as a part of the names of parameters, which full stops separate."""
    plain = re.sub(r"[^\w-]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)
    return f"{plain}%" if not plain or plain in OWN else plain


def unescaped(key: str) -> str:
    """The inverse of :func:`escaped`."""
    key = key.removesuffix("%")
    return re.sub(r"(?:%[0-9A-F]{2})+", lambda found: bytes.fromhex(found[0].replace("%", "")).decode(), key)
