"""Scenes of the playground: the ready-made ones, a scene as text for a link, checks, Python code. No Streamlit here."""

from __future__ import annotations

import copy
import math
import re
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bvae.aggregators import AGGREGATORS, Aggregator, GaussianAggregator, aggregators, naming
from bvae.app.components.playground.schema import (
    EXPERT,
    FEWEST,
    FIELDS,
    LAYERS,
    MOST,
    NAMES,
    SCALE,
    VERSION,
    default,
    limits,
)

TWINS = ("poe", "geometric", "moe", "moment", "wasserstein", "mopoe", "mwb", "hoelder", "helvae", "jeffreys",
         "fisher-rao", "code")
"""Rules that the browser computes too (RULES in browser/rules.mjs; a test holds both together)."""
Scene = dict[str, Any]


class Preset(NamedTuple):
    """A ready-made scene: its name, what to look for, and what differs from :func:`plain`."""

    title: str
    look: str
    scene: Scene


def expert(x: float, y: float, sx: float, sy: float, rho: float = 0.0, present: bool = True) -> dict[str, Any]:
    """An expert by its mean, standard deviations and correlation."""
    return {"mean": [x, y], "cov": [round(sx * sx, 6), round(rho * sx * sy, 6), round(sy * sy, 6)], "present": present}


def plain(experts: list[dict[str, Any]], **changes: Any) -> Scene:
    """A scene with the usual settings."""
    layers = {**LAYERS, **changes.pop("layers", {})}
    return {"v": VERSION, "experts": experts, "weights": [float(FIELDS["weights"]["items"]["default"])] * len(experts),
            "rules": ["poe", "moe", "wasserstein"], "fill": "moe", "alpha": default("alpha"), "rho": default("rho"),
            "prior": default("prior"), "layers": layers, "view": default("view"), **changes}


PRESETS: dict[str, Preset] = {
    "agreement": Preset(
        "Agreement", "All three say nearly the same. PoE becomes surer than any of them; do they deserve that?",
        plain([expert(-0.5, 0.3, 0.9, 0.6, 0.3), expert(0.2, -0.2, 0.8, 0.7, 0.2), expert(0.4, 0.4, 0.9, 0.6, 0.35)])),
    "wrong": Preset(
        "Sure but wrong",
        "C is sharp and far away. PoE goes over to it, MoE keeps a second mode, Wasserstein moves a third of the way.",
        plain([expert(-1.6, -0.6, 1.1, 0.9, 0.2), expert(-1.2, -0.1, 1.0, 1.1, -0.2), expert(2.9, 1.8, 0.3, 0.3)])),
    "camps": Preset(
        "Two camps",
        "Two experts left, two right. Which joint beliefs put their mean where nobody believes anything?",
        plain([expert(-2.6, 0.5, 0.7, 0.5, 0.3), expert(-2.3, -0.4, 0.6, 0.7), expert(2.4, 0.4, 0.6, 0.6, -0.3),
               expert(2.7, -0.5, 0.7, 0.5)])),
    "ignorant": Preset(
        "Knows nothing",
        "C knows nothing: it is wide. PoE ignores it by itself; Wasserstein and MoE let it blur the answer. Lower its "
        "weight.",
        plain([expert(-0.8, 0.2, 0.6, 0.5, 0.3), expert(0.1, -0.3, 0.5, 0.6), expert(0.5, 0.5, 2.6, 2.4)])),
    "many": Preset(
        "Many experts",
        "Six experts that quarrel. PoE is six times as precise as one of them all the same: switch experts off one by "
        "one and watch it widen, while Wasserstein keeps its size.",
        plain([expert(-2.0, 0.8, 0.9, 0.7, 0.2), expert(1.8, 1.0, 0.8, 0.8), expert(-1.2, -1.4, 0.7, 0.9, -0.3),
               expert(1.4, -1.2, 0.9, 0.7), expert(0.2, 2.0, 0.8, 0.7, 0.2), expert(0.0, -2.1, 0.8, 0.8)],
              rules=["poe", "geometric", "wasserstein"], fill=None)),
    "missing": Preset(
        "Missing view",
        "C is missing. Switch it on and off: how far does each answer jump? MWB holds every subset's opinion already.",
        plain([expert(-1.8, 0.2, 0.8, 0.6, 0.4), expert(0.4, -0.8, 0.6, 0.9), expert(2.4, 1.4, 0.7, 0.6, 0, False)],
              rules=["poe", "wasserstein", "mwb"], fill="mwb")),
    "orthogonal": Preset(
        "Height and place",
        "A knows the height, B the place along the floor. PoE combines both into a small circle; Wasserstein averages "
        "the two ellipses.",
        plain([expert(0, 0.4, 2.2, 0.3), expert(0.5, 0, 0.3, 2.2)],
              rules=["poe", "geometric", "wasserstein", "jeffreys"], fill=None)),
    "scales": Preset(
        "Sharp and wide",
        "A is eight times sharper than C. The geometric mean stays with the sharpest, moment matching grows as wide "
        "as the quarrel. Where do you expect Wasserstein and Fisher-Rao?",
        plain([expert(-1.5, 0.3, 0.25, 0.25), expert(0.3, -0.6, 0.8, 0.8), expert(1.4, 0.9, 2.0, 2.0)],
              rules=["geometric", "moment", "wasserstein", "fisher-rao"], fill=None)),
    "path": Preset(
        "Path of weights",
        "Drag the point in the triangle: its place is the three weights, the ghosts are the barycenters on the way "
        "from A. Switch C off, and they are the Wasserstein geodesic from A to B.",
        plain([expert(-2.8, -1.2, 1.2, 0.35, 0.6), expert(2.6, -1.2, 0.35, 1.1), expert(0.2, 2.2, 1.0, 0.6, -0.6)],
              rules=["wasserstein"], fill=None, layers={"path": True})),
}
FIRST = "wrong"


