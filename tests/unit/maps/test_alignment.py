"""Procrustes alignment, changed neighbours and gaps, each against a second route."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial import procrustes as disparity

from bvae.maps.alignment import changed_neighbours, gaps, neighbours, procrustes


@pytest.fixture
def maps():
    rng = np.random.default_rng(20487)
    return rng.normal(size=(40, 2)), rng.normal(size=(40, 2)) + 3


def test_a_turned_mirrored_enlarged_and_shifted_map_comes_back(maps):
    reference, _ = maps
    turn = np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]]) @ np.diag([1, -1])
    aligned = procrustes(2.5 * reference @ turn + [7, -3], reference)
    np.testing.assert_allclose(aligned.points, reference, atol=1e-12)
    assert aligned.residual == pytest.approx(0, abs=1e-12)
    assert aligned.scale == pytest.approx(1 / 2.5)


def test_the_residual_is_scipys_disparity_and_what_the_points_say(maps):
    points, reference = maps
    aligned = procrustes(points, reference)
    assert aligned.residual == pytest.approx(disparity(reference, points)[2])
    assert procrustes(reference, points).residual == pytest.approx(aligned.residual)
    left = ((aligned.points - reference) ** 2).sum() / ((reference - reference.mean(0)) ** 2).sum()
    assert aligned.residual == pytest.approx(left)


def test_no_turn_and_scale_is_better(maps):
    points, reference = maps

    def cost(v, mirror):
        angle, scale, *shift = v
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([1, mirror])
        return ((scale * points @ turn + shift - reference) ** 2).sum()

    best = min(minimize(cost, [a, 1, 0, 0], args=(m,)).fun for m in (1, -1) for a in (0, 2, 4))
    assert ((procrustes(points, reference).points - reference) ** 2).sum() == pytest.approx(best, rel=1e-6)


def test_points_that_all_coincide():
    same, reference = np.ones((5, 2)), np.arange(10.0).reshape(5, 2)
    assert procrustes(same, reference).residual == 1
    np.testing.assert_array_equal(procrustes(same, reference).points, np.tile(reference.mean(0), (5, 1)))
    assert procrustes(same, same).residual == 0


@pytest.mark.parametrize("wrong", [np.zeros((3, 2)), np.zeros(4), np.zeros((4, 3))])
def test_other_shapes_are_refused(wrong):
    with pytest.raises(ValueError, match="expected the shape"):
        procrustes(wrong, np.zeros((4, 2)))


def test_neighbours_by_brute_force(maps):
    points, _ = maps
    far = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(far, np.inf)
    np.testing.assert_array_equal(np.sort(neighbours(points, 6)), np.sort(np.argsort(far)[:, :6]))
    assert neighbours(points[:3], 15).shape == (3, 2)
    assert neighbours(points[:1], 15).shape == (1, 0)
    duplicates = neighbours(np.zeros((5, 2)), 3)
    assert all(i not in row for i, row in enumerate(duplicates))


def test_neighbours_of_some_points_are_those_of_all(maps):
    points = maps[0]
    of = np.array([3, 0, len(points) - 1])
    np.testing.assert_array_equal(neighbours(points, 6, of), neighbours(points, 6)[of])
    at_one_place = neighbours(np.zeros((9, 2)), 3, of[:2])
    assert at_one_place.shape == (2, 3)
    assert neighbours(points[:1], 6, of[1:2]).shape == (1, 0)


def test_changed_neighbours_by_sets(maps):
    before, after = (neighbours(m, 6) for m in maps)
    shares = changed_neighbours(before, after)
    wanted = [len(set(a) - set(b)) / 6 for a, b in zip(before.tolist(), after.tolist(), strict=True)]
    np.testing.assert_allclose(shares, wanted)
    assert not changed_neighbours(before, before[:, ::-1]).any()
    np.testing.assert_array_equal(changed_neighbours(before[:, :0], before[:, :0]), np.zeros(40))


def test_unrelated_spaces_change_as_many_as_chance_says():
    rng = np.random.default_rng(0)
    shares = changed_neighbours(*(neighbours(rng.normal(size=(400, 6)), 15) for _ in range(2)))
    assert shares.mean() == pytest.approx(1 - 15 / 399, abs=0.01)


def test_gaps_in_units_of_the_clouds():
    rng = np.random.default_rng(1)
    cloud = rng.normal(size=(5000, 4))
    out = gaps([cloud, cloud + np.array([6, 0, 0, 0]), cloud[:0]])
    assert out[0, 1] == out[1, 0] == pytest.approx(3, rel=0.03)  # 6 over sqrt(4)
    assert out[0, 0] == 0
    assert np.isnan(out[2]).all()
