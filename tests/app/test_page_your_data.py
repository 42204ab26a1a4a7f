"""Your data in Streamlit's AppTest: the example at once, uploads of every size, and nothing that leaves the session."""

import asyncio
import io
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import safetensors.numpy

import bvae
from bvae.app.your_data import uploading
from bvae.app.your_data.state import BELIEFS, BRINGS
from bvae.data import uploads
from bvae.runs import isolated
from bvae.runs.isolated import Pool
from tests.support.extended import shown
from tests.support.pages import assert_clean, drawings, open_page, unfold

PAGE = "pages/your_data.py"
SHOWN = ("posterior", "map", "comparison")


def open_beliefs():
    """The page where a person brings what her own model believes."""
    return open_page(PAGE, bring=BRINGS[BELIEFS])


def give(app, content, name="mine.npz"):
    """Upload a file."""
    app.file_uploader[0].upload(name, content).run()
    return app


def made(n, d, m, labels=None, **more):
    rng = np.random.default_rng(0)
    return uploads.write(rng.normal(size=(m, n, d)), 0.1 + rng.random((m, n, d)), [f"view-{i}" for i in range(m)],
                         labels=labels, **more)


def shows(app, text):
    return any(text in m.value for m in app.markdown)


def test_it_opens_on_the_example_marked_as_such():
    app = open_beliefs()
    assert shows(app, "**This is the example**")
    assert len(drawings(app)) == 2
    content = uploading.current()[2]
    example = uploads.read(content)
    assert len(example) == uploading.EXAMPLE_ITEMS
    assert set(example.thumbnails) == set(example.modalities)


@pytest.mark.slow
def test_every_view_of_the_example_at_its_extremes():
    app = open_beliefs()
    for rule in bvae.aggregators():
        app.selectbox(key="my_rule").set_value(rule).run()
        assert_clean(app)
        assert bvae.aggregator(rule).formula.strip() in unfold(app).latex[0].value
    for weight in (0.0, 4.0):
        for m in range(5):
            app.slider(key=f"my_w_m{m}").set_value(weight)
        app.run()
        assert_clean(app)
    for views in ([], ["m4"]):
        app.pills(key="my_views").set_value(views)
        app.number_input(key="my_item").set_value(299)
        app.segmented_control(key="my_plane").set_value("pca").run()
        assert_clean(app)
    app.segmented_control(key="show").set_value("map").run()
    for which in ("m2", uploading.CLOUDS, uploading.JOINT):
        app.segmented_control(key="my_which").set_value(which).run()
        assert_clean(app)
        for color in ("class", "view") if which == uploading.CLOUDS else ():
            app.segmented_control(key="my_color").set_value(color).run()
            assert_clean(app)
    app.segmented_control(key="show").set_value("comparison").run()
    for rules in ([], ["mwb"], bvae.aggregators()):
        app.pills(key="my_rules").set_value(rules).run()
        assert_clean(app)
    app.text_input(key="picked").set_value("1, 2, 299, 300").run()
    assert_clean(app)


SETS = {
    "one item": (1, 1, 1, None),
    "two items in two dimensions": (2, 2, 2, np.arange(2)),
    "three items": (3, 3, 3, None),
    "eight modalities": (40, 4, 8, np.arange(40) % 3),
    "a class for each item": (60, 5, 2, np.array([f"<b>{i}</b> $x$ [a](b)" for i in range(60)])),
    "all the same": (20, 3, 2, np.zeros(20, int)),
}


@pytest.mark.parametrize(("n", "d", "m", "labels"), SETS.values(), ids=SETS)
def test_sets_of_every_size(n, d, m, labels):
    app = open_beliefs()
    app.number_input(key="my_item").set_value(250).run()
    give(app, made(n, d, m, labels))
    assert_clean(app)
    assert shows(app, "**This is your file**")
    app.number_input(key="my_item").set_value(n - 1).run()
    for show in SHOWN:
        app.segmented_control(key="show").set_value(show).run()
        assert_clean(app)
        if show == "map":
            app.segmented_control(key="my_map").set_value("tsne").run()
            assert_clean(app)
            app.segmented_control(key="my_which").set_value(uploading.CLOUDS).run()
            assert_clean(app)


def test_points_that_coincide():
    content = uploads.write(np.zeros((2, 10, 3)), np.ones((2, 10, 3)), ["a", "b"])
    app = give(open_beliefs(), content)
    for show in SHOWN:
        app.segmented_control(key="show").set_value(show).run()
        assert_clean(app)


