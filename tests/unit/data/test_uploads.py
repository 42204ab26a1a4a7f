"""Files from strangers: what is read, and that everything else is refused with a precise sentence and nothing more."""

import io
import pickle
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bvae.data import uploads
from bvae.data.uploads import UploadError, read, write

N, D = 6, 3


def arrays(**changes):
    """A good file's arrays; None removes one."""
    rng = np.random.default_rng(0)
    out = {
        "mu_image": rng.normal(size=(N, D)).astype("f4"), "sigma_image": rng.random((N, D)).astype("f4") + 0.1,
        "mu_text": rng.normal(size=(N, D)), "sigma_text": rng.random((N, D)) + 0.1,
        "labels": np.array(list("aabbcc")), **changes,
    }
    return {k: v for k, v in out.items() if v is not None}


def packed(compressed=True, **changes):
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays(**changes))
    return buffer.getvalue()


def npy(array=None, header=None, data=None, version=b"\x01\x00"):
    """The bytes of one member; any header and any data."""
    if array is not None:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array, allow_pickle=True)
        return buffer.getvalue()
    header = header.encode("latin-1")
    length = struct.pack("<H", len(header)) if version[0] == 1 else struct.pack("<I", len(header))
    return b"\x93NUMPY" + version + length + header + data


def zipped(members, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def good_members(**instead):
    return [(f"{k}.npy", instead[k] if k in instead else npy(v)) for k, v in arrays().items()]


# -- what is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [True, False])
def test_a_good_file(compressed):
    there = np.array([1, 1, 0, 1, 1, 1], bool)
    pixels = np.arange(N * 4 * 5, dtype="u1").reshape(N, 4, 5)
    content = packed(compressed, present_text=there, thumbnails_image=pixels, name=np.array("mine"))
    data = read(content)
    assert (data.name, data.modalities, len(data), data.latent_dim) == ("mine", ("image", "text"), N, D)
    np.testing.assert_array_equal(data.experts.loc[0], arrays()["mu_image"])
    np.testing.assert_allclose(data.experts.scale[1][there], arrays()["sigma_text"][there], rtol=1e-6)
    assert data.experts.present.tolist() == [[True] * N, there.tolist()]
    assert not data.experts.loc[1, 2].any()
    assert bool((data.experts.scale[1, 2] == 1).all())
    assert data.classes == ("a", "b", "c")
    assert [data.label(i) for i in range(N)] == list("aabbcc")
    assert data.thumbnail("image", 1).shape == (1, 4, 5)
    assert data.thumbnail("text", 1) is None


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_kind_of_float_in_any_order(dtype, order):
    mu = np.asarray(arrays()["mu_image"], dtype=dtype, order=order)
    np.testing.assert_allclose(read(packed(mu_image=mu)).experts.loc[0], mu.astype("f4"), rtol=1e-6)


@pytest.mark.parametrize("labels", [np.arange(N), np.arange(N, dtype="u1"), np.arange(N, dtype=">i8") - 3,
                                    np.array(["ä", "日本", "", "x" * 40, "ä", "b"]), None])
def test_labels_of_every_kind(labels):
    data = read(packed(labels=labels))
    wanted = [""] * N if labels is None else [str(v) for v in labels.tolist()]
    assert [data.label(i) for i in range(N)] == wanted


def test_colour_thumbnails_come_channels_first_and_missing_ones_not_at_all():
    pixels = np.zeros((N, 2, 3, 3), "u1")
    pixels[0, 1, 2] = (255, 0, 51)
    there = np.arange(N) != 4
    data = read(packed(thumbnails_text=pixels, present_text=there))
    picture = data.thumbnail("text", 0)
    assert picture.shape == (3, 2, 3)
    assert picture[:, 1, 2].tolist() == pytest.approx([1, 0, 0.2])
    assert data.thumbnail("text", 4) is None


def test_what_is_missing_is_not_read():
    mu = arrays()["mu_text"].copy()
    mu[2] = np.nan
    with pytest.raises(UploadError, match="mu_text.*nan at item 2"):
        read(packed(mu_text=mu))
    assert read(packed(mu_text=mu, present_text=np.arange(N) != 2)).experts.loc.isfinite().all()


def test_write_and_read_agree():
    loc, scale = np.random.default_rng(1).normal(size=(3, 4, 2)), np.full((3, 4, 2), 0.5)
    present = np.ones((3, 4), bool)
    present[1, 3] = False
    content = write(loc, scale, ["a", "b_left", "c-2"], labels=np.arange(4), present=present, name="x",
                    thumbnails={"a": np.zeros((4, 2, 2), "u1")})
    data = read(content)
    np.testing.assert_allclose(data.experts.loc[0], loc[0], rtol=1e-6)
    assert data.modalities == ("a", "b_left", "c-2")
    np.testing.assert_array_equal(data.experts.present, present)


# -- what is refused -------------------------------------------------------------------------------------------------

WRONG_ARRAYS = {
    "an object array": ({"labels": np.array([{}, 1, 2, 3, 4, 5], dtype=object)}, "labels.npy: expected integers or"),
    "named fields": ({"mu_text": np.zeros((N, D), [("a", "f4")])}, "mu_text.npy: expected a plain array"),
    "complex numbers": ({"mu_text": np.zeros((N, D), "c8")}, "mu_text.npy: expected floating-point.*got dtype '<c8'"),
    "long doubles": ({"mu_text": np.zeros((N, D), "g")}, "mu_text.npy: expected floating-point"),
    "integer means": ({"mu_text": np.zeros((N, D), int)}, r"mu_text.npy.*astype\(np.float32\)"),
    "dates": ({"labels": np.zeros(N, "M8[s]")}, "labels.npy: expected"),
    "byte labels": ({"labels": np.array([b"a"] * N)}, "labels.npy: expected integers or text, got dtype '.S1'"),
    "long labels": ({"labels": np.array(["x" * 201] * N)}, "texts of at most 200 characters, got room for 201"),
    "labels of floats": ({"labels": np.array([1.0, 2, np.nan, 1, 2, 3])}, r"labels.npy.*with \.astype\(str\)\."),
    "present as floats": ({"present_text": np.ones(N)}, r"present_text.npy: expected bool.*nan_to_num\(x\) != 0"),
    "control characters": ({"labels": np.array(["a\x1bb"] * N)}, r"labels: expected printable char.*'a\\x1bb' at"),
    "two spellings that look the same": ({"labels": np.array(["ab", "a\u202eb"] * 3)}, "'ab' at item 1 written in two"),
    "the end of a line": ({"labels": np.array(["a\u2028b"] * N)}, "labels: expected printable characters"),
    "float thumbnails": ({"thumbnails_text": np.zeros((N, 2, 2))}, "thumbnails_text.npy: expected uint8"),
    "large thumbnails": ({"thumbnails_text": np.zeros((N, 65, 2), "u1")}, "thumbnails_text.*h, w at most 64, got"),
    "tiny widths": ({"sigma_text": np.full((N, D), 1e-9)}, r"np\.maximum\(np\.sqrt\(x\), 1e-06\)"),
    "channels first": ({"thumbnails_text": np.zeros((N, 3, 9, 9), "u1")}, "channels last"),
    "thumbnails of nothing": ({"thumbnails_text": np.zeros((N, 0, 2), "u1")}, "thumbnails_text: expected shape"),
    "no standard deviations": ({"sigma_text": None}, "mu_text: expected its standard deviations.*no sigma_text"),
    "no means": ({"mu_text": None}, "sigma_text: expected a modality that has means"),
    "nothing at all": ({k: None for k in arrays() if k != "labels"}, "at least one modality"),
    "other items": ({"mu_text": np.zeros((N + 1, D))}, r"mu_text: expected shape \(6, 3\).*got \(7, 3\)"),
    "other dimensions": ({"sigma_text": np.ones((N, D + 1))}, r"sigma_text: expected shape \(6, 3\)"),
    "flat means": ({"mu_image": np.zeros(N)}, r"mu_image: expected shape \(N, D\), got \(6,\)"),
    "no items": ({k: np.zeros((0, D)) if k != "labels" else None for k in arrays()}, "1 to 50,000 items"),
    "too many dimensions": ({k: np.ones((1, 1025)) if k != "labels" else None for k in arrays()}, "1 to 1,024 dim"),
    "too many items": ({k: np.ones((50_001, 1), "f4") if k != "labels" else None for k in arrays()}, "got 50,001"),
    "labels of other items": ({"labels": np.arange(4)}, r"labels: expected shape \(6,\)"),
    "two names": ({"name": np.array(["a", "b"])}, "name: expected a single text"),
    "integers for present": ({"present_text": np.ones(N, int)}, "present_text.npy: expected bool"),
    "NaN": ({"mu_text": np.where(np.arange(18).reshape(6, 3) == 7, np.nan, 0.0)}, "nan at item 2, dimension 1"),
    "infinity": ({"sigma_text": np.full((N, D), np.inf)}, r"sigma_text.*inf at item 0, dimension 0 \(18 such"),
    "variances of 0": ({"sigma_text": np.zeros((N, D))}, "sigma_text: expected standard deviations from.*square root"),
    "logarithms": ({"sigma_text": np.full((N, D), -2.0)}, r"got -2 at item 0.*variances write np\.exp\(0\.5 \* x\)"),
    "astronomic means": ({"mu_text": np.full((N, D), 1e200)}, "mu_text: expected means from"),
    "nine modalities": ({f"{p}_m{i}": np.ones((N, D)) for i in range(7) for p in ("mu", "sigma")}, "at most 8 modal"),
}


@pytest.mark.parametrize(("changes", "says"), WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
def test_wrong_arrays(changes, says):
    with pytest.raises(UploadError, match=says) as refused:
        read(packed(**changes))
    assert_precise(str(refused.value))


def assert_precise(text):
    """What, expected, got, how to mend; one sentence."""
    assert "expected" in text
    assert "got" in text
    assert ";" in text
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 420


def patched(content, marker, offset, new):
    """`content` with bytes changed after the last occurrence of `marker`."""
    at = content.rindex(marker) + offset
    return content[:at] + new + content[at + len(new) :]


def repeated_member():
    with pytest.warns(UserWarning, match="Duplicate"):
        return zipped([*good_members(), ("mu_text.npy", npy(arrays()["mu_text"]))])


def huge_directory():
    """A directory that promises a million members."""
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 46 * 65535, 4, 0)
    return b"PK\x03\x04" + b"PK\x01\x02".ljust(46, b"\0") * 65535 + end


def lying_directory():
    """A member whose directory entry promises fewer bytes than it holds."""
    content = zipped([("mu_a.npy", npy(np.zeros((1000, 100)))), *good_members()], compression=zipfile.ZIP_DEFLATED)
    at = content.index(b"PK\x01\x02")
    return content[: at + 24] + struct.pack("<L", 500) + content[at + 28 :]


def sizes_of_64_bits():
    """A ZIP64 end that promises a directory of 2**63 bytes."""
    content = zipped(good_members())
    start = content.index(b"PK\x01\x02")
    end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 5, 5, 2**63, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(content) - 22, 1)
    return content[:-22] + end + locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**32 - 1,
                                                       2**32 - 1, 0)


