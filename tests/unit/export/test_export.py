"""Exported networks against PyTorch, by ONNX Runtime: the check itself is part of every export."""

import copy
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import bvae
from bvae.cli import main
from bvae.data import Column
from bvae.export import checking, folder, graphs
from bvae.models.config import ModelConfig
from bvae.models.vae import MultimodalVAE
from bvae.training import load_checkpoint

MIXED = (Column("a", "number"), Column("n", "count"), Column("k", "category", ("x", "y", "z")),
         Column("s", "binary", ("no", "yes")))
PICTURE = bvae.Modality("picture", "image", (3, 8, 8))
TABLE = bvae.Modality("table", "table", (6,), columns=MIXED)
OTHERS = {
    "odd": bvae.Modality("odd", "image", (1, 9, 10)), "large": bvae.Modality("large", "image", (3, 48, 48)),
    "word": bvae.Modality("word", "text", (8, 5)), "page": bvae.Modality("page", "text", (70, 4)),
    "numbers": bvae.Modality("numbers", "vector", (4,)), "cells": bvae.Modality("cells", "counts", (12,)),
    "few": bvae.Modality("few", "counts", (3,)), "marks": bvae.Modality("marks", "binary", (4,)),
    "words": bvae.Modality("words", "tags", (5,)),
    "groups": bvae.Modality("groups", "categorical", (5,), columns=(
        Column("k", "category", ("x", "y", "z")), Column("l", "category", ("u", "v")))),
}


def model_of(*modalities, **config):
    torch.manual_seed(0)
    return MultimodalVAE(modalities, bvae.aggregator("mopoe"), ModelConfig(latent_dim=3, width=8, **config)).eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model of a picture and a table with private latents, and its files."""
    model, to = model_of(PICTURE, TABLE, private_dim=2), tmp_path_factory.mktemp("exported")
    lines = []
    folder.fill(to, model, {}, {"dataset": "own"}, lines.append)
    return model, to, lines


def session(path):
    return onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


def test_every_network_computes_what_it_does_in_pytorch(exported):
    model, to, lines = exported
    generator = torch.Generator().manual_seed(3)
    for m, name in enumerate(model.modalities):
        z = torch.randn(7, 5, generator=generator)
        mean, = session(to / f"{m}-decoder.onnx").run(None, {"z": z.numpy()})
        with torch.no_grad():
            wanted = model.decoders[name](z)
            q = model.experts({name: wanted})
        np.testing.assert_allclose(mean, wanted, atol=1e-4, rtol=1e-4)
        loc, scale = session(to / f"{m}-encoder.onnx").run(None, {"x": mean})
        own = [*range(3), *range(model.private_part(m).start, model.private_part(m).stop)]
        np.testing.assert_allclose(loc, q.loc[m][:, own], atol=1e-4)
        np.testing.assert_allclose(scale, q.scale[m][:, own], atol=1e-4)
    assert len(lines) == 4
    assert all("differs from PyTorch by" in line for line in lines)


def test_a_gap_is_a_gap(exported):
    model, to, _ = exported
    x = torch.tensor([[1.0, 3.0, 0.0, 1.0, 0.0, 1.0]]).repeat(3, 1)
    x[1, 0] = x[2, 2:5] = torch.nan
    loc, _ = session(to / "1-encoder.onnx").run(None, {"x": x.numpy()})
    with torch.no_grad():
        wanted = model.experts({"table": x}).loc[1, :, :3]
    np.testing.assert_allclose(loc[:, :3], wanted, atol=1e-4)


def test_the_manifest_says_what_a_browser_has_to_know(exported):
    model, to, _ = exported
    about = json.loads((to / "model.json").read_text(encoding="utf-8"))
    assert (about["latent_dim"], about["shared_dim"], about["private_dim"]) == (model.latent_dim, 3, 2)
    assert [m["private"] for m in about["modalities"]] == [[3, 5], [5, 7]]
    assert about["rule"]["name"] == "mopoe"
    assert about["conditional"]["name"] == "poe"
    assert about["modalities"][1]["columns"][2]["categories"] == ["x", "y", "z"]
    assert about["difference"] <= about["tolerance"] == checking.TOLERANCE
    for modality in about["modalities"]:
        for part in ("encoder", "decoder"):
            assert (to / modality[part]["file"]).stat().st_size == modality[part]["bytes"]


def test_weights_lie_in_half_precision_where_that_holds_them(tmp_path):
    model = model_of(TABLE)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())
    halves = graphs.graph_of(model.decoders["table"], "decoder", torch.randn(2, 3))
    whole = copy.deepcopy(halves)
    names = {f"network.{name}" for name, _ in model.decoders["table"].named_parameters()}
    assert folder.halves.halved(halves, names) > 0
    assert halves.ByteSize() < whole.ByteSize() - 500
    z = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    one, two = (onnxruntime.InferenceSession(g.SerializeToString()).run(None, {"z": z})[0] for g in (whole, halves))
    np.testing.assert_array_equal(one, two)


def test_networks_that_are_built_alike_share_their_graph(exported, monkeypatch):
    model, _, _ = exported
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: pytest.fail("exported again"))
    other = model_of(PICTURE, private_dim=2)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
    z = torch.randn(4, 5)
    graph = graphs.graph_of(other.decoders["picture"], "decoder", z)
    assert checking.difference(graph.SerializeToString(), other.decoders["picture"], "decoder", z) < 1e-5
    assert checking.difference(graph.SerializeToString(), model.decoders["picture"], "decoder", z) > 1e-3


def test_a_network_that_computes_something_else_leaves_nothing(tmp_path, monkeypatch):
    model = model_of(PICTURE, private_dim=2)
    whole = graphs.graph_of

    def wrong(network, part, example):
        made = copy.deepcopy(whole(network, part, example))
        bias = next(t for t in made.graph.initializer if t.name.endswith("bias"))
        bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + 1, bias.name))
        return made

    monkeypatch.setattr(graphs, "graph_of", wrong)
    monkeypatch.setattr(folder, "load_weights", lambda checkpoint: model)
    checkpoint = load_checkpoint("polymnist", "mwb-vae")
    with pytest.raises(folder.ExportError, match="encoder of picture: expected what PyTorch computes"):
        folder.write(tmp_path / "to", checkpoint, "polymnist")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_every_kind_of_modality(tmp_path, name):
    folder.fill(tmp_path, model_of(OTHERS[name]), {}, {}, lambda line: None)  # raises where it differs
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-decoder.onnx", "0-encoder.onnx", "model.json"]


def test_a_folder_with_something_else_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(["export", "polymnist", "mwb-vae", "--to", str(tmp_path)]) == 1
    assert "expected a new folder or an earlier export, it holds thesis.txt" in capsys.readouterr().err


def test_the_command_writes_a_folder_and_replaces_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(folder, "load_weights", lambda checkpoint: model_of(PICTURE, private_dim=2))
    for _ in range(2):
        assert main(["export", "polymnist", "mwb-vae", "--to", str(tmp_path / "made")]) == 0
    assert "decoder of picture: 0-decoder.onnx" in capsys.readouterr().out
    about = json.loads((tmp_path / "made" / "model.json").read_text(encoding="utf-8"))
    assert (about["dataset"], about["name"], about["method"]) == ("polymnist", "mwb-vae", "mwb-vae")
