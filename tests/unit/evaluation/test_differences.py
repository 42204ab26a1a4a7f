"""Two methods compared over seeds: paired differences against SciPy's own test, the command, and what has one run."""

import numpy as np
import pytest
from scipy import stats

from bvae.cli import main
from bvae.evaluation.differences import Difference, difference, differences, paired_difference
from bvae.evaluation.records import over_seeds, results
from bvae.training import load_checkpoint


def test_a_paired_difference_is_that_of_students_paired_test():
    rng = np.random.default_rng(0)
    for n in (2, 3, 10):
        a, b = rng.normal(size=(2, n))
        mean, half = paired_difference(a.tolist(), b.tolist())
        wanted = stats.ttest_rel(a, b).confidence_interval(0.95)
        assert (mean - half, mean + half) == pytest.approx((wanted.low, wanted.high))


def test_what_a_seed_does_to_both_cancels():
    shared = np.array([0.1, 0.5, 0.9])
    mean, half = paired_difference((shared + 0.01).tolist(), shared.tolist())
    assert mean == pytest.approx(0.01)
    assert half == pytest.approx(0, abs=1e-9)
    assert paired_difference([1.0], [0.5]) == (0.5, None)
    for pairs in (([], []), ([1.0], [1.0, 2.0])):
        with pytest.raises(ValueError, match="pairs"):
            paired_difference(*pairs)


def test_three_seeds_need_more_than_four_standard_errors():
    told = [Difference("coherence", "1", 0.05, 4.303 * 0.01, 3), Difference("coherence", "1", 0.04, 4.303 * 0.01, 3),
            Difference("coherence", "1", 0.05, None, 1)]
    assert [d.told_apart for d in told] == [True, False, False]


def test_what_ships_is_compared_by_the_seeds_that_both_have(capsys):
    found = {(d.metric, d.key): d for d in differences("polymnist", "mwb-vae", "mopoe-vae")}
    seeds = over_seeds("polymnist")
    for key in "1234":
        values = [[seeds[name]["coherence"][key]["values"][str(s)] for s in range(3)]
                  for name in ("mwb-vae", "mopoe-vae")]
        wanted = stats.ttest_rel(*values).confidence_interval(0.95)
        d = found["coherence", key]
        assert d.n == 3
        assert (d.mean - d.half_width, d.mean + d.half_width) == pytest.approx((wanted.low, wanted.high))
    assert found["reconstruction_error", "m0"].half_width is None
    turned = {(d.metric, d.key): d for d in differences("polymnist", "mopoe-vae", "mwb-vae")}
    assert all(turned[k].mean == pytest.approx(-d.mean) for k, d in found.items())
    assert main(["compare", "mwb-vae", "mopoe-vae"]) == 0
    said = capsys.readouterr().out
    assert "told apart" in said
    assert "may be chance" in said
    assert "one run each" in said


def test_what_is_there_item_by_item_is_paired_by_item(capsys):
    found = {(d.metric, d.key): d for d in differences("polymnist", "mopoe-vae", "mwb-vae")}
    d = found["log_likelihood", ""]
    values = [load_checkpoint("polymnist", name).metrics["log_likelihood"]["values"]
              for name in ("mopoe-vae", "mwb-vae")]
    wanted = stats.ttest_rel(*values).confidence_interval(0.95)
    assert (d.n, d.over) == (200, "items")
    assert (d.mean - d.half_width, d.mean + d.half_width) == pytest.approx((wanted.low, wanted.high))
    assert main(["compare", "mopoe-vae", "mwb-vae"]) == 0
    assert "200 items" in capsys.readouterr().out
    # Seeds come before items, and items that differ are no pairs.
    figures = {"mean": 1.0, "values": [1.0, 2.0]}, {"mean": 2.0, "values": [1.0, 2.0, 3.0]}
    of_seeds = difference("log_likelihood", "", *figures, [(3.0, 1.0), (4.0, 1.5)])
    assert of_seeds.mean == pytest.approx(2.25)
    assert of_seeds.half_width == pytest.approx(0.25 * 12.706, rel=1e-4)
    assert (of_seeds.n, of_seeds.over) == (2, "seeds")
    assert difference("log_likelihood", "", *figures, []).half_width is None


def test_a_model_whose_weights_do_not_ship_is_compared_by_its_record():
    found = {(d.metric, d.key): d for d in differences("mnist-svhn-text", "helvae", "mwb-vae")}
    figures = [results("mnist-svhn-text")[name].metrics["coherence"]["1"]["mean"] for name in ("helvae", "mwb-vae")]
    assert found["coherence", "1"].mean == pytest.approx(figures[0] - figures[1])
    assert found["log_likelihood", ""].over == "items"  # they are there item by item
    assert found["log_likelihood", ""].n == 200


@pytest.mark.parametrize("pair", [("mwb-vae", "mwb-vae"), ("mwb-vae", "nobody"), ("../mwb-vae", "mvae")])
def test_what_cannot_be_compared_is_said_in_a_sentence(pair, capsys):
    assert main(["compare", *pair]) == 1
    assert "Traceback" not in capsys.readouterr().err
