"""Checks of numbers: one wait for the device with them, none without, and the same sentences whatever is wrong."""

import dataclasses

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import bvae
from bvae.aggregators import AGGREGATORS, aggregator, name_of, options_of
from bvae.aggregators.subsets import Mixture
from bvae.gaussians import halfplane
from bvae.validation import Checks, NotFiniteError

ALL = [*AGGREGATORS.names(), "mixture(jeffreys)", "mixture(fisher-rao)"]
rules = pytest.mark.parametrize("name", ALL)
M, B, D = 3, 4, 2


class Device(TorchDispatchMode):
    """Counts what a device would be waited for: numbers that Python asks for, and copies from the host.

    Tensors on "meta" have no numbers, so that nothing can be asked behind its back: it answers itself, that all is
    well and everybody present.
    """

    def __init__(self):
        super().__init__()
        self.looks, self.copies = 0, 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        name = function.name()
        if name in ("aten::_local_scalar_dense", "aten::item", "aten::is_nonzero", "aten::equal", "aten::nonzero"):
            self.looks += 1
            if arguments[0].device.type == "meta":
                return 3
        out = function(*arguments, **(options or {}))
        if name in ("aten::_to_copy", "aten::copy_"):
            self.copies += arguments[0].device != out.device
        return out


def arguments(mask=False, weighed=False, device="meta"):
    """Of a rule, on a device."""
    g = torch.Generator().manual_seed(0)
    out = {"loc": torch.randn(M, B, D, generator=g), "scale": torch.rand(M, B, D, generator=g) + 0.3}
    if mask:
        out["present"] = torch.tensor([[True] * B, [True] * B, [False] * B])
    if weighed:
        out["weights"] = torch.full((M, B), 1 / M)
    return {name: value.to(device) for name, value in out.items()}


def counted(rule, given):
    """Looks of one call after another one, which may bring tables to the device."""
    with Device():
        rule(**given)
    with Device() as device:
        rule(**given)
    assert device.copies == 0
    return device.looks


@rules
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("weighed", [False, True])
def test_a_call_waits_once_for_the_device_with_checks_and_never_without(name, mask, weighed, monkeypatch):
    monkeypatch.setattr("bvae.gaussians.halfplane.UNSEEN_STEPS", 2)  # a wait in each step would be seen in two
    given = arguments(mask, weighed)
    assert counted(aggregator(name), given) == 1
    assert counted(aggregator(name, validate_args=False), given) == 0


@pytest.mark.parametrize("name", ["wasserstein", "mixture(poe)"])
def test_whose_word_on_checks_counts(name):
    given = arguments()
    with bvae.set_validate_args(False):
        assert counted(aggregator(name), given) == 0
        assert counted(aggregator(name, validate_args=True), given) == 1


# The Fisher-Rao rule looks after each of its steps whether there is another one, which on a CPU is no wait.
@pytest.mark.parametrize("name", [name for name in ALL if "fisher-rao" not in name])
def test_so_it_is_on_a_cpu(name):
    for mask in (False, True):
        assert counted(aggregator(name), arguments(mask, device="cpu")) == 1
    assert counted(aggregator(name, validate_args=False), arguments(device="cpu")) == 0


@pytest.mark.parametrize("name", ["mopoe", "mwb", "mixture(code)"])
def test_weights_of_subsets_are_looked_at_with_all_the_rest(name):
    given = {**arguments(True), "weights": torch.full((7,), 1 / 7, device="meta")}
    assert counted(aggregator(name), given) == 1
    assert counted(aggregator(name, validate_args=False), given) == 0


@rules
def test_without_checks_the_numbers_are_the_same(name):
    for mask in (False, True):
        given = arguments(mask, device="cpu")
        given = {k: v.double() if v.is_floating_point() else v for k, v in given.items()}
        given["weights"] = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
        checked, unchecked = aggregator(name)(**given), aggregator(name, validate_args=False)(**given)
        torch.testing.assert_close(unchecked.mean, checked.mean)
        torch.testing.assert_close(unchecked.variance, checked.variance)


def test_the_steps_that_nobody_looks_at_are_enough_or_give_nan(monkeypatch):
    """What the Fisher-Rao rule does on another device, with numbers at hand."""
    g = torch.Generator().manual_seed(0)
    loc = 1000 * torch.randn(5, 500, 2, generator=g, dtype=torch.float64)
    scale = (3 * torch.randn(5, 500, 2, generator=g, dtype=torch.float64)).exp()
    wanted = aggregator("fisher-rao")(loc, scale)
    monkeypatch.setattr(halfplane, "looked_at", lambda values: False)
    out = aggregator("fisher-rao")(loc, scale)
    torch.testing.assert_close(out.loc, wanted.loc)
    torch.testing.assert_close(out.scale, wanted.scale)
    monkeypatch.setattr(halfplane, "UNSEEN_STEPS", 1)
    assert aggregator("fisher-rao")(loc, scale).loc.isnan().any()


