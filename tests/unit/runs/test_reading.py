"""Files of native readers, read in a process of their own: what cannot be read is said where it is read for good."""

import pyarrow as pa
import pytest
from pyarrow import parquet

from bvae.runs import isolated, reading
from bvae.runs.isolated import Pool
from bvae.runs.supervisor import ComputationError


def test_what_is_read_by_native_code_is_read_there_first(tmp_path):
    (tmp_path / "a.csv").write_text("id,x\na,1\n")
    assert reading.needed(tmp_path) == []
    parquet.write_table(pa.table({"id": ["a", "b"], "x": [1.5, 2.5]}), tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 damaged")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "p.png").write_bytes(b"\x89PNG damaged")
    assert reading.needed(tmp_path) == ["b.parquet", "c.parquet", "photos"]
    assert reading.read_all(str(tmp_path)) == 3
    isolated.read_all(tmp_path)


def test_a_reader_that_crashes_is_a_sentence(tmp_path, monkeypatch):
    pool = Pool(most=1, warm=False, for_tests=True)
    call = pool.call
    monkeypatch.setattr(pool, "call", lambda *_: call("segmentation_fault"))
    monkeypatch.setattr(isolated, "FILES", pool)
    with pytest.raises(ComputationError, match="crashed"):
        isolated.read_all(tmp_path)
