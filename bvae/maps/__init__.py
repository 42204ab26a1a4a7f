"""Maps of latent spaces.

``maps.coordinates`` and its like are those of the module `maps` in here, from when it was no folder. It is imported
when it is asked for: processes that compute projections use this folder without PyTorch.
"""

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name in SUBMODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.maps"), name)


SUBMODULES = ("alignment", "latent_distance", "map_files", "map_tables", "maps", "modality_gap", "projections")
