"""Distances to the data where one knows what they must be."""

import pytest
import torch

import bvae
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.maps.latent_distance import AMONG_THE_DATA, AT_THE_EDGE, BEYOND_THE_DATA, LatentCloud, aggregated_posterior


@pytest.fixture
def line():
    """The numbers 0 to 99 on a line."""
    return torch.arange(100.0).unsqueeze(1)


def test_on_a_line_the_unit_is_half_the_neighbours(line):
    cloud = LatentCloud.of(line, k=4)
    assert cloud.unit.item() == 2  # two neighbours on either side
    assert cloud.beyond.item() == pytest.approx(2.0)  # at the ends, all four are on one side
    z = torch.tensor([[50.0], [50.5], [99.0], [101.0], [200.0]])
    close = cloud.closeness(z)
    assert close.ratio.tolist() == pytest.approx([1.0, 0.75, 1.5, 2.5, 52.0])  # 50 and 99 are their own nearest
    assert close.place[[0, 1, 3, 4]].tolist() == [AMONG_THE_DATA] * 2 + [BEYOND_THE_DATA] * 2
    assert close.neighbours[-1] == 0


def test_the_item_itself_does_not_count(line):
    cloud = LatentCloud.of(line, k=4)
    assert cloud.closeness(torch.tensor([50.0]), without=[50]).ratio.item() == 1
    assert cloud.closeness(torch.tensor([0.0]), without=[0]).ratio.item() == 2
    everyone_but_two = cloud.closeness(torch.tensor([0.0]), without=range(2, 100))
    assert everyone_but_two.ratio.item() == 0.5


def test_shares_of_fresh_points_are_those_of_the_definition(generator):
    points = torch.randn(4000, 3, generator=generator)
    cloud = LatentCloud.of(points[:3000])
    place = cloud.closeness(points[3000:]).place
    assert (place > AMONG_THE_DATA).double().mean().item() == pytest.approx(0.10, abs=0.03)
    assert (place == BEYOND_THE_DATA).double().mean().item() == pytest.approx(0.01, abs=0.012)
    assert (cloud.closeness(points[3000:]).neighbours >= 5).double().mean().item() == pytest.approx(0.95, abs=0.02)
    ray = cloud.closeness(torch.tensor([[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [9, 0, 0]])).ratio
    assert (ray.diff() > 0).all()


def test_units_of_the_latent_space_do_not_matter(generator):
    points, z = torch.randn(300, 2, generator=generator), torch.randn(50, 2, generator=generator)
    a, b = (LatentCloud.of(s * points).closeness(s * z) for s in (1.0, 40.0))
    torch.testing.assert_close(a.ratio, b.ratio, rtol=1e-3, atol=1e-3)
    assert torch.equal(a.place, b.place)


def test_the_nearest_of_several_clouds_decides(generator):
    near, wide = torch.randn(200, 2, generator=generator), 100 + 20 * torch.randn(200, 2, generator=generator)
    both = LatentCloud.of(torch.stack([near, wide]))
    z = torch.tensor([[0.0, 0.0], [100.0, 100.0]])
    assert both.closeness(z).place.tolist() == [AMONG_THE_DATA] * 2
    assert LatentCloud.of(near).closeness(z).place.tolist() == [AMONG_THE_DATA, BEYOND_THE_DATA]
    close = both.closeness(z.view(1, 2, 2))
    assert close.place.shape == (1, 2)
    assert close.beyond[0, 1] == both.beyond[1]


def test_a_collapsed_cloud_and_wrong_arguments():
    cloud = LatentCloud.of(torch.zeros(20, 2))
    assert cloud.closeness(torch.tensor([[0.0, 0.0], [1.0, 0.0]])).ratio.tolist() == [1, float("inf")]
    with pytest.raises(ValueError, match="points"):
        LatentCloud.of(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="z: expected"):
        cloud.closeness(torch.zeros(3))


@pytest.mark.parametrize(("rule", "clouds"), [("poe", 1), ("moe", 3), ("mwb", 7)])
def test_a_models_own_samples_are_among_its_data(rule, clouds, generator):
    modalities = [bvae.Modality(name, "image", (1, 8, 8)) for name in "abc"]
    config = bvae.ModelConfig(latent_dim=2, width=4, private_dim=3)
    model = bvae.MultimodalVAE(modalities, bvae.aggregator(rule), config)
    n = 400
    loc, scale = torch.randn(3, n, model.latent_dim, generator=generator), torch.full((3, n, model.latent_dim), 0.1)
    experts = UnimodalPosteriors(loc, scale, torch.ones(3, n, dtype=torch.bool))
    cloud = aggregated_posterior(model, experts, generator)
    assert cloud.points.shape == (clouds, n, 2)
    z = model.shared(model.aggregate(experts)).rsample((1,), generator=generator)[0]
    assert (cloud.closeness(z).place >= AT_THE_EDGE).double().mean() < 0.2
    assert (cloud.closeness(z + 50).place == BEYOND_THE_DATA).all()


def test_the_nearest_items_are_those_of_the_cloud_that_is_nearest_in_its_own_units():
    generator = torch.Generator().manual_seed(0)
    points = torch.stack([torch.randn(60, 3, generator=generator), 5 + 0.1 * torch.randn(60, 3, generator=generator)])
    cloud = LatentCloud.of(points)
    z = torch.stack([torch.zeros(3), torch.full((3,), 5.0)])
    near = cloud.nearest(z, 4)
    assert near.shape == (2, 4)
    for k in range(2):
        assert near[k].tolist() == (points[k] - z[k]).norm(dim=-1).argsort()[:4].tolist()
    assert cloud.nearest(z.view(2, 1, 3), 4).shape == (2, 1, 4)
    with pytest.raises(ValueError, match="z: expected shape"):
        cloud.nearest(torch.zeros(2), 1)
