"""``model.json``: what a browser has to know of a model beside its networks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bvae.aggregators import Aggregator, name_of, naming, options_of
from bvae.data import Modality
from bvae.models.vae import MultimodalVAE
from bvae.plots import style
from bvae.samplers.base import Sampler
from bvae.version import __version__

FORMAT = 1
FILE, SAMPLER = "model.json", "sampler.bin"
IMAGE, TEXT, COLUMNS = (
    "numbers in [0, 1], as (channels, height, width)",
    "a share for every character of the alphabet at every place, as (places, alphabet)",
    "cells in the data's own units, as `columns` names them; NaN goes in where there is a gap",
)
"""What goes into an encoder and comes out of a decoder. Nothing has to be scaled: the networks do that inside."""


def rule_of(rule: Aggregator) -> dict[str, Any]:
    """A rule by its registered name, with its options, its short name and its look."""
    name = name_of(rule)
    look = style.look(name)
    options = {key: value for key, value in options_of(rule).items() if isinstance(value, (int, float, str, bool))}
    return {"name": name, "options": options, "title": naming.title(name), "short": naming.short(name),
            "color": {"light": look.light, "dark": look.dark}, "dash": look.dash}


def modality_of(modality: Modality, m: int, model: MultimodalVAE, alphabet: str) -> dict[str, Any]:
    """One modality, without its files.

    Parameters
    ----------
    modality : Modality
    m : int
        Its number.
    model : MultimodalVAE
    alphabet : str
        Of a text.
    """
    private = model.private_part(m)
    return {
        "name": modality.name, "kind": modality.kind, "title": modality.label or modality.name,
        "shape": list(modality.shape), "color": style.color(m), "marker": style.marker(m),
        "private": [private.start, private.stop],
        "values": COLUMNS if modality.columns else TEXT if modality.kind == "text" else IMAGE,
        **({"alphabet": list(alphabet)} if alphabet else {}),
        **({"columns": [dataclasses.asdict(column) for column in modality.columns]} if modality.columns else {}),
    }


def described(
    model: MultimodalVAE, alphabets: Mapping[str, str], networks: Sequence[Mapping[str, Any]], about: Mapping[str, Any],
) -> dict[str, Any]:
    """All of ``model.json`` but the sampler.

    Parameters
    ----------
    model : MultimodalVAE
    alphabets : mapping of str to str
        Text -> its characters in order.
    networks : sequence of mapping
        For each modality ``{"encoder": {"file", "bytes"}, "decoder": ...}``.
    about : mapping
        Where the model is from: data set, name, method, hash.

    Returns
    -------
    dict
        Plain values::

            {"format": 1, "bvae": "0.1.0", "dataset", "name", "method", "title", "sha256",
             "latent_dim": L, "shared_dim": D, "private_dim": P,      # L = D + M P
             "modalities": [{"name", "kind", "title", "shape", "color", "marker", "values",
                             "private": [start, stop],                 # of its own latents among the L; may be empty
                             "alphabet": [...], "columns": [...],      # of texts; of tables
                             "encoder": {"file", "bytes"}, "decoder": {"file", "bytes"}}, ...],
             "rule": {"name", "options", "title", "short", "color", "dash"},
             "conditional": {...},                                     # what is decoded: `Aggregator.conditional`
             "weights": null, or {"of": "modality" | "dimension" | "subset", "values": [...]},
             "prior": {"loc": 0, "scale": 1},
             "sampler": null, or {"name", "file", "tensors": {name: {"shape", "offset"}}},   # float32, little-endian
             "tolerance", "difference"}
    """
    weights = model.expert_weights()
    shape = {1: "modality", 3: "dimension"}
    config = model.config
    return {
        "format": FORMAT, "bvae": __version__, **about,
        "latent_dim": model.latent_dim, "shared_dim": model.shared_dim, "private_dim": config.private_dim,
        "modalities": [{**modality_of(modality, m, model, alphabets.get(name, "")), **networks[m]}
                       for m, (name, modality) in enumerate(model.modalities.items())],
        "rule": rule_of(model.aggregator), "conditional": rule_of(model.aggregator.conditional()),
        "weights": None if weights is None else {
            "of": "subset" if config.weights == "subset" else shape[weights.ndim],
            "values": weights.detach().squeeze(1).tolist() if weights.ndim == 3 else weights.detach().tolist()},
        "prior": {"loc": 0, "scale": 1},
    }


def sampler_of(sampler: Any) -> tuple[dict[str, Any] | None, bytes]:
    """A sampler as ``model.json`` names it, and what its file holds; None and nothing for the prior alone."""
    if not isinstance(sampler, Sampler):
        return None, b""
    tensors: dict[str, Any] = {}
    content = b""
    for name, value in sampler.state().items():
        packed = _little(value)
        tensors[name] = {"shape": list(value.shape), "offset": len(content)}
        content += packed
    return {"name": sampler.name, "file": SAMPLER, "bytes": len(content), "tensors": tensors}, content


def _little(value: Tensor) -> bytes:
    return value.detach().to(torch.float32).contiguous().numpy().astype("<f4").tobytes()
