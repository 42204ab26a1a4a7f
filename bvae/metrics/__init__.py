"""Metrics. One is one file that registers itself: ``(model, data, generator) -> dict``."""

from __future__ import annotations

import sys

from bvae.metrics._catalog import CATALOG, PUBLISHED, written
from bvae.metrics.base import METRICS, EvaluationData, by_number_of_views, evaluate, summary
from bvae.registry import import_submodules

__all__ = ["CATALOG", "METRICS", "PUBLISHED", "EvaluationData", "by_number_of_views", "evaluate", "summary", "written"]

import_submodules(sys.modules[__name__])