def one_member_that_is_many():
    """Sixty entries of the directory that all unpack the same nine megabytes."""
    data = npy(np.zeros((9, 2**17)))
    content = zipped([("mu_aa.npy", data)], compression=zipfile.ZIP_DEFLATED)
    start = content.index(b"PK\x01\x02")
    entry = content[start:-22]
    names = [f"{part}_{letter}{digit}.npy".encode() for part in ("mu",) for letter in "abcdef" for digit in range(10)]
    entries = b"".join(entry.replace(b"mu_aa.npy", name) for name in names)
    return content[:start] + entries + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(names), len(names),
                                                   len(entries), start, 0)


def encrypted():
    content = zipped(good_members())
    at = content.index(b"PK\x01\x02")
    return content[: at + 8] + b"\x01\x00" + content[at + 10 :]


HOSTILE = {
    "nothing": (lambda: b"", "begins with"),
    "a pickle": (lambda: pickle.dumps({"mu": 1}), "begins with"),
    "an array alone": (lambda: npy(np.zeros(3)), "a single .npy array"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "begins with"),
    "only the first bytes": (lambda: b"PK\x03\x04", "ends with its directory"),
    "cut off": (lambda: packed()[:-30], "ends with its directory"),
    "cut off in the middle": (lambda: packed()[: len(packed()) // 2], "ends with its directory"),
    "without its beginning": (lambda: packed()[100:], "begins with"),
    "something in front": (lambda: b"PK\x03\x04" + packed(), "right before the end"),
    "something behind": (lambda: packed() + b"#", "ends with its directory"),
    "a comment": (lambda: packed()[:-2] + b"\x02\x00hi", "no comment"),
    "too large": (lambda: packed() + bytes(uploads.MAX_FILE), "at most 50 MB, got 50.0 MB"),
    "a bomb": (lambda: zipped([("mu_a.npy", npy(header="{'descr': '<f4', 'fortran_order': False, 'shape': "
                                                "(50000, 1000), }", data=bytes(190 * uploads.MIB)))],
                              compression=zipfile.ZIP_DEFLATED, compresslevel=1), "times its size"),
    "a larger bomb": (lambda: zipped([(f"{p}_a.npy", bytes(101 * uploads.MIB)) for p in ("mu", "sigma")],
                                     compression=zipfile.ZIP_DEFLATED, compresslevel=1), "at most 200 MB unpacked"),
    "many members": (lambda: zipped([(f"mu_m{i}.npy", b"") for i in range(65)]), "at most 64 members, got 65"),
    "a huge directory": (huge_directory, "at most 64 members, got 65,535"),
    "no members": (lambda: b"PK\x03\x04" + zipped([]), "right before the end"),
    "a path": (lambda: zipped([("../../mu_text.npy", npy(np.zeros(1)))]), r"Member '../../mu_text.npy'.*rename"),
    "an absolute path": (lambda: zipped([("/etc/mu_text.npy", npy(np.zeros(1)))]), "Member '/etc/mu_text.npy'"),
    "a folder": (lambda: zipped([("a/", b"")]), "Member 'a/'"),
    "a name with a null": (lambda: zipped(good_members()).replace(b"mu_text.npy", b"mu_te\0t.npy"), "Member"),
    "a name of two lines": (lambda: zipped([("mu_a\n.npy", b"")]), "Member"),
    "a script for a name": (lambda: zipped([("mu_<script>.npy", b"")]), "Member"),
    "a pickled member": (lambda: zipped([*good_members(), ("model.pkl", pickle.dumps(1))]), "Member 'model.pkl'"),
    "pickled data in an array": (lambda: zipped(good_members(labels=pickle.dumps([1]))), "NumPy's format, got bytes"),
    "a member twice": (repeated_member, "every name once"),
    "a member in capitals": (lambda: zipped([*good_members(), ("mu_TEXT.npy", b"")]), "every name once"),
    "another compression": (lambda: zipped(good_members(), compression=zipfile.ZIP_BZIP2), "compression method 12"),
    "encryption": (encrypted, "no encryption"),
    "a wrong checksum": (
        lambda: patched(packed(False), np.float32(arrays()["mu_image"][0, 0]).tobytes(), 0, b"\1\2\3\4"),
        "damaged member"),
    "a lying directory": (lying_directory, "damaged member"),
    "a damaged directory": (lambda: patched(packed(), b"PK\x01\x02", 0, b"XXXX"), "directory"),
    "a wrong magic": (lambda: zipped(good_members(mu_text=b"\x93NUMPX" + npy(arrays()["mu_text"])[6:])), "mu_text.npy"),
    "an unknown version": (lambda: zipped(good_members(mu_text=npy(header="{}", data=b"", version=b"\x09\x00"))),
                           "version 1 or 2"),
    "an empty member": (lambda: zipped(good_members(mu_text=b"")), "mu_text.npy: expected an array"),
    "a huge shape": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f8', 'fortran_order': False, 'shape': (999999999, 999999999), }", data=bytes(8)))),
        "promises"),
    "a shape without end": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 3000 + ",), }", data=bytes(8)))),
        r"expected shape \(N, D\)"),
    "a negative shape": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3), }", data=bytes(8)))), "plain array"),
    "code in the header": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os').getpid(),), }", data=bytes(8)))),
        "plain array"),
    "a nested header": (lambda: zipped(good_members(mu_text=npy(header="(" * 3000, data=bytes(8)))), "plain array"),
    "a header that ends late": (lambda: zipped(good_members(mu_text=npy(header="x" * 5000, data=b""))), "header of at"),
    "a dtype that is none": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f7', 'fortran_order': False, 'shape': (6, 3), }", data=bytes(126)))), "got dtype '<f7'"),
    "a header of objects": (lambda: zipped(good_members(labels=npy(
        header="{'descr': '|O', 'fortran_order': False, 'shape': (6,), }", data=pickle.dumps([1] * 6)))),
        "got objects"),
    "a zip in the zip": (lambda: zipped(good_members(mu_text=zipped(good_members()))), "NumPy's format, got bytes"),
    "a minor version": (lambda: zipped(good_members(mu_text=npy(header="{}", data=b"", version=b"\x01\x07"))),
                        "version 1 or 2 of NumPy's format, got 1.7"),
    "a name of other letters": (lambda: zipped([("mu_日本.npy", npy(np.zeros(1)))]), "Member 'mu_日本.npy'"),
    "no end of a name": (lambda: zipped([("mu_text", npy(np.zeros(1)))]), "Member 'mu_text'"),
    "named fields in a text": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f4,<f4', 'fortran_order': False, 'shape': (6, 3), }", data=bytes(144)))),
        "got dtype '.V8'"),
    "arrays in an array": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '(3,)<f4', 'fortran_order': False, 'shape': (6,), }", data=bytes(72)))), "got dtype '.V12'"),
    "a huge type": (lambda: zipped(good_members(labels=npy(
        header="{'descr': '<U999999999', 'fortran_order': False, 'shape': (6,), }", data=bytes(24)))), "labels.npy"),
    "texts of no letters": (lambda: zipped(good_members(labels=npy(
        header="{'descr': '<U0', 'fortran_order': False, 'shape': (999999999, 999999999), }", data=b""))),
        "got room for 0"),
    "a shape that overflows": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f4', 'fortran_order': False, 'shape': (536870912, 536870912, 64, 2), }", data=bytes(72)))),
        "promises"),
    "a shape of nothing": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f4', 'fortran_order': True, 'shape': (0, 999999999, 999999999), }", data=b""))),
        r"mu_text: expected shape \(6, 3\)"),
    "a sign before a sign": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f4', 'fortran_order': " + "not " * 900 + "True, 'shape': (6, 3), }", data=bytes(72)))),
        "plain array"),
    "blanks that can be read in many ways": (lambda: zipped(good_members(mu_text=npy(
        header="{" + "'descr': True" + (" " * 100 + "'shape': True") * 30 + "!}", data=bytes(72)))), "plain array"),
    "a name for a value": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f4', 'fortran_order': 'yes', 'shape': (6, 3), }", data=bytes(72)))), "plain array"),
    "no shape": (lambda: zipped(good_members(mu_text=npy(
        header="{'descr': '<f4', 'fortran_order': True, 'fortran_order': True, }", data=bytes(72)))), "plain array"),
    "sizes of 64 bits": (sizes_of_64_bits, "directory"),
    "one member that is sixty": (one_member_that_is_many, "MB unpacked|damaged"),
    "no characters": (lambda: zipped(good_members(labels=npy(
        header="{'descr': '<U1', 'fortran_order': False, 'shape': (6,), }", data=b"\xff\xff\xff\x7f" * 6))),
        "which is no character"),
}


