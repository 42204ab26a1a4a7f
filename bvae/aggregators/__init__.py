"""Aggregation rules: unimodal posteriors in, joint posterior out. One rule is one file that registers itself."""

from __future__ import annotations

import dataclasses
import sys

from bvae.aggregators.base import AGGREGATORS, Aggregator, GaussianAggregator
from bvae.registry import import_submodules

__all__ = ["AGGREGATORS", "Aggregator", "GaussianAggregator", "aggregator", "aggregators"]


def aggregators() -> list[str]:
    """Names of the rules that :func:`aggregator` accepts."""
    return AGGREGATORS.names()


def aggregator(name: str, **options) -> Aggregator:
    """An aggregation rule by name, with its options as keywords.

    Raises
    ------
    UnknownName
        If there is no such rule.
    TypeError
        If the rule has no such option; names those that it has.
    ValueError
        If an option's value is not allowed.

    Examples
    --------
    >>> q = aggregator("poe", prior_expert="always")(torch.zeros(2, 1, 3), torch.ones(2, 1, 3))
    >>> float(q.variance[0, 0])  # two experts and the prior
    0.333...
    """
    rule = AGGREGATORS[name]
    known = [field.name for field in dataclasses.fields(rule)]
    for option in options:
        if option not in known:
            have = f"its options are {', '.join(known)}" if known else "it has none"
            raise TypeError(f"aggregator {name!r} has no option {option!r}; {have}")
    return rule(**options)


import_submodules(sys.modules[__name__])
