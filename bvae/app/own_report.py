"""A report on one model of a person's own data, as one HTML file: data, training, figures beside baselines, caveats.

It knows no Streamlit: the command line writes it too. Every text of a person is escaped by the template.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from bvae.aggregators import naming
from bvae.app import report_items
from bvae.app.templates import Markup, render
from bvae.data import dataset
from bvae.data.own import OwnData
from bvae.data.own.described import column_lines, size
from bvae.data.own.own_data import UNLABELLED
from bvae.data.own.registering import FOLDERS
from bvae.data.own.words import is_gap, word
from bvae.evaluation.imputed import COVERAGE, FIGURES, UNCALIBRATED, Row, rows, said, tied
from bvae.evaluation.own_items import Items, embedding
from bvae.gaussians.dimensions import z_name
from bvae.io.storage import StorageError
from bvae.maps.maps import spread
from bvae.maps.projections import pca
from bvae.metrics import CATALOG, written
from bvae.metrics.contributions import contributions
from bvae.models.methods import METHODS, title_of
from bvae.plots import drawing, latent, style
from bvae.plots import training as training_plots
from bvae.training import Settings
from bvae.training.checkpoint import Checkpoint, is_figure, read_history, read_validation, training_seconds
from bvae.training.sizing import sized
from bvae.version import __version__

POINTS = 480
"""Items on the map."""
PATTERNS = 16
"""Patterns of presence, words of a label and notes that are listed."""
FEW_TESTED = 100
SHOWN_SETTINGS = ("steps", "batch_size", "learning_rate", "latent_dim", "width", "beta", "missing", "validation",
                  "seed")
PREFERRED = ("latent_accuracy", "log_likelihood", "conditional_log_likelihood", "coverage_90_decoded",
             "reconstruction_error", "text_accuracy")
"""Figures that follow the imputation, where they were computed."""


def report(checkpoint: Checkpoint, items: Items) -> Markup:
    """The file.

    Parameters
    ----------
    checkpoint : Checkpoint
    items : Items
        Its model and all items of its data set.

    Raises
    ------
    DataError
        If the data cannot be read any more.
    """
    name = checkpoint.settings.dataset
    parts = {split: dataset(name, split) for split in ("train", "test")}
    train, test = parts["train"], parts["test"]
    assert isinstance(train, OwnData)
    assert isinstance(test, OwnData)
    metrics = checkpoint.metrics
    imputed = {figure: rows({checkpoint.name: metrics}, [checkpoint.name], figure) for figure in FIGURES}
    return render("own_report", **{
        "title": f"{train.title or name}: {title_of(checkpoint.name)}", "story": train.story, "version": __version__,
        "hash": checkpoint.hash[:12], "data": about_data(items.data, train, test),
        "training": about_training(checkpoint, train), "map": map_of(items),
        "imputed": [(FIGURES[f], table_of(found)) for f, found in imputed.items() if found],
        "coverage": [(v, written(c)) for v, c in metrics.get(COVERAGE, {}).items()],
        "measured": measured(metrics.get(COVERAGE, {}), items.data, test), "figures": figures(metrics),
        "who": who_says_what(items, test), "caveats": caveats(metrics, imputed, len(test), items.data),
        "commands": commands(checkpoint, train), "python": python(checkpoint),
        "items": report_items.every(items.model, test)})


# -- the data ----------------------------------------------------------------------------------------------------------


def about_data(data: OwnData, train: OwnData, test: OwnData) -> dict[str, Any]:
    """Items, views with their columns, patterns of presence, labels and notes."""
    views, patterns = [], []
    for m, (name, modality) in enumerate(data.modalities.items()):
        have = int(data.present[m].sum())
        there = data.x[name][data.present[m]]
        views.append({
            "name": name, "color": style.color(m), "label": modality.label, "kind": modality.kind,
            "size": size(modality), "have": f"{have:,}", "share": f"{have / len(data):.0%}",
            "gaps": f"{data.gaps(name):.1%}" if modality.columns else "–",
            "columns": column_lines(modality.columns, there) if modality.columns else []})
    for names, count in data.patterns()[:PATTERNS]:
        patterns.append(([n in names for n in data.modalities], f"{count:,}", round(100 * count / len(data), 1)))
    labels = []
    for key, values in data.label_columns.items():
        words = Counter(UNLABELLED if is_gap(v) else word(v) for v in values)
        told = ", ".join(f"{w} ({c:,})" for w, c in words.most_common(PATTERNS))
        labels.append((key, told + (", ..." if len(words) > PATTERNS else ""), key == data.class_column))
    return {"count": f"{len(data):,}", "train": f"{len(train):,}", "test": f"{len(test):,}", "views": views,
            "patterns": patterns, "more_patterns": max(0, len(data.patterns()) - PATTERNS), "labels": labels,
            "notes": list(data.notes[:PATTERNS])}


def map_of(items: Items) -> dict[str, Any]:
    """Where the items are, as a drawing, with the share of the variance that it shows."""
    data = items.data
    columns = embedding(items)
    means = np.stack([v for k, v in columns.items() if k[0] == "z" and k[1:].isdigit()], axis=1)
    coordinates, shares = pca(means.astype(float))
    chosen = spread(len(data), min(len(data), POINTS))
    y = data.y.numpy()[chosen] if data.labelled else np.zeros(len(chosen), dtype=int)
    groups, names, colors = latent.grouped(list(data.class_names) if data.labelled else [], y)
    figure = latent.scatter(
        coordinates[chosen], groups, names, colors, [style.marker(g) for g in range(len(names))], chosen,
        [""] * len(chosen), style.LIGHT, (f"first component ({shares[0]:.0%})", f"second ({shares[1]:.0%})"), 460)
    return {"drawing": Markup(drawing.file(figure, style.LIGHT)), "count": f"{len(chosen):,}",
            "by": data.class_column if data.labelled else ""}


# -- the training ------------------------------------------------------------------------------------------------------


def about_training(checkpoint: Checkpoint, train: OwnData) -> dict[str, Any]:
    """Method, settings with what follows from the data, time, and how the loss went."""
    s, config = checkpoint.settings, checkpoint.config
    method = METHODS[s.method]
    usual = Settings.for_method(s.dataset, s.method, **sized(train).settings)
    settings = [(key.replace("_", " "), f"{getattr(s, key):,g}", "; ".join(filter(None, [
        f"two hidden layers of {2 * s.width}" if key == "width" else "",
        "" if getattr(s, key) == getattr(usual, key) else f"chosen; from the data follows {getattr(usual, key):,g}",
    ]))) for key in SHOWN_SETTINGS]
    try:
        history: list[dict[str, Any]] = list(read_history(checkpoint.folder))
    except StorageError:
        history = []
    last = int(history[-1]["step"]) if history else s.steps
    loss = ""
    if len(history) > 1:
        figure = training_plots.loss_figure(history, style.LIGHT, validation=read_validation(checkpoint.folder))
        loss = Markup(drawing.file(figure, style.LIGHT))
    return {"method": method.title, "citation": method.citation, "rule": naming.short(method.aggregator),
            "settings": settings, "count": f"{int(config.get('items', len(train))):,}",
            "seconds": f"{training_seconds(config):,.1f}" if "seconds" in config else "–",
            "stopped": f"It ended after step {last:,} of {s.steps:,}: on the items that were kept from it, it got no "
                       "better." if last < s.steps else "", "loss": loss}


# -- the figures -------------------------------------------------------------------------------------------------------


def table_of(found: Sequence[Row]) -> dict[str, Any]:
    """One figure of all views, methods and simpler ones."""
    names = list(dict.fromkeys(name for row in found for name in row.values))
    lines = [(row.view, [("–", False) if (v := row.values.get(n)) is None else (said(v), n in row.leading)
                         for n in names]) for row in found]
    return {"names": names, "lines": lines}


def measured(views: Iterable[str], data: OwnData, test: OwnData) -> list[str]:
    """On which items each view was imputed to measure how well, and of which it is imputed in earnest."""
    out, names = [], list(data.modalities)
    for view in views:
        m = names.index(view)
        others = [k for k in range(len(names)) if k != m]
        asked = test.present[m] & test.present[others].any(0)
        lacking = ~data.present[m]
        line = f"{view}: on {int(asked.sum()):,} items, which have {_of_others(test.present[others][:, asked])}"
        out.append(line + (f"; the {int(lacking.sum()):,} items that lack it have "
                           f"{_of_others(data.present[others][:, lacking])}" if bool(lacking.any()) else ""))
    return out


def _of_others(present: torch.Tensor) -> str:
    """How many of the other views items have: (M - 1, N) bool."""
    return f"{float(present.float().sum(0).mean()):.1f} of the {len(present)} other views on average"


def figures(metrics: Mapping[str, Any]) -> list[dict[str, str]]:
    """Further figures, a line each, with what they mean and how they mislead."""
    out = []
    for key in PREFERRED:
        if (value := metrics.get(key)) and (known := CATALOG.get(key)):
            values = {"": value} if is_figure(value) else value
            out += [{"title": known.title, "of": known.of(of) if of else "", "value": written(figure),
                     "meaning": known.meaning, "trap": known.trap} for of, figure in values.items()]
    return out


def who_says_what(items: Items, test: OwnData) -> dict[str, Any] | None:
    """Share of each view in the joint belief, and what each latent dimension explains of it; None of one view."""
    if len(items.model.modalities) < 2 or len(test) < 2:
        return None
    found = contributions(items.model, test)

    def percent(value: torch.Tensor) -> str:
        return "–" if value.isnan() else f"{round(float(value), 2) + 0.0:.0%}"  # no share of -0 %

    views = [(n, percent(found.shares[m]), percent(found.total[m])) for m, n in enumerate(items.model.modalities)]
    dimensions = [(z_name(k), [percent(v) for v in found.explained[k]])
                  for k in found.active.nonzero()[:, 0].tolist()]
    return {"views": views, "names": list(items.model.modalities), "dimensions": dimensions,
            "all": len(found.active), "count": f"{len(test):,}", "gaps": not bool(test.present.all())}


def caveats(
    metrics: Mapping[str, Any], imputed: Mapping[str, Sequence[Row]], tested: int, data: OwnData
) -> list[str]:
    """What one should know before believing any of it; most follow from the figures."""
    out = []
    if not metrics:
        out.append("The model was not evaluated: how well it imputes nobody knows yet.")
    if tested < FEW_TESTED:
        out.append(f"Only {tested:,} items were kept to test: every figure is as uncertain as its standard error says.")
    for row in (row for found in imputed.values() for row in found):
        own, *simpler = row.values
        if simpler:
            best = max(simpler, key=lambda n: row.values[n]["mean"])
            ours, theirs = row.values[own], row.values[best]
            if theirs["mean"] > ours["mean"] and not tied(theirs, ours):
                out.append(f"For {row.view} alone, the prediction by {best} is better ({said(theirs)} against "
                           f"{said(ours)}): if that view is all that you want to fill, use that.")
            elif ours["mean"] < ours["se"] and row.view in metrics.get("imputation_r2", {}):
                out.append(f"The other views say next to nothing about {row.view} (R2 {said(ours)}).")
    for view, figure in metrics.get(COVERAGE, {}).items():
        target = CATALOG[COVERAGE].target or 0.9
        if abs(figure["mean"] - target) > 2 * figure["se"]:
            narrow = figure["mean"] < target
            out.append(f"The {target:.0%} intervals of {view} hold {figure['mean']:.0%} of what was hidden: they are "
                       f"too {'narrow' if narrow else 'wide'}.")
    lacking = [n for m, n in enumerate(data.modalities) if float(data.present[m].float().mean()) < 0.5]
    if lacking:
        out.append(f"More than half of the items lack {', '.join(lacking)}: what is said of it rests on the others.")
    bare = metrics.get(UNCALIBRATED, {})
    out += ["Imputed values are what the model expects. " + (
                "Intervals are those of the model, made wider or narrower by what held on items kept from the training "
                "(its own hold " + ", ".join(f"{f['mean']:.0%} of {v}" for v, f in bare.items()) + ")." if bare else
                "Their intervals come from the model, too."),
            "How well it imputes was measured on values that were there. Where values lack for a reason that has to do "
            "with them, real gaps are harder, and intervals hold less than was measured.",
            "Where items lie together in the map, the views agree about what they share; causes are not in it.",
            "Items are taken as independent of each other: no time series, no batches, no censored values."]
    return out


# -- the same again ----------------------------------------------------------------------------------------------------


def place(name: str) -> str:
    """How commands call a data set: its folder's own name, without where that is, or its name."""
    return FOLDERS[name].name if name in FOLDERS else name


