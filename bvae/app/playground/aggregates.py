"""The aggregates of a scene, exactly: for the tables below the playground, and for what its browser cannot compute."""

from __future__ import annotations

import functools
import json
from typing import Any, NamedTuple

import torch

from bvae.aggregators import AGGREGATORS, aggregator
from bvae.aggregators.hoelder import GridPool, HoelderPool
from bvae.app.components.playground import scenes
from bvae.app.components.playground.scenes import Scene
from bvae.gaussians.posterior import FullPosterior

EXACT = (1.0, 0.5)  # alpha whose pools are mixtures of few Gaussians


class Result(NamedTuple):
    """One aggregate of a scene. `reason`: why there is none, or else what is to be said of it, if anything."""

    posterior: FullPosterior | GridPool | None
    reason: str


def aggregate(scene: Scene, rule: str) -> Result:
    """The exact aggregate of the experts that are present. Several panels ask for the same ones."""
    return _aggregate(json.dumps(scene, sort_keys=True), rule, AGGREGATORS[rule])


@functools.lru_cache(maxsize=256)
def _aggregate(text: str, rule: str, _entry: Any) -> Result:
    scene: Scene = json.loads(text)
    try:
        made, experts = aggregator(rule, **scenes.options(scene, rule)), scenes.tensors(scene)
        if isinstance(made, HoelderPool) and made.alpha not in EXACT and bool(experts[2].any()):
            return Result(made.exact(*experts), "")  # the pool itself: in one and two dimensions that is possible
        if scenes.takes_covariances(rule):
            return Result(_sound(made.full(*experts)), "")
        loc, covariance, present, weights = experts
        scale = covariance.diagonal(dim1=-2, dim2=-1).sqrt()
        q = _sound(FullPosterior.of(made(loc, scale, present, weights)))
        correlated = bool(covariance[present & (weights > 0).unsqueeze(1)].triu(1).any())
        return Result(q, "It has no form for correlated experts: computed from their standard deviations along z1 and "
                         "z2, as if they were uncorrelated." if correlated else "")
    except ValueError as error:
        return Result(None, str(error))
    except Exception as error:  # a rule of one's own may raise anything
        return Result(None, f"It cannot be computed: {type(error).__name__}: {error}")


def _sound(q: FullPosterior) -> FullPosterior:
    """The same; ValueError unless it is a distribution."""
    numbers = (q.weights, q.loc, q.covariance)
    if q.loc.shape[1] != 1 or not all(bool(torch.isfinite(x).all()) for x in numbers):
        raise ValueError("its result holds NaN or infinity, or is not of one item")
    if bool((q.weights < 0).any()) or abs(q.weights.sum().item() - 1) > 1e-6:
        raise ValueError(f"the weights of its result sum to {q.weights.sum().item():.3g}, or one is negative")
    if not bool((torch.linalg.eigvalsh(q.covariance) > 0).all()):
        raise ValueError("a covariance of its result is not positive definite")
    return q


def answers(raw: Any) -> dict[str, Any] | None:
    """What the playground's browser cannot compute of a scene that it sent; see `components.playground.playground`."""
    try:
        scene = scenes.checked(raw)
    except scenes.BadScene:  # only a browser that was tampered with sends one
        return None
    asked = [rule for rule in dict.fromkeys([*scene["rules"], scene["fill"]]) if rule and rule not in scenes.TWINS]
    return {"scene": scene, "rules": {rule: _answer(scene, rule) for rule in asked}} if asked else None


def _answer(scene: Scene, rule: str) -> dict[str, Any]:
    q, reason = aggregate(scene, rule)
    if not isinstance(q, FullPosterior):
        return {"problem": reason}
    parts = [(w, z, c) for w, z, c in
             zip(q.weights[:, 0].tolist(), q.loc[:, 0].tolist(), q.covariance[:, 0].tolist(), strict=True) if w > 0]
    return {"weights": [w for w, _, _ in parts], "means": [z for _, z, _ in parts],
            "covs": [[c[i][j] for i in range(len(c)) for j in range(i, len(c))] for _, _, c in parts], "note": reason}
