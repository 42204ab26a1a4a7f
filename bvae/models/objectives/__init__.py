"""Training objectives. A bound is one file that registers itself, written once against `Posterior`."""

from __future__ import annotations

import sys
from typing import Any

from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.registry import import_submodules

__all__ = ["OBJECTIVES", "LossOutput", "Objective", "objective", "objectives"]


def objectives() -> list[str]:
    """Names of the objectives that :func:`objective` accepts."""
    return OBJECTIVES.names()


def objective(name: str, **options: Any) -> Objective:
    """An objective by name. Raises UnknownName for an unknown name and TypeError for an unknown option."""
    return OBJECTIVES.build(name, **options)


import_submodules(sys.modules[__name__])
