"""Which rules are compared on the experts of one model."""

from __future__ import annotations

import bvae
from bvae.aggregators import aggregator, name_of, naming
from bvae.app.widgets.choose import own_rule

OWN = None
"""Stands for the rule that the model was trained with, where it is none of the registered ones with their defaults."""


def rules_for(model: bvae.MultimodalVAE) -> list[str | None]:
    """All registered rules, and :data:`OWN`, which stands first, if the model's own is none of them."""
    names = naming.ordered(bvae.aggregators())
    own = name_of(model.aggregator)
    different = own not in names or aggregator(own) != model.aggregator or model.expert_weights() is not None
    return [*[OWN] * different, *names]


def called(rule: str | None, own: str) -> str:
    """A rule's name for a person; `own` is the name of the rule that the model was trained with."""
    return own_rule(own) if rule is OWN else naming.short(rule)
