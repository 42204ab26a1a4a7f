"""Encoders and decoders: one kind of modality is one file that registers itself."""

from __future__ import annotations

import sys

from bvae.models.networks.base import MIN_SCALE, NETWORKS, RAW_OFFSET, NetworkPair, to_gaussian
from bvae.models.networks.image import FoldPixels, ImageDecoder, ImageEncoder, Residual, fold_factor
from bvae.models.networks.table import TableDecoder, TableEncoder
from bvae.models.networks.text import TextDecoder, TextEncoder, TextGrid
from bvae.registry import import_submodules

__all__ = [
    "MIN_SCALE", "NETWORKS", "RAW_OFFSET", "FoldPixels", "ImageDecoder", "ImageEncoder", "NetworkPair", "Residual",
    "TableDecoder", "TableEncoder", "TextDecoder", "TextEncoder", "TextGrid", "fold_factor", "to_gaussian",
]

import_submodules(sys.modules[__name__])
