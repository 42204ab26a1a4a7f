"""Short lessons, one file each, which registers itself. Their order is their number."""

from __future__ import annotations

import sys

from bvae.app.learn.lessons._base import (
    LESSONS,
    Derivation,
    Door,
    Lesson,
    NothingTrained,
    Option,
    Picture,
    Question,
    Step,
    read,
)
from bvae.registry import import_submodules

__all__ = ["LESSONS", "Derivation", "Door", "Lesson", "NothingTrained", "Option", "Picture", "Question", "Step",
           "lessons", "read"]


def lessons() -> dict[str, Lesson]:
    """Identifier -> lesson, in their order."""
    return dict(sorted(((name, LESSONS[name]) for name in LESSONS), key=lambda pair: pair[1].number))


import_submodules(sys.modules[__name__])
