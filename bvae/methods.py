"""The models of the literature, each one line of data: aggregator + objective + settings + citation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bvae.registry import Registry


@dataclass(frozen=True)
class Method:
    """A named combination.

    Parameters
    ----------
    title : str
        As the literature writes it.
    aggregator, objective : str
        Registered names.
    citation : str
    aggregator_options, objective_options : mapping
    settings : mapping
        Defaults of training that differ for this method, see `bvae.training.Settings`.
    """

    title: str
    aggregator: str
    objective: str
    citation: str
    aggregator_options: Mapping[str, Any] = field(default_factory=dict)
    objective_options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


METHODS: Registry[Method] = Registry("method")


SUFFIXES = {"2d": "2-D"}  # what names of shipped checkpoints add to the method's, in words


def methods() -> list[str]:
    """Names of the methods."""
    return METHODS.names()


def title_of(checkpoint: str) -> str:
    """A checkpoint's name as one writes it: "MWB-VAE, 2-D" for mwb-vae-2d; a name that a person gave as it is."""
    if checkpoint in METHODS:
        return METHODS[checkpoint].title
    method, _, extra = checkpoint.rpartition("-")
    return f"{METHODS[method].title}, {SUFFIXES[extra]}" if method in METHODS and extra in SUFFIXES else checkpoint


for _name, _method in {
    "mvae": Method("MVAE", "poe", "mvae", "Wu & Goodman, NeurIPS 2018", {"prior_expert": "always"}),
    "mmvae": Method("MMVAE", "moe", "elbo", "Shi et al., NeurIPS 2019", objective_options={"kl": "sampled"}),
    "mopoe-vae": Method("MoPoE-VAE", "mopoe", "elbo", "Sutter et al., ICLR 2021", {"prior_expert": "full"}),
    # The paper says how it aggregates; on which bound it trains its Wasserstein barycenter could not be read. Three
    # readings: the bound of all views together, the same with every view's own (as MVAE), and MVTCAE's.
    "wb-vae": Method("WB-VAE", "wasserstein", "elbo", "Qiu et al., AAAI 2025; bound of all views together"),
    "wb-vae-unimodal": Method("WB-VAE (unimodal bounds)", "wasserstein", "mvae",
                              "Qiu et al., AAAI 2025; with the bounds of Wu & Goodman, NeurIPS 2018"),
    "wb-vae-tc": Method("WB-VAE (total correlation)", "wasserstein", "mvtcae",
                        "Qiu et al., AAAI 2025; with the bound of Hwang et al., NeurIPS 2021"),
    "mwb-vae": Method("MWB-VAE", "mwb", "elbo", "Qiu et al., AAAI 2025"),
    "mvtcae": Method("MVTCAE", "poe", "mvtcae", "Hwang et al., NeurIPS 2021"),
    "helvae": Method("HELVAE", "helvae", "elbo", "AISTATS 2026, arXiv 2601.06572"),
    "hoelder-vae": Method("Hölder-VAE", "hoelder", "elbo", "arXiv 2606.13381, without its private latents",
                          {"alpha": 0.5}),
    "code-vae": Method("CoDE-VAE", "mixture(code)", "code", "Mancisidor et al., ICML 2025", {"rho": 0.4},
                       settings={"weights": "subset"}),
    # It decodes M times as often as the others: half their steps, so that it does not take several times as long.
    "mmvae-dreg": Method("MMVAE (DReG)", "moe", "iwae", "Shi et al., NeurIPS 2019",
                         objective_options={"num_samples": 1, "estimator": "dreg"}, settings={"steps": 1000}),
    "mmvae-plus": Method("MMVAE+", "moe", "mmvae-plus", "Palumbo et al., ICLR 2023",
                         settings={"private_dim": 16, "auxiliary_prior": True}),
}.items():
    METHODS.register(_name)(_method)
