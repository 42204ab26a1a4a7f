"""The map of very many points without a browser: what is sent, what is taken, and the page around it."""

import json
import zlib

import numpy as np
import pytest

from bvae.app.components import point_map
from bvae.app.components.point_map import Points, Scenery
from bvae.app.latent_space import big_map
from bvae.plots import latent, style
from tests.support.pages import open_page, unfold

PAGE = "pages/latent_space.py"


def read(content):
    """Header, arrays and names, as the browser reads them."""
    length = int.from_bytes(content[:4], "little")
    header = json.loads(content[4 : 4 + length])
    assert (4 + length) % 4 == 0
    at, n, arrays = 4 + length, header["count"], []
    for kind in ("<f4", "<f4", "<i4", "<f4", "<f4", "u1", "u1"):
        arrays.append(np.frombuffer(content, kind, n, at))
        at += n * np.dtype(kind).itemsize
    return header, arrays, zlib.decompress(content[at:]).decode().split("\n")


def of_page(app):
    """What the map of a page was sent."""
    return next(read(found.proto.bytes) for found in app.get("bidi_component") if found.proto.bytes)


@pytest.fixture
def few(monkeypatch):
    """So few points are many."""
    monkeypatch.setattr(latent, "MOST_SVG", 500)


def test_what_is_sent_is_what_is_drawn():
    draw = np.random.default_rng(0)
    places, numbers = draw.normal(size=(7, 2)), draw.random((2, 7))
    points = Points(places, np.arange(7)[::-1], *numbers, np.arange(7) % 3, np.arange(7) % 2, ["#0072B2"] * 3,
                    ["circle", "x"], point_map.named([f"é{k}\nb" for k in range(7)]))
    scenery = Scenery(((-1.0, 1.0), (-2.0, 2.0)), ("a", "b"))
    header, arrays, names = read(point_map.packed(points, scenery, [3], 200, style.DARK, "says", "file"))
    assert np.allclose(np.stack(arrays[:2], axis=1), places)
    assert arrays[2].tolist() == [6, 5, 4, 3, 2, 1, 0]
    assert np.allclose(np.stack(arrays[3:5]), numbers)
    assert arrays[5].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert names == [f"é{k} b" for k in range(7)]
    assert (header["picked"], header["window"], header["alt"]) == ([3], [[-1, 1], [-2, 2]], "says")
    other = point_map.packed(points, scenery, [4], 200, style.DARK, "says", "file")
    assert read(other)[0]["revision"] == header["revision"]  # the same points


def test_what_a_browser_sends_is_items_or_nothing():
    assert point_map.checked({"items": [3, 1, 3, 9, -1, True, "2", 2.0, None]}, 9, 200) == [3, 1]
    assert point_map.checked({"items": list(range(500))}, 900, 200) == list(range(200))
    for bad in (None, 3, [], "x", {}, {"items": None}, {"items": {"a": 1}}, {"items": "12"}):
        assert point_map.checked(bad, 9, 200) == []


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_are_colours_from_end_to_end_and_gaps_have_their_own(dark):
    values = np.array([np.nan, *np.linspace(0, 1, 300)])
    place, colors, (low, high) = big_map.shades(values, dark)
    assert (place[0], place[1], place[-1]) == (big_map.SHADES, 0, big_map.SHADES - 1)
    assert (np.diff(place[1:]) >= 0).all()
    assert len(colors) == big_map.SHADES
    assert len(set(colors)) > 200
    assert all(c.startswith("#") and len(c) == 7 for c in colors)
    assert 0 <= low < high <= 1
    assert set(big_map.shades(np.full(3, np.nan), dark)[0]) == {big_map.SHADES}


def test_many_points_are_painted_and_what_is_found_or_picked_is_marked(few):
    app = open_page(PAGE, data="polymnist", picked="3, 17")
    header, arrays, names = of_page(app)
    assert header["count"] == 1000
    assert header["picked"] == [3, 17]
    assert header["titles"][0].startswith("first principal component")
    assert names[5].startswith("item 5, class ")
    assert len(header["colors"]) == 10
    assert set(arrays[5].tolist()) == set(range(10))
    assert "beliefs, coloured by class" in header["alt"]
    app.text_input(key="find").set_value("class = 7").run()
    assert of_page(app)[0]["picked"]
    assert all(", class 7" in names[k] for k in of_page(app)[0]["picked"])
    unfold(app)


@pytest.mark.parametrize("query", [{"color": "uncertainty"}, {"which": "m1", "color": "disagreement"},
                                   {"data": "mnist-svhn-text", "model": "mwb-vae-2d"},
                                   {"data": "mnist-svhn-text", "model": "mwb-vae-2d", "background": "text"},
                                   {"data": "mnist-svhn-text", "which": "everything"}])
def test_every_look_of_a_map_can_be_painted(few, query):
    header, arrays, _ = of_page(open_page(PAGE, **{"data": "polymnist", **query}))
    assert max(arrays[5]) < len(header["colors"])
    assert max(arrays[6]) < len(header["symbols"])
    assert (header["bar"] is not None) == (query.get("color") in ("uncertainty", "disagreement"))
    flat = query.get("model") == "mwb-vae-2d"
    assert header["prior"] == flat
    assert (header["behind"] is not None) == flat


def test_few_points_are_still_shapes_of_plotly():
    app = open_page(PAGE, data="polymnist")
    assert len(app.get("plotly_chart")) == 2
    assert not [c for c in app.get("bidi_component") if c.proto.bytes]
