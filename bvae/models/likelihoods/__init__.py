"""Likelihoods p(x | z): one family is one file that registers itself."""

from __future__ import annotations

import sys

from bvae.models.likelihoods.base import (
    LIKELIHOODS,
    OF_KIND,
    OF_TYPE,
    SUPPORT,
    Likelihood,
    likelihood_for,
    name_for,
)
from bvae.models.likelihoods.fixed import bernoulli, categorical, laplace, normal
from bvae.registry import import_submodules

__all__ = [
    "LIKELIHOODS", "OF_KIND", "OF_TYPE", "SUPPORT", "Likelihood", "bernoulli", "categorical", "laplace",
    "likelihood_for", "name_for", "normal",
]

import_submodules(sys.modules[__name__])