def preset(name: str) -> Scene:
    """A copy of a ready-made scene."""
    return copy.deepcopy(PRESETS[name].scene)


def same(a: Scene, b: Scene) -> bool:
    """Whether both hold the same beliefs and rules, to the three decimals of a link; layers and the fill may differ."""
    def numbers(scene: Scene) -> list[float]:
        experts = [n for e in scene["experts"] for n in (*e["mean"], *e["cov"], e["present"])]
        return [*experts, *scene["weights"], scene["alpha"], scene["rho"], scene["prior"]]

    return (a["rules"] == b["rules"] and a["view"] == b["view"] and len(numbers(a)) == len(numbers(b))
            and all(abs(x - y) < 1.5e-3 for x, y in zip(numbers(a), numbers(b), strict=True)))


def ready_made(scene: Scene) -> str | None:
    """The name of the ready-made scene that a scene is."""
    return next((name for name in PRESETS if same(scene, preset(name))), None)


# -- checks ------------------------------------------------------------------------------------------------------------


class BadScene(ValueError):
    """What is wrong with a scene, in a sentence that names the value."""


def checked(scene: Any) -> Scene:
    """The scene with nothing but what belongs to it, within its limits.

    Raises
    ------
    BadScene
        Names what was wanted and what came.
    """
    try:
        experts = [checked_expert((NAMES + "?")[m], e["mean"], e["cov"], e["present"])
                   for m, e in enumerate(scene["experts"][:MOST + 1])]
        if not FEWEST <= len(experts) <= MOST:
            raise BadScene(f"experts: expected {FEWEST} to {MOST}, got {len(experts)}")
        weights = [require(f"weight of {NAMES[m]}", w, *limits(FIELDS["weights"]["items"]))
                   for m, w in enumerate(scene["weights"])]
        if len(weights) != len(experts):
            raise BadScene(f"weights: expected {len(experts)}, got {len(weights)}")
        known = naming.ordered(aggregators())
        return {
            "v": VERSION, "experts": experts, "weights": weights, "rules": [r for r in known if r in scene["rules"]],
            "fill": scene["fill"] if scene["fill"] in known else default("fill"),
            "alpha": require("alpha", scene["alpha"], *limits(FIELDS["alpha"])),
            "rho": require("rho", scene["rho"], *limits(FIELDS["rho"])),
            "prior": bool(scene["prior"]),
            "layers": {layer: bool(scene["layers"].get(layer, shown)) for layer, shown in LAYERS.items()},
            "view": scene["view"] if scene["view"] in FIELDS["view"]["enum"] else default("view"),
        }
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadScene(f"not a scene ({error!r})") from error


