"""Figures of who says what: what is drawn is what is given."""

import numpy as np
import pytest

from bvae.plots import style
from bvae.plots.contributions import BLUE, LEAST_TOP, explained_figure, shares_figure


@pytest.mark.parametrize("ink", [style.LIGHT, style.DARK])
def test_bars_have_the_views_colours_and_reach_over_the_middle_items(ink):
    figure = shares_figure(["a", "b"], np.array([0.7, 0.3]), np.array([0.6, 0.1]), np.array([0.9, 0.4]), ink)
    bars = figure.data[0]
    assert list(bars.x) == [0.7, 0.3]
    assert list(bars.marker.color) == [style.color(0), style.color(1)]
    np.testing.assert_allclose(bars.error_x.array, [0.2, 0.1])
    np.testing.assert_allclose(bars.error_x.arrayminus, [0.1, 0.2])
    assert figure.layout.shapes[0].x0 == 0.5  # equal shares


@pytest.mark.parametrize("ink", [style.LIGHT, style.DARK])
def test_what_explains_little_does_not_look_like_much(ink):
    little = explained_figure(["a", "b"], ["3", "1"], np.array([[0.01, np.nan], [0.0, -0.02]]), ink).data[0]
    much = explained_figure(["a", "b"], ["3", "1"], np.array([[0.6, 0.1], [0.0, 0.2]]), ink).data[0]
    assert (little.zmin, little.zmax, much.zmax) == (0, LEAST_TOP, 0.6)
    assert [list(c) for c in much.colorscale] == [[0, ink.paper], [1, BLUE]]
    assert list(much.y) == ["3", "1"]
