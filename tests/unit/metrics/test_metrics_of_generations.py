"""Inventions of a model's sampler, and what coherence does not see of translations, where the answer is known."""

import math

import pytest
import torch

import bvae
from bvae.metrics import CATALOG, EvaluationData, evaluate
from bvae.metrics.base import left_out, left_out_in_words
from bvae.metrics.classifiers import Classifiers
from bvae.metrics.conditional_samples import generated
from bvae.metrics.inventions import evenness
from bvae.metrics.variety import laplacian_variance, within_class
from bvae.samplers import SAMPLERS, Draws
from tests.support.known import Data, Known, Reads, Shows


class Noisy(Data):
    """The same with pictures of noise behind the class."""

    def __init__(self, seed):
        super().__init__(seed)
        g = torch.Generator().manual_seed(seed + 10)
        for values in self.x.values():
            values[:, :, 1:] = torch.rand(200, 1, 11, 12, generator=g)


@pytest.fixture
def known(tmp_path):
    data = EvaluationData("polymnist", tmp_path)
    data.__dict__.update(train=Noisy(0), test=Noisy(1), judges=Classifiers({n: Reads() for n in "abc"}))
    model = bvae.MultimodalVAE(data.test.modalities.values(), bvae.aggregator("poe"), bvae.ModelConfig(10, 4)).eval()
    for n in "abc":
        model.encoders[n], model.decoders[n] = Known(sees=n == "a"), Shows()
    return model, data


def test_inventions_are_counted_by_the_models_own_sampler(known):
    model, data = known
    assert "joint_coherence_fitted" not in evaluate(model, data, names=["inventions"])  # it has none
    model.sampler = SAMPLERS["gaussian-mixture"].fitted(Draws(20.0 * torch.eye(10)[:2].repeat(100, 1)))
    found = evaluate(model, data, names=["inventions", "joint_coherence"])
    assert found["joint_coherence"]["mean"] == found["joint_coherence_fitted"]["mean"] == 1  # all show the same z
    assert found["class_evenness_fitted"]["mean"] == pytest.approx(math.log(2) / math.log(10), abs=0.02)
    assert found["class_evenness"]["mean"] > 0.95


def test_inventions_of_two_classes_leave_most_real_pictures_out(known):
    model, data = known
    data.__dict__.update(test=Data(1))  # what the decoders draw: the class alone
    assert not evaluate(model, data, names=["invented_samples"])
    every = Draws(20.0 * torch.eye(10).repeat(40, 1))
    model.sampler = SAMPLERS["gaussian-mixture"].fitted(every)
    whole = evaluate(model, data, names=["invented_samples"])
    model.sampler = SAMPLERS["gaussian-mixture"].fitted(Draws(every.z[(every.z[:, :2] > 0).any(1)]))
    part = evaluate(model, data, names=["invented_samples"])
    assert set(whole) == {"judge_frechet_fitted", "precision_fitted", "recall_fitted"}
    for view in "abc":
        assert whole["recall_fitted"][view]["mean"] > 0.7
        assert part["recall_fitted"][view]["mean"] == pytest.approx(0.2, abs=0.1)
        assert part["judge_frechet_fitted"][view]["mean"] > whole["judge_frechet_fitted"][view]["mean"] + 1


def test_evenness_is_the_share_of_the_largest_entropy():
    assert evenness(torch.arange(1000) % 4, 4) == {"mean": 1.0, "se": 0.0}
    assert evenness(torch.zeros(10, dtype=torch.int64), 4)["mean"] == 0
    assert evenness(torch.zeros(0, dtype=torch.int64), 4) == {"mean": 0.0, "se": 0.0}
    some = torch.multinomial(torch.tensor([0.7, 0.2, 0.1]), 400, replacement=True,
                             generator=torch.Generator().manual_seed(0))
    again = torch.stack([some[torch.randint(400, (400,), generator=torch.Generator().manual_seed(k))]
                         for k in range(300)])
    by_bootstrap = torch.tensor([evenness(row, 3)["mean"] for row in again]).std()
    assert evenness(some, 3)["se"] == pytest.approx(float(by_bootstrap), rel=0.15)


def test_the_same_picture_twice_has_no_variety_and_real_noise_has_as_much_as_real_pictures(known):
    model, data = known
    assert evaluate(model, data, names=["translations"])["variety"]["1"]["mean"] < 0.02  # no noise behind the class

    class Draws_(torch.nn.Module):
        """Pictures as the real ones: the class in the first row, other noise behind it each time."""

        def forward(self, z):
            x = Shows()(z)
            x[:, :, 1:] = torch.rand(len(z), 1, 11, 12, generator=torch.Generator().manual_seed(0))
            return x

    for n in "abc":
        model.decoders[n] = Draws_()
    found = evaluate(model, data, names=["translations"])
    assert list(found["variety"]) == list(found["sharpness"]) == ["1", "2"]
    for views in ("1", "2"):
        assert found["variety"][views]["mean"] == pytest.approx(1, abs=0.1)
        assert found["sharpness"][views]["mean"] == pytest.approx(1, abs=0.1)