def checked_expert(name: str, mean: Any, cov: Any, present: Any) -> dict[str, Any]:
    """One expert within its limits. See :func:`checked`."""
    axes, entry = EXPERT["mean"]["prefixItems"], EXPERT["cov"]["items"]
    if len(mean) != len(axes) or len(cov) != EXPERT["cov"]["minItems"]:
        raise BadScene(f"expert {name}: expected two means and three entries of the covariance")
    means = [require(f"{axis['title']} of {name}", value, *limits(axis))
             for axis, value in zip(axes, mean, strict=True)]
    xx, xy, yy = (require(f"covariance of {name}", c, *limits(entry)) for c in cov)
    if not (xx > 0 and yy > 0 and xx * yy - xy * xy > 0):
        raise BadScene(f"covariance of {name}: expected a positive definite matrix, got [[{xx:g}, {xy:g}], [{xy:g}, "
                       f"{yy:g}]] with determinant {xx * yy - xy * xy:.3g}")
    root = math.hypot(xx - yy, 2 * xy)
    for axis, variance in (("short", (xx + yy - root) / 2), ("long", (xx + yy + root) / 2)):
        require(f"standard deviation along the {axis} axis of {name}", math.sqrt(variance), *limits(SCALE))
    return {"mean": means, "cov": [xx, xy, yy], "present": bool(present)}


def require(name: str, value: Any, low: float, high: float) -> float:
    """The number, if it is one within its limits; BadScene otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadScene(f"{name}: expected a number, got {value!r}")
    if not low - 1e-6 <= value <= high + 1e-6:
        raise BadScene(f"{name}: expected a number from {low:g} to {high:g}, got {value:g}")
    return float(value)


# -- a scene as text ---------------------------------------------------------------------------------------------------


def encode(scene: Scene) -> str:
    """A scene as a short text for a link; :func:`decode` gives it back, to three decimals."""
    parts = [str(VERSION)]
    for e, w in zip(scene["experts"], scene["weights"], strict=True):
        numbers = [*e["mean"], *e["cov"], w]
        parts.append(",".join(_short(n) for n in numbers) + ("" if e["present"] else ",off"))
    options = [
        "rules." + ".".join(map(_plain, scene["rules"])), f"fill.{_plain(scene['fill'] or 'none')}",
        f"a.{_short(scene['alpha'])}",
        f"r.{_short(scene['rho'])}", "show." + ".".join(n for n in LAYERS if scene["layers"][n]), scene["view"],
    ]
    if scene["prior"]:
        options.append("withprior")
    return "~".join([*parts, *options])


def _short(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".").replace("-0.", "-.") if number else "0"


def _plain(rule: str) -> str:
    """A rule's name without what separates the parts of a link."""
    return re.sub(r"[^A-Za-z0-9-]", lambda found: f"_{ord(found[0]):x}_", rule)


def decode(text: str) -> Scene:
    """The scene that :func:`encode` wrote. Raises BadScene for anything else."""
    if not isinstance(text, str) or len(text) > 1500:
        raise BadScene("scene: expected a text of at most 1,500 characters")
    version, *parts = text.split("~")
    if version != str(VERSION):
        raise BadScene(f"scene: expected version {VERSION}, got {version[:20]!r}")
    known = {_plain(rule): rule for rule in aggregators()}
    scene = plain([], rules=default("rules"), fill=default("fill"))
    scene["weights"] = []
    try:
        for part in parts:
            name, _, rest = part.partition(".")
            if "," in part:
                values = part.split(",")
                numbers = [float(v) for v in values[:6]]
                scene["experts"].append({"mean": numbers[:2], "cov": numbers[2:5], "present": values[-1] != "off"})
                scene["weights"].append(numbers[5])
            elif name == "rules":
                scene["rules"] = [known.get(rule) for rule in rest.split(".")]
            elif name == "fill":
                scene["fill"] = known.get(rest)
            elif name in ("a", "r"):
                scene["alpha" if name == "a" else "rho"] = float(rest)
            elif name == "show":
                scene["layers"] = {layer: layer in rest.split(".") for layer in LAYERS}
            elif part in FIELDS["view"]["enum"]:
                scene["view"] = part
            elif part == "withprior":
                scene["prior"] = True
    except (ValueError, IndexError) as error:
        raise BadScene(f"scene: damaged ({error})") from error
    return checked(scene)


