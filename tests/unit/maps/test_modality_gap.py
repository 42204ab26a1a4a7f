"""The modality gap on clouds whose gap is known, and the Wasserstein spread of experts against pairs of them."""

import numpy as np
import pytest
import torch

from bvae.aggregators.comparison import wasserstein_spread
from bvae.gaussians.diagonal import wasserstein2
from bvae.maps.modality_gap import modality_gap


def test_clouds_on_top_of_each_other_have_no_gap():
    rng = np.random.default_rng(0)
    found = modality_gap([rng.normal(size=(400, 4)) for _ in range(3)])
    assert found.distance < 0.15
    assert abs(found.accuracy - 1 / 3) < 4 * found.standard_error + 0.02
    assert found.accuracy_by_chance == pytest.approx(1 / 3)
    assert abs(found.same - found.same_by_chance) < 0.03


def test_a_known_gap_is_measured():
    rng = np.random.default_rng(1)
    clouds = [rng.normal(size=(2000, 4)) + shift for shift in ((0, 0, 0, 0), (6, 0, 0, 0))]
    found = modality_gap(clouds)
    assert found.distance == pytest.approx(6 / 2, rel=0.03)  # unit Gaussians of 4 dimensions: spread sqrt(4)
    assert found.accuracy > 0.99
    assert found.same > 0.99
    far = modality_gap([clouds[0] * 5, clouds[1] * 5])
    assert far.distance == pytest.approx(found.distance)  # the unit does not matter


def test_rings_and_centres_the_three_numbers_see_different_things():
    rng = np.random.default_rng(2)
    angle = rng.uniform(0, 2 * np.pi, (2, 500))
    circles = np.stack([np.cos(angle), np.sin(angle)], axis=2)  # (2, 500, 2)
    rings = modality_gap([circles[0], 3 * circles[1]])
    assert rings.distance < 0.15  # one centre,
    assert rings.accuracy < 0.6  # no straight line between them,
    assert rings.same > 0.99  # and yet apart
    assert rings.distances[0, 1] == rings.distance


def test_items_missing_in_a_modality_and_folds_by_item():
    rng = np.random.default_rng(3)
    # Every item has a place of its own and both modalities lie there: only a classifier that has seen the item's other
    # view could do better than chance.
    places = rng.normal(size=(60, 40)) * 10
    items = [np.arange(60), np.arange(20, 60)]
    found = modality_gap([places[i] + 0.01 * rng.normal(size=(len(i), 40)) for i in items], items)
    assert found.accuracy < found.accuracy_by_chance + 0.15
    assert found.accuracy_by_chance == pytest.approx(0.6)


def test_a_single_modality_and_bad_clouds():
    found = modality_gap([np.eye(7)])
    assert found.distance == 0
    assert np.isnan(found.accuracy)
    for bad in ([], [np.zeros((0, 2)), np.ones((3, 2))], [np.ones((3, 2)), np.ones((3, 4))], [np.ones(3)]):
        with pytest.raises(ValueError, match="clouds: expected"):
            modality_gap(bad)


def test_wasserstein_spread_is_half_the_mean_squared_distance_of_pairs(experts):
    """Of M points in a Hilbert space: variance = sum over ordered pairs of d^2 / (2 M^2)."""
    loc, scale = experts
    present = torch.ones(loc.shape[:2], dtype=torch.bool)
    m = len(loc)
    pairs = sum(wasserstein2(loc[i], scale[i], loc[j], scale[j]) ** 2 for i in range(m) for j in range(m))
    torch.testing.assert_close(wasserstein_spread(loc, scale, present), (pairs / (2 * m**2)).sqrt())
    present[1:, 0] = False
    present[0, 1] = False
    got = wasserstein_spread(loc, scale, present)
    assert got[0] == 0
    torch.testing.assert_close(got[1], wasserstein_spread(loc[1:], scale[1:], present[1:])[1])
