"""Aggregation rules: unimodal posteriors in, joint posterior out. One rule is one file that registers itself."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from bvae.aggregators.base import AGGREGATORS, Aggregator, GaussianAggregator, PooledAggregator, validating
from bvae.aggregators.learned import LEARNED, LearnedAggregator
from bvae.aggregators.subsets import Mixture
from bvae.registry import Registry, import_submodules

__all__ = [
    "AGGREGATORS", "LEARNED", "Aggregator", "GaussianAggregator", "LearnedAggregator", "Mixture", "PooledAggregator",
    "aggregator", "aggregators", "learned_aggregators", "name_of", "options_of",
]


def aggregators() -> list[str]:
    """Names of the rules that :func:`aggregator` accepts and that may be asked of any experts."""
    return AGGREGATORS.names()


def learned_aggregators() -> list[str]:
    """Names of the rules that are networks, which :func:`aggregator` accepts too, for a model to be trained with."""
    return LEARNED.names()


def aggregator(name: str, *, validate_args: bool | None = None, **options: Any) -> Aggregator:
    """An aggregation rule by name, with its options as keywords.

    With `validate_args` one says whether this rule checks the numbers in its arguments; by default it is as
    :func:`bvae.set_validate_args` says.

    Beside the registered names, ``mixture(NAME)`` is the mixture over all subsets of modalities of the rule NAME, with
    the options of both: ``mixture(poe)`` is ``mopoe``, ``mixture(wasserstein)`` is ``mwb``. And the names of
    :func:`learned_aggregators` give rules that a model has to be trained with before they can be called.

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
    if name.startswith("mixture(") and name.endswith(")"):
        over = {key: options.pop(key) for key in ("num_subsets",) if key in options}
        inside = aggregator(name[len("mixture(") : -1], **options)
        if isinstance(inside, LearnedAggregator):
            raise ValueError(f"{name}: expected a rule without a network inside the mixture")
        return validating(Mixture(inside, **over), validate_args)
    return validating((LEARNED if name in LEARNED else AGGREGATORS).build(name, **options), validate_args)


def name_of(rule: Aggregator) -> str:
    """The name that gives this rule back, see :func:`aggregator`."""
    if isinstance(rule, Mixture):
        return f"mixture({name_of(rule.rule)})"
    registry: Registry[Any] = LEARNED if isinstance(rule, LearnedAggregator) else AGGREGATORS
    return next(name for name in registry if registry[name] is type(rule))


def options_of(rule: Aggregator) -> dict[str, Any]:
    """The options that give this rule back, those with their default left out."""
    inside = options_of(rule.rule) if isinstance(rule, Mixture) else {}
    own = {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule)  # type: ignore[arg-type]  # every rule is a dataclass
           if f.name != "rule" and getattr(rule, f.name) != f.default}
    return {**inside, **own}


import_submodules(sys.modules[__name__], AGGREGATORS)  # a new rule's file may be broken
