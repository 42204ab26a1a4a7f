"""Parquet, NPZ, safetensors, pictures: read as they are, refused in a sentence when damaged or hostile."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pyarrow as pa
import pytest
import safetensors.numpy
from PIL import Image
from pyarrow import parquet

from bvae.data import DataError
from bvae.data.own.readers.arrays import read_npz, read_safetensors
from bvae.data.own.readers.parquet import read_parquet
from bvae.data.own.readers.pictures import read_pictures


def test_parquet_keeps_types(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({
        "id": ["a", "b", "c"], "n": [1.5, None, 2.0], "whole": [1, 2, None], "yes": [True, False, None],
        "kind": pa.array(["u", "v", "u"]).dictionary_encode(), "day": pa.array([0, 1, 2], pa.date32())}), path)
    got = read_parquet(path).tables[""].columns
    np.testing.assert_array_equal(got["n"], [1.5, np.nan, 2.0])
    np.testing.assert_array_equal(got["whole"], [1, 2, np.nan])
    np.testing.assert_array_equal(got["yes"], [1, 0, np.nan])
    assert got["kind"].tolist() == ["u", "v", "u"]
    assert got["day"].tolist()[0] == "1970-01-01"


def test_parquet_of_other_types_or_damaged(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"lists": [[1, 2], [3]]}), path)
    with pytest.raises(DataError, match="column 'lists': expected numbers or words"):
        read_parquet(path)
    parquet.write_table(pa.table({"a": [1.0, float("inf")]}), path)
    with pytest.raises(DataError, match="row 2, column 'a': expected a finite number"):
        read_parquet(path)
    content = path.read_bytes()
    for broken in (content[:40], content[:-20], b"PAR1" + b"\0" * 100):
        path.write_bytes(broken)
        with pytest.raises(DataError, match="expected a Parquet file"):
            read_parquet(path)


def test_archives_of_arrays(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, rna=np.arange(12).reshape(4, 3), rna_columns=np.array(["x", "y", "z"]), photo=np.zeros((4, 8, 8)),
             ids=np.array(["a", "b", "c", "d"]), label=np.array(["u", "v", "u", "v"]))
    views = read_npz(path)
    assert list(views.tables["rna"].columns) == ["x", "y", "z"]
    assert views.arrays["photo"].shape == (4, 8, 8)
    assert views.ids == {"rna": ["a", "b", "c", "d"], "photo": ["a", "b", "c", "d"]}
    assert views.tables[""].columns["label"].tolist() == ["u", "v", "u", "v"]
    safetensors.numpy.save_file({"rna": np.ones((4, 3), np.float32)}, tmp_path / "t.safetensors")
    assert read_safetensors(tmp_path / "t.safetensors").tables["rna"].num_rows == 4


class Bomb:
    """Pickled, it would call a function when it is read."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was read",)


def test_no_pickle_is_read(tmp_path):
    path = tmp_path / "t.npz"
    held = io.BytesIO()
    np.save(held, np.array([Bomb()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", held.getvalue())
    with pytest.raises(DataError, match="pickled"):
        read_npz(path)
    for name, read in (("t.npz", read_npz), ("t.safetensors", read_safetensors), ("t.parquet", read_parquet)):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(DataError, match=name):
            read(tmp_path / name)


def test_an_archive_that_unpacks_without_end_is_refused_unread(tmp_path):
    path = tmp_path / "t.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00")
        entry = archive.infolist()[0]
        entry.file_size = 2**36  # what the directory says, which is looked at before anything is unpacked
    with pytest.raises(DataError, match="unpacked, got"):
        read_npz(path)


def test_pictures_of_all_kinds_become_one_size(tmp_path):
    g = np.random.default_rng(0)
    Image.fromarray(g.integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(g.integers(0, 255, (20, 80), dtype=np.uint8)).save(tmp_path / "b.jpg")
    Image.fromarray(g.integers(0, 65535, (40, 50), dtype=np.uint16)).save(tmp_path / "c.tiff")
    views = read_pictures(tmp_path)
    assert views.arrays[""].shape == (3, 3, 40, 50)
    assert views.ids[""] == ["a", "b", "c"]
    assert 0 <= views.arrays[""].min() <= views.arrays[""].max() <= 1
    assert "2 sizes became 40 x 50" in views.notes[0]
    assert read_pictures(tmp_path, (7, 9), 1).arrays[""].shape == (3, 1, 7, 9)


def test_sixteen_bits_stay_sixteen_bits(tmp_path):
    values = np.array([[0, 1, 2, 300], [1000, 40_000, 65_534, 65_535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_pictures(tmp_path).arrays[""][0, 0], values / 65535, atol=1e-7)


def test_a_picture_that_is_filled_up_keeps_its_proportions(tmp_path):
    values = np.full((10, 40), 200, np.uint8)
    values[:, 20:] = 0
    Image.fromarray(values).save(tmp_path / "a.png")
    padded = read_pictures(tmp_path, (20, 20)).arrays[""][0, 0]
    assert np.isclose(padded[10, 2], 200 / 255, atol=0.01)
    assert padded[10, 17] == 0
    stretched = read_pictures(tmp_path, (20, 20), fit="stretch").arrays[""][0, 0]
    assert np.isclose(stretched[0, 0], 200 / 255, atol=0.01)
    assert stretched[0, 19] == 0


def test_damaged_pictures_are_named(tmp_path):
    with pytest.raises(DataError, match="expected pictures"):
        read_pictures(tmp_path)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png: expected a picture"):
        read_pictures(tmp_path)
    held = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(held, "PNG")
    (tmp_path / "a.png").write_bytes(held.getvalue()[:2000])
    with pytest.raises(DataError, match=r"a\.png: expected a whole picture"):
        read_pictures(tmp_path)