@pytest.mark.parametrize(("build", "says"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files(build, says):
    content = build()
    with pytest.raises(UploadError, match=says) as refused:
        read(content)
    assert_precise(str(refused.value))


def test_a_bomb_is_refused_before_it_is_unpacked():
    content = HOSTILE["a bomb"][0]()
    tracemalloc.start()
    try:
        with pytest.raises(UploadError):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < len(content) + 5 * uploads.MIB
    finally:
        tracemalloc.stop()


def test_more_data_than_the_directory_promises_is_not_unpacked():
    """The stream inflates to 150 MB, the directory says 200 bytes."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    inflated = stream.compress(bytes(150 * uploads.MIB)) + stream.flush()
    content = bytearray(zipped([("mu_a.npy", inflated)]))
    for marker, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = content.index(marker) + at
        content[start : start + 2] = struct.pack("<H", zipfile.ZIP_DEFLATED)
        sizes = start + 14
        content[sizes : sizes + 4] = struct.pack("<L", 200)
    tracemalloc.start()
    try:
        with pytest.raises(UploadError):
            read(bytes(content))
        assert tracemalloc.get_traced_memory()[1] < 20 * uploads.MIB
    finally:
        tracemalloc.stop()


def test_a_directory_as_large_as_the_file_is_not_read():
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    count = 45 * uploads.MIB // len(entry)
    content = b"PK\x03\x04".ljust(30, b"\0") + entry * count + struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, 60, 60, len(entry) * count, 30, 0)
    tracemalloc.start()
    try:
        with pytest.raises(UploadError, match="at most 64 members, got 1,0"):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 5 * uploads.MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("byte", [2, 128, 255])
def test_any_byte_but_0_is_true(byte):
    """NumPy and PyTorch reckon with 0 and 1; a file may hold anything."""
    there = np.frombuffer(bytes([byte, 0, byte, 1, 0, byte]), dtype=bool)
    present = read(packed(present_text=there)).experts.present
    assert present.view(torch.uint8).tolist() == [[1] * N, [1, 0, 1, 1, 0, 1]]


def test_where_the_first_wrong_number_is_found_takes_no_more_than_the_numbers():
    content = packed(False, labels=None, **{k: np.full((20_000, 250), np.nan, "f2")
                                            for k in arrays() if k != "labels"})
    tracemalloc.start()
    try:
        with pytest.raises(UploadError, match="nan at item 0, dimension 0 .5,000,000 such"):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 100 * uploads.MIB  # the places of all of them would be 150 more
    finally:
        tracemalloc.stop()


def test_nothing_unpickles(monkeypatch):
    def never(*_, **__):
        raise AssertionError("pickle was asked")

    monkeypatch.setattr(pickle, "loads", never)
    monkeypatch.setattr(pickle, "load", never)
    for build, _ in (HOSTILE["a header of objects"], HOSTILE["pickled data in an array"]):
        with pytest.raises(UploadError):
            read(build())


def test_nothing_is_written_to_disk(monkeypatch, tmp_path):
    import builtins
    import tempfile

    content = packed()
    before = builtins.open

    def reading_only(file, mode="r", *args, **kwargs):
        assert not set(mode) & set("wax+"), f"{file} was opened for writing"
        return before(file, mode, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", reading_only)
    monkeypatch.setattr(tempfile, "_get_candidate_names", lambda: pytest.fail("a temporary file"))
    read(content)


@given(st.binary(max_size=300))
def test_any_bytes(content):
    with pytest.raises(UploadError):
        read(content)
    with pytest.raises(UploadError):
        read(b"PK\x03\x04" + content)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.booleans())
def test_any_changed_bytes(data, compressed):
    """Either the file is read, with finite numbers in it, or it is refused; nothing else is raised."""
    content = bytearray(packed(compressed))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(content))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{}'(),: <f84descrfortran_orderFalseTrueshape0123456789-OUubiS|\n", max_size=120))
def test_any_header(header):
    check(zipped(good_members(mu_text=npy(header=header, data=bytes(144)))))


def check(content):
    try:
        result = read(content)
    except UploadError as error:
        assert_precise(str(error))
    else:
        assert result.experts.loc.isfinite().all()
        assert bool((result.experts.scale > 0).all())
        for i in range(len(result)):
            assert isinstance(result.label(i), str)
