"""A batch that the bounds' slow versions go through item by item."""

import pytest
import torch

import bvae


@pytest.fixture
def three_views():
    """Modalities a, b, c, two items of them, and which are there: all but the second item's c."""
    torch.manual_seed(3)
    modalities = [bvae.Modality(n, "image", (1, 8, 8)) for n in "abc"]
    x = {m.name: torch.rand(2, *m.shape) for m in modalities}
    present = torch.ones(3, 2, dtype=torch.bool)
    present[2, 1] = False
    return modalities, x, present
