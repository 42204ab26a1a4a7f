"""Figures that are drawn on the server: what stands where, that they are well-formed, and what is left to Plotly."""

import re
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest

from bvae.plots import closeness, drawing, lessons, marks, style, walk
from tests.support.figures import curves, line, maps, plane

SVG = "{http://www.w3.org/2000/svg}"


def others(rng, inks):
    loc, scale = rng.normal(size=(3, 4)), rng.random((3, 4)) + 0.2
    t = np.linspace(0, 1, 7)
    return [
        lessons.rule_curves([1, 2, 3], {"poe": [1, 0.7, 0.5], "moe": [1, 1.2, 1.3]},
                            {"poe": ("Product & Co", "PoE"), "moe": ("Mixture", "MoE")}, inks,
                            ("views & more", "width <1"), (0.5, "one")),
        lessons.few_of_many([1, 2, 3], {"a": [1, 2, 3], "b <": [3, 2, 2.9], "c": [0, 1, 2.95]},
                            {"b <": "poe", "c": "moe"}, inks, ("views", "share"), 2.9),
        lessons.counts([1, 2, 3], {"subsets": [1, 3, 7], "views": [1, 2, 3]}, inks, ("M", "count")),
        lessons.components(["A", "B"], np.ones(2) / 2, np.array([-1.0, 1.0]), np.ones(2), [False, True], ("x", "y"),
                           inks, (-4, 4)),
        walk.line_figure(1, ["a", "b", "c"], loc, scale, [True, False, True], inks, samples=loc),
        walk.coping_figure(["PoE", "MoE"], np.array([0.9, 0.8]), np.array([0.1, 0.2]), np.full(2, 0.01), 0, inks,
                           ("p(true)", "p(lie)")),
        closeness.along(t, t + 1, t * 0 + 1.5, t * 0 + 2, ("a", "b"), inks),
    ]


