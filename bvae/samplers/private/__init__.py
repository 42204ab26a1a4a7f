"""How the private part of a view that was not observed is drawn. One way is one file that registers itself.

Under the prior private parts know nothing of the shared one, but those of items do: which strokes a digit has depends
on which digit it is. A private part that is drawn from the prior therefore often is one of another class, and what is
decoded is between both.
"""

from __future__ import annotations

import sys

from bvae.registry import import_submodules
from bvae.samplers.private.base import PRIVATE_SAMPLERS, PrivateDraws, PrivateSampler
from bvae.samplers.private.fitting import best_private, fit_private, private_draws

__all__ = ["PRIVATE_SAMPLERS", "PrivateDraws", "PrivateSampler", "best_private", "fit_private", "private_draws",
           "private_samplers"]


def private_samplers() -> list[str]:
    """Names of the samplers that :func:`fit_private` accepts."""
    return PRIVATE_SAMPLERS.names()


import_submodules(sys.modules[__name__], PRIVATE_SAMPLERS)
