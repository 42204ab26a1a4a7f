"""Where the mathematics of the lessons comes from."""

from __future__ import annotations

REFERENCES: dict[str, tuple[str, str]] = {
    "qiu": ("Qiu et al., *Multimodal Variational Autoencoder: a Barycentric View*, AAAI 2025, vol. 39, "
            "pp. 20060–20068", "https://arxiv.org/abs/2412.20487"),
    "wu": ("Wu & Goodman, *Multimodal Generative Models for Scalable Weakly-Supervised Learning* (MVAE), NeurIPS 2018",
           "https://arxiv.org/abs/1802.05335"),
    "shi": ("Shi et al., *Variational Mixture-of-Experts Autoencoders for Multi-Modal Deep Generative Models* (MMVAE), "
            "NeurIPS 2019", "https://arxiv.org/abs/1911.03393"),
    "sutter": ("Sutter, Daunhawer & Vogt, *Generalized Multimodal ELBO* (MoPoE-VAE), ICLR 2021",
               "https://arxiv.org/abs/2105.02470"),
    "agueh": ("Agueh & Carlier, *Barycenters in the Wasserstein Space*, SIAM J. Math. Anal. 43(2), 2011",
              "https://doi.org/10.1137/100805741"),
    "hinton": ("Hinton, *Training Products of Experts by Minimizing Contrastive Divergence*, Neural Computation 14(8), "
               "2002", "https://doi.org/10.1162/089976602760128018"),
    "maaten": ("van der Maaten & Hinton, *Visualizing Data using t-SNE*, JMLR 9, 2008",
               "https://www.jmlr.org/papers/v9/vandermaaten08a.html"),
    "wattenberg": ("Wattenberg, Viégas & Johnson, *How to Use t-SNE Effectively*, Distill 2016",
                   "https://distill.pub/2016/misread-tsne/"),
    "kingma": ("Kingma & Welling, *Auto-Encoding Variational Bayes*, ICLR 2014", "https://arxiv.org/abs/1312.6114"),
    "bishop": ("Bishop, *Pattern Recognition and Machine Learning*, Springer 2006, sections 1.6 and 10.7", ""),
    "talts": ("Talts et al., *Validating Bayesian Inference Algorithms with Simulation-Based Calibration*, 2018",
              "https://arxiv.org/abs/1804.06788"),
    "hoffman": ("Hoffman & Johnson, *ELBO Surgery: Yet Another Way to Carve Up the Variational Evidence Lower Bound*, "
                "NIPS Workshop on Advances in Approximate Bayesian Inference 2016", ""),
    "ghosh": ("Ghosh et al., *From Variational to Deterministic Autoencoders*, ICLR 2020",
              "https://arxiv.org/abs/1903.12436"),
    "palumbo": ("Palumbo, Daunhawer & Vogt, *MMVAE+: Enhancing the Generative Quality of Multimodal VAEs without "
                "Compromises*, ICLR 2023", ""),
    "code": ("Mancisidor et al., *Aggregation of Dependent Expert Distributions in Multimodal Variational "
             "Autoencoders* (CoDE-VAE), ICML 2025", "https://arxiv.org/abs/2505.01134"),
}


def cited(key: str) -> str:
    """A reference as Markdown."""
    text, address = REFERENCES[key]
    return f"{text}. [{address.removeprefix('https://')}]({address})" if address else f"{text}."
