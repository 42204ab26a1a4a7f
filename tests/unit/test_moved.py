"""Modules by the addresses of before: the same objects, with a warning."""

import importlib
import sys

import pytest

from bvae import moved


@pytest.mark.parametrize("old", sorted(moved.MOVED))
def test_an_old_address_is_the_module_at_its_new_one(old, monkeypatch):
    monkeypatch.delitem(sys.modules, old, raising=False)
    module = importlib.import_module(moved.MOVED[old])
    spec = module.__spec__
    with pytest.warns(DeprecationWarning, match=f"{old} is now {moved.MOVED[old]}"):
        assert importlib.import_module(old) is module
    assert module.__spec__ is spec
    assert module.__name__ == moved.MOVED[old]


@pytest.mark.parametrize("old", sorted(moved.SPLIT))
def test_a_module_that_is_several_now_has_all_their_names(old, monkeypatch):
    from bvae.gaussians import diagonal, full_covariance, iteration

    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"{old} is now bvae.gaussians.diagonal, "):
        module = importlib.import_module(old)
    assert module.kl is diagonal.kl
    assert module.full_kl is full_covariance.kl
    assert module.sqrtm is full_covariance.sqrtm
    assert module.iterate is iteration.iterate


def test_parts_of_a_moved_folder_and_what_never_was():
    with pytest.warns(DeprecationWarning, match="bvae.objectives.code is now"):
        from bvae.objectives.code import WeightedSubsetELBOs
    from bvae.models.objectives.code import WeightedSubsetELBOs as ours

    assert WeightedSubsetELBOs is ours
    with pytest.raises(ModuleNotFoundError, match="bvae.nothing"):
        importlib.import_module("bvae.nothing")


def test_the_maps_of_before_are_those_of_the_folder_without_pytorch_until_asked():
    from bvae import maps

    assert maps.coordinates is importlib.import_module("bvae.maps.maps").coordinates
    with pytest.raises(AttributeError):
        _ = maps.nothing
