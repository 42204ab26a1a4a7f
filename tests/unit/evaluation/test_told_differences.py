"""What the documentation says of pairs of methods is what ``bvae compare`` prints now."""

from pathlib import Path

import pytest

from bvae.evaluation.differences import differences

ROOT = Path(__file__).parents[3]
RESULTS, PLUS = ROOT / "docs" / "results.md", ROOT / "docs" / "methods" / "mwb-vae-plus.md"
MIXTURES, BOUNDS, RULES, PRIVATE = (("mwb-vae", "mopoe-vae"), ("wb-vae-tc", "wb-vae"), ("wb-vae-tc", "mvtcae"),
                                    ("mwb-vae-plus", "mwb-vae"))
# Page, pair, figure, its keys, whether the pairs are told apart, and the words around the numbers.
TOLD = [
    (RESULTS, MIXTURES, "coherence", "34", True, "ahead from three and four views ({} and {})"),
    (RESULTS, MIXTURES, "joint_coherence_fitted", [""], True, "in inventions by its sampler ({})"),
    (RESULTS, MIXTURES, "coherence", "12", False, "from one and two views ({} and {})"),
    (RESULTS, MIXTURES, "joint_coherence", [""], False, "from the bare prior ({}) it may be chance"),
    (RESULTS, MIXTURES, "latent_accuracy", "45", True, "is ahead from four and five views ({} and {})"),
    (RESULTS, MIXTURES, "latent_accuracy", "1", True, "behind from one ({})"),
    (RESULTS, MIXTURES, "latent_accuracy", "2", False, "from two ({}) it may be chance"),
    (RESULTS, BOUNDS, "coherence", "1", True, "it is {} higher"),
    (RESULTS, RULES, "coherence", "1234", True, "({}, {}, {}, {}; three seeds, all told apart)"),
    (RESULTS, RULES, "joint_coherence", [""], True, "in joint coherence ({})"),
    (RESULTS, RULES, "latent_accuracy", "12", True, "from one and two views ({}, {}; from more"),
    (RESULTS, RULES, "latent_accuracy", "345", False, ""),
    (RESULTS, ("mwb-vae", "sum-pooling-vae"), "coherence", "1234", False, "(by {}, {}, {}, {} and"),
    (RESULTS, ("mwb-vae", "self-attention-vae"), "coherence", "1234", False, "by {}, {}, {}, {}), in latent accuracy"),
    (PLUS, PRIVATE, "coherence", "4", False, "MWB-VAE ({} over three seeds"),
    (PLUS, PRIVATE, "coherence", "123", True, ""),
]


@pytest.mark.parametrize(("page", "pair", "metric", "keys", "apart", "words"), TOLD)
def test_a_difference_that_is_told_is_the_one_that_is_measured(page, pair, metric, keys, apart, words):
    found = {d.key: d for d in differences("polymnist", *pair) if d.metric == metric}
    assert {found[key].told_apart for key in keys} == {apart}
    numbers = [f"{found[key].mean:+.3f}" for key in keys]
    text = " ".join(page.read_text(encoding="utf-8").split())
    ways = [numbers, [n.lstrip("+") for n in numbers], [n.replace("0.", ".", 1) for n in numbers]]
    assert any(words.format(*way) in text for way in ways), (words, numbers)
