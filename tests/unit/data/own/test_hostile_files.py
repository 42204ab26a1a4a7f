"""Random and damaged bytes in every format: what comes out is a table, or DataError in a sentence, and nothing else."""

from __future__ import annotations

import io
import json
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pytest
import safetensors.numpy
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from PIL import Image
from pyarrow import parquet

from bvae.data import DataError
from bvae.data.own.manifest import read_manifest
from bvae.data.own.readers.pictures import read_pictures
from bvae.data.own.readers.sounds import read_sounds
from bvae.data.own.tables import READERS

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what is damaged
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
G = np.random.default_rng(0)


def saved(write):
    """Bytes that a function writes into a file."""
    held = io.BytesIO()
    write(held)
    return held.getvalue()


def table_csv():
    rows = "".join(f"p{k},{G.normal():.2f},{'red' if k % 2 else 'blue'},{k % 3}\n" for k in range(12))
    return f"id,height,colour,n\n{rows}".encode()


def workbook(file):
    made = Workbook()
    for row in [["id", "x", "y"], ["a", 1.5, "red"], ["b", None, 3]]:
        made.active.append(row)
    made.save(file)


SEEDS = {
    ".csv": table_csv(),
    ".tsv": table_csv().replace(b",", b"\t"),
    ".parquet": saved(lambda f: parquet.write_table(pa.table({"id": ["a", "b"], "x": [1.5, None], "n": [1, 2]}), f)),
    ".npz": saved(lambda f: np.savez(f, rna=np.arange(6.0).reshape(2, 3), ids=np.array(["a", "b"]))),
    ".safetensors": safetensors.numpy.save({"rna": np.ones((2, 3), np.float32)}),
    ".xlsx": saved(workbook),
}
PICTURES = {
    "a.png": saved(lambda f: Image.fromarray(G.integers(0, 255, (6, 5, 3), dtype=np.uint8)).save(f, "PNG")),
    "a.jpg": saved(lambda f: Image.fromarray(G.integers(0, 255, (6, 5), dtype=np.uint8)).save(f, "JPEG")),
    "a.tiff": saved(lambda f: Image.fromarray(G.integers(0, 65535, (6, 5), dtype=np.uint16)).save(f, "TIFF")),
    "a.webp": saved(lambda f: Image.fromarray(G.integers(0, 255, (6, 5, 3), dtype=np.uint8)).save(f, "WEBP")),
    "a.bmp": saved(lambda f: Image.fromarray(G.integers(0, 255, (6, 5, 3), dtype=np.uint8)).save(f, "BMP")),
}
SOUNDS = {f"a.{kind.lower()}": saved(lambda f, kind=kind: soundfile.write(
    f, 0.1 * G.normal(size=2000), 8000, format=kind)) for kind in ("WAV", "FLAC", "OGG")}


