"""Fixtures that several tests share."""

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

import bvae
from bvae.aggregators import aggregator
from bvae.metrics import EvaluationData

HERE = Path(__file__).parent
pytest.register_assert_rewrite("tests.support")
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")  # how long an example takes is no property of the product


def pytest_collection_modifyitems(items):
    """Mark tests by the folder that they are in."""
    for item in items:
        for folder in ("browser", "slow"):
            if HERE / folder in item.path.parents:
                item.add_marker(folder)


@pytest.fixture(scope="session", autouse=True)
def no_runs_of_the_user(tmp_path_factory):
    """Models that were trained in the app on this machine are none of the tests' business."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BVAE_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("BVAE_LIVE", "off")  # every page with a model would export it, beside the tests
        yield


@pytest.fixture
def few_items(monkeypatch):
    """Metrics of PolyMNIST see every tenth item, 500 in all: for tests of what is done with figures."""
    whole = EvaluationData._split

    def few(self, split):
        data = whole(self, split)
        data.digits, data.y = data.digits[::10], data.y[::10]  # they are in the order of their classes
        return data

    monkeypatch.setattr(EvaluationData, "_split", few)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(20487)


@pytest.fixture
def experts(generator):
    """Random experts: loc, scale of shape (M, B, D) = (4, 6, 3), float64."""
    loc = torch.randn(4, 6, 3, generator=generator, dtype=torch.float64)
    scale = torch.rand(4, 6, 3, generator=generator, dtype=torch.float64) + 0.2
    return loc, scale


@pytest.fixture
def tiny_model():
    """A small model with three image modalities of different shapes, and a batch for it."""
    torch.manual_seed(0)
    modalities = [bvae.Modality("a", "image", (3, 8, 8)), bvae.Modality("b", "image", (1, 12, 8)),
                  bvae.Modality("c", "image", (3, 8, 8))]
    model = bvae.MultimodalVAE(modalities, aggregator("mwb"), bvae.ModelConfig(latent_dim=4, width=4))
    x = {m.name: torch.rand(5, *m.shape) for m in modalities}
    return model, x
