"""What is written can be read, and says the same; whatever cannot is refused; class names of every script and size."""

import datetime
import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bvae.data import uploads
from bvae.data.uploads import UploadError, read, write
from bvae.io.texts import in_order, natural, visible

N, D = 6, 3
LOC, SCALE = np.random.default_rng(0).normal(size=(2, N, D)), np.full((2, N, D), 0.5)


def written(**changes):
    """Read what is written of good posteriors with something else."""
    given_ = {"loc": LOC, "scale": SCALE, "modalities": ["rna", "text"], **changes}
    return read(write(given_.pop("loc"), given_.pop("scale"), given_.pop("modalities"), **given_))


def labels_of(data):
    return [data.label(i) for i in range(len(data))]


# -- the advice of errors --------------------------------------------------------------------------------------------


def arrays(**changes):
    rng = np.random.default_rng(0)
    return {"mu_rna": rng.normal(size=(N, D)), "sigma_rna": 0.1 + rng.random((N, D)),
            "labels": np.arange(N), **changes}


def packed(**changes):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays(**changes))
    return buffer.getvalue()


SIGMA = arrays()["sigma_rna"]
ADVISED = {
    "log-variances": ("sigma_rna", 2 * np.log(SIGMA), "np.exp(0.5 * x)", lambda d: d.experts.scale[0], SIGMA),
    "logarithms of deviations": ("sigma_rna", np.log(SIGMA), "np.exp(x)", lambda d: d.experts.scale[0], SIGMA),
    "widths of 0": ("sigma_rna", SIGMA * (SIGMA > 0.5), "np.maximum(x, 1e-06)", lambda d: d.experts.scale[0],
                    np.where(SIGMA > 0.5, SIGMA, 1e-6)),
    "variances of 0": ("sigma_rna", SIGMA**2 * (SIGMA > 0.5), "np.maximum(np.sqrt(x), 1e-06)",
                       lambda d: d.experts.scale[0], np.where(SIGMA > 0.5, SIGMA, 1e-6)),
    "integers": ("mu_rna", np.arange(18).reshape(6, 3), "x.astype(np.float32)", lambda d: d.experts.loc[0],
                 np.arange(18).reshape(6, 3)),
    "complex": ("mu_rna", np.ones((6, 3), complex), "x.real.astype(np.float32)", lambda d: d.experts.loc[0],
                np.ones((6, 3))),
    "presence in integers": ("present_rna", np.arange(6) % 2, "x != 0", lambda d: d.experts.present[0],
                             np.arange(6) % 2),
    "presence in floats": ("present_rna", np.array([1, 0, np.nan, 1, 1, 0]), "np.nan_to_num(x) != 0",
                           lambda d: d.experts.present[0], np.array([1, 0, 0, 1, 1, 0])),
    "pictures in integers": ("thumbnails_rna", np.full((6, 2, 2), 300), "np.clip(x, 0, 255).astype(np.uint8)",
                             lambda d: d.thumbnails["rna"], np.full((6, 2, 2), 255)),
    "pictures in bool": ("thumbnails_rna", np.ones((6, 2, 2), bool), "255 * x.astype(np.uint8)",
                         lambda d: d.thumbnails["rna"], np.full((6, 2, 2), 255)),
    "labels in bytes": ("labels", np.array(["é".encode()] * 6), "np.char.decode(x, 'utf-8')", labels_of, ["é"] * 6),
    "labels with NaN": ("labels", np.array([1, np.nan, 2, 1, 2, 1]), "x.astype(str)", labels_of,
                        ["1.0", "nan", "2.0", "1.0", "2.0", "1.0"]),
    "dates": ("labels", np.arange(6).astype("M8[D]"), "x.astype(str)", labels_of,
              [f"1970-01-0{k + 1}" for k in range(6)]),
    "room for more": ("labels", np.array(list("abcdef"), dtype="U300"), "np.array(x.tolist())", labels_of,
                      list("abcdef")),
}


