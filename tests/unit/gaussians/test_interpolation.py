"""Paths between posteriors, against closed forms."""

import pytest
import torch

import bvae
from bvae.gaussians.diagonal import wasserstein2
from bvae.gaussians.posterior import Posterior
from bvae.models import interpolation


def one(loc, scale):
    return Posterior.gaussian(torch.tensor([loc]), torch.tensor([scale]))


def test_the_geodesic_has_constant_speed_and_the_right_ends():
    a, b = one([0.0, 1.0], [1.0, 0.5]), one([3.0, -1.0], [0.2, 2.0])
    t = interpolation.steps(9)
    path = interpolation.geodesic(a, b, t)
    torch.testing.assert_close(path.loc[0, 0], a.loc[0, 0])
    torch.testing.assert_close(path.scale[0, -1], b.scale[0, 0])
    total = wasserstein2(a.loc[0], a.scale[0], b.loc[0], b.scale[0])
    gaps = wasserstein2(path.loc[0, 1:], path.scale[0, 1:], path.loc[0, :-1], path.scale[0, :-1])
    torch.testing.assert_close(gaps, total.expand(8) / 8)


def test_mixtures_are_replaced_by_their_moments():
    q = Posterior(torch.tensor([[0.5], [0.5]]), torch.tensor([[[0.0]], [[2.0]]]), torch.ones(2, 1, 1))
    g = interpolation.moments(q)
    assert (g.loc.item(), g.scale.item()) == pytest.approx((1.0, 2**0.5))
    with pytest.raises(ValueError, match="start"):
        interpolation.geodesic(q, g, interpolation.steps(3))


@pytest.mark.parametrize("rule", ["wasserstein", "poe", "moe", "mwb", "mopoe"])
@pytest.mark.parametrize("private", [0, 2])
def test_the_weight_path_ends_at_the_single_views(rule, private, generator):
    modalities = [bvae.Modality(name, "image", (1, 8, 8)) for name in "abc"]
    model = bvae.MultimodalVAE(modalities, bvae.aggregator(rule),
                               bvae.ModelConfig(latent_dim=4, width=4, private_dim=private)).eval()
    x = {name: torch.rand(1, 1, 8, 8, generator=generator) for name in "abc"}
    with torch.no_grad():
        experts = model.experts(x)
        path = interpolation.weight_path(model, experts, 0, 2, interpolation.steps(5))
    assert path.mean.shape == (5, model.latent_dim)
    torch.testing.assert_close(path.mean[0, :4], experts.loc[0, 0, :4])
    torch.testing.assert_close(path.mean[-1, :4], experts.loc[2, 0, :4])
    if rule == "mwb":
        torch.testing.assert_close(path.mean[2, :4], (experts.loc[0, 0, :4] + experts.loc[2, 0, :4]) / 2)