RNG = np.random.default_rng(0)
COLLAPSED = {
    "all means about 1e-30": 1e-30 * RNG.normal(size=(2, 60, 4)),
    "5 and noise of 1e-9": 5 + 1e-9 * RNG.normal(size=(2, 60, 4)),
    "one place and one stray item": np.concatenate([np.full((2, 59, 4), 0.1), np.ones((2, 1, 4))], axis=1),
    "as far as can be": 1e6 * np.sign(RNG.normal(size=(2, 60, 4))),
    "one dimension that varies": np.concatenate([np.full((2, 60, 3), 1e6), 1e-6 * RNG.random((2, 60, 1))], axis=2),
    "one dimension": 1e-30 * RNG.normal(size=(2, 60, 1)),
}


@pytest.mark.parametrize("means", COLLAPSED.values(), ids=COLLAPSED)
def test_collapsed_means_are_maps_like_others(means):
    app = give(open_beliefs(), uploads.write(means, np.full(means.shape, 1e-6), ["image", "text"],
                                              labels=np.arange(60) % 12))
    app.segmented_control(key="my_plane").set_value("pca").run()
    assert_clean(app)
    app.segmented_control(key="show").set_value("map").run()
    assert_clean(app)
    for which in (uploading.JOINT, uploading.CLOUDS):
        app.segmented_control(key="my_which").set_value(which).run()
        assert_clean(app)
        app.segmented_control(key="my_map").set_value("tsne").run()
        assert_clean(app)
        assert len(app.get("plotly_chart")) == 1
    app.segmented_control(key="show").set_value("comparison").run()
    assert_clean(app)


def test_a_computation_that_dies_is_a_sentence_on_this_page_only(monkeypatch):
    pool = Pool(for_tests=True)
    call = pool.call
    monkeypatch.setattr(isolated, "POOL", pool)
    try:
        app, other = give(open_beliefs(), made(40, 4, 2)), open_beliefs()
        for one in (app, other):
            one.segmented_control(key="show").set_value("map").run()
            assert_clean(one)
        monkeypatch.setattr(pool, "call", lambda *_, **__: call("segmentation_fault"))
        app.segmented_control(key="my_map").set_value("tsne").run()
        assert not app.exception
        assert ["crashed (signal 11)" in e.value for e in app.error] == [True, True]  # the map, and the gap
        assert shows(app, "**This is your file**")
        app.segmented_control(key="show").set_value("comparison").run()
        assert not app.exception
        assert len(app.error) == 1
        monkeypatch.setattr(pool, "call", call)
        for one in (app, other):
            one.segmented_control(key="show").set_value("map").run()
            assert_clean(one)
    finally:
        pool.close()


def test_names_that_the_page_has_itself():
    content = uploads.write(RNG.normal(size=(4, 20, 3)), np.ones((4, 20, 3)), ["joint", "clouds", "16S", "rna.seq"])
    app = give(open_beliefs(), content)
    assert_clean(app)
    app.segmented_control(key="show").set_value("map").run()
    for which in ("joint", "clouds", "16S", "rna.seq", uploading.JOINT, uploading.CLOUDS):
        app.segmented_control(key="my_which").set_value(which).run()
        assert_clean(app)
        assert app.segmented_control(key="my_which").value == which
        count = 80 if which == uploading.CLOUDS else 20
        assert f"Map of {count} mean beliefs" in str(app.get("plotly_chart")[0].proto)
    app.segmented_control(key="show").set_value("comparison").run()
    assert_clean(app)


def test_items_without_some_or_all_modalities():
    present = np.ones((2, 12), bool)
    present[0, 3] = present[:, 0] = False
    content = uploads.write(np.random.default_rng(0).normal(size=(2, 12, 4)), np.ones((2, 12, 4)), ["a", "b"],
                            present=present, thumbnails={"a": np.zeros((12, 3, 3), "u1")})
    app = give(open_beliefs(), content)
    for show in SHOWN:
        app.segmented_control(key="show").set_value(show).run()
        for item in (0, 3) if show != "map" else ():
            app.number_input(key="my_item").set_value(item).run()
            assert_clean(app)
    present[0] = False
    content = uploads.write(np.ones((2, 12, 4)), np.ones((2, 12, 4)), ["a", "b"], present=present)
    app = give(open_beliefs(), content)
    app.segmented_control(key="show").set_value("map").run()
    for which in ("a", "b", uploading.CLOUDS, uploading.JOINT):
        app.segmented_control(key="my_which").set_value(which).run()
        assert_clean(app)