@pytest.mark.parametrize(("key", "values", "advice", "of", "wanted"), ADVISED.values(), ids=ADVISED)
def test_who_does_what_the_error_says_gets_what_was_meant(key, values, advice, of, wanted):
    """The expression is taken out of the sentence and computed."""
    with pytest.raises(UploadError) as refused:
        read(packed(**{key: values}))
    assert advice.removeprefix("x") in str(refused.value)
    mended = eval(advice, {"x": values, "np": np})  # noqa: S307 - our own text, above
    result = of(read(packed(**{key: mended})))
    if isinstance(wanted, list):
        assert result == wanted
    else:
        np.testing.assert_allclose(np.asarray(result, dtype=float), wanted, rtol=1e-6)


# -- names of classes --------------------------------------------------------------------------------------------------

LONG = ["effector memory CD8-positive, alpha-beta T cell",
        "effector memory CD8-positive, alpha-beta T cell, terminally differentiated"]
SCRIPTS = ["می‌خواهم", "میخواهم", "क्‍ष", "क्ष", "👩‍🔬", "👩🔬", "日本", "Ελλάδα", "עברית", "ไทย"]


def test_long_names_stay_whole_and_two():
    assert len(LONG[0]) > 40
    assert LONG[0] == LONG[1][: len(LONG[0])]
    for data in (read(packed(labels=np.array(LONG * 3))), written(labels=LONG * 3)):
        assert sorted(data.classes) == sorted(LONG)
        assert labels_of(data) == LONG * 3
    for labels in (np.array(["x" * 201] * N), [*LONG, *LONG, "x", "y" * 201]):
        with pytest.raises(UploadError, match="at most 200 characters"):
            write(LOC, SCALE, ["a", "b"], labels=labels)


def test_every_script_keeps_its_joiners():
    loc, scale = np.zeros((1, len(SCRIPTS), 2)), np.ones((1, len(SCRIPTS), 2))
    data = read(write(loc, scale, ["a"], labels=SCRIPTS))
    assert labels_of(data) == SCRIPTS
    assert len(data.classes) == len(SCRIPTS)  # with a joiner it is another word than without


def test_what_turns_the_direction_is_removed_and_merges_nothing():
    data = read(packed(labels=np.array(["\u202eab\u202c", "cd", "\ufeffef", "\u200fgh", "\u2067ij\u2069", "k\u00adl"])))
    assert labels_of(data) == ["ab", "cd", "ef", "gh", "ij", "kl"]
    with pytest.raises(UploadError, match="'ab' at item 1 written in two ways"):
        read(packed(labels=np.array(["ab", "\u202eab", "x", "x", "x", "x"])))
    assert visible("\u200d\u200c") == "\u200d\u200c"


def test_numbers_as_text_come_in_their_natural_order():
    texts = [str(i) for i in range(12)]
    loc, scale = np.zeros((1, 12, 2)), np.ones((1, 12, 2))
    for labels in (texts, texts[::-1], np.arange(12), np.arange(12.0)):
        assert read(write(loc, scale, ["a"], labels=labels)).classes == tuple(texts)
    assert in_order(["day 10", "day 2", "b", "-1", "1.5", "10", "2", "a10c", "a2c", "", "1.5", "01", "1"]) == [
        "-1", "01", "1", "1.5", "2", "10", "", "a2c", "a10c", "b", "day 2", "day 10"]


@given(st.lists(st.text(max_size=12)))
def test_any_texts_have_one_order(texts):
    assert in_order(texts) == in_order(reversed(texts))
    assert sorted(map(natural, texts)) == [natural(t) for t in sorted(texts, key=natural)]


# -- what is written --------------------------------------------------------------------------------------------------

