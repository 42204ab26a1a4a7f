"""Models that were trained before say what they said: beliefs, joint beliefs and what is decoded of a few items."""

import json

import numpy as np
import pytest

from bvae.data import DataError, dataset
from bvae.training.checkpoint import checkpoints_root, load_checkpoint, load_weights
from tests.support.stored_values import FILE, shipped, values

STORED = json.loads(FILE.read_text(encoding="utf-8"))
AGAIN = "trained anew? Then look at what changed: python -m tests.support.stored_values"


@pytest.mark.parametrize("which", STORED)
def test_a_shipped_model_says_what_it_said(which):
    data, name = which.split("/")
    checkpoint = load_checkpoint(data, name, checkpoints_root())
    assert checkpoint.hash == STORED[which]["weights"], AGAIN
    try:
        items = dataset(data, "test")
    except DataError as error:
        pytest.skip(str(error))
    found, wanted = values(load_weights(checkpoint), items), STORED[which]["values"]
    assert list(found) == list(wanted)
    for key, numbers in wanted.items():
        # Six digits are kept; another machine adds up in another order.
        np.testing.assert_allclose(found[key], numbers, rtol=1e-4, atol=2e-5, err_msg=f"{which}, {key}")


def test_no_model_of_these_data_sets_lacks():
    there = {which.split("/")[0] for which in STORED}
    assert len(there) >= 3
    assert sorted(f"{data}/{name}" for data, name in shipped() if data in there) == sorted(STORED), AGAIN
