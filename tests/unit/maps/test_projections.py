"""Maps of points of any size, type and shape: finite, the same every time, and without a warning."""

import sys
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bvae.gaussians.points import centred
from bvae.maps import projections
from bvae.maps.alignment import changed_neighbours, gaps, linked, neighbours, procrustes
from bvae.maps.projections import pca, tsne

DTYPES = ("f2", "f4", "f8", ">f8", "g", "i1", "i8", "u8", "?")
SHAPES = {"n": st.integers(0, 30), "d": st.integers(0, 12)}


@st.composite
def clouds(draw):
    """Points with constant columns, duplicates, an offset, and a spread from 1e-300 to 1e300."""
    n, d = draw(SHAPES["n"]), draw(SHAPES["d"])
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    points = rng.normal(size=(n, d)) * 10.0 ** draw(st.integers(-300, 300))
    points += draw(st.sampled_from([0.0, 0.0, 1.0, 5.0, -1e6, 1e300, 1e-300]))
    if draw(st.booleans()):
        points[:, rng.random(d) < 0.5] = draw(st.sampled_from([0.0, 0.1, 1e300, -3e-39]))
    if draw(st.booleans()) and n:
        points[rng.integers(0, n, n // 2)] = points[0]
    if draw(st.booleans()) and n:
        points[-1:] *= 1e-4
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        points = np.clip(points, -1e303, 1e303).astype(draw(st.sampled_from(DTYPES)))
    with np.errstate(all="ignore"):
        return points if np.isfinite(points.astype(float)).all() else np.zeros_like(points)


def check_shares(shares):
    assert shares.shape == (2,)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert shares.sum() <= 1
    assert shares[0] >= shares[1]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(clouds())
@example(np.full((40, 3), 1e-30, "f4"))
@example(1e-30 * np.random.default_rng(0).normal(size=(60, 4)).astype("f4"))
@example(5 + 1e-9 * np.random.default_rng(0).normal(size=(60, 4)))
@example(np.array([[1e308, -1e308], [-1e308, 1e308], [0, 0], [1e308, 1e308], [1, 1]]))
def test_principal_components_neighbours_and_alignment_of_any_points(points):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        coordinates, shares = pca(points)
        assert coordinates.shape == (len(points), 2)
        assert np.isfinite(coordinates).all()
        check_shares(shares)
        again = pca(points.copy())
        np.testing.assert_array_equal(again[0], coordinates)
        np.testing.assert_array_equal(again[1], shares)
        near = neighbours(points, 5)
        assert near.shape == (len(points), max(0, min(5, len(points) - 1)))
        assert not len(near) or not near.size or (near != np.arange(len(points))[:, None]).all()
        np.testing.assert_array_equal(neighbours(points.copy(), 5), near)
        if not points.size:
            return
        spread = centred(points).spread
        assert bool(shares.any()) == spread
        turned = procrustes(coordinates, coordinates[:, ::-1])
        assert np.isfinite(turned.points).all()
        assert np.isfinite(turned.scale)
        assert turned.residual == pytest.approx(0, abs=1e-6)
        other = procrustes(coordinates, np.random.default_rng(1).normal(size=coordinates.shape))
        assert np.isfinite(other.points).all()
        assert 0 <= other.residual <= 1
        assert changed_neighbours(near, near).sum() == 0
        apart = gaps([points, points])
        assert not apart[0, 1]
        found = linked([points, points], [coordinates, coordinates])
        assert found[1].aligned.residual == pytest.approx(0, abs=1e-6)


def small(monkeypatch):
    monkeypatch.setattr(projections, "STEPS", 260)  # what can go wrong does so at the start


@settings(max_examples=40, deadline=None,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large])
@given(points=clouds(), perplexity=st.sampled_from([0.5, 5, 30, 1000.0]))
@example(points=1e-30 * np.random.default_rng(0).normal(size=(60, 4)).astype("f4"), perplexity=30)
@example(points=5 + 1e-9 * np.random.default_rng(0).normal(size=(60, 4)), perplexity=30)
@example(points=np.repeat(np.eye(3), 10, axis=0), perplexity=5)
@example(points=np.vstack([np.zeros((29, 2)), [[1e-200, 1.0]]]), perplexity=5)
def test_tsne_of_any_points(monkeypatch, points, perplexity):
    small(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = tsne(points, perplexity, 0)
        assert found.shape == (len(points), 2)
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(tsne(points.copy(), perplexity, 0), found)


def test_the_components_are_scikit_learns():
    from sklearn.decomposition import PCA

    for n, d in ((50, 6), (50, 60), (500, 3), (7, 2)):
        points = np.random.default_rng(d).normal(size=(n, d)) * np.arange(1, d + 1)
        fit = PCA(n_components=2, random_state=0)
        np.testing.assert_allclose(pca(points)[0], fit.fit_transform(points), atol=1e-9)
        np.testing.assert_allclose(pca(points)[1], fit.explained_variance_ratio_, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e-9, 1e9, 1e150, 1e300])
def test_a_size_changes_no_map_but_its_units(scale):
    points = np.random.default_rng(0).normal(size=(80, 5))
    flat, shares = pca(points)
    large, same = pca(points * scale)
    np.testing.assert_allclose(large / scale, flat, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(same, shares, rtol=1e-9)
    np.testing.assert_array_equal(neighbours(points * scale, 6), neighbours(points, 6))
    aligned = procrustes(flat, flat[:, ::-1] * scale)
    assert aligned.residual == pytest.approx(0, abs=1e-12)
    assert aligned.scale == pytest.approx(scale)
    np.testing.assert_allclose(gaps([points * scale, points * scale * 2]), gaps([points, points * 2]), rtol=1e-9)


def test_a_spread_that_single_precision_cannot_hold_is_still_seen():
    """What lies together stays together, in a map of means 5 + 1e-9 noise as in one of the noise."""
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 30)
    points = 1e-9 * (20 * group[:, None] + rng.normal(size=(60, 4)))
    for moved in (points, points + 5, points * 1e-40):
        near = neighbours(tsne(moved, 10, 0), 10)
        assert (group[near] == group[:, None]).mean() > 0.95


def test_constant_columns_are_no_spread():
    points = np.full((30, 3), 0.1)  # the mean of thirty times 0.1 is not 0.1
    assert not centred(points).spread
    assert gaps([points, points])[0, 1] == 0
    assert gaps([points, points + 1])[0, 1] == np.inf
    assert procrustes(points, points).residual == 0
    coordinates, shares = pca(points)
    assert not coordinates.any()
    assert not shares.any()
    np.testing.assert_array_equal(tsne(points, 5, 0), coordinates)
    one = np.full((30, 3), 1e300)
    one[:, 1] = np.arange(30) * 1e-10  # beside which the others are astronomic
    assert pca(one)[1].tolist() == [1, 0]


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_maps_of_very_few_points(n):
    points = np.arange(3.0 * n).reshape(n, 3)
    np.testing.assert_array_equal(tsne(points, 30, 0), pca(points)[0])
    assert neighbours(points).shape == (n, max(0, n - 1))
    if n > 1:
        assert np.linalg.norm(np.diff(pca(points)[0], axis=0), axis=1) == pytest.approx(np.full(n - 1, np.sqrt(27)))


@pytest.mark.parametrize(("points", "says"), [
    (np.array([[0, 1], [np.nan, 2]]), "expected finite numbers, got nan at point 1, dimension 0"),
    (np.full((5, 2), np.inf, "f4"), r"got inf at point 0, dimension 0 \(10 such numbers\)"),
    (np.zeros(4), r"expected shape \(N, D\), got \(4,\)"),
    (np.zeros((4, 2), complex), "expected real numbers, got dtype complex128"),
    (np.array([["a"]]), "expected real numbers, got dtype <U1"),
    (np.array([[{}]], dtype=object), "expected real numbers, got dtype object"),
])
def test_what_is_no_set_of_points_is_refused(points, says):
    for compute in (pca, neighbours, lambda p: tsne(p, 5, 0), lambda p: gaps([p])):
        with pytest.raises(ValueError, match=says):
            compute(points)


@pytest.mark.parametrize("perplexity", [0, -1, np.nan, np.inf])
def test_a_perplexity_that_is_none(perplexity):
    with pytest.raises(ValueError, match="perplexity: expected a number above 0"):
        tsne(np.eye(5), perplexity, 0)


def test_tsne_says_how_far_it_is():
    steps = []
    points = np.random.default_rng(0).normal(size=(40, 3))
    found = tsne(points, 5, 0, watch=steps.append)
    assert steps == list(range(50, 1001, 50))
    np.testing.assert_array_equal(tsne(points, 5, 0), found)
    nothing = []
    tsne(np.zeros((9, 2)), 5, 0, watch=nothing.append)
    assert nothing == []


def test_tsne_keeps_neighbours_and_starts_from_the_components():
    """Two groups far apart stay apart, along the axis along which they lie apart in PCA."""
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 60)
    points = rng.normal(size=(120, 8)) + 30 * group[:, None]
    flat, (components, _) = tsne(points, 15, 0), pca(points)
    assert (group[neighbours(flat, 10)] == group[:, None]).all()
    assert abs(np.corrcoef(flat[:, 0], components[:, 0])[0, 1]) > 0.7
    assert np.abs(tsne(points, 15, 1) - flat).max() > 0  # the seed moves points a little


def test_where_opentsne_is_missing_a_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(ImportError, match="pip install openTSNE"):
        tsne(np.eye(9), 2, 0)
    assert tsne(np.eye(3), 2, 0).shape == (3, 2)  # so few points need none
