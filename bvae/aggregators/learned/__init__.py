"""Rules that are networks: trained with a model, and good for that model alone. One rule is one file."""

from __future__ import annotations

import sys

from bvae.aggregators.learned.base import LEARNED, LearnedAggregator
from bvae.registry import import_submodules

__all__ = ["LEARNED", "LearnedAggregator"]

import_submodules(sys.modules[__name__], LEARNED)
