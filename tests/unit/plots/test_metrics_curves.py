"""Curves of many methods: one stands out, each has its name where it ends, and no two names overlap."""

import numpy as np
import pytest

from bvae.plots import drawing, metrics, style

NAMES = ["mvae", "mmvae", "mopoe-vae", "wb-vae", "mwb-vae", "mvtcae", "helvae", "code-vae"]


def curves(count):
    return {name: {str(k): {"mean": 0.5 + 0.01 * i + 0.02 * k, "se": 0.01} for k in (1, 2, 3, 4)}
            for i, name in enumerate(NAMES[:count])}


def test_places_are_apart_in_their_order_and_as_near_as_can_be():
    for wanted in ([0, 1, 2], [5, 5, 5, 5], [100, 0, 50], [10, 3, 11, 40, 41, 90], [7.0]):
        found = metrics.apart(wanted, 15)
        order = np.argsort(wanted, kind="stable")
        assert (np.diff(np.array(found)[order]) >= 15 - 1e-9).all()
    assert metrics.apart([100, 0, 50], 15) == [100, 0, 50]
    assert metrics.apart([5, 5], 10) == [0, 10]


def test_places_are_those_of_least_squares():
    """By a second route: a solver."""
    from scipy.optimize import minimize

    wanted = np.array([3.0, 10.0, 11.0, 40.0, 41.0])
    solved = minimize(lambda x: ((x - wanted) ** 2).sum(), np.arange(5) * 20.0, method="SLSQP", options={"ftol": 1e-12},
                      constraints={"type": "ineq", "fun": lambda x: np.diff(x) - 15})
    np.testing.assert_allclose(metrics.apart(wanted.tolist(), 15), solved.x, atol=1e-3)


@pytest.mark.parametrize("ink", [style.LIGHT, style.DARK], ids=["light", "dark"])
def test_of_many_lines_one_keeps_its_colour_and_lies_above(ink):
    figure = metrics.curve_figure(curves(8), "coherence", ink, NAMES, highlight="wb-vae")
    colours = {trace.name: trace.line.color for trace in figure.data}
    assert colours.pop("wb-vae") == ink.of("wb-vae")
    assert set(colours.values()) == {ink.faint}
    assert figure.data[-1].name == "wb-vae"
    few = metrics.curve_figure(curves(5), "coherence", ink, NAMES, highlight="wb-vae")
    assert {trace.name: trace.line.color for trace in few.data} == {name: ink.of(name) for name in NAMES[:5]}


def test_every_line_has_its_name_at_its_end_and_no_two_overlap():
    figure = metrics.curve_figure(curves(8), "coherence", style.LIGHT, NAMES, highlight="wb-vae", called=str.upper)
    drawn = drawing.draw(figure, style.LIGHT)
    assert sorted(end.text for end in drawn.ends) == sorted(name.upper() for name in NAMES)
    high = drawn.height - drawn.room[1] - drawn.room[3]
    places = sorted(end.at * high + end.shift for end in drawn.ends)
    assert (np.diff(places) > 14).all()
    assert [end.text for end in drawn.ends if end.bold] == ["WB-VAE"]
    ends = {end.text: end.at for end in drawn.ends}
    for name, points in curves(8).items():
        assert ends[name.upper()] == pytest.approx(float(drawn.y.place(points["4"]["mean"])))
    assert drawn.room[2] > drawing.LETTER * len("MOPOE-VAE")
    picture = drawing.picture(figure, "says", style.LIGHT)
    assert picture.count('class="bvae-end"') == len(NAMES) + 1
    assert "MOPOE-VAE" in drawing.file(figure, style.LIGHT)