def test_the_scale_of_variety_is_the_mean_over_all_pairs_of_a_class():
    data = Noisy(3)
    by_hand, weight = 0.0, 0
    for k in range(10):
        images = data.x["b"][data.y == k].flatten(1)
        far = torch.cdist(images, images).square()
        pairs = len(images) * (len(images) - 1)
        by_hand, weight = by_hand + len(images) * float(far.sum()) / pairs, weight + len(images)
    assert within_class(data, "b") == pytest.approx(by_hand / weight, rel=1e-4)


def test_sharpness_is_that_of_the_laplacian():
    checks = (torch.arange(8)[:, None] + torch.arange(8)) % 2.0
    images = torch.stack([checks, torch.zeros(8, 8), torch.arange(8.0).expand(8, 8)])[:, None]
    assert laplacian_variance(images).tolist() == pytest.approx([16 * 36 / 35, 0, 0])  # +-4 everywhere; flat; a ramp
    assert laplacian_variance(images.expand(3, 3, 8, 8)).tolist() == pytest.approx([16 * 36 / 35, 0, 0])


def test_real_pictures_without_detail_have_no_scale(tmp_path):
    data = EvaluationData("polymnist", tmp_path)
    data.__dict__.update(train=Data(0), test=Data(1), judges=Classifiers({}))
    model = bvae.MultimodalVAE(data.test.modalities.values(), bvae.aggregator("poe"), bvae.ModelConfig(10, 4)).eval()
    for n in "abc":
        model.encoders[n], model.decoders[n] = Known(sees=True), Shows()
    found = evaluate(model, data, names=["translations"])
    assert "variety" not in found  # two real pictures of a class are the same here
    assert found["sharpness"]["1"]["mean"] == pytest.approx(1, abs=0.05)


def test_translations_like_real_pictures_are_near_them_and_one_picture_for_all_is_far(known):
    """Every decoder draws the class alone, without the noise behind it: where the real ones lack it too, all is right.
    """
    model, data = known
    for n in "abc":
        model.encoders[n] = Known(sees=True)
    far = evaluate(model, data, names=["conditional_samples"])  # real pictures have noise that these lack
    data.__dict__.update(test=Data(1))
    near = evaluate(model, data, names=["conditional_samples"])
    for views in ("1", "2"):
        assert near["conditional_frechet"][views]["mean"] == pytest.approx(0, abs=0.02)
        assert near["conditional_precision"][views]["mean"] > 0.7  # as near as equal numbers are to each other
        assert near["conditional_recall"][views]["mean"] > 0.7
        assert far["conditional_frechet"][views]["mean"] > 5
        assert far["conditional_recall"][views]["mean"] == 0


def test_translations_come_from_as_many_other_views_as_is_said_and_the_subsets_take_turns(known):
    model, data = known  # only view a sees

    def right(n):
        items, values = generated(model, data, "c", n, torch.Generator().manual_seed(0))
        assert items.tolist() == list(range(200))
        return values[:, 0, 0, :10].argmax(1) == data.test.y

    assert right(1)[::2].all()  # from a; every other item from b, which sees nothing
    assert right(1)[1::2].double().mean() < 0.5
    assert right(2).all()


def test_items_that_lack_a_view_of_their_subset_are_left_out(known):
    model, data = known
    data.test.mask = torch.ones(3, 200, dtype=torch.bool)
    data.test.mask[0, :50] = False

    def items(target, n):
        return generated(model, data, target, n, torch.Generator().manual_seed(0))[0].tolist()

    assert items("c", 1) == [*range(1, 50, 2), *range(50, 200)]  # every other one is asked for a
    assert items("c", 2) == list(range(50, 200))
    assert items("a", 2) == list(range(200))


def test_sharp_judges_judge_translations_and_inventions(known):
    model, data = known
    data.test.attribute_names = ()
    assert left_out(data, ["sharp_coherence"]) == {"sharp_coherence": "sharp judges"}
    assert "classifiers known --sharp" in left_out_in_words(left_out(data, ["sharp_coherence"]), "known")[0]
    data.__dict__["sharp_judges"] = data.judges
    model.sampler = SAMPLERS["gaussian-mixture"].fitted(Draws(20.0 * torch.eye(10)[:2].repeat(100, 1)))
    found = evaluate(model, data, names=["sharp_coherence", "coherence", "inventions"])
    for views in ("1", "2"):
        assert found["coherence_sharp"][views]["mean"] == pytest.approx(found["coherence"][views]["mean"], abs=0.05)
    assert found["joint_coherence_fitted_sharp"] == found["joint_coherence_fitted"]

    class Blind(Reads):
        """Takes everything for the first class."""

        def forward(self, x):
            return torch.nn.functional.one_hot(torch.zeros(len(x), dtype=torch.int64), 10).float()

    data.__dict__["sharp_judges"] = Classifiers({n: Blind() for n in "abc"})
    other = evaluate(model, data, names=["sharp_coherence", "coherence"])
    assert other["coherence"] == found["coherence"]
    assert other["coherence_sharp"]["1"]["mean"] == pytest.approx(float((data.test.y == 0).double().mean()), abs=1e-5)


def test_each_figure_is_told():
    for name in ("joint_coherence_fitted", "class_evenness", "class_evenness_fitted", "variety", "sharpness",
                 "coherence_sharp", "joint_coherence_fitted_sharp", "conditional_frechet", "conditional_precision",
                 "conditional_recall", "judge_frechet_fitted", "precision_fitted", "recall_fitted"):
        assert CATALOG[name].meaning
        assert CATALOG[name].trap
