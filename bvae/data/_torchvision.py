"""The one place that imports torchvision.

torchvision's compiled operators fail to load beside a PyTorch of another build (a CUDA torchvision next to a CPU
PyTorch), and then ``import torchvision`` itself raises, because it attaches Python kernels to operators that do not
exist. We use its data sets, transforms and ``make_grid`` only, none of which needs a compiled operator. So we declare
the missing operators (names and signatures, no implementation) and import again.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from types import ModuleType

import torch

_MISSING = re.compile(r"operator torchvision::(\w+) does not exist")
_declared: list[torch.library.Library] = []  # a Library undoes its declarations when it is collected


@functools.cache
def torchvision() -> ModuleType:
    """The torchvision module with ``datasets``, ``transforms`` and ``utils`` loaded.

    Raises
    ------
    ImportError
        If torchvision is not installed or cannot be imported for another reason.
    """
    for _ in range(16):
        try:
            for part in ("datasets", "transforms", "utils"):
                importlib.import_module(f"torchvision.{part}")
            return sys.modules["torchvision"]
        except RuntimeError as error:
            missing = _MISSING.search(str(error))
            if missing is None:
                raise ImportError(f"torchvision cannot be imported: {error}") from error
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(f"{missing[1]}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _declared.append(library)
            for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
                del sys.modules[name]
    raise ImportError("torchvision cannot be imported beside this PyTorch: too many operators are missing")
