"""What rules are called, and the order in which one explains them. Every rule says it itself, see `Aggregator`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bvae.aggregators.base import AGGREGATORS, Aggregator
from bvae.aggregators.learned import LEARNED


def title(rule: str) -> str:
    """A rule's name for a person, by its registered name; that itself if the rule has no other."""
    return _said(rule, "title", "") or (f"Mixture over subsets: {title(of)}" if (of := _inside(rule)) else rule)


def short(rule: str) -> str:
    """A rule's short name, as links and tables hold it; the registered name if the rule has no other."""
    return _said(rule, "short", "") or (f"mixture of {short(of)}" if (of := _inside(rule)) else rule)


def ordered(rules: Iterable[str]) -> list[str]:
    """Rules by `Aggregator.order`, those of the same place by their registered names; mixtures last."""
    return sorted(rules, key=lambda rule: (_said(rule, "order", Aggregator.order), rule))


def _said(rule: str, what: str, otherwise: Any) -> Any:
    # What somebody has registered may be no rule at all: it is listed all the same, and says what is wrong when used.
    if rule not in AGGREGATORS and rule not in LEARNED:
        return float("inf") if what == "order" else otherwise
    return getattr(AGGREGATORS[rule] if rule in AGGREGATORS else LEARNED[rule], what, otherwise)


def _inside(rule: str) -> str:
    """The rule of which a mixture over subsets is made, see :func:`bvae.aggregator`; nothing for other rules."""
    return rule[len("mixture("):-1] if rule.startswith("mixture(") and rule.endswith(")") else ""
