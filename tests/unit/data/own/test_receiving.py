"""Files that a person gives: plain names, ZIPs within limits, and a sentence for each that is refused."""

import io
import re
import stat
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from bvae.data.base import DataError
from bvae.data.own.folder import Folder
from bvae.data.own.initialise import initialise
from bvae.data.own.receiving import LIMITS, MIB, Limits, plain_name, receive

TABLE = b"id,height,width\n" + b"".join(f"p{k},{k + 0.5},{2 * k}\n".encode() for k in range(12))


def saved(write):
    held = io.BytesIO()
    write(held)
    return held.getvalue()


def picture(value=0):
    return saved(lambda f: Image.fromarray(np.full((6, 5, 3), value, np.uint8)).save(f, "PNG"))


def packed(members, how=zipfile.ZIP_DEFLATED):
    """A ZIP of name -> bytes; a name may be a ZipInfo."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", how) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return held.getvalue()


def there(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_zip_of_pictures_and_a_table_of_captions_become_views_of_the_same_items(tmp_path):
    photos = packed({f"holiday/p{k}.png": picture(20 * k) for k in range(12)} | {
        "__MACOSX/holiday/._p1.png": b"x", "holiday/.DS_Store": b"x"})
    notes = receive([("Photos.ZIP", photos), ("sizes.csv", TABLE)], tmp_path)
    assert there(tmp_path) == sorted([f"holiday/p{k}.png" for k in range(12)] + ["sizes.csv"])
    assert notes == ["Photos.ZIP: 2 hidden files of the system that packed it are left out"]
    initialise(tmp_path)
    data = Folder(tmp_path).data()
    assert {m.name: m.kind for m in data.modalities.values()} == {"holiday": "image", "sizes": "vector"}
    assert len(data) == 12
    assert bool(data.present.all())


def test_pictures_without_a_folder_get_one_and_tables_in_a_zip_lie_beside_it(tmp_path):
    receive([("mine.zip", packed({"a.png": picture(), "deep/er/t.csv": TABLE, "s/x.wav": b"RIFF"})),
             ("b.png", picture())], tmp_path)
    assert there(tmp_path) == ["mine/a.png", "pictures/b.png", "s/x.wav", "t.csv"]


def test_folders_of_the_same_name_and_of_two_kinds_stay_apart(tmp_path):
    receive([("z.zip", packed({"x/photos/1.png": picture(1), "y/photos/1.png": picture(2), "y/photos/1.wav": b"R"}))],
            tmp_path)
    assert there(tmp_path) == ["photos-2/1.png", "photos-3/1.wav", "photos/1.png"]


def test_files_of_one_name_are_taken_once_or_told_apart(tmp_path):
    notes = receive([("a.csv", TABLE), ("a.csv", TABLE), ("sub/A.csv", TABLE + b"p99,1,2\n")], tmp_path)
    assert there(tmp_path) == ["A-2.csv", "a.csv"]
    assert notes == ["a.csv came twice and is taken once", "sub/A.csv is called A-2.csv here"]


@pytest.mark.parametrize(("given", "plain"), [
    ("../../etc/cron.csv", "cron.csv"), ("C:\\data\\beak.csv", "beak.csv"), ("..csv", "csv"),
    ("a\x00b\n.csv", "a-b-.csv"), ("con.csv", "file-con.csv"), ("models", "file-models"), ("<b>.csv", "-b-.csv"),
    ("x" * 300 + ".csv", "x" * 96 + ".csv"), ("Größe #1 (é).csv", "Größe #1 (é).csv"), ("", "file"),
    ("a .csv", "a.csv"), ("/", "file"), (".hidden.csv", "hidden.csv")])
def test_names_become_plain_ones(given, plain):
    assert plain_name(given) == plain


def link():
    info = zipfile.ZipInfo("p.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def locked():
    content = bytearray(packed({"p.png": picture()}))
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def twice():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as out:
        out.writestr("p.png", picture(1))
        with pytest.warns(UserWarning, match="Duplicate"):
            out.writestr("p.png", picture(2))
    return held.getvalue()


def lying():
    """A ZIP that says that a file of 30 MB has one of 100 bytes."""
    content = packed({"p.csv": b"0" * 30 * MIB})
    return content.replace((30 * MIB).to_bytes(4, "little"), (100).to_bytes(4, "little"))


def long_list():
    """A ZIP whose end says that more files are listed than there could be."""
    content = bytearray(packed({"p.png": picture()}))
    end = content.rindex(b"PK\x05\x06")
    content[end + 10 : end + 12] = b"\xff\xff"
    return bytes(content)


ZIPS = {
    "no ZIP": (lambda: b"PK but no ZIP", "expected a ZIP"),
    "cut off": (lambda: packed({"p.png": picture()})[:-30], "cut off"),
    "damaged inside": (lambda: packed({"p.csv": TABLE}).replace(b"PK\x03\x04", b"PK\x03\x05"), "damaged"),
    "climbs": (lambda: packed({"../p.png": picture()}), "leads out"),
    "climbs inside": (lambda: packed({"a/../../p.png": picture()}), "leads out"),
    "climbs as Windows does": (lambda: packed({"..\\p.png": picture()}), "leads out"),
    "absolute": (lambda: packed({"/etc/p.png": picture()}), "leads out"),
    "a drive": (lambda: packed({"C:/p.png": picture()}), "leads out"),
    "a link": (lambda: packed({link(): "/etc/passwd"}), "got a link"),
    "packed twice": (lambda: packed({"b.zip": packed({"p.png": picture()})}), "packed twice"),
    "a tar in it": (lambda: packed({"b.tar": b"x"}), "packed twice"),
    "a bomb": (lambda: packed({"p.csv": b"0" * 40 * MIB}), "times larger"),
    "many bombs": (lambda: packed({f"p{k}.csv": b"0" * 9 * MIB for k in range(30)}), "MB unpacked"),
    "a bomb that lies": (lying, "damaged"),
    "many files": (lambda: packed({f"p{k}.png": b"x" for k in range(LIMITS.files + 1)}), "files in it"),
    "a long list": (long_list, "files in it"),
    "a password": (locked, "password"),
    "one name twice": (twice, "got it twice"),
    "nothing in it": (lambda: packed({}), "empty ZIP"),
    "an empty file": (lambda: packed({"p.csv": b""}), "empty one"),
    "a program": (lambda: packed({"run.exe": b"MZ"}), "expected one of"),
    "LZMA": (lambda: packed({"p.csv": TABLE}, zipfile.ZIP_LZMA), "usual packing"),
}


@pytest.mark.parametrize(("make", "says"), ZIPS.values(), ids=ZIPS)
def test_a_zip_that_is_damaged_or_hostile_is_a_sentence_and_nothing_is_written(tmp_path, make, says):
    with pytest.raises(DataError, match=re.escape(says)) as error:
        receive([("good.csv", TABLE), ("bad.zip", make())], tmp_path)
    assert "bad.zip" in str(error.value)
    assert "expected" in str(error.value)
    assert "got" in str(error.value)
    assert there(tmp_path) == []


FILES = {
    "empty": ("a.csv", b"", "empty one"), "no ending": ("table", TABLE, "no ending"),
    "an old spreadsheet": ("a.xls", b"x", "save it as .xlsx"),
    "another spreadsheet": ("a.ods", b"x", "save it as .xlsx"),
    "a pickle": ("a.pkl", b"x", "programs"),
    "PyTorch": ("a.pt", b"x", "programs"), "packed": ("a.csv.gz", b"x", "unpack it"),
    "a film": ("a.mp4", b"x", "'.mp4'"),
}


@pytest.mark.parametrize(("name", "content", "says"), FILES.values(), ids=FILES)
def test_a_file_that_is_not_read_is_a_sentence(tmp_path, name, content, says):
    with pytest.raises(DataError, match=re.escape(says)) as error:
        receive([(name, content)], tmp_path)
    assert name in str(error.value)
    assert there(tmp_path) == []


DAMAGED = {
    "Parquet that is cut off": ("a.parquet", lambda: saved(
        lambda f: parquet.write_table(pa.table({"id": ["a", "b"], "x": [1.5, 2.5]}), f))[:60], "Parquet"),
    "Parquet that is none": ("a.parquet", lambda: TABLE, "Parquet"),
    "NPZ that holds objects": ("a.npz", lambda: saved(
        lambda f: np.savez(f, a=np.array([{}, 1], dtype=object))), "a.npz"),
    "NPZ that is none": ("a.npz", lambda: b"PK\x03\x04nothing", "a.npz"),
    "safetensors that are none": ("a.safetensors", lambda: b"\xff" * 40, "a.safetensors"),
    "a column twice": ("a.csv", lambda: b"id,x,x\na,1,2\n", "column 3"),
    "rows of other lengths": ("a.csv", lambda: b"id,x,y\na,1,2\nb,1\n", "a.csv"),
    "a header only": ("a.csv", lambda: b"id,x\n", "without rows"),
    "bytes": ("a.csv", lambda: bytes(range(256)) * 4, "a.csv"),
    "pictures that are none": ("pictures/a.png", lambda: b"\x89PNG nothing", "a.png"),
    "numbers with thousands": ("a.csv", lambda: b'id,x,y\n' + b'a,"1,234",2\n' * 1 + b'b,"2,345",3\n', "a.csv"),
}


@pytest.mark.parametrize(("name", "make", "says"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_a_sentence_that_names_it(tmp_path, name, make, says):
    receive([(name, make())], tmp_path)
    with pytest.raises(DataError, match=re.escape(says)):
        Folder(initialise(tmp_path).parent).data()


def test_limits_of_what_is_taken_at_once(tmp_path):
    with pytest.raises(DataError, match="at most 1 MB in all, got 2 MB"):
        receive([("a.csv", b"x" * MIB), ("b.csv", b"y" * MIB)], tmp_path, Limits(bytes=MIB))
    with pytest.raises(DataError, match="at most 2 files, got 3"):
        receive([(f"{k}.png", picture()) for k in range(3)], tmp_path, Limits(files=2))
    assert there(tmp_path) == []


def test_a_manifest_may_come_along_but_two_may_not(tmp_path):
    with pytest.raises(DataError, match="rename one"):
        receive([("bvae.toml", b"a"), ("x/bvae.toml", b"b")], tmp_path)
    receive([("bvae.toml", b"a"), ("a.csv", TABLE)], tmp_path)
    assert there(tmp_path) == ["a.csv", "bvae.toml"]


@pytest.mark.parametrize("called", ["p{}", "p{}.png", "photos/p{}.PNG"])
def test_captions_find_their_pictures_by_name_with_or_without_the_ending(tmp_path, called):
    colours, sizes = ["red", "blue", "green", "gold"], ["big", "small", "odd"]
    table = "file,caption\n" + "".join(
        f"{called.format(k)},a {sizes[k % 3]} {colours[k % 4]} thing with number {k}\n" for k in range(1, 12))
    receive([("photos.zip", packed({f"p{k}.png": picture(20 * k) for k in range(12)})), ("t.csv", table.encode())],
            tmp_path)
    data = Folder(initialise(tmp_path).parent).data()
    assert {m.name: m.kind for m in data.modalities.values()} == {"photos": "image", "caption": "text"}
    assert data.patterns() == [(("photos", "caption"), 11), (("photos",), 1)]
    assert data.read_text(data.x["caption"][data.ids.index("p5")][None])[0].strip() == "a odd blue thing with number 5"
