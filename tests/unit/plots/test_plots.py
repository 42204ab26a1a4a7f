"""Figures that are put together unchecked hold nothing that Plotly would refuse."""

import numpy as np
import plotly.graph_objects as go
import pytest

from bvae.plots import latent, posterior, style
from tests.support.figures import curves, line, maps, plane


@pytest.mark.parametrize("inks", [style.LIGHT, style.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("make", [plane, line, curves, maps])
def test_a_sketched_figure_is_one_that_plotly_accepts(make, inks):
    for figure in make(np.random.default_rng(0), inks):
        checked = go.Figure(figure.to_dict())  # raises at a name or a value that Plotly does not know
        assert len(checked.data) == len(figure.data) > 0
        assert checked.to_json() == go.Figure(checked.to_dict()).to_json()
        for axis in (checked.layout.xaxis, checked.layout.yaxis):
            assert axis.gridcolor == inks.grid


def test_a_rule_without_a_style_gets_a_spare_one_that_is_nobody_elses():
    for dark, paper in ((False, style.LIGHT.paper), (True, style.DARK.paper)):
        taken = {*(style.rule_color(name, dark) for name in style.LOOKS), *style.COLORS}
        spare = {style.rule_color(f"newcomer {k}", dark) for k in range(200)}
        assert spare == {c[dark] for c in style.SPARE_COLORS}
        assert not spare & taken
        assert all(contrast(c, paper) > 4.5 for c in spare)
    pairs = {(style.rule_color(f"newcomer {k}"), style.dash(f"newcomer {k}")) for k in range(2000)}
    assert len(pairs) == len(style.SPARE_COLORS) * len(style.SPARE_DASHES)
    assert (style.rule_color("average-variance"), style.dash("average-variance")) == ("#381F4C", "longdash")


def contrast(one, other):
    """WCAG's ratio of two colours."""
    def luminance(color):
        c = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        return np.array([0.2126, 0.7152, 0.0722]) @ np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_density_of_a_mixture_in_a_plane_is_that_of_its_projection():
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(0)
    q = posterior.Aggregate("mwb", "MWB", np.array([0.7, 0.3, 0.0]), rng.normal(size=(3, 6)), rng.random((3, 6)) + 0.2)
    flat = posterior.principal_plane(rng.normal(size=(5, 6)))
    x, y = np.linspace(-2, 2, 9), np.linspace(-1, 3, 7)
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    expected = sum(w * multivariate_normal(flat.point(m), flat.covariance(s)).pdf(grid)
                   for w, m, s in zip(q.weights, q.loc, q.scale, strict=True))
    np.testing.assert_allclose(posterior.density(flat, q, x, y), expected, rtol=1e-4, atol=1e-6)


def test_nothing_of_a_plane_is_cut_off():
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(size=(3, 8)), rng.random((3, 8)) + 0.1
    wide = posterior.Aggregate("moment", "Moment", np.ones(1), loc[:1] + 3, np.full((1, 8), 2.0))
    mixture = posterior.Aggregate("moe", "MoE", np.array([0.5, 0.5, 0.0]), loc - 4, scale)
    samples = rng.normal(size=(4, 8)) * 5
    for make in (posterior.principal_plane, lambda m: posterior.dimension_plane(m, scale)):
        where = make(loc)
        figure = posterior.plane_figure(where, ["a", "b", "c"], loc, scale, [True, False, True], [mixture, wide],
                                        style.LIGHT, samples)
        x = np.concatenate([np.asarray(t.x, dtype=float) for t in figure.data if t.type == "scatter"])
        y = np.concatenate([np.asarray(t.y, dtype=float) for t in figure.data if t.type == "scatter"])
        for values, axis in ((x, figure.layout.xaxis), (y, figure.layout.yaxis)):
            assert axis.range[0] <= values.min()
            assert values.max() <= axis.range[1]
        tight = posterior.window(where, loc, scale)
        assert tight[0][1] - tight[0][0] < figure.layout.xaxis.range[1] - figure.layout.xaxis.range[0]


@pytest.mark.parametrize(("count", "kind", "sizes"), [
    (latent.MOST_SVG, "scatter", latent.SIZES), (latent.MOST_SVG + 1, "scattergl", latent.CROWDED)])
def test_many_points_are_drawn_by_the_graphics_card_and_small(count, kind, sizes):
    points = np.random.default_rng(0).normal(size=(count, 2))
    figure = latent.scatter(points, np.zeros(count, int), ["a"], ["#000000"], ["circle"], np.arange(count)[:, None],
                            [""] * count, style.LIGHT, ("", ""))
    assert figure.data[0].type == kind
    assert (figure.data[0].marker.size, figure.data[0].selected.marker.size) == sizes
