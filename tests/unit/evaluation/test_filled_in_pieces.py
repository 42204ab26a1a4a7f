"""Imputed tables that are written some rows after the other are those that are written at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import bvae
from bvae.data.own import Folder, filling
from bvae.data.own.writing import TableWriter, write_table
from bvae.evaluation.own_items import Items, write_filled
from bvae.models import imputation
from bvae.training.sizing import sized


@pytest.fixture
def items(tmp_path):
    """Two tables whose ids overlap in part, in another order, with gaps, and a third of tags; an untrained model."""
    g, place = np.random.default_rng(0), tmp_path / "data"
    place.mkdir()
    first = [f"i{k},{g.normal():.3f},{'' if k % 5 == 0 else g.integers(50)},{'ab'[k % 2]}\n" for k in range(30)]
    (place / "one.csv").write_text("id,x,n,word\n" + "".join(first[::-1]))
    (place / "two.tsv").write_text("id\tu\tv\n" + "".join(f"i{k}\t{g.normal():.3f}\t\n" if k % 3 else
                                                        f"i{k}\t\t{g.normal():.3f}\n" for k in range(10, 45)))
    (place / "three.csv").write_text("id,tags\n" + "".join(f"i{k},{'a;b' if k % 2 else 'c'}\n" for k in range(25)))
    (place / "bvae.toml").write_text(
        'name = "pieces"\nid = "id"\n[modalities.one]\nfile = "one.csv"\n[modalities.two]\nfile = "two.tsv"\n'
        '[modalities.tags]\nfile = "three.csv"\nkind = "tags"\ncolumns = ["tags"]\n')
    folder = Folder(place)
    data = folder.data()
    torch.manual_seed(0)
    config = bvae.ModelConfig(sized(data).settings["latent_dim"], 4)
    model = bvae.MultimodalVAE(data.modalities.values(), bvae.aggregator("mwb"), config)
    model.observe(data)
    return Items(model.eval(), data, folder)


def read(path):
    """Cells of a text table, one after the other: numbers, or words."""
    cells = path.read_text().replace("\n", ",").replace("\t", ",").split(",")
    return [float(c) if c.removeprefix("-").replace(".", "").replace("e-", "").isdigit() else c for c in cells]


def test_files_do_not_depend_on_the_size_of_the_pieces(items, tmp_path, monkeypatch):
    said = write_filled(tmp_path / "whole", items)
    monkeypatch.setattr(filling, "AT_ONCE", 12)  # four items, or less
    again = write_filled(tmp_path / "pieces", items)
    assert [line.replace("pieces", "whole") for line in again] == said
    names = sorted(p.name for p in (tmp_path / "whole").iterdir())
    assert len(names) == 6
    for name in names:
        whole, pieces = (read(tmp_path / place / name) for place in ("whole", "pieces"))
        assert [c for c in whole if isinstance(c, str)] == [c for c in pieces if isinstance(c, str)], name
        np.testing.assert_allclose(*([c for c in cells if not isinstance(c, str)] for cells in (whole, pieces)),
                                   rtol=1e-5, atol=1e-6, err_msg=name)
        assert len((tmp_path / "whole" / name).read_text().splitlines()) == 46
    assert said[0].startswith("one: 21 of 45 items had gaps")


def test_items_without_gaps_are_not_decoded(items, monkeypatch):
    """Of 45 items those that lack something of the view are read, and no others."""
    read = []
    experts = items.model.experts
    monkeypatch.setattr(type(items.model), "experts", lambda _, x, *rest, **options: (
        read.append(len(next(iter(x.values())))), experts(x, *rest, **options))[1])
    found = imputation.impute(items.model, items.data.x, items.data.present, targets=["one"])["one"]
    lacking = found.missing.any(1)
    assert 0 < int(lacking.sum()) == sum(read) < 45
    whole = items.data.x["one"][~lacking]
    assert torch.equal(found.mean[~lacking], whole)
    assert (found.scale[lacking] > 0).any(1).all()
    assert (found.scale[~lacking] == 0).all()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".npz"])
def test_rows_come_one_after_the_other_into_every_format(tmp_path, suffix):
    columns = {"id": ["a", "b", "c"], "x": np.array([1.5, np.nan, 3.0]), "w": [None, "=1", "z"]}
    write_table(tmp_path / f"whole{suffix}", columns)
    with TableWriter(tmp_path / f"pieces{suffix}") as writer:
        for rows in (slice(0, 2), slice(2, 3)):
            writer.write({name: values[rows] for name, values in columns.items()})
    one, two = (bvae.data.own.tables.READERS[suffix](tmp_path / f"{name}{suffix}", ()) for name in ("whole", "pieces"))
    for name, values in one.tables[""].columns.items():
        np.testing.assert_array_equal(values, two.tables[""].columns[name])


def test_a_table_whose_making_fails_is_not_there(tmp_path):
    with pytest.raises(RuntimeError, match="broken"), TableWriter(tmp_path / "t.csv") as writer:  # noqa: PT012
        writer.write({"a": [1.0]})
        raise RuntimeError("broken")
    assert list(tmp_path.iterdir()) == []