# -- a scene as tensors and as code ------------------------------------------------------------------------------------


def tensors(scene: Scene) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """loc (M, 1, 2), covariance (M, 1, 2, 2), present (M, 1), weights (M,), as aggregators take them, float64.

    On the line: loc (M, 1, 1) and covariance (M, 1, 1, 1). If all weights are 0, nobody is present.
    """
    loc = torch.tensor([e["mean"] for e in scene["experts"]], dtype=torch.float64).unsqueeze(1)
    covariance = torch.tensor([[[xx, xy], [xy, yy]] for xx, xy, yy in (e["cov"] for e in scene["experts"])],
                              dtype=torch.float64).unsqueeze(1)
    if scene["view"] == "line":
        loc, covariance = loc[..., :1], covariance[..., :1, :1]
    present = torch.tensor([[e["present"]] for e in scene["experts"]])
    weights = torch.tensor(scene["weights"], dtype=torch.float64)
    if weights.sum() == 0:
        return loc, covariance, present & False, torch.full_like(weights, 1 / len(weights))
    return loc, covariance, present, weights / weights.sum()


def options(scene: Scene, rule: str) -> dict[str, Any]:
    """The options that a scene gives to a rule."""
    if rule == "hoelder":
        return {"alpha": scene["alpha"]}
    if rule == "code":
        return {"rho": scene["rho"]}
    return {"prior_expert": "always"} if scene["prior"] and rule in ("poe", "mopoe") else {}


def code(scene: Scene) -> str:
    """Python that recomputes every aggregate of a scene."""
    loc, covariance, present, _weights = tensors(scene)
    lines = ["import torch", "import bvae", "",
             f"loc = torch.tensor({_rounded(loc.squeeze(1))}, dtype=torch.float64).unsqueeze(1)  # (M, 1, D)",
             f"covariance = torch.tensor({_rounded(covariance.squeeze(1))}, dtype=torch.float64).unsqueeze(1)  "
             "# (M, 1, D, D)",
             f"present = torch.tensor({present.squeeze(1).tolist()}).unsqueeze(1)",
             f"weights = torch.tensor({scene['weights'] if sum(scene['weights']) else [1.0] * len(scene['weights'])}, "
             "dtype=torch.float64)",
             "weights = weights / weights.sum()", ""]
    for rule in scene["rules"]:
        given = "".join(f", {k}={v!r}" for k, v in options(scene, rule).items())
        made = f'bvae.aggregator("{rule}"{given})'
        if takes_covariances(rule):
            lines.append(f"q = {made}.full(loc, covariance, present, weights)")
            spread = "q.total_covariance[0]"
        else:
            lines.append(f"q = {made}(loc, covariance.diagonal(dim1=-2, dim2=-1).sqrt(), present, weights)  "
                         "# it has no form for correlated experts")
            spread = "torch.diag(q.variance[0])"
        lines.append(f'print("{naming.short(rule)}", q.mean[0].tolist(), {spread}.tolist())')
    return "\n".join(lines)


def takes_covariances(rule: str) -> bool:
    """Whether a rule has a form for correlated experts, see `Aggregator.full`."""
    entry: Any = AGGREGATORS[rule]
    if not (isinstance(entry, type) and issubclass(entry, Aggregator)):
        return False
    if entry.aggregate_full not in (Aggregator.aggregate_full, GaussianAggregator.aggregate_full):
        return True
    return (issubclass(entry, GaussianAggregator)
            and entry.full_barycenter is not GaussianAggregator.full_barycenter)


def _rounded(values: Tensor) -> str:
    return str([[round(v, 6) if not isinstance(v, list) else [round(n, 6) for n in v] for v in row]
                for row in values.tolist()])