def test_a_bad_file_is_refused_in_a_sentence_and_the_example_stays():
    app = open_beliefs()
    app.file_uploader[0].upload("x.npz", b"PK\x03\x04" + bytes(50)).run()
    assert not app.exception
    assert len(app.error) == 1
    assert "expected" in app.error[0].value
    assert shows(app, "**This is the example**")
    give(app, made(5, 2, 2))
    assert_clean(app)
    assert shows(app, "**This is your file**")


def test_forgetting_brings_the_example_back():
    app = give(open_beliefs(), made(5, 2, 2))
    next(b for b in app.button if "Forget" in b.label).click().run()
    assert_clean(app)
    assert shows(app, "**This is the example**")
    assert app.session_state[uploading.UPLOAD] is None
    assert app.session_state[uploading.KEPT] == {}


def test_two_sessions_never_see_each_others_file():
    first, second = open_beliefs(), open_beliefs()
    give(first, made(7, 2, 2, name="secret-of-one"))
    second.run()
    assert shows(first, "secret")
    assert shows(second, "**This is the example**")
    third = give(open_beliefs(), made(7, 2, 2, name="another"))
    for app in (second, third):
        for show in SHOWN:
            app.segmented_control(key="show").set_value(show).run()
            assert not shows(app, "secret")
    for show in SHOWN:  # and nothing of the first got into a cache that the second reads
        first.segmented_control(key="show").set_value(show).run()
        assert_clean(first)
    assert next(iter(second.session_state[uploading.KEPT].values())).shape[1] == 32


def test_the_server_holds_uploads_in_memory(monkeypatch):
    """Beyond a megabyte its form parser would use a temporary file, if it were not told otherwise."""
    from starlette import formparsers  # Streamlit's own web server
    from starlette.datastructures import Headers

    body = (b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.npz"\r\n\r\n'
            + bytes(5 * uploads.MIB) + b"\r\n--x--\r\n")

    async def stream():
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    async def parse():
        parser = formparsers.MultiPartParser(Headers({"content-type": "multipart/form-data; boundary=x"}), stream())
        return await parser.parse()

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *_, **__: pytest.fail("a temporary file"))
    with ThreadPoolExecutor(1) as other:  # this thread may have a loop already: the browser tests' one
        file = other.submit(lambda: asyncio.run(parse())).result()["f"].file
    assert not file._rolled
    assert len(file.read()) == 5 * uploads.MIB
    assert formparsers.MultiPartParser.spool_max_size > uploads.MAX_FILE


@pytest.mark.parametrize(("code", "file"), [("posteriors.py", "posteriors.npz"),
                                            ("posteriors_safetensors.py", "posteriors.safetensors")])
def test_the_documented_way_to_write_a_file_works(code, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(shown(code), code, "exec"), {})  # noqa: S102 - our own text
    content = (tmp_path / file).read_bytes()
    data = uploads.read(content)
    assert data.modalities == ("image", "text")
    assert data.classes == ("bird", "cat", "dog")
    assert data.name == "my model"
    app = give(open_beliefs(), content, file)
    assert shows(app, "**This is your file**: my model")
    for show in SHOWN:
        app.segmented_control(key="show").set_value(show).run()
        assert_clean(app)


def test_what_the_documentation_says_is_what_is_read():
    """Each documented array is accepted, in the shape and type that the table names."""
    n, d = 4, 3
    examples = {"mu": np.zeros((n, d), "f4"), "sigma": np.ones((n, d), "f4"), "present": np.ones(n, bool),
                "thumbnails": np.zeros((n, 5, 6, 3), "u1"), "labels": np.arange(n), "name": np.array("x")}
    assert set(examples) == set(uploads.FIELDS)
    buffer = io.BytesIO()
    named = {k if k in ("labels", "name") else f"{k}_some_view": v for k, v in examples.items()}
    np.savez(buffer, **named)
    assert uploads.read(buffer.getvalue()).modalities == ("some_view",)
    words = {"name": str(named.pop("name")), "classes": json.dumps(list("abcd"))}
    data = uploads.read(safetensors.numpy.save(named, words))
    assert (data.modalities, data.name, data.classes) == (("some_view",), "x", tuple("abcd"))
