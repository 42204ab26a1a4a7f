"""How z is drawn where nothing is observed. One way is one file that registers itself.

A VAE's prior is what its joint posteriors are held to, not where they are: most draws of it fall between the items,
where no decoder has learned anything (the hole problem). A sampler is a density that is fitted, after the training, to
where the items are.
"""

from __future__ import annotations

import sys

from bvae.registry import import_submodules
from bvae.samplers.base import SAMPLERS, Draws, Sampler
from bvae.samplers.fitting import best, fit, posterior_draws

__all__ = ["SAMPLERS", "Draws", "Sampler", "best", "fit", "posterior_draws", "samplers"]


def samplers() -> list[str]:
    """Names of the samplers that :func:`fit` accepts."""
    return SAMPLERS.names()


import_submodules(sys.modules[__name__], SAMPLERS)
