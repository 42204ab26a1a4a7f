"""Pictures of trained models: what the lessons take from checkpoints, their metrics and the test items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from bvae.aggregators import aggregator, naming
from bvae.app import loaders
from bvae.app.learn.lessons._base import Door, NothingTrained, Picture
from bvae.app.widgets.choose import FIRST, FIRST_DATA, first_item, label
from bvae.metrics import CATALOG
from bvae.plots import style
from bvae.plots.lessons import few_of_many
from bvae.training import load_checkpoint

DATA = FIRST_DATA
SHOWN = ("poe", "moe", "wasserstein", "mopoe", "mwb")
"""Rules whose models stand out in pictures."""
Curve = dict[str, float]  # number of views -> mean


def metrics_of(figure: str) -> dict[str, Mapping[str, Mapping[str, float]]]:
    """Name of the checkpoint -> number of observed views -> {"mean", "se"}, of those that were evaluated."""
    found: dict[str, Any] = {name: load_checkpoint(DATA, name).metrics for name in loaders.trained(DATA)}
    found = {name: metrics[figure] for name, metrics in found.items() if figure in metrics}
    if not found:
        raise NothingTrained(f"No model of {DATA} has been evaluated yet: `python -m bvae evaluate {DATA} all` does "
                             "it.")
    return found


def means(figure: str) -> dict[str, Curve]:
    """The same, means only."""
    return {name: {n: point["mean"] for n, point in points.items()} for name, points in metrics_of(figure).items()}


def ends(curve: Curve) -> tuple[str, str]:
    """The fewest and the most observed views of a curve."""
    return min(curve, key=int), max(curve, key=int)


def rule_of(name: str) -> str:
    """The rule by which a checkpoint was trained to combine."""
    from bvae.models.methods import METHODS

    return METHODS[load_checkpoint(DATA, name).settings.method].aggregator


def has_private(name: str) -> bool:
    """Whether a checkpoint has latents of single views beside the shared ones."""
    return load_checkpoint(DATA, name).settings.private_dim > 0


def bound_of_all_views_only(name: str) -> str | None:
    """The objective of a checkpoint whose decoders met beliefs of all views together only; None if they met others."""
    from bvae.aggregators.base import GaussianAggregator
    from bvae.models.methods import METHODS

    settings = load_checkpoint(DATA, name).settings
    method = METHODS[settings.method]
    rule = aggregator(method.aggregator, **method.aggregator_options)
    only = method.objective in ("elbo", "mvtcae") and isinstance(rule, GaussianAggregator) and not settings.missing
    return method.objective if only else None


def trained_without_subsets() -> str:
    """Sentences that name the models whose decoders never met a subset in training; empty if there is none."""
    bounds = {name: bound_of_all_views_only(name) for name in loaders.trained(DATA)}
    names = [label(name) for name, bound in bounds.items() if bound]
    if not names:
        return ""
    text = (f"Models differ in more than their rule. {listed(names)} practised with **all views together** only, so "
            "what they make of a single view says little about the rule")
    near = [label(name) for name, bound in bounds.items() if bound == "mvtcae"]
    if not near:
        return text + "."
    return text + f" ({listed(near)} at least draws the belief of each view near to the joint one)."


def listed(names: list[str]) -> str:
    """Names in a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def by_rule(figure: str, rule: str) -> tuple[str, Curve] | None:
    """Title and curve of the first evaluated model that combines by a rule."""
    return next(((label(name), curve) for name, curve in means(figure).items() if rule_of(name) == rule), None)


def one_for_each_rule(names: Iterable[str], rules: Sequence[str]) -> list[str]:
    """The first model of each rule, in the order of the rules."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(rule_of(name), name)
    return [first[rule] for rule in rules if rule in first]


def metric_picture(figure: str, ink: style.Ink, caption: str = "", also: Sequence[str] = ()) -> Picture:
    """The curves of all models by the number of observed views; those that the lessons speak of stand out, and those
    that are named in `also`."""
    found = metrics_of(figure)
    entry = CATALOG[figure]
    table = pd.DataFrame({label(name): {int(n): p["mean"] for n, p in points.items()}
                          for name, points in found.items()})
    table.insert(0, "observed views", table.index)
    shown = list(dict.fromkeys([*one_for_each_rule(found, SHOWN), *also]))
    said = "; ".join(f"{label(name)}: " + ", ".join(f"{p['mean']:.2f}" for p in found[name].values())
                     for name in shown)
    drawn = few_of_many(
        table.index.tolist(), {name: table[name].tolist() for name in table.columns[1:]},
        {label(name): rule_of(name) for name in shown}, ink, ("observed views", entry.title), entry.target)
    return Picture(f"{entry.title} by the number of observed views. {said}.", (drawn,), table=table,
                   caption=f"{caption} Grey: the other trained models.".strip())


def metric_code(figure: str) -> str:
    """Python that prints the figures of :func:`metric_picture`."""
    return "\n".join([
        "import bvae", "from bvae.training import load_checkpoint", "",
        f'for name in bvae.checkpoints("{DATA}"):',
        f'    figures = load_checkpoint("{DATA}", name).metrics.get("{figure}", {{}})',
        '    print(name, {views: point["mean"] for views, point in figures.items()})',
    ])


def model() -> tuple[str, loaders.Loaded]:
    """The model that the lessons look into: the app's first one, or whichever there is."""
    names = loaders.trained(DATA)
    if not names:
        raise NothingTrained(f"No model of {DATA} is trained yet: `python -m bvae train {DATA} {FIRST}` does it.")
    name = FIRST if FIRST in names else names[0]
    return name, loaders.load_model(DATA, name)


def widths(rules: tuple[str, ...]) -> dict[str, list[float]]:
    """Rule -> mean σ of the joint belief with the first 1, 2, ... views, over all test items and dimensions.

    All rules work on the experts of :func:`model`.
    """
    _, loaded = model()
    d = loaded.model.shared_dim
    loc, scale = loaded.experts.loc[..., :d], loaded.experts.scale[..., :d]
    out: dict[str, list[float]] = {rule: [] for rule in rules}
    for n in range(1, len(loc) + 1):
        for rule in rules:
            q = aggregator(rule)(loc[:n], scale[:n], loaded.experts.present[:n])
            out[rule].append(q.variance.sqrt().mean().item())
    return out


def example(loaded: loaders.Loaded) -> int:
    """A test item to look at: the one with which Explore opens."""
    return first_item(loaded.experts.loc.shape[1])


def view_names() -> list[str]:
    """Of the model that the lessons look into, without reading its weights."""
    names = loaders.trained(DATA)
    if not names:
        raise NothingTrained(f"No model of {DATA} is trained yet: `python -m bvae train {DATA} {FIRST}` does it.")
    return [m.name for m in load_checkpoint(DATA, FIRST if FIRST in names else names[0]).modalities]


def explore_door(text: str, views: list[str], rule: str | None = None, model_name: str | None = None) -> Door:
    """A link to Explore with some views observed, another rule or another model."""
    names = loaders.trained(DATA)
    model_name = model_name if model_name in names else FIRST if FIRST in names else names[0]
    query: dict[str, str | list[str]] = {"data": DATA, "model": label(model_name), "views": views or ""}
    sets: dict[str, Any] = {"data": DATA, "model": model_name, "views": views}
    if rule:
        query["agg"], sets["agg"] = naming.short(rule), rule
    return Door("explore", text, query, sets)


def benchmarks_door(text: str, figure: str) -> Door:
    """A link to the curves of one figure."""
    return Door("benchmarks", text, {"data": DATA, "curve": CATALOG[figure].title}, {"data": DATA, "curve": figure})