LABELS = {
    "integers": ([3, 1, 2, 3, 1, 2], list("312312")),
    "negative": (np.array([-1, 10, 2] * 2), ["-1", "10", "2"] * 2),
    "a column": (np.arange(N)[:, None], list("012345")),
    "a tensor": (torch.arange(N), list("012345")),
    "whole floats": (np.array([1.0, 2, 10] * 2), ["1", "2", "10"] * 2),
    "decimals": (np.array([0.1, 0.25, -3] * 2), ["0.1", "0.25", "-3.0"] * 2),
    "bool": (np.array([True, False] * 3), ["True", "False"] * 3),
    "bytes": ([b"a", "ä".encode(), b"c"] * 2, ["a", "ä", "c"] * 2),
    "objects": (np.array(["a", 1, 2.5] * 2, dtype=object), ["a", "1", "2.5"] * 2),
    "a mixed list": (["a", 1, 2] * 2, ["a", "1", "2"] * 2),
    "dates": (np.array(["2020-01-01", "2021-01-01"] * 3, dtype="M8[D]"), ["2020-01-01", "2021-01-01"] * 3),
    "days": ([datetime.date(2020, 1, 2)] * N, ["2020-01-02"] * N),
    "huge integers": (np.array([2**63, 2**64 - 1] * 3, dtype="u8"), [str(2**63), str(2**64 - 1)] * 3),
}


@pytest.mark.parametrize(("labels", "wanted"), LABELS.values(), ids=LABELS)
def test_labels_of_every_kind_are_written(labels, wanted):
    assert labels_of(written(labels=labels)) == wanted


REFUSED = {
    "no label": ({"labels": ["a", None, "b"] * 2}, "got None at item 1; write ''"),
    "NaN as a label": ({"labels": np.array([1, np.nan] * 3)}, "got nan at item 1"),
    "no date": ({"labels": np.array(["2020", "NaT"] * 3, dtype="M8[D]")}, "got NaT at item 1"),
    "one and the text one": ({"labels": [1, "1"] * 3}, "got 1 and, at item 1, '1', which would be the same class"),
    "things": ({"labels": [{}] * N}, "got a dict at item 0"),
    "one-hot": ({"labels": np.eye(N)}, r"x.argmax\(axis=1\)"),
    "other bytes": ({"labels": [b"\xff"] * N}, "UTF-8"),
    "control characters": ({"labels": ["a\x1bb"] * N}, "printable"),
    "a character that NumPy drops": ({"labels": ["a", "a\0"] * 3}, "printable"),
    "half a pair": ({"labels": ["\ud800"] * N}, "no character"),
    "labels of other items": ({"labels": [1, 2]}, r"expected shape \(6,\)"),
    "a path": ({"modalities": ["../a", "b"]}, "modalities: expected names of letters"),
    "a space": ({"modalities": ["all modalities", "b"]}, "got 'all modalities'"),
    "the same name twice": ({"modalities": ["a", "A"]}, "every name once"),
    "one name for two": ({"modalities": ["a"]}, "M = 1 modalities"),
    "no modality": ({"modalities": [], "loc": np.zeros((0, N, D)), "scale": np.zeros((0, N, D))}, "at least one mod"),
    "flat means": ({"loc": np.zeros((2, N))}, r"expected shape \(M, N, D\)"),
    "other widths": ({"scale": np.ones((2, N, D + 1))}, r"scale: expected the shape of loc, \(2, 6, 3\)"),
    "widths of other items": ({"scale": np.ones((2, N + 1, D))}, "scale: expected the shape of loc"),
    "complex means": ({"loc": LOC + 1j}, "expected real numbers"),
    "words": ({"loc": np.array([[["a"]]])}, "M = 2 modalities"),
    "objects that are no numbers": ({"loc": np.full((2, N, D), {}, dtype=object)}, "objects that are none"),
    "uneven rows": ({"loc": [np.zeros((6, 3)), np.zeros((5, 3))]}, "different lengths"),
    "NaN": ({"loc": LOC * np.nan}, "got nan at item 0"),
    "what float32 cannot hold": ({"loc": LOC * 1e300}, "mu_rna: expected means"),
    "log-variances": ({"scale": -SCALE}, r"np.exp\(0.5 \* x\)"),
    "presence of another shape": ({"present": np.ones((N, 2))}, "present: expected shape"),
    "presence of 2": ({"present": np.full((2, N), 2)}, "0 and 1"),
    "pictures beyond 255": ({"thumbnails": {"rna": np.full((N, 2, 2), 256)}}, "0 to 255, got 256 to 256"),
    "pictures of NaN": ({"thumbnails": {"rna": np.full((N, 2, 2), np.nan)}}, "got nan to nan"),
    "pictures of either order": ({"thumbnails": {"rna": torch.zeros(N, 1, 2, 3)}}, "which may be either"),
    "pictures of another item": ({"thumbnails": {"sound": np.zeros((N, 2, 2))}}, "without mu_sound"),
    "large pictures": ({"thumbnails": {"rna": np.zeros((N, 65, 2))}}, "at most 64"),
    "a name of two lines": ({"name": "a\nb"}, "printable"),
    "a long name": ({"name": "x" * 201}, "at most 200"),
}


