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
    differs : str
        Where this is not what its source does, and why; a sentence or two.
    """

    title: str
    aggregator: str
    objective: str
    citation: str
    aggregator_options: Mapping[str, Any] = field(default_factory=dict)
    objective_options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    differs: str = ""


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


PLUS: Mapping[str, Any] = {"private_dim": 32, "beta": 1.0, "likelihood_scale": 0.1, "batch_size": 64}
"""Settings of methods with private latents, of which a step costs more than of others with as many items."""

for _name, _method in {
    "mvae": Method(
        "MVAE", "poe", "mvae", "Wu & Goodman, NeurIPS 2018", {"prior_expert": "always"},
        differs="Without the random subsets that the original adds for many modalities, and without its annealing of "
                "beta: bounds of all views together and of every view alone serve two to five views."),
    "mmvae": Method(
        "MMVAE", "moe", "elbo", "Shi et al., NeurIPS 2019", objective_options={"kl": "sampled"},
        differs="Gaussian posteriors and prior, where the original has Laplace ones, so that every method here has the "
                "same; one sample instead of its importance-weighted bound."),
    "mopoe-vae": Method("MoPoE-VAE", "mopoe", "elbo", "Sutter et al., ICLR 2021", {"prior_expert": "full"}),
    # On which bound the paper trains its Wasserstein barycenter could not be read. Three readings.
    "wb-vae": Method(
        "WB-VAE (full set)", "wasserstein", "elbo", "Qiu et al., AAAI 2025",
        differs="On which bound the paper trains could not be read. Here: one, of all views together, so that no "
                "subset is met in training."),
    "wb-vae-unimodal": Method(
        "WB-VAE (full set and single views)", "wasserstein", "mvae",
        "Qiu et al., AAAI 2025; bounds: Wu & Goodman, NeurIPS 2018",
        differs="On which bound the paper trains could not be read. Here: that of all views together and that of every "
                "view alone, as for MVAE."),
    "wb-vae-tc": Method(
        "WB-VAE (total correlation)", "wasserstein", "mvtcae",
        "Qiu et al., AAAI 2025; bound: Hwang et al., NeurIPS 2021",
        differs="On which bound the paper trains could not be read. Here: MVTCAE's, which asks every view for what the "
                "joint posterior holds."),
    "mwb-vae": Method("MWB-VAE", "mwb", "elbo", "Qiu et al., AAAI 2025"),
    "mvtcae": Method("MVTCAE", "poe", "mvtcae", "Hwang et al., NeurIPS 2021"),
    "helvae": Method(
        "HELVAE", "helvae", "elbo", "Vo & Valera, AISTATS 2026, arXiv 2601.06572",
        differs="None in the rule: as in the published code, whole vectors are pooled, whose cross terms have hardly "
                "any mass in 32 dimensions, so that it is nearly moment matching. `per_dimension` pools marginals."),
    "hoelder-vae": Method(
        "Hölder-VAE", "hoelder", "elbo", "arXiv 2606.13381", {"alpha": 0.5},
        differs="Without the private latents (hoelder-vae-plus has them) and the hierarchy of the original. In 32 "
                "dimensions the pool of whole vectors is nearly the mixture of experts, and the results are MMVAE's."),
    "code-vae": Method(
        "CoDE-VAE", "mixture(code)", "code", "Mancisidor et al., ICML 2025", {"rho": 0.4},
        settings={"weights": "subset"},
        differs="One subset is drawn for each item, where the original computes every subset's bound for every item: "
                "the same expectation."),
    # It decodes M times as often as the others: half their steps, so that it does not take several times as long.
    "mmvae-dreg": Method(
        "MMVAE (DReG, K = 1)", "moe", "iwae", "Shi et al., NeurIPS 2019",
        objective_options={"num_samples": 1, "estimator": "dreg"}, settings={"steps": 1000},
        differs="One sample (K = 1), where the original has many: the gradient is the doubly reparameterised "
                "one, the bound is not importance-weighted. `num_samples` takes more."),
    "mmvae-plus": Method(
        "MMVAE+", "moe", "mmvae-plus", "Palumbo et al., ICLR 2023",
        settings={**PLUS, "auxiliary_prior": True, "auxiliary": "fixed"},
        differs="Gaussian posteriors, where the original has Laplace ones, and one sample; the scale of its auxiliary "
                "prior is fixed near 0, where the original learns it under a softmax: with the learned ones decoders "
                "make less use of private parts here."),
    "mmvae-plus-dreg": Method(
        "MMVAE+ (DReG, K = 2)", "moe", "mmvae-plus-iwae", "Palumbo et al., ICLR 2023",
        objective_options={"num_samples": 2, "estimator": "dreg"},
        settings={**PLUS, "auxiliary_prior": True, "auxiliary": "fixed", "steps": 1000},
        differs="The bound of the original, importance-weighted and with the doubly reparameterised gradient, of two "
                "samples; `num_samples` takes more. Else as MMVAE+ here."),
    # Nobody has published these two.
    "mwb-vae-plus": Method(
        "MWB-VAE+", "mwb", "shared-private", "this package; rule: Qiu et al., AAAI 2025",
        settings=PLUS),
    "wb-vae-plus": Method(
        "WB-VAE+", "wasserstein", "shared-private", "this package; rule: Qiu et al., AAAI 2025",
        settings=PLUS),
    "hoelder-vae-plus": Method(
        "Hölder+", "hoelder", "shared-private", "arXiv 2606.13381; private latents: this package", {"alpha": 0.5},
        settings=PLUS,
        differs="Hölder++ without its top-down hierarchy: the exact pool beside private latents, trained as MWB-VAE+ "
                "is."),
    "hoelder-vae-plus-plus": Method(
        "Hölder++", "hoelder", "shared-private", "arXiv 2606.13381; hierarchy and training: this package",
        {"alpha": 0.5}, settings={**PLUS, "conditional_prior": True},
        differs="Of the source only the beginning could be read, which names the exact pool, private latents and "
                "top-down hierarchical inference. The hierarchy here is our reading: private latents have a learned "
                "prior given the shared ones, and what a view says of its own is multiplied by it."),
    "mwb-vae-hierarchical": Method(
        "MWB-VAE (hierarchical prior)", "mwb", "hierarchical-prior",
        "this package, after the abstract of Qiu et al., medRxiv 2026.04.05.26350202",
        settings={"modality_priors": True},
        differs="An experiment: of the source only the abstract could be read, which speaks of generalised Wasserstein "
                "barycenters with hierarchical modality-specific priors. How they are made here is our reading."),
    "mmjsd": Method(
        "mmJSD", "moe", "mmjsd", "Sutter et al., NeurIPS 2020",
        differs="Without private latents, of which the original has some on two of its data sets; private_dim gives "
                "them here."),
    "mmvm-vae": Method(
        "MMVM-VAE", "moe", "mmvm", "Sutter et al., NeurIPS 2024",
        differs="The mixture prior has no share of N(0, I) from the first step on, where the original begins with that "
                "prior alone and lets its share fall to 0. For what asks for one posterior of several views, which the "
                "original does not have, the mixture of theirs is taken."),
    "joint-flow-vae": Method(
        "JointFlow-VAE", "conditional-flow", "joint-then-flow",
        "this package; its two stages: Senellart et al., arXiv 2502.03952",
        differs="JNF has a flow for each view and samples their product by Hamiltonian Monte Carlo; here one flow is "
                "given any set of views, so that nothing is sampled by chains. Both stages run at once, the second "
                "without gradient to the first; the networks of the joint encoder are those of the views."),
    "sum-pooling-vae": Method(
        "SumPooling-VAE", "sum-pooling", "masked", "Hirt et al., TMLR 2024",
        differs="The network reads means and standard deviations that the encoders give, where the original has "
                "features of any size; a fixed normal prior, one sample and the closed form of the divergences, where "
                "it learns its prior, takes several samples and estimates them."),
    "self-attention-vae": Method(
        "SelfAttention-VAE", "self-attention", "masked", "Hirt et al., TMLR 2024",
        differs="The network reads means and standard deviations that the encoders give, where the original has "
                "features of any size; a fixed normal prior, one sample and the closed form of the divergences, where "
                "it learns its prior, takes several samples and estimates them."),
}.items():
    METHODS.register(_name)(_method)
