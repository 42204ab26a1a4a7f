"""Divergences D(q, p) between an aggregate q and an expert p. One family is one file that registers itself."""

import sys

# In the order in which one explains them; files that are added come after.
from bvae.gaussians.divergences import (  # isort: skip
    kullback_leibler, wasserstein, alpha, total_variation, jensen_shannon, fisher_rao,  # noqa: F401
)
from bvae.gaussians.divergences.base import (
    CLOSED_FORMS,
    DIVERGENCES,
    Distribution,
    Divergence,
    Estimate,
    Grid,
    Unavailable,
    divergence,
    divergences,
    find_closed_form,
    kind,
    promote,
    quadrature_grid,
    register_closed_form,
)
from bvae.registry import import_submodules

import_submodules(sys.modules[__name__])

__all__ = ["CLOSED_FORMS", "DIVERGENCES", "Distribution", "Divergence", "Estimate", "Grid", "Unavailable", "divergence",
           "divergences", "find_closed_form", "kind", "promote", "quadrature_grid", "register_closed_form"]