@st.composite
def damaged(draw, whole):
    """Bytes with some of them changed, cut out, put in or repeated."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        how = draw(st.sampled_from(["change", "cut", "insert", "end", "repeat"]))
        some = draw(st.binary(min_size=1, max_size=8))
        if how == "change":
            content[at : at + len(some)] = some
        elif how == "cut":
            del content[at : at + draw(st.integers(1, 40))]
        elif how == "insert":
            content[at:at] = some
        elif how == "end":
            del content[at:]
        else:
            content[at:at] = content[max(0, at - 30) : at]
    return bytes(content)


def read_or_refused(read, path):
    """What a reader returns, or the sentence that it raises: one line that names the file."""
    said = None
    try:
        return read(path)
    except DataError as error:
        said = str(error)
    assert "\n" not in said
    assert path.name in said
    return said


@pytest.mark.parametrize("suffix", SEEDS)
def test_the_seeds_are_read(suffix, tmp_path):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(SEEDS[suffix])
    assert not isinstance(read_or_refused(READERS[suffix], path), str)


@pytest.mark.parametrize("suffix", SEEDS)
def test_damaged_tables(suffix, tmp_path):
    path = tmp_path / f"t{suffix}"

    @quick
    @given(damaged(SEEDS[suffix]))
    def any_damage(content):
        path.write_bytes(content)
        read_or_refused(READERS[suffix], path)

    any_damage()


@pytest.mark.parametrize("suffix", SEEDS)
def test_random_bytes(suffix, tmp_path):
    path = tmp_path / f"t{suffix}"

    @quick
    @given(st.binary(max_size=300))
    @example(b"\xff\xfe")
    @example(b"\xef\xbb\xbf")
    @example(b"\xff\xfea")
    @example(b'"')
    @example(b"a,b\n\n\n")
    @example(b"a\n" + b"x" * 200_000)
    @example(b"a," + b"x" * 200_000 + b"\n1,2\n")
    @example(b'"' + b"x" * 200_000 + b'"\n1\n')
    @example(b"PAR1" + b"\xff" * 100 + b"PAR1")
    @example(b"PK\x05\x06" + b"\0" * 18)
    @example(struct.pack("<Q", 2**62) + b"{}")
    def anything(content):
        path.write_bytes(content)
        read_or_refused(READERS[suffix], path)

    anything()


@given(st.text(max_size=200))
@quick
@example("id,a\n1,+5\n2,5.\n3,.5\n")
@example("id,a\n1,'\n")
@example("id,a\n1,1_000\n")
@example("a,a\u00a0\n1,2\n")
@example("\u2028,b\n1,2\n")
def test_any_text_as_a_table(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8", newline="")
    read_or_refused(READERS[".csv"], path)


@pytest.mark.parametrize("name", [*PICTURES, *SOUNDS])
def test_damaged_pictures_and_sounds(name, tmp_path):
    read = read_pictures if name in PICTURES else read_sounds
    whole = {**PICTURES, **SOUNDS}[name]
    (tmp_path / name).write_bytes(whole)
    assert read(tmp_path).ids[""] == ["a"]

    @settings(quick, max_examples=40)
    @given(damaged(whole))
    def any_damage(content):
        (tmp_path / name).write_bytes(content)
        found = read_or_refused(lambda path: read(path.parent), tmp_path / name)
        if not isinstance(found, str):
            values = found.arrays[""]
            assert np.isfinite(values).all()
            assert 0 <= values.min() <= values.max() <= 1

    any_damage()


MANIFEST = b"""name = "study"
story = "what they share"
id = "patient"
labels = ["diagnosis"]
gaps = [-999]
test = 0.2

[modalities.blood]
file = "blood.csv"
kind = "table"
types = {sex = "binary"}
weight = 2
"""


@quick
@given(st.one_of(damaged(MANIFEST), st.binary(max_size=200)))
@example(b"a = " + b"[" * 5000)
@example(b"\xff")
@example(b"modalities = 1")
@example(b"[modalities]\na = 1")
@example(b'name = "a"\n[modalities.joint]\nfile = "a.csv"')
@example(b'name = "a"\ntest = nan\n[modalities.a]\nfile = "a.csv"')
@example(b'name = "a"\n[modalities.a]\nfile = "a.csv"\nweight = inf')
@example(b'name = "a"\n[modalities.a]\nfolder = "a"\nsize = [99999999999999, 2]')
@example(b'name = "a"\n[modalities.a]\nfile = 2026-01-01')
def test_damaged_manifests(tmp_path, content):
    (tmp_path / "bvae.toml").write_bytes(content)
    read_or_refused(lambda path: read_manifest(path.parent), tmp_path / "bvae.toml")


@quick
@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
                    max_leaves=6), st.sampled_from(["file", "weight", "types", "columns", "size", "kind", "seconds"]))
def test_values_of_other_types_in_a_manifest(tmp_path, value, key):
    try:
        said = json.dumps(value, allow_nan=False)
    except ValueError:
        return
    (tmp_path / "bvae.toml").write_text(f'name = "a"\n[modalities.a]\nfile = "a.csv"\n{key} = {said}\n',
                                        encoding="utf-8", errors="replace")
    read_or_refused(lambda path: read_manifest(path.parent), tmp_path / "bvae.toml")


def npz(**entries):
    """An archive of entries as they are."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "."), content)
    return held.getvalue()