@pytest.mark.parametrize("inks", [style.LIGHT, style.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("make", [plane, line, curves, others])
def test_every_figure_of_lines_is_drawn_well_formed_and_in_its_own_colours(make, inks):
    for figure in make(np.random.default_rng(0), inks):
        assert drawing.drawable(figure)
        picture = drawing.picture(figure, 'what it "says"', inks)
        assert 'alt="what it &quot;says&quot;"' in picture
        sources = [unquote(s) for s in re.findall(r'(?:src="|url\(&quot;)data:image/svg\+xml,([^"&]*)', picture)]
        for source in (*sources, drawing.file(figure, inks)):
            ElementTree.fromstring(source)
            assert "nan" not in source
        whole = sources[0]
        for trace in [t for t in figure.data if t.type == "scatter"]:
            color = trace.line.color or (trace.marker.color if "markers" in (trace.mode or "") else None)
            assert color is None or trace.line.width == 0 or color in in_colours(whole, inks)
        assert inks.grid in whole


def in_colours(source, inks):
    """A drawing with what follows the theme written out."""
    for name, light, dark in zip(*(re.findall(pattern, part) for pattern, part in (
            (r"(--k\d+):", source.partition("@media")[0]), (r"--k\d+:(#\w+)", source.partition("@media")[0]),
            (r"--k\d+:(#\w+)", source.partition("@media")[2]))), strict=True):
        source = source.replace(f"var({name})", dark if inks is style.DARK else light)
    return source.replace("currentColor", inks.aggregate)


def test_the_ink_follows_the_theme_of_the_element_and_a_file_keeps_its_own():
    figures = {inks: plane(np.random.default_rng(0), inks)[0] for inks in (style.LIGHT, style.DARK)}
    for inks, figure in figures.items():
        picture = unquote(drawing.picture(figure, "alt", inks))
        assert picture.count("prefers-color-scheme:dark") == 1 + len(drawing.legend(figure, inks))
        rest = re.sub("<style>.*?</style>", "", picture)
        for color in (inks.aggregate, inks.of("poe"), inks.of("mwb")):
            assert color not in rest
            assert style.rgba(color, 0.09) not in rest
        assert re.search(r"fill='(currentColor|var\(--k\d\))' fill-opacity='0.09'", rest)
        look = style.look("mwb")
        assert re.search(rf"svg\{{[^}}]*:{look.light};.*dark\){{svg\{{[^}}]*:{look.dark};", picture)
        saved = drawing.file(figure, inks)
        assert f"color='{inks.aggregate}'" in saved
        assert f"fill='{inks.paper}'" in saved
        assert "prefers-color-scheme" not in saved


def test_a_point_stands_where_the_axes_say():
    figure = go.Figure(go.Scatter(x=[0, 5, 10], y=[0, 1, 2], mode="lines+markers", line={"color": "#123456"}))
    style.layout(figure, style.LIGHT, 300)
    figure.update_xaxes(range=[0, 10], title="across")
    figure.update_yaxes(range=[0, 4])
    drawn = drawing.draw(figure, style.LIGHT)
    inside = ElementTree.fromstring(f'<svg xmlns="{SVG[1:-1]}">{drawn.inside}</svg>')
    marked = [(e.get("x"), e.get("y")) for e in inside if e.tag == f"{SVG}svg" and e.get("overflow") == "visible"]
    assert marked == [("0.00%", "100.00%"), ("50.00%", "75.00%"), ("100.00%", "50.00%")]
    assert "M0.0,1000.0L500.0,750.0L1000.0,500.0" in drawn.inside
    assert [text for _, text in drawn.x.ticks] == ["0", "2", "4", "6", "8", "10"]
    assert [at for at, _ in drawn.y.ticks] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert "across" in drawing.picture(figure, "alt", style.LIGHT)


@pytest.mark.parametrize(("low", "high", "texts"), [
    (-0.004, 0.0041, ["−0.004", "−0.002", "0.000", "0.002", "0.004"]), (0, 12_000, ["0", "5,000", "10,000"]),
    (3, 3, ["3.0", "3.2", "3.4", "3.6", "3.8", "4.0"])])
def test_ticks_are_round_numbers_within_the_limits(low, high, texts):
    axis = drawing.Axis({"range": [low, high]}, 0, 1, 5, False)
    assert [text for _, text in axis.ticks] == texts
    assert all(-1e-9 <= at <= 1 + 1e-9 for at, _ in axis.ticks)


@pytest.mark.parametrize("curve", [
    lambda t: (t, np.exp(-0.5 * ((t - 0.3) / 0.02) ** 2)), lambda t: (t, np.where(t < 0.5, t, 1 - t)),
    lambda t: (0.5 + 0.4 * np.cos(2 * np.pi * t), 0.5 + 0.4 * np.sin(2 * np.pi * t))])
def test_points_that_are_left_out_do_not_move_a_line_by_a_pixel(curve):
    t = np.linspace(0, 1, 2000)
    px, py = curve(t)
    kept = np.array([[float(v) for v in point.split(",")] for point in drawing.points(px, py).split("L")])
    assert len(kept) < 200
    whole = np.stack([px * drawing.SIDE, drawing.SIDE - py * drawing.SIDE], axis=1)
    a, b = kept[:-1, None], kept[1:, None]
    along = np.clip(((whole - a) * (b - a)).sum(-1) / np.maximum(((b - a) ** 2).sum(-1), 1e-12), 0, 1)
    away = np.linalg.norm(whole - a - along[..., None] * (b - a), axis=-1).min(axis=0)
    assert away.max() < 1  # of 1000 across the picture


def test_both_axes_have_one_scale_where_the_figure_asks_for_it():
    figure = go.Figure(go.Scatter(x=[0, 10], y=[0, 1], mode="markers"))
    figure.update_yaxes(scaleanchor="x")
    drawn = drawing.draw(figure, style.LIGHT)
    assert drawn.x.high - drawn.x.low == pytest.approx(drawn.y.high - drawn.y.low)
    assert "aspect-ratio:1" in drawing.picture(figure, "alt", style.LIGHT)


def test_maps_and_pictures_of_several_axes_are_left_to_plotly():
    from bvae.plots.training import training_figure

    large = maps(np.random.default_rng(0), style.LIGHT)[0]
    history = [{"step": k, "loss": 1.0, "reconstruction": 0.5, "kl": 0.5} for k in range(3)]
    for figure in (large, training_figure(history, style.LIGHT), go.Figure(), go.Figure(go.Heatmap(z=[[1]]))):
        assert not drawing.drawable(figure)
    with pytest.raises(ValueError, match="expected at least one trace"):
        drawing.draw(go.Figure(), style.LIGHT)


def test_every_marker_and_dash_of_the_house_has_a_shape():
    for symbol in (*style.MARKERS, *style.CLASS_MARKERS, style.JOINT_MARKER):
        assert symbol in marks.SHAPES
    for dash in (*(look.dash for look in style.LOOKS.values()), *style.SPARE_DASHES):
        assert (marks.dashes(dash, 2.0) == "") == (dash == "solid")


@pytest.mark.parametrize("values", [[0.9, 0.9, 0.9, 0.65], [1.0, 1.0, 1.0], [0.6, 0.6], [0.7], [0.99, 0.62, 0.985]])
def test_labels_at_ends_keep_their_order_their_distance_and_the_frame(values):
    places = np.array(lessons.apart(values, (0.6, 1.0)))
    assert (places[np.argsort(values, kind="stable")] == np.sort(places)).all()
    assert (np.diff(np.sort(places)) > 0.4 * lessons.GAP - 1e-9).all()
    assert 0.6 <= places.min() <= places.max() <= 1.0
    assert np.abs(places - values).max() <= 0.4 * lessons.GAP * len(values)
