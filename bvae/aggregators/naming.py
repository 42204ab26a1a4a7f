"""What rules are called, and the order in which one explains them. Every rule says it itself, see `Aggregator`."""

from __future__ import annotations

from collections.abc import Iterable

from bvae.aggregators.base import AGGREGATORS


def title(rule: str) -> str:
    """A rule's name for a person, by its registered name; that itself if the rule has no other, or is a mixture."""
    return (AGGREGATORS[rule].title if rule in AGGREGATORS else "") or rule


def short(rule: str) -> str:
    """A rule's short name, as links and tables hold it; the registered name if the rule has no other."""
    return (AGGREGATORS[rule].short if rule in AGGREGATORS else "") or rule


def ordered(rules: Iterable[str]) -> list[str]:
    """Rules by `Aggregator.order`, those of the same place by their registered names; mixtures last."""
    last = float("inf")
    return sorted(rules, key=lambda rule: (AGGREGATORS[rule].order if rule in AGGREGATORS else last, rule))
