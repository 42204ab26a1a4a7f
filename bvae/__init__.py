"""Multimodal variational autoencoders, seen as barycenters.

>>> import bvae
>>> q = bvae.aggregator("wasserstein")(loc, scale)  # doctest: +SKIP
"""

from bvae import moved
from bvae.aggregators import aggregator, aggregators
from bvae.data import Modality, dataset, datasets
from bvae.gaussians.posterior import Posterior
from bvae.models.config import ModelConfig
from bvae.models.methods import methods
from bvae.models.vae import MultimodalVAE
from bvae.training.checkpoint import checkpoints, load
from bvae.validation import set_validate_args
from bvae.version import __version__

__all__ = [
    "__version__",
    "ModelConfig", "Modality", "MultimodalVAE", "Posterior",
    "aggregator", "aggregators", "checkpoints", "dataset", "datasets", "load", "methods",
    "set_validate_args",
]

moved.install()
