"""One look for every rule and every method, and no two alike."""

from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

import bvae
from bvae.models.methods import METHODS
from bvae.plots import style

THEMES = {"light": (False, style.LIGHT), "dark": (True, style.DARK)}
APART = 15  # by CIEDE2000; areas beside each other are told apart from about 2 on, thin lines need much more
SOME = 6


def lab(color):
    return rgb2lab(np.array([[[int(color[k:k + 2], 16) / 255 for k in (1, 3, 5)]]]))[0, 0]


def far(one, other):
    return float(deltaE_ciede2000(lab(one), lab(other)))


def luminance(color):
    c = np.array([int(color[k:k + 2], 16) / 255 for k in (1, 3, 5)])
    return np.array([0.2126, 0.7152, 0.0722]) @ np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def test_every_rule_and_every_method_has_a_look_of_its_own():
    assert set(bvae.aggregators()) <= set(style.LOOKS)
    assert set(bvae.methods()) <= set(style.LOOKS)


def test_a_method_that_shares_its_rules_look_is_the_only_one_of_this_rule():
    for names in (bvae.methods(), bvae.aggregators()):
        looks = [style.look(name) for name in names]
        assert len(set(looks)) == len(looks)
    for name in bvae.methods():
        if style.look(name) in [style.look(rule) for rule in bvae.aggregators()]:
            assert style.look(name) == style.look(METHODS[name].aggregator)


@pytest.mark.parametrize("theme", THEMES)
def test_no_two_looks_are_near_to_each_other(theme):
    dark, ink = THEMES[theme]
    looks = set(style.LOOKS.values())
    assert len(looks) >= 18
    for one, other in combinations([look.dark if dark else look.light for look in looks], 2):
        assert far(one, other) > APART, (one, other)
    for look in looks:
        color = look.dark if dark else look.light
        low, high = sorted((luminance(color), luminance(ink.paper)))
        assert (high + 0.05) / (low + 0.05) >= 2.8, color
        for view in style.COLORS:  # filled areas with markers, where rules are lines: they need less
            assert far(color, view) > SOME, (color, view)


def test_two_latent_dimensions_change_the_dash_and_not_the_colour():
    for name in bvae.methods():
        full, flat = style.look(name), style.look(f"{name}-2d")
        assert (flat.light, flat.dark) == (full.light, full.dark)
        assert flat.dash != full.dash


def test_the_hard_to_see_pair_of_old_is_told_apart():
    """MVAE and MMVAE+ had one blue."""
    assert far(style.rule_color("mvae"), style.rule_color("mmvae-plus")) > 2 * APART