def commands(checkpoint: Checkpoint, train: OwnData) -> str:
    """Command lines that make the same."""
    s = checkpoint.settings
    usual = Settings.for_method(s.dataset, s.method, **sized(train).settings)
    names = [f.name for f in dataclasses.fields(s)]
    changed = {key: getattr(s, key) for key in names if getattr(s, key) != getattr(usual, key)}
    flags = [w for k, v in changed.items()
             for w in ([f"--{'' if v else 'no-'}{k.replace('_', '-')}"] if isinstance(v, bool)
                       else [f"--{k.replace('_', '-')}", str(v)])]
    data, name = place(s.dataset), checkpoint.name
    of = [["train", data, s.method, "--name", name, *flags], ["evaluate", data, name],
          ["embed", data, name, "--to", "latent.csv"], ["impute", data, name, "--to", "filled"],
          ["report", data, name, "--to", "report.html"]]
    install = "pip install '/where/bvae/is[app,tables]'  # the folder with bvae's own files"
    return "\n".join([install, *(shlex.join(["bvae", *words]) for words in of)])


def python(checkpoint: Checkpoint) -> str:
    """Python that makes the same from the person's files: the model, its figures, what it imputes, the report."""
    s, name = checkpoint.settings, checkpoint.name
    brought = s.dataset in FOLDERS
    usual = Settings.for_method(s.dataset, s.method)
    changed = {f.name: getattr(s, f.name) for f in dataclasses.fields(s)
               if f.name not in ("dataset", "method") and getattr(s, f.name) != getattr(usual, f.name)}
    told = ", ".join(f"{key}={value!r}" for key, value in changed.items())
    return "\n".join([
        "from pathlib import Path", "", "import bvae", "from bvae.app.own_report import report",
        *(["from bvae.data.own import register"] if brought else []),
        "from bvae.evaluation import own_items", "from bvae.evaluation.evaluation import evaluated",
        "from bvae.io.storage import write_json",
        "from bvae.training import Settings, load_checkpoint, load_weights",
        "from bvae.training.checkpoint import METRICS", "from bvae.training.loop import train", "",
        f"name = register({place(s.dataset)!r})  # the folder with the files" if brought else f"name = {s.dataset!r}",
        'to = Path("again")',
        f"settings = Settings.for_method(name, {s.method!r}{', ' if told else ''}{told})",
        f"train(settings, to / name / {name!r})",
        f"checkpoint = load_checkpoint(name, {name!r}, to)",
        f'print("weights", checkpoint.hash[:12], "where this report was written: {checkpoint.hash[:12]}")',
        *(["metrics = evaluated(checkpoint, to)",
           "write_json(checkpoint.folder / METRICS, metrics)",
           f"checkpoint = load_checkpoint(name, {name!r}, to)"] if checkpoint.metrics else []), "",
        "items = own_items.items_of(name, load_weights(checkpoint))  # as they are stored, in half precision",
        "latent = own_items.embedding(items)  # id, z1, z2, ..., their standard deviations, labels",
        'own_items.write_filled(to / "filled", items)  # the tables, their gaps imputed',
        '(to / "report.html").write_text(str(report(checkpoint, items)), encoding="utf-8")  # this file again'])