def header(shape, dtype="<f8"):
    """The header of a .npy file that claims a shape."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(("content", "said"), [
    (npz(a__npy=header((10**11, 10))), "plain arrays"),
    (npz(a__npy=header((2**62, 2**62))), "plain arrays"),
    (npz(a__txt=b"text"), "another file"),
    (npz(a__npy=header((0, 3))), "a header without rows"),
    (npz(a__npy=saved(lambda f: np.save(f, np.zeros((2, 2), [("x", "f8")])))), "expected numbers or texts"),
    (npz(a__npy=saved(lambda f: np.save(f, np.array(["2026"], "datetime64[Y]")))), "expected numbers or texts"),
    (npz(a__npy=saved(lambda f: np.save(f, np.zeros((2, 2, 2, 2, 2))))), "of 1 to 4 axes"),
    (npz(a__npy=saved(lambda f: np.save(f, np.zeros((2, 3)))), a_columns__npy=saved(
        lambda f: np.save(f, np.array(["x", "x", "y"])))), "column 2: expected every name once"),
    (npz(a__npy=saved(lambda f: np.save(f, np.zeros((2, 3)))), a_columns__npy=saved(
        lambda f: np.save(f, np.array("x")))), "of 1 to 4 axes"),
    (npz(a__npy=saved(lambda f: np.save(f, np.zeros((2, 3)))), ids__npy=saved(
        lambda f: np.save(f, np.array(["x"])))), "expected 2 ids, one a row, got 1"),
])
def test_hostile_archives(tmp_path, content, said):
    path = tmp_path / "t.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        READERS[".npz"](path)


def test_an_archive_that_is_small_and_unpacks_without_end(tmp_path):
    """A bomb that says truly how large it becomes is refused by its directory, before a byte is unpacked."""
    path = tmp_path / "t.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for k in range(300):
            archive.writestr(f"a{k}.npy", header((1000, 10)) + b"\0" * 80_000)
    with pytest.raises(DataError, match="at most 256 arrays"):
        READERS[".npz"](path)


def test_a_parquet_file_that_repeats_a_long_word_without_end(tmp_path):
    path = tmp_path / "t.parquet"
    word = pa.array(["x" * 1_000_000])
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(3000, np.int32)), word)
    parquet.write_table(pa.table({"a": column}), path)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(DataError, match=r"t\.parquet, column 'a': expected at most 2,047 MB of words, got 2,861"):
        READERS[".parquet"](path)


def test_large_whole_numbers_keep_their_digits(tmp_path):
    long = [12345678901234567, 12345678901234568]
    (tmp_path / "t.csv").write_text("id,a\n" + "".join(f"{i},1\n" for i in long))
    assert READERS[".csv"](tmp_path / "t.csv").tables[""].columns["id"].tolist() == list(map(str, long))
    parquet.write_table(pa.table({"id": long}), tmp_path / "t.parquet")
    assert READERS[".parquet"](tmp_path / "t.parquet").tables[""].columns["id"].tolist() == list(map(str, long))
    np.savez(tmp_path / "t.npz", a=np.ones((2, 2)), ids=np.array([20231100012, 20231100013]))
    assert READERS[".npz"](tmp_path / "t.npz").ids["a"] == ["20231100012", "20231100013"]


def test_a_picture_of_billions_of_pixels_is_refused_by_its_header(tmp_path):
    def chunk(kind, body):
        import zlib
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
        ">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(DataError, match=r"a\.png: expected"):
        read_pictures(tmp_path)


def test_commas_that_may_be_thousands_are_not_guessed(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('id,a\nx,"1,234"\ny,"12,500"\n')
    with pytest.raises(DataError, match=r"row 2, column 'a': .* got '1,234', which may be a thousand"):
        READERS[".csv"](path)


@pytest.mark.parametrize(("content", "values"), [
    ('id,a\nx,"1,234,567"\ny,"2,000,000"\n', [1_234_567, 2_000_000]), ('id,a\nx,"1,234.5"\ny,7\n', [1234.5, 7])])
def test_commas_that_can_only_be_thousands_are(tmp_path, content, values):
    path = tmp_path / "t.csv"
    path.write_text(content)
    np.testing.assert_array_equal(READERS[".csv"](path).tables[""].columns["a"], values)


def test_commas_between_semicolons_are_decimals(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id;a\nx;1,234\ny;+2,5\nz;3\n")
    np.testing.assert_array_equal(READERS[".csv"](path).tables[""].columns["a"], [1.234, 2.5, 3])


def test_empty_rows_at_the_end_are_left_out_and_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,a\nx,1\n,\n,\n")
    views = READERS[".csv"](path)
    assert views.tables[""].num_rows == 1
    assert "2 rows at its end have empty cells only" in views.notes[0]


def test_a_declared_code_is_a_gap_however_it_is_written(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,a\nx,-999.0\ny,2.5\nz,-999\n")
    np.testing.assert_array_equal(READERS[".csv"](path, ("-999",)).tables[""].columns["a"], [np.nan, 2.5, np.nan])
