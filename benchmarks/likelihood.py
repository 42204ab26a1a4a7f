"""How close our log-likelihoods are: bounds from both sides, on data of which a posterior sample is known.

    python -m benchmarks.likelihood [--dataset polymnist] [--methods mwb-vae mopoe-vae ...] [--items 50]

A model draws z from its prior and data from its likelihood. Then z is one exact sample of p(z | x), and with weights w
of z and of K - 1 proposals the log of their mean is in expectation an upper bound of log p(x), as that of K proposals
is a lower one (Grosse, Ancha, Roy, NeurIPS 2016; Brekelmans et al., ICLR 2022). The difference bounds the error of
both; the same is done with the aggregator's own posterior as the proposal, which most published figures have.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from bvae.gaussians.posterior import Posterior
from bvae.metrics.log_likelihood import NUM_SAMPLES, averaged, effective_share, log_weights
from bvae.metrics.posteriors import sample_data
from bvae.metrics.proposal import ModeProposal, at_the_mode, log_joint
from bvae.models.vae import MultimodalVAE
from bvae.training.checkpoint import load


def both_sides(
    model: MultimodalVAE, x: dict[str, Tensor], z: Tensor, proposal: Posterior | ModeProposal, num_samples: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """Lower and upper bound of log p(x) of each item, (B,) nats, and the proposal's effective share.

    Parameters
    ----------
    model : MultimodalVAE
    x : dict
        Drawn from p(x | z).
    z : Tensor
        (B, D), drawn from the prior.
    proposal : Posterior or ModeProposal
    num_samples : int
        K.
    generator : torch.Generator
    """
    log_w = log_weights(model, x, proposal, num_samples, generator)
    of_z = log_joint(model, x, z).double() - proposal.log_prob(z.unsqueeze(0))[0]
    return averaged(log_w), averaged(torch.cat([log_w[1:], of_z.unsqueeze(0)])), effective_share(log_w)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="polymnist")
    parser.add_argument("--methods", nargs="+", default=["mvae", "mmvae", "mopoe-vae", "wb-vae", "mwb-vae", "mvtcae"])
    parser.add_argument("--items", type=int, default=50)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'':12}{'proposal':10}{'below':>9}{'above':>9}{'apart':>9}{'worst':>9}{'effective':>11}")
    for name in arguments.methods:
        model = load(arguments.dataset, name)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            z = torch.randn(arguments.items, model.latent_dim, generator=generator)
            x = sample_data(model, z, generator, clip=False)
            q = model.encode(x, model.aggregator.conditional())
        proposals = {"mode": at_the_mode(model, x, q), "encoders": q}
        for kind, proposal in proposals.items():
            with torch.no_grad():
                below, above, share = both_sides(model, x, z, proposal, NUM_SAMPLES, generator)
            apart = above - below
            print(f"{name:12}{kind:10}{below.mean():9.1f}{above.mean():9.1f}{apart.mean():9.2f}{apart.max():9.2f}"
                  f"{share.median():11.3f}", flush=True)


if __name__ == "__main__":
    main()
