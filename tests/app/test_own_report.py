"""The report's items, and its Python, which makes the same from a person's files."""

import re

import pytest
import torch

import bvae
from bvae.app import own_report, report_items
from bvae.data.own.registering import FOLDERS, unregister
from bvae.evaluation import own_items
from bvae.evaluation.evaluation import evaluated
from bvae.io.storage import write_json
from bvae.models.imputation import impute
from bvae.training import load_checkpoint
from bvae.training.checkpoint import METRICS, checkpoints_root
from tests.support import brought


@pytest.fixture(autouse=True)
def unregistered():
    """What a test has brought is gone after it."""
    before = set(FOLDERS)
    yield
    for name in set(FOLDERS) - before:
        unregister(name)


def made(name, method="mwb-vae"):
    checkpoint = load_checkpoint(name, method)
    write_json(checkpoint.folder / METRICS, evaluated(checkpoint, checkpoints_root()))
    checkpoint = load_checkpoint(name, method)
    return checkpoint, own_items.items_of(name, bvae.load(name, method))


def test_items_of_tables_show_what_is_imputed_with_its_interval_beside_the_truth(tmp_path):
    name = brought.trained(brought.tables(tmp_path, "shown"), "mwb-vae")
    checkpoint, items = made(name)
    text = str(own_report.report(checkpoint, items))
    data = bvae.dataset(name, "test")
    picked = report_items.chosen(data)
    assert len({hidden for _, hidden in picked}) == min(len(picked), len(data.modalities))
    for item, hidden in picked:
        assert f"{data.ids[item]}: {hidden} is hidden" in text
        x = {v: values for v, values in data.of_item(item).items() if v != hidden}
        filled = impute(items.model, x, num_draws=64, generator=torch.Generator().manual_seed(0))[hidden]
        column = data.modalities[hidden].columns[0]
        if column.type in ("number", "count"):
            mean, half = float(filled.mean[0, 0]), 1.645 * float(filled.scale[0, 0])
            said = re.search(rf"{column.name.replace('_', ' ')}</th>.*?bvae-columns-said\">([^<]*)<", re.sub(
                r"\s+", " ", text[text.index(f"{data.ids[item]}: {hidden} is hidden"):]))
            low, high = (float(v.replace(",", "")) for v in re.findall(r"\((\S+) to (\S+)\)", said[1])[0])
            assert abs(high - (mean + half)) < 0.02 * abs(mean + half) + 0.5
            assert low < high


def test_items_of_pictures_and_texts_are_shown_as_such(tmp_path):
    name = brought.trained(brought.captions(tmp_path, "painted"), "mwb-vae")
    text = str(own_report.report(*made(name)))
    assert text.count("data:image/png") >= 6
    assert "where it is unsure" in text
    assert "imputed" in text
    assert "sure of its letters" in text


def test_its_python_makes_the_same_from_the_files(tmp_path, monkeypatch, capsys):
    name = brought.trained(brought.tables(tmp_path, "again-and-again"), "mwb-vae", beta=0.7, seed=3)
    checkpoint, items = made(name)
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(compile(own_report.python(checkpoint), "again.py", "exec"), scope)  # noqa: S102 - our own text
    assert capsys.readouterr().out.count(checkpoint.hash[:12]) == 2
    mine, again = own_items.embedding(items), scope["latent"]
    assert list(mine) == list(again)
    torch.testing.assert_close(torch.tensor(mine["z1"]), torch.tensor(again["z1"]))
    figures = {k: v for k, v in scope["metrics"].items() if k.startswith("imputation")}
    assert figures
    for key, of in figures.items():
        for view, figure in of.items():
            assert abs(figure["mean"] - checkpoint.metrics[key][view]["mean"]) < 1e-5
    assert list((tmp_path / "again" / "filled").iterdir())
    words = re.compile(r"<style>.*?</style>|in [\d.,–]+ seconds", re.DOTALL)
    assert words.sub("", (tmp_path / "again" / "report.html").read_text()) == words.sub(
        "", str(own_report.report(checkpoint, items)))
