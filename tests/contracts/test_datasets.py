"""What every registered data set must offer from its embedded source."""

import pytest
import torch

import bvae
from bvae.data import DataError
from bvae.data.columns import places
from bvae.models.networks import NETWORKS

every = pytest.mark.parametrize("name", bvae.datasets())


def opened(name, split):
    """A split; skipped where the package that carries the data is not installed."""
    try:
        return bvae.dataset(name, split)
    except DataError as error:
        if "is not installed" in str(error):
            pytest.skip(str(error))
        raise


@pytest.mark.slow
@every
@pytest.mark.parametrize("split", ["train", "test"])
def test_views_labels_and_modalities_fit_together(name, split):
    data = opened(name, split)
    assert list(data.x) == list(data.modalities)
    assert data.y.dtype == torch.int64
    assert data.y.min() >= 0
    assert data.y.max() < data.num_classes
    for modality in data.modalities.values():
        assert modality.kind in NETWORKS
        assert modality.label
        values = data.x[modality.name]
        assert values.shape == (len(data), *modality.shape)
        assert values.is_floating_point()
        if modality.columns:  # numbers in their own units, and gaps
            has = values[data.present[list(data.modalities).index(modality.name)]]
            assert not has.isinf().any()
            for column, place in zip(modality.columns, places(modality.columns), strict=True):
                there = has[:, place][~has[:, place].isnan().any(1)]
                assert len(there) or column.type == "number"
                if column.type != "number":
                    assert (there >= 0).all()
                    assert (there == there.round()).all()
                if column.type == "category":
                    assert (there.sum(1) == 1).all()
        else:
            assert values.min() >= 0
            assert values.max() <= 1
    assert f"{len(data):,} items" in data.describe()


@every
def test_an_epoch_shows_every_item_at_most_once_and_can_be_resumed(name):
    data = opened(name, "train")
    size = len(data) // 4 - 1
    generator = torch.Generator().manual_seed(0)
    whole, states = [], [generator.get_state()]
    for batch in data.epoch(3, size, 0, generator):
        whole.append(batch)
        states.append(generator.get_state())
    assert len(whole) == data.steps_per_epoch(size) == 4
    assert all(batch.present.any(0).all() for batch in whole)
    if not data.incomplete:
        assert all(batch.present.all() for batch in whole)
    resumed = torch.Generator()
    resumed.set_state(states[2])
    for batch, expected in zip(data.epoch(3, size, 0, resumed, skip=2), whole[2:], strict=True):
        assert torch.equal(batch.y, expected.y)
        assert all(torch.equal(batch.x[m].nan_to_num(-1), expected.x[m].nan_to_num(-1)) for m in batch.x)
