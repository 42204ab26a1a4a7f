"""Formulas with numbers: rules with other options than the defaults, and numbers of all sizes."""

import re

import pytest
import torch

from bvae.aggregators import aggregator, aggregators
from bvae.aggregators.worked import aligned, number, square
from tests.support import latex


@pytest.mark.parametrize(("name", "options"), [
    ("poe", {"prior_expert": "always"}), ("poe", {"prior_expert": "full"}), ("mopoe", {"prior_expert": "full"}),
    ("code", {"rho": 0.9}), ("code", {"rho": 0.0}), ("hoelder", {"alpha": 0.7}), ("helvae", {"per_dimension": True}),
    ("mixture(code)", {"rho": 0.4}), ("mwb", {"num_subsets": 3})])
def test_the_formula_is_that_of_the_rules_options(name, options, experts):
    loc, scale = (t[:, :1] for t in experts)
    rule = aggregator(name, **options)
    for keep in (4, 2):
        present = (torch.arange(4) < keep).unsqueeze(1)
        q = rule.conditional()(loc, scale, present)
        for d in range(3):
            made = rule.worked_formula(latex.case(rule, loc, scale, d, present))
            assert made.mean == pytest.approx(q.mean[0, d].item(), rel=1e-6)
            assert made.scale == pytest.approx(q.variance[0, d].sqrt().item(), rel=1e-6)


def test_learned_weights_of_subsets_and_of_dimensions_are_the_rules(experts):
    loc, scale = (t[:, :1] for t in experts)
    of_subsets = torch.arange(1, 16, dtype=torch.float64)
    of_subsets = of_subsets / of_subsets.sum()
    case = latex.case(aggregator("mwb"), loc, scale, 1, weights=of_subsets)
    assert case.w == pytest.approx([0.25] * 4)  # inside a subset
    first, last = re.findall(r"([\d.]+)\\,\\mathcal N", aligned(aggregator("mwb").worked_formula(case).lines))
    assert (first, last) == (number(1 / 120), number(15 / 120))
    single = torch.rand(4, 1, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    single = single / single.sum(0)
    case = latex.case(aggregator("wasserstein"), loc, scale, 2, weights=single)
    assert case.w == pytest.approx(single[:, 0, 2].tolist())
    assert aggregator("wasserstein").worked_formula(case).mean == pytest.approx((single * loc).sum(0)[0, 2].item())


@pytest.mark.parametrize("name", aggregators())
def test_a_power_of_ten_is_never_squared_without_brackets(name):
    """LaTeX refuses 10^{-4}^2."""
    loc = torch.tensor([[[3e-5]], [[-2e-4]], [[2e7]]], dtype=torch.float64)
    scale = torch.tensor([[[2e-4]], [[5e-5]], [[3e6]]], dtype=torch.float64)
    text = aligned(aggregator(name).worked_formula(latex.case(aggregator(name), loc, scale, 0)).lines)
    assert "10^{" in text
    assert "}^2" not in text


def test_numbers_as_they_are_written():
    assert [number(x) for x in (0, 0.25, -1.5, 1234.5, 123456.7, 0.00012, float("inf"))] == [
        "0", "0.25", "-1.5", "1234", "123457", r"1.20\cdot 10^{-4}", r"\infty"]
    assert [square(x) for x in (0.5, -0.5, 2e-4)] == ["0.5^2", "(-0.5)^2", r"(2.00\cdot 10^{-4})^2"]
    assert latex.value(r"\tfrac{1}{(2.00\cdot 10^{-4})^2} + 3\cdot (-1.5)")[0] == pytest.approx(25e6 - 4.5)
