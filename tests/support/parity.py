"""Cases with Python's answers, against which the playground's modules are compared: ``python -m tests.support.parity``.

The comparison is ``parity.mjs``, which runs under node (``node tests/support/parity.mjs cases.json``) and in a browser.
"""

from __future__ import annotations

import functools
import json

import numpy as np
import torch

import bvae
from bvae.aggregators import naming
from bvae.app.components.playground import scenes
from bvae.app.components.playground.schema import FIELDS

SEEDS = 30
# A rule, its options in Python and in the browser.
PLANE = [
    ("poe", {}, {}), ("poe", {"prior_expert": "always"}, {"prior": True}), ("geometric", {}, {}), ("moe", {}, {}),
    ("moment", {}, {}), ("wasserstein", {}, {}), ("mopoe", {"prior_expert": "never"}, {}),
    ("mopoe", {"prior_expert": "always"}, {"prior": True}), ("mwb", {}, {}), ("helvae", {}, {}), ("jeffreys", {}, {}),
    ("code", {"rho": 0.0}, {"rho": 0.0}), ("code", {"rho": 0.6}, {"rho": 0.6}),
    ("hoelder", {"alpha": 1.0}, {"alpha": 1.0}), ("hoelder", {"alpha": 0.5}, {"alpha": 0.5}),
    ("hoelder", {"alpha": 1 / 3}, {"alpha": 1 / 3}),
]
LINE = [(rule, {"prior_expert": "never"} if rule in ("poe", "mopoe") else {}, {"alpha": 0.5, "rho": 0.5})
        for rule in [*sorted({case[0] for case in PLANE}), "fisher-rao"]]


def random_case(seed, correlated=True):
    """Two to five experts as arrays, with weights, some of them missing: loc, scales, covariance, present, weights."""
    draw = np.random.default_rng(seed)
    count = int(draw.integers(2, 6))
    loc = draw.uniform([-4, -3], [4, 3], (count, 2))
    angle = draw.uniform(0, np.pi, count) if correlated else np.zeros(count)
    scales = draw.uniform(0.3, 1.6, (count, 2))
    turn = np.stack([np.stack([np.cos(angle), -np.sin(angle)], -1), np.stack([np.sin(angle), np.cos(angle)], -1)], -2)
    covariance = turn @ (scales[:, :, None] ** 2 * np.eye(2)) @ turn.transpose(0, 2, 1)
    weights = draw.uniform(0.1, 3, count)
    if seed % 5 == 1:
        weights[draw.integers(count)] = 0.0
    present = draw.random(count) > 0.25
    if seed % 10 == 3:
        present[:] = False
    return loc, scales, covariance, present, weights


def packed(covariance):
    """A symmetric matrix as the browser holds it: xx, xy, yy; xx alone in one dimension."""
    return [covariance[i][j] for i in range(len(covariance)) for j in range(i, len(covariance))]


def experts(loc, covariance, present):
    """As the browser takes them."""
    return [{"mean": list(mean), "cov": packed(cov), "present": bool(here)}
            for mean, cov, here in zip(loc.tolist(), covariance.tolist(), present, strict=True)]


def tensors(loc, present, weights):
    """(M, 1, D), (M, 1), (M,): as Python's rules take them."""
    return torch.tensor(loc).unsqueeze(1), torch.tensor(present).unsqueeze(1), torch.tensor(weights / weights.sum())


