"""A .safetensors file of posteriors says the same as an .npz file, and one from a stranger is refused as precisely."""

import json
import struct
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bvae.data import uploads
from bvae.data.uploads import UploadError, read, write

N, D = 6, 3
RNG = np.random.default_rng(0)
GOOD = {"mu_image": RNG.normal(size=(N, D)).astype("f4"), "sigma_image": RNG.random((N, D)).astype("f4") + 0.1,
        "mu_text": RNG.normal(size=(N, D)), "sigma_text": RNG.random((N, D)) + 0.1,
        "labels": np.array([0, 0, 1, 1, 2, 2])}
WORDS = {"classes": json.dumps(["a", "b", "c"]), "name": "mine"}


def packed(metadata=WORDS, **changes):
    """A good file with some arrays or words changed; None removes one."""
    return safetensors.numpy.save({k: v for k, v in {**GOOD, **changes}.items() if v is not None}, metadata)


def raw(header, data=b"", length=None):
    """Any header, as JSON or as it is, and any data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def told(dtype="F32", shape=(N, D), offsets=(0, 72)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def good_header(**changes):
    """A header of one modality, for 144 bytes of data."""
    return {"mu_a": told(), "sigma_a": told(offsets=(72, 144)), **changes}


DATA = np.zeros(18, "f4").tobytes() + np.ones(18, "f4").tobytes()


# -- what is read ----------------------------------------------------------------------------------------------------


def test_a_good_file():
    there = np.array([1, 1, 0, 1, 1, 1], bool)
    pixels = np.arange(N * 4 * 5 * 3, dtype="u1").reshape(N, 4, 5, 3)
    data = read(packed(present_text=there, thumbnails_image=pixels))
    assert (data.name, set(data.modalities), len(data), data.latent_dim) == ("mine", {"image", "text"}, N, D)
    at = {name: m for m, name in enumerate(data.modalities)}
    np.testing.assert_array_equal(data.experts.loc[at["image"]], GOOD["mu_image"])
    np.testing.assert_allclose(data.experts.scale[at["text"]][there], GOOD["sigma_text"][there], rtol=1e-6)
    assert data.experts.present[at["text"]].tolist() == there.tolist()
    assert [data.label(i) for i in range(N)] == list("aabbcc")
    np.testing.assert_array_equal(data.thumbnails["image"], pixels)


def test_what_pytorch_writes_in_any_precision():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        loc, scale = torch.tensor(GOOD["mu_text"]).to(dtype), torch.full((N, D), 0.5, dtype=dtype)
        data = read(safetensors.torch.save({"mu_a": loc, "sigma_a": scale}, {"format": "pt"}))
        np.testing.assert_array_equal(data.experts.loc[0], loc.float())
        assert (data.name, data.classes) == ("unnamed", ())
    assert raw(good_header(), DATA)[8:9] == b"{"
    assert len(read(raw(good_header(), DATA))) == N


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_labels_of_every_kind_with_and_without_classes(kind):
    labels = GOOD["labels"].astype(kind)
    assert read(packed({}, labels=labels)).classes == ("0", "1", "2")
    assert read(packed(labels=labels)).classes == ("a", "b", "c")
    assert read(packed({"classes": '["day 10", "day 2", "x"]'}, labels=labels)).classes == ("day 2", "day 10", "x")


@pytest.mark.parametrize("labels", [None, np.arange(N) - 2, [True, False] * 3,
                                    ["ä", "日本", "x" * 200, "ä", "10", "2"]])
def test_both_kinds_of_file_say_the_same(labels):
    loc, scale, present = RNG.normal(size=(2, N, D)), np.full((2, N, D), 0.5), RNG.random((2, N)) > 0.3
    given_ = {"labels": labels, "present": present, "name": "ümlaut", "thumbnails": {"b": np.zeros((N, 2, 2), "u1")}}
    one, other = (read(write(loc, scale, ["a", "b"], file_type=kind, **given_)) for kind in uploads.FILE_TYPES)
    assert (one.name, one.modalities, one.classes) == (other.name, other.modalities, other.classes)
    for ours, theirs in zip((*one.experts, one.y), (*other.experts, other.y), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert set(one.thumbnails) == set(other.thumbnails)


@pytest.mark.parametrize("changes", [{"labels": ["\ud800"] * N}, {"name": "a\nb"}, {"name": "x" * 201},
                                     {"labels": ["x\0"] * N}, {"scale": -np.ones((1, N, D))}])
def test_what_read_would_refuse_is_not_written(changes):
    given_ = {"loc": np.zeros((1, N, D)), "scale": np.ones((1, N, D)), "modalities": ["a"], **changes}
    with pytest.raises(UploadError, match="expected"):
        write(**given_, file_type="safetensors")


# -- what is refused -------------------------------------------------------------------------------------------------

REFUSED = {
    "a header beyond the file": (lambda: raw(good_header(), DATA, length=10**6), "lies inside the file"),
    "a header without end": (lambda: raw(good_header(), DATA, length=2**64 - 1), "got one of 18,446,744"),
    "a large header": (lambda: raw(b"{" + b" " * 3 * uploads.MIB + b"}"), "at most 2,097,152 bytes"),
    "no JSON": (lambda: raw(b"{'a': 1}"), "in JSON, got a damaged one"),
    "half of a letter": (lambda: raw(b'{"\xff": 1}'), "in JSON, got a damaged one"),
    "a nested header": (lambda: raw(b'{"a":' * 300_000), "in JSON, got a damaged one"),
    "a number without end": (lambda: raw(b'{"a": ' + b"9" * 10_000 + b"}"), "in JSON, got a damaged one"),
    "cut off": (lambda: packed()[:-5], "write it again"),
    "something behind": (lambda: packed() + b"x", "a damaged file"),
    "too large": (lambda: packed() + bytes(uploads.MAX_FILE), "at most 50 MB"),
    "no tensors": (lambda: raw({}), "at least one modality"),
    "tensors that are none": (lambda: raw({"mu_a": 5}), "expected a type, a shape and two offsets"),
    "a shape of fractions": (lambda: raw(good_header(mu_a=told(shape=(6.0, 3)))), "in whole numbers"),
    "a shape of truths": (lambda: raw(good_header(mu_a=told(shape=(True, 3)))), "in whole numbers"),
    "a negative shape": (lambda: raw(good_header(mu_a=told(shape=(-6, -3))), DATA), r"expected shape \(N, D\)"),
    "a shape that overflows": (lambda: raw(good_header(mu_a=told(shape=(2**29, 2**29, 64, 2))), DATA), "promises"),
    "a huge shape": (lambda: raw(good_header(mu_a=told(shape=(2**63, 2))), DATA), r"expected shape \(N, D\)"),
    "many dimensions": (lambda: raw(good_header(mu_a=told(shape=[1] * 90_000)), DATA), r"expected shape \(N, D\)"),
    "a shape of nothing": (lambda: raw(good_header(mu_a=told(shape=(0, 10**8, 10**8), offsets=(0, 0)),
                                                   sigma_a=told(offsets=(0, 72))), DATA[:72]), "mu_a|damaged"),
    "offsets beyond the file": (lambda: raw(good_header(mu_a=told(offsets=(144, 216))), DATA), "got other offsets"),
    "offsets before the file": (lambda: raw(good_header(mu_a=told(offsets=(-72, 0))), DATA), "got other offsets"),
    "offsets the wrong way": (lambda: raw(good_header(mu_a=told(offsets=(72, 0))), DATA), "got other offsets"),
    "one offset": (lambda: raw(good_header(mu_a=told(offsets=(0,))), DATA), "two offsets"),
    "tensors on top of each other": (lambda: raw(good_header(sigma_a=told()), DATA[:72]), "one after the other"),
    "a hole": (lambda: raw(good_header(sigma_a=told(offsets=(80, 152))), DATA + bytes(8)), "one after the other"),
    "more than the shape": (lambda: raw(good_header(mu_a=told(shape=(6, 2))), DATA), "promises 48"),
    "a path": (lambda: packed(**{"../mu_a": np.zeros(1)}), "Tensor '../mu_a'"),
    "another name": (lambda: packed(weights=np.zeros(1)), "Tensor 'weights'"),
    "capitals": (lambda: packed(mu_TEXT=GOOD["mu_text"]), "every name once"),
    "a name twice": (lambda: raw(b'{"mu_a": {"dtype": "F32"}, "mu_a": {"dtype": "F32"}}'), "every name once"),
    "many tensors": (lambda: packed(**{f"mu_m{i}": np.zeros((N, D)) for i in range(61)}), "at most 64 tensors, got 66"),
    "nine modalities": (lambda: packed(**{f"{p}_m{i}": np.ones((N, D)) for i in range(7) for p in ("mu", "sigma")}),
                        "at most 8 modal"),
    "integers for means": (lambda: packed(mu_text=np.zeros((N, D), int)), "expected floating.*got dtype I64"),
    "complex numbers": (lambda: packed(mu_text=np.zeros((N, D), "c8")), "expected floating.*got dtype C64"),
    "eight bits": (lambda: raw(good_header(mu_a=told("F8_E4M3", offsets=(0, 18))), DATA), "got dtype F8_E4M3"),
    "a type that is none": (lambda: raw(good_header(mu_a=told("F" * 10**5)), DATA), "got dtype FFFFF"),
    "a name as a tensor": (lambda: packed(name=np.zeros(3)), "as a text in the metadata"),
    "metadata that are none": (lambda: raw({"__metadata__": [1], **good_header()}, DATA), "texts by name"),
    "metadata of numbers": (lambda: raw({"__metadata__": {"name": 1}, **good_header()}, DATA), "texts by name"),
    "classes that are no list": (lambda: packed({"classes": "a, b, c"}), "JSON list of 1 to 50,000 texts"),
    "no classes": (lambda: packed({"classes": "[]"}), "JSON list of 1 to"),
    "numbers for classes": (lambda: packed({"classes": "[1, 2, 3]"}), "JSON list of 1 to"),
    "nested classes": (lambda: packed({"classes": "[" * 500_000}), "JSON list of 1 to"),
    "too few classes": (lambda: packed({"classes": '["a"]'}), "positions in the 1 classes, got 1 at item 2"),
    "labels below 0": (lambda: packed(labels=np.array([0, -1, 0, 0, 0, 0])), "got -1 at item 1"),
    "huge labels": (lambda: packed(labels=np.full(N, 2**64 - 1, "u8")), "got 18446744073709551615 at item 0"),
    "labels of other items": (lambda: packed(labels=np.arange(3)), r"labels: expected shape \(6,\)"),
    "labels of two dimensions": (lambda: packed(labels=np.zeros((N, 2), int)), r"labels: expected shape \(6,\)"),
    "long classes": (lambda: packed({"classes": json.dumps(["x" * 201, "b", "c"])}), "at most 200 characters"),
    "control characters": (lambda: packed({"classes": json.dumps(["a\0", "b", "c"])}), "printable"),
    "half a pair": (lambda: packed({"classes": '["\\ud800", "b", "c"]'}), "printable"),
    "two spellings": (lambda: packed({"classes": json.dumps(["a", "\u202ea", "c"])}), "written in two ways"),
    "a long name": (lambda: packed({"name": "x" * 10_000}), "at most 200 characters"),
    "a name of two lines": (lambda: packed({"name": "a\nb"}), "printable"),
    "NaN": (lambda: packed(mu_text=np.where(np.arange(18).reshape(6, 3) == 7, np.nan, 0.0)), "nan at item 2, dim"),
    "infinity": (lambda: packed(sigma_text=np.full((N, D), np.inf)), "inf at item 0"),
    "float thumbnails": (lambda: packed(thumbnails_text=np.zeros((N, 2, 2))), "expected uint8, got dtype F64"),
    "large thumbnails": (lambda: packed(thumbnails_text=np.zeros((N, 65, 2), "u1")), "at most 64"),
    "present as floats": (lambda: packed(present_text=np.ones(N)), "expected bool, got dtype F64"),
}


@pytest.mark.parametrize(("build", "says"), REFUSED.values(), ids=REFUSED)
def test_hostile_files(build, says):
    content = build()
    with pytest.raises(UploadError, match=says) as refused:
        read(content)
    assert_precise(str(refused.value))


def assert_precise(text):
    """What, expected, got, how to mend; one sentence."""
    for part in ("expected", "got", ";"):
        assert part in text
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 420


def test_labels_that_are_none_do_not_grow_to_texts():
    """Ten million positions in classes of long names would be eight gigabytes."""
    content = packed({"classes": json.dumps(["x" * 200])}, labels=np.zeros((10_000, 1000), "u1"))
    tracemalloc.start()
    try:
        with pytest.raises(UploadError, match="labels: expected shape"):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(content)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("byte", [2, 255])
def test_any_byte_but_0_is_true(byte):
    content = packed(present_text=np.frombuffer(bytes([byte, 0, byte, 1, 0, byte]), dtype=bool))
    data = read(content)
    assert data.experts.present[data.modalities.index("text")].view(torch.uint8).tolist() == [1, 0, 1, 1, 0, 1]


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_behind_a_length(content, length):
    with pytest.raises(UploadError):
        read(struct.pack("<Q", length) + b"{" + content)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_changed_bytes(data):
    """Either the file is read, with finite numbers in it, or it is refused; nothing else is raised."""
    content = bytearray(packed(present_text=np.ones(N, bool)))
    reach = data.draw(st.sampled_from([16, 600, len(content) - 1]))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, reach))] = data.draw(st.integers(0, 255))
    try:
        result = read(bytes(content))
    except UploadError as error:
        assert_precise(str(error))
    else:
        assert result.experts.loc.isfinite().all()
        assert bool((result.experts.scale > 0).all())
        assert all(isinstance(result.label(i), str) for i in range(len(result)))


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                    max_leaves=8)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["mu_a", "sigma_a", "labels", "name", "__metadata__", "present_a"]), st.one_of(
    JSON, st.fixed_dictionaries({"dtype": st.sampled_from(["F32", "BOOL", "U8", "I64", "F4", "C64"]) | JSON,
                                 "shape": st.lists(st.integers(-2, 2**70), max_size=4) | JSON,
                                 "data_offsets": st.lists(st.integers(-2, 160), min_size=2, max_size=2) | JSON}),
    st.dictionaries(st.sampled_from(["name", "classes", "format"]), st.text(max_size=9) | JSON, max_size=3))))
def test_any_header(changes):
    try:
        read(raw(json.dumps({**good_header(), **changes}).encode(), DATA))
    except UploadError as error:
        assert_precise(str(error))