@pytest.mark.parametrize(("changes", "says"), REFUSED.values(), ids=REFUSED)
def test_what_read_would_refuse_is_not_written(changes, says):
    with pytest.raises(UploadError, match=says) as refused:
        written(**changes)
    assert str(refused.value).endswith(".")


def test_tensors_of_every_kind_and_what_is_missing():
    loc = torch.tensor(LOC, requires_grad=True)
    present = np.ones((2, N))
    present[1, 2] = 0
    holes = LOC.copy()
    holes[1, 2] = np.nan
    for means in (loc, loc.half(), loc.bfloat16(), torch.tensor(LOC).to_sparse(), LOC.astype(object),
                  list(torch.tensor(LOC)), LOC.astype(">f8"), LOC.tolist()):
        np.testing.assert_allclose(written(loc=means).experts.loc, LOC, rtol=1e-2, atol=1e-2)
    data = written(loc=holes, present=present)
    assert data.experts.present[1].tolist() == [True, True, False, True, True, True]
    assert data.experts.loc.isfinite().all()
    assert written(modalities=["16S", "rna.seq"]).modalities == ("16S", "rna.seq")
    assert written(modalities=["joint", "type"]).modalities == ("joint", "type")


@pytest.mark.parametrize("values", [
    np.full((N, 2, 3), 1.0), np.ones((N, 2, 3), bool), np.full((N, 2, 3), 255), np.full((N, 2, 3, 1), 255, "u1"),
    torch.ones(N, 1, 2, 4)])
def test_pictures_of_every_kind(values):
    data = written(thumbnails={"rna": values})
    assert data.thumbnail("rna", 0).shape[:2] == (1, 2)
    assert data.thumbnail("rna", 0).min() == 1
    assert written(thumbnails={"rna": torch.ones(N, 3, 4, 5)}).thumbnail("rna", 1).shape == (3, 4, 5)


def test_a_file_as_regular_as_a_bomb_is_written_without_compression():
    data = read(write(np.zeros((1, 9000, 200)), np.ones((1, 9000, 200)), ["a"]))
    assert len(data) == 9000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.text(max_size=5), st.integers(), st.floats(), st.none(), st.booleans(),
                          st.binary(max_size=3)), min_size=N, max_size=N), st.booleans())
def test_any_labels_are_written_so_that_they_can_be_read_or_refused(labels, as_array):
    given_ = np.array([*labels, None], dtype=object)[:-1] if as_array else labels
    try:
        content = write(LOC, SCALE, ["a", "b"], labels=given_)
    except UploadError:
        return
    data = read(content)
    for i, one in enumerate(labels):  # the same labels, and only they, are one class
        for j, other in enumerate(labels[:i]):
            if data.y[i] == data.y[j]:
                assert one == other or str(one) == str(other)
            elif isinstance(one, bool) == isinstance(other, bool):  # for Python, False is 0
                assert one != other


def test_nothing_is_pickled(monkeypatch):
    def never(*_, **__):
        raise AssertionError("pickle was asked")

    for name in ("dump", "dumps", "load", "loads", "Pickler"):
        monkeypatch.setattr(pickle, name, never)
    content = write(LOC.astype(object), SCALE, ["a", "b"], labels=np.array(["a", 1, 2.5] * 2, dtype=object),
                    name=np.array("x", dtype=object))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.namelist():
            with archive.open(member) as file:
                assert not np.lib.format.read_array(file, allow_pickle=False).dtype.hasobject
    assert uploads.read(content).name == "x"