def group(rule, options, view):
    """What a test is called."""
    return "-".join([rule, view, *(f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}" for k, v in options.items())])


def plane(rule, options, theirs):
    """The rule on experts with full covariances, with its components."""
    for seed in range(SEEDS):
        loc, _, covariance, present, weights = random_case(seed)
        mean, here, shares = tensors(loc, present, weights)
        q = bvae.aggregator(rule, **options).full(mean, torch.tensor(covariance).unsqueeze(1), here, shares)
        answer = {"mean": q.mean[0].tolist(), "cov": packed(q.total_covariance[0].tolist())}
        if rule != "hoelder":  # it has none in the browser; Python keeps places for subsets that nobody fills
            answer["components"] = [
                [w, *z, *packed(c)] for w, z, c in
                zip(q.weights[:, 0].tolist(), q.loc[:, 0].tolist(), q.covariance[:, 0].tolist(), strict=True)
                if w > 1e-12]
        tolerance = 1e-3 if rule == "hoelder" else 1e-6 if rule in ("wasserstein", "mwb", "jeffreys") else 1e-8
        yield {"group": group(rule, options, "plane"), "rule": rule, "options": theirs, "tolerance": tolerance,
               "experts": experts(loc, covariance, present), "weights": weights.tolist(), "answer": answer}


def line(rule, options, theirs):
    """The rule in one dimension, by Python's rule for diagonal covariances."""
    for seed in range(SEEDS):
        loc, scales, _, present, weights = random_case(seed, correlated=False)
        mean, here, shares = tensors(loc[:, :1], present, weights)
        q = bvae.aggregator(rule, **options)(mean, torch.tensor(scales[:, :1]).unsqueeze(1), here, shares)
        yield {"group": group(rule, {}, "line"), "rule": rule, "options": theirs,
               "tolerance": 1e-3 if rule == "hoelder" else 1e-6,
               "experts": experts(loc[:, :1], scales[:, :1, None] ** 2, present), "weights": weights.tolist(),
               "answer": {"mean": q.mean[0].tolist(), "cov": q.variance[0].tolist()}}


def fisher_rao():
    """In the plane: by Python's rule for diagonal covariances, and no answer where somebody is correlated."""
    for seed in range(SEEDS):
        loc, scales, _, present, weights = random_case(seed, correlated=False)
        mean, here, shares = tensors(loc, present, weights)
        q = bvae.aggregator("fisher-rao")(mean, torch.tensor(scales).unsqueeze(1), here, shares)
        diagonal = scales[:, :, None] ** 2 * np.eye(2)
        yield {"group": "fisher-rao-plane", "rule": "fisher-rao", "options": {}, "tolerance": 1e-6,
               "experts": experts(loc, diagonal, present), "weights": weights.tolist(),
               "answer": {"mean": q.mean[0].tolist(), "cov": packed(torch.diag(q.variance[0]).tolist())}}
    loc, _, covariance, present, weights = random_case(0)
    yield {"group": "fisher-rao-correlated", "rule": "fisher-rao", "options": {}, "tolerance": 0.0,
           "experts": experts(loc, covariance, present), "weights": weights.tolist(), "answer": None}


def changed_scenes():
    """Scenes at and beyond each limit of the schema, and some with too many experts or a bad covariance."""
    def scene(*path, value):
        made = scenes.preset("wrong")
        place = made
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return made

    numbers = [(("experts", 1, "mean", k), axis)
               for k, axis in enumerate(FIELDS["experts"]["items"]["properties"]["mean"]["prefixItems"])]
    numbers += [(("weights", 2), FIELDS["weights"]["items"]), (("alpha",), FIELDS["alpha"]), (("rho",), FIELDS["rho"])]
    for path, field in numbers:
        low, high = field["minimum"], field["maximum"]
        for share in (-1, -0.01, 0, 0.4, 1, 1.01, 2):
            yield scene(*path, value=low + share * (high - low))
    for count in range(1, 9):
        made = scene("weights", value=[1.0] * count)
        yield made | {"experts": [made["experts"][0]] * count}
    for sd in (0.02, 0.1, 0.3, 3.0, 6.0):
        yield scene("experts", 0, "cov", value=[sd * sd, 0.0, 1.0])
        yield scene("experts", 0, "cov", value=[1.0, 0.0, sd * sd])
    yield scene("experts", 0, "cov", value=[1.0, 2.0, 1.0])
    for name, value in (("view", "line"), ("prior", True), ("fill", None), ("rules", []), ("rules", ["moe", "poe"]),
                        ("layers", {"experts": False, "prior": False, "samples": True, "path": True})):
        yield scene(name, value=value)


@functools.cache
def cases():
    """All that ``parity.mjs`` compares, with Python's answers; nothing but JSON."""
    return {
        "aggregates": [*(case for given in PLANE for case in plane(*given)),
                       *(case for given in LINE for case in line(*given)), *fisher_rao()],
        "scenes": list(changed_scenes()),
        "rules": naming.ordered(bvae.aggregators()),
    }


GROUPS = [*(group(rule, options, "plane") for rule, options, _ in PLANE),
          *(group(rule, {}, "line") for rule, *_ in LINE), "fisher-rao-plane", "fisher-rao-correlated"]


def assert_equal(found, name):
    """What ``parity.mjs`` found in a group: all cases, and no difference."""
    asked = sum(case["group"] == name for case in cases()["aggregates"])
    assert asked
    assert found["groups"][name] == {"cases": asked, "differences": []}


def inside(scene):
    """A scene that Python takes, with its means moved to where a hand can reach."""
    axes = FIELDS["experts"]["items"]["properties"]["mean"]["prefixItems"]
    for expert in scene["experts"]:
        expert["mean"] = [float(np.clip(v, *axis["reach"])) for v, axis in zip(expert["mean"], axes, strict=True)]
    return scene


def assert_same_scenes(found):
    """Browser and Python draw the same limits: what one refuses, the other moves inside, and no more than that."""
    refused = 0
    for given, cleaned in zip(cases()["scenes"], found["scenes"], strict=True):
        assert scenes.checked(cleaned) == cleaned  # what a browser sends is never refused, and not changed
        try:
            taken = scenes.checked(given)
        except scenes.BadScene:
            refused += 1
            assert cleaned != given
        else:
            assert cleaned == inside(taken)
    assert 20 < refused < len(found["scenes"]) - 20  # both kinds are there


if __name__ == "__main__":
    print(json.dumps(cases()))
