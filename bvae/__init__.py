"""Multimodal variational autoencoders, seen as barycenters.

>>> import bvae
>>> q = bvae.aggregator("wasserstein")(loc, scale)  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

from bvae import moved
from bvae.aggregators import aggregator, aggregators
from bvae.data import Column, Modality, dataset, datasets
from bvae.data.own import from_arrays
from bvae.gaussians.posterior import Posterior
from bvae.models.config import ModelConfig
from bvae.models.methods import methods
from bvae.models.vae import MultimodalVAE
from bvae.training.checkpoint import checkpoints, load
from bvae.validation import set_validate_args
from bvae.version import __version__

if TYPE_CHECKING:
    from bvae.app.notebook import show
    from bvae.estimator import BarycentricVAE

__all__ = [
    "__version__",
    "BarycentricVAE", "Column", "ModelConfig", "Modality", "MultimodalVAE", "Posterior",
    "aggregator", "aggregators", "checkpoints", "dataset", "datasets", "from_arrays", "load", "methods",
    "set_validate_args", "show",
]

moved.install()


def __getattr__(name: str) -> Any:
    """The estimator is imported when it is asked for, it needs all of the training; so is what notebooks show."""
    if name == "BarycentricVAE":
        from bvae.estimator import BarycentricVAE

        return BarycentricVAE
    if name == "show":
        from bvae.app.notebook import show

        return show
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
