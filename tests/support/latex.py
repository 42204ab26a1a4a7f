"""A small reader of worked formulas: what is written is computed once more, from the digits that stand there."""

import re

import torch

from bvae.aggregators.worked import InThePlane, OneDimension

NORMAL = re.compile(r"([\d.]+)\\,\\mathcal N\(([^,]+),\\, ([^ ]+)\^2\)")


def case(rule, loc, scale, d, present=None, weights=None):
    """One item, (M, 1, D), in dimension d, as a rule's worked formula gets it."""
    experts = rule.prepare(loc, scale, present, weights)
    return OneDimension(experts, rule.aggregate(experts), d, [rf"\text{{{'ABCDEF'[m]}}}" for m in range(len(loc))])


def in_the_plane(rule, loc, covariance, present, weights):
    """One item with full covariances, (M, 1, D) and (M, 1, D, D), all weights positive."""
    q = rule.full(loc, covariance, present, weights)
    here = [m for m in range(len(loc)) if present[m, 0]]
    w = (weights[here] / weights[here].sum()).tolist()
    return InThePlane(["ABCDEF"[m] for m in here], w, [loc[m, 0] for m in here], [covariance[m, 0] for m in here],
                      q.mean[0], q.total_covariance[0], len(here) == len(loc))


def rows(lines):
    """The lines as they stand below each other."""
    return [row for line in lines for row in line.split(r"\\[3pt]")]


def sums(lines):
    """(left side, right side, result) of every equation that goes on to a number."""
    name, right = "", ""
    for row in rows(lines):
        if row.startswith(r"&\quad + "):
            right += " + " + row.removeprefix(r"&\quad + ")
        elif row.startswith("&= "):
            yield name, right, row.removeprefix("&= ").split(r", \;")[0]
        elif " &= " in row:
            name, right = row.split(" &= ", 1)
            if " = " in right and "," not in right and "text" not in right:
                yield name, *right.split(" = ")


def value(text):
    """What an expression of our formulas comes to, and its size: the same without any minus sign.

    Sums, products, fractions and powers of numbers alone; anything else raises ValueError.
    """
    text = text.replace(r"\underbrace{1}_{\text{prior}}", "1").replace(r"\big", "").replace(r"\Big", "")
    text = re.sub(r"\^\{(-?\d+)\}", r"**(\1)", text).replace("^2", "**2")
    text = re.sub(r"\\tfrac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
    text = re.sub(r"(?<=\d)\(", "*(", text.replace(r"\cdot", "*").replace(r"\,", ""))
    if not re.fullmatch(r"[-+*/(). \de]+", text):
        raise ValueError(f"no arithmetic: {text}")
    return eval(text), eval(re.sub(r"(?<!\*\*\()-", "", text))  # noqa: S307 - digits and signs alone


def written_mixture(lines):
    """Mean and standard deviation of a mixture all of whose components are written out, else None; of what is decoded
    where that is a part of the mixture."""
    found = NORMAL.findall(" ".join(rows(lines)).split("decoded")[-1])
    numbers = torch.tensor([[value(v)[0] for v in one] for one in found], dtype=torch.float64).reshape(-1, 3)
    w, mu, sigma = numbers.T
    if abs(w.sum().item() - 1) > 0.01:
        return None
    mean = w @ mu
    return mean.item(), (w @ (sigma**2 + (mu - mean) ** 2)).sqrt().item()
