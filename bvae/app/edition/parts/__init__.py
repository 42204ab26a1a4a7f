"""Pages of a static edition, one file each, which registers itself under the name of the page of the app."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bvae.app.edition.models import Published
from bvae.app.edition.parts._base import PARTS, Edition, Part
from bvae.app.pages import PAGES
from bvae.registry import import_submodules

__all__ = ["PARTS", "Edition", "Part", "possible"]


def possible(models: Sequence[Published]) -> list[str]:
    """Names of the pages that an edition of these models has, in the app's order."""
    return [name for name in PAGES if name in PARTS and PARTS[name].possible(models)]


import_submodules(sys.modules[__name__])
