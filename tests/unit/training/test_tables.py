"""A training on tables with gaps, and its checkpoint."""

import math

import pytest
import torch

import bvae
from bvae.data import DATASETS, Column, Modality, MultimodalDataset
from bvae.metrics import EvaluationData, evaluate
from bvae.training.checkpoint import read_checkpoint
from bvae.training.loop import train
from bvae.training.settings import Settings

COLUMNS = (Column("year", "number"), Column("visits", "count"), Column("smokes", "binary", ("no", "yes")),
           Column("island", "category", ("Biscoe", "Dream", "Torgersen")))


class Tables(MultimodalDataset):
    """Both are of one patient."""

    name, num_classes, story = "tables", 2, "Both are of one patient."

    def __init__(self, split="test", source="embedded", **_):
        self.split, self.source, n = split, source, 160
        g = torch.Generator().manual_seed(int(split == "test"))
        self.y = torch.randint(2, (n,), generator=g)
        level = self.y.float().unsqueeze(1) + 0.3 * torch.randn(n, 1, generator=g)
        island = torch.eye(3)[(level + torch.rand(n, 1, generator=g)).long().clamp(0, 2).squeeze(1)]
        table = torch.cat([2026.5 + 0.3 * level, torch.poisson(4 * level.clamp_min(0.1), generator=g),
                           (level > 0.5).float(), island], 1)
        gap = torch.rand(n, 2, generator=g) < 0.2
        table[:, 0] = torch.where(gap[:, 0], math.nan, table[:, 0])
        table[:, 3:] = torch.where(gap[:, 1:], math.nan, table[:, 3:])
        table[::7] = math.nan
        counts = torch.poisson(torch.exp(level * torch.linspace(-1, 1, 20) + 1), generator=g)
        self.modalities = {"patient": Modality("patient", "table", (6,), columns=COLUMNS),
                           "genes": Modality("genes", "counts", (20,), weight=0.5)}
        self.x = {"patient": table, "genes": counts}


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.setitem(DATASETS._entries, "tables", Tables)


def settings(**changes):
    return Settings.for_method("tables", "mwb-vae", **{
        "steps": 12, "batch_size": 32, "latent_dim": 4, "width": 8, "beta": 1.0, "precision": "32-true", **changes})


def test_a_checkpoint_keeps_columns_and_statistics_as_they_are(tables, tmp_path):
    model = train(settings(), tmp_path / "tables" / "m", progress=False)
    again = bvae.load("tables", "m", tmp_path)
    assert again.modalities == model.modalities
    assert read_checkpoint(tmp_path / "tables" / "m").modalities[0].columns == COLUMNS
    kept = [name for name in model.state_dict() if ".statistics." in name]
    assert len(kept) > 8
    for name in kept:
        assert torch.equal(again.state_dict()[name], model.state_dict()[name]), name
    location = again.state_dict()["encoders.patient.statistics.location"][0]
    seen = bvae.dataset("tables", "train").x["patient"][:, 0]
    assert location.item() == pytest.approx(seen[~seen.isnan() & (seen > 0)].mean().item(), abs=2e-4)
    x, mask = (lambda d: (d.x, d.mask))(bvae.dataset("tables", "test"))
    torch.testing.assert_close(again.experts(x, mask).loc, model.experts(x, mask).loc, rtol=1e-2, atol=1e-2)


def test_every_metric_that_applies_is_finite(tables, tmp_path):
    model = train(settings(), tmp_path / "tables" / "m", progress=False)
    found = evaluate(model.requires_grad_(False), EvaluationData("tables", tmp_path))
    for name in ("log_likelihood", "reconstruction_error", "latent_accuracy"):
        assert name in found, found.keys()

    def finite(value):
        return all(map(finite, value.values())) if isinstance(value, dict) else (
            not isinstance(value, float) or math.isfinite(value))

    assert finite(found)


def test_low_precision_keeps_statistics(tables, tmp_path):
    for precision in ("bf16-mixed", "bf16-true", "64-true"):
        model = train(settings(precision=precision, steps=4), tmp_path / precision, progress=False)
        assert model.state_dict()["encoders.patient.statistics.location"].dtype == torch.float32
        assert all(p.isfinite().all() for p in model.parameters())