def test_bad_numbers_pass_only_without_checks():
    loc, scale = torch.zeros(2, 1, 1), torch.tensor([[[1.0]], [[-1.0]]])
    with pytest.raises(ValueError, match="scale: expected positive, finite standard deviations, got -1 to 1"):
        aggregator("wasserstein")(loc, scale)
    assert aggregator("wasserstein", validate_args=False)(loc, scale).scale.item() == 0.0
    with bvae.set_validate_args(False):
        aggregator("wasserstein")(loc, scale)
    with pytest.raises(ValueError, match="scale"):  # as before
        aggregator("wasserstein")(loc, scale)
    try:
        bvae.set_validate_args(False)  # for good
        aggregator("wasserstein")(loc, scale)
    finally:
        bvae.set_validate_args(True)
    with pytest.raises(ValueError, match="scale"):
        aggregator("wasserstein")(loc, scale)


def test_shapes_are_checked_always_because_that_costs_nothing():
    with pytest.raises(ValueError, match=r"loc: expected shape \(M, B, D\)"):
        aggregator("poe", validate_args=False)(torch.zeros(2, 3), torch.ones(2, 3))


@pytest.mark.parametrize("bad", [{"loc": torch.nan}, {"scale": torch.inf}, {"scale": torch.nan}])
def test_what_is_not_finite_has_an_error_of_its_own(bad):
    given = arguments(device="cpu")
    for name, value in bad.items():
        given[name][1, 2, 0] = value
    with pytest.raises(NotFiniteError, match=f"{next(iter(bad))}: expected"):
        aggregator("poe")(**given)
    given = arguments(device="cpu")
    with pytest.raises(ValueError, match="scale: expected positive") as caught:
        aggregator("poe")(given["loc"], -given["scale"])
    assert not isinstance(caught.value, NotFiniteError)


def test_the_first_of_several_faults_is_named():
    given = arguments(device="cpu")
    with pytest.raises(ValueError, match="weights: expected the sum 1 over modalities, got 6"):
        aggregator("poe")(given["loc"] * torch.nan, -given["scale"], weights=torch.full((M,), 2.0))
    with pytest.raises(ValueError, match="loc: expected finite means"):
        aggregator("poe")(given["loc"] * torch.nan, -given["scale"])


def test_full_covariances_too():
    loc, covariance = torch.zeros(2, 1, 2), torch.eye(2).expand(2, 1, 2, 2).clone()
    for change, message in ((torch.nan, "covariance: expected finite"), (-1.0, "covariance: expected positive definite "
                            "matrices, got the eigenvalue -1 in modality 1")):
        covariance[1, 0, 0, 0] = change
        with pytest.raises(ValueError, match=message):
            aggregator("wasserstein").full(loc, covariance)
    covariance[1, 0] = torch.tensor([[1.0, 0.5], [0.0, 1.0]])
    with pytest.raises(ValueError, match="expected symmetric"):
        aggregator("wasserstein").full(loc, covariance)
    aggregator("moe", validate_args=False).full(loc, covariance)


def test_the_word_on_checks_goes_with_the_rule_and_is_no_option_of_it():
    rule = aggregator("mixture(poe)", validate_args=False)
    assert rule.validate_args is False
    assert rule.conditional().validate_args is False
    assert rule.rule.validate_args is None  # whoever made it may use it elsewhere
    assert rule == aggregator("mixture(poe)")
    assert (name_of(rule), options_of(rule)) == ("mixture(poe)", {})
    assert "validate_args" not in {field.name for field in dataclasses.fields(AGGREGATORS["poe"])}
    inside = aggregator("jeffreys", validate_args=False)
    assert Mixture(inside).inner() is inside


def test_the_device_of_these_tests_sees_whoever_asks():
    assert counted(lambda x: bool((x > 0).all()) and x.sum().item(), {"x": torch.ones(3)}) == 2
    assert counted(aggregator("fisher-rao"), arguments(device="cpu")) > 1


def test_conditions_are_asked_one_by_one_only_when_one_fails():
    checks = Checks(on=True)
    for k in range(5):
        checks.require(lambda k=k: torch.tensor(k != 3), lambda k=k: ValueError(f"number {k}"))
    with Device() as device, pytest.raises(ValueError, match="number 3"):
        checks.look()
    assert device.looks == 5  # all of them, then those up to the fourth
    off = Checks(on=False)
    off.require(lambda: pytest.fail("this is not computed"), ValueError)
    assert off.look() is None


def test_a_model_does_not_look_at_single_numbers_without_checks():
    model = bvae.MultimodalVAE([bvae.Modality(name, "image", (1, 4, 8)) for name in ("a", "b")], aggregator("poe"),
                               bvae.ModelConfig(latent_dim=2, width=4)).eval()
    x = {"a": torch.full((2, 1, 4, 8), torch.nan)}
    with pytest.raises(ValueError, match=r"x\['a'\], item 0: expected finite numbers, got nan"):
        model.experts(x)
    present = torch.ones(2, 2, dtype=torch.bool)
    with pytest.raises(ValueError, match="present: row 1 asks for 'b', which is not in x"):
        model.experts({"a": torch.zeros(2, 1, 4, 8)}, present)
    with bvae.set_validate_args(False):
        assert model.experts(x).loc[0].isnan().all()
        assert model.experts({"a": torch.zeros(2, 1, 4, 8)}, present).present.tolist() == [[True, True], [False, False]]
        with pytest.raises(ValueError, match="unknown modality 'c'"):
            model.experts({"c": x["a"]})
