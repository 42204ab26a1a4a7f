"""The results as Markdown, from the files beside the checkpoints and from nothing else: ``python -m bvae report``."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bvae.data import DATASETS
from bvae.data.own import OwnData
from bvae.evaluation.imputed import SIMPLER
from bvae.evaluation.records import Record, keyed, over_missing, over_seeds, results
from bvae.metrics import CATALOG, written
from bvae.models.methods import METHODS, SUFFIXES
from bvae.training.checkpoint import Checkpoint

BEGIN = "<!-- results: python -m bvae report --into docs/results.md -->"
BEGIN_SHORT = "<!-- results in short: python -m bvae report --into README.md -->"
END = "<!-- end of results -->"
MARK = "†"
# Columns of the first table take a figure's own keys; those of the second are means over its keys (the modalities).
BY_VIEWS = ("coherence", "coherence_sharp", "joint_coherence", "joint_coherence_fitted",
            "joint_coherence_fitted_sharp", "attribute_coherence", "latent_accuracy", "latent_accuracy_drawn",
            "latent_average_precision")
IN_SHORT = ("coherence", "joint_coherence", "joint_coherence_fitted", "joint_coherence_fitted_sharp",
            "latent_accuracy")  # from fewest and most views
FROM_FEWEST = ("variety", "sharpness", "conditional_frechet")  # of translations, beside them
FROM_TO = ("variety", "sharpness", "conditional_frechet", "conditional_precision", "conditional_recall",
           "coverage_90_decoded", "coverage_90_noisy")  # beside the means, likewise
MEANS = ("log_likelihood", "reconstruction_error", "text_accuracy", "judge_frechet", "fid", "precision", "recall",
         "judge_frechet_fitted", "precision_fitted", "recall_fitted")
HEADS = {
    "coherence": "coherence", "joint_coherence": "joint coherence",
    "joint_coherence_fitted": "joint coherence, sampler", "attribute_coherence": "attribute coherence",
    "coherence_sharp": "coherence (sharp judges)", "joint_coherence_fitted_sharp": "joint coherence, sampler "
    "(sharp judges)", "conditional_frechet": "Fréchet distance of translations",
    "conditional_precision": "precision of translations", "conditional_recall": "recall of translations",
    "variety": "variety", "sharpness": "sharpness",
    "latent_accuracy": "latent accuracy", "latent_accuracy_drawn": "latent accuracy (drawn)",
    "latent_average_precision": "latent AP", "coverage_90_decoded": "coverage of 90 %, no noise",
    "coverage_90_noisy": "coverage of 90 %, noise", "log_likelihood": "Log-likelihood of all modalities",
    "reconstruction_error": "Reconstruction error", "text_accuracy": "Right characters and words of generated texts",
    "judge_frechet": "Fréchet distance", "fid": "FID", "precision": "Precision of samples",
    "recall": "Recall of samples", "judge_frechet_fitted": "Fréchet distance of inventions",
    "precision_fitted": "precision of inventions", "recall_fitted": "recall of inventions",
    "latent_accuracy_missing": "latent accuracy", "coherence_missing": "coherence",
}
TITLES = {"mnist-svhn-text": "MNIST, synthetic street numbers and text", "polymnist": "PolyMNIST",
          "celeba": "Avatars and their attributes in words", "mfeat": "Multiple Features, six views of written digits",
          "penguins": "Palmer penguins", "breast-cancer": "Breast cancer", "simulated-cells": "Simulated cells"}
IMPUTED = {"imputation_r2": "R²", "imputation_accuracy": "accuracy of words", "imputation_coverage_90":
           "coverage of 90 %"}
"""Figures of hidden views; below the models stand the methods that impute without one."""


def report(dataset: str, root: Path | None = None) -> str:
    """The tables of one data set: by number of views, other figures, over seeds, missing modalities.

    Returns
    -------
    str
        Markdown; a line that says so if nothing was evaluated.
    """
    models = results(dataset, root)
    title = f"### {TITLES.get(dataset, dataset)}"
    if not models:
        return f"{title}\n\nNothing was evaluated yet.\n"
    metrics = {called(name, model): model.metrics for name, model in models.items()}
    apart = other_likelihoods(models)
    parts = [title, by_views(metrics), others(metrics, apart) + told_apart(apart), imputed(metrics)]
    seeds = over_seeds(dataset, root)
    if seeds:
        parts.append(seeds_table({called(n, models[n]): table for n, table in seeds.items() if n in models}))
    missing = {called(n, models[n]): curves for n, curves in over_missing(dataset, root).items()
               if len(curves) > 1 and n in models}
    if missing:
        parts.append(missing_table(missing))
    return "\n\n".join(part for part in parts if part) + "\n"


def everything(root: Path | None = None) -> str:
    """:func:`report` of all data sets of which a model was evaluated, those of tables last."""
    names = sorted(DATASETS, key=lambda name: issubclass(DATASETS[name], OwnData))
    return "\n".join(report(name, root) for name in names if results(name, root))


def in_short(dataset: str, root: Path | None = None) -> str:
    """One table of one data set that fits a page: what may be compared at a glance, from few views and from many."""
    models = results(dataset, root)
    if not models:
        return "Nothing was evaluated yet.\n"
    metrics = {called(name, model): model.metrics for name, model in models.items()}
    columns: list[tuple[str, str]] = []
    for metric in IN_SHORT:
        keys = keys_of(metrics.values(), metric)
        columns += [(metric, key) for key in dict.fromkeys(keys[:1] + keys[-1:])]
    columns += [(metric, keys[0]) for metric in FROM_FEWEST if (keys := keys_of(metrics.values(), metric))]
    heads = [*(short(*column) for column in columns), "log-likelihood, nats"]
    apart = other_likelihoods(models)
    cells = {name: [*(figure(m, *column) for column in columns), mean_of(m, "log_likelihood", name in apart)]
             for name, m in metrics.items()}
    return table(heads, cells, marked) + told_apart(apart) + "\n"


def other_likelihoods(models: Mapping[str, Checkpoint | Record]) -> dict[str, str]:
    """The models that were trained with another density of a picture than most: as they are called -> which."""
    of = {called(name, model): f"{model.settings.likelihood} {model.settings.likelihood_scale:g}"
          for name, model in models.items()}
    usual = max(of.values(), key=list(of.values()).count)
    return {name: what for name, what in of.items() if what != usual}


def told_apart(apart: Mapping[str, str]) -> str:
    """What the mark of :func:`marked` means; nothing where no model has it."""
    if not apart:
        return ""
    return (f"\n\n{MARK} Trained with another likelihood than the others ("
            + ", ".join(f"{name}: {what}" for name, what in apart.items())
            + "): its log-likelihood is of another density, and not comparable with theirs.")


def marked(f: Mapping[str, float]) -> str:
    """A figure with its standard error, and a mark where it is not comparable with those of the other rows."""
    return written(f) + (f" {MARK}" if f.get("apart") else "")


def called(name: str, model: Checkpoint | Record) -> str:
    """A checkpoint, or a record, as the literature writes its method, with what its name adds: "MWB-VAE, 2-D"."""
    method = model.settings.method
    extra = name.removeprefix(method).strip("-") if name.startswith(method) else name
    return METHODS[method].title + (f", {SUFFIXES.get(extra, extra)}" if extra else "")


def by_views(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Coherence and what the latent space tells, by the number of observed views."""
    columns = [(metric, key) for metric in BY_VIEWS for key in keys_of(metrics.values(), metric)]
    heads = [short(metric, key) for metric, key in columns]
    cells = {name: [figure(m, *column) for column in columns] for name, m in metrics.items()}
    errors = [f["se"] for row in cells.values() for f in row if f]
    return (table(heads, cells, lambda f: f"{f['mean']:.3f}")
            + f"\n\nStandard errors over the test items are {min(errors):.3f} to {max(errors):.3f}.")


def others(metrics: Mapping[str, Mapping[str, Any]], apart: Container[str] = ()) -> str:
    """Figures that are not by the number of views; those by modality as their mean over the modalities.

    `apart`: whose log-likelihoods are marked, see :func:`other_likelihoods`.
    """
    found = [metric for metric in MEANS if keys_of(metrics.values(), metric)]
    ends = []
    for metric in FROM_TO:
        covered = keys_of(metrics.values(), metric)
        ends += [(metric, key) for key in (covered[:1] + covered[-1:] if len(covered) > 1 else covered)]
    columns = [(metric, None) for metric in found] + ends
    heads = [short(metric, key) for metric, key in columns]
    cells = {name: [figure(m, metric, key) if key else mean_of(m, metric, metric == "log_likelihood" and name in apart)
                    for metric, key in columns] for name, m in metrics.items()}
    return table(heads, cells, marked)


def imputed(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """What is imputed of a hidden view of tables, beside simpler methods on the same items; nothing of pictures."""
    columns = [(metric, key) for metric in IMPUTED for key in keys_of(metrics.values(), metric)]
    if not columns:
        return ""
    rows = {name: [figure(m, *column) for column in columns] for name, m in metrics.items()}
    first = next(iter(metrics.values()))
    for ending, title in SIMPLER.items():
        row = [figure(first, f"{metric}_{ending}", key) for metric, key in columns]
        if any(row):
            rows[f"*{title}*"] = row
    heads = [f"{IMPUTED[metric]}, {key}" for metric, key in columns]
    return ("A view that is hidden, imputed from all others of its item (in italics: simpler methods, same items):\n\n"
            + table(heads, rows, written))


def seeds_table(seeds: Mapping[str, Mapping[str, Any]]) -> str:
    """Means over seeds with their standard errors over seeds."""
    columns = [(metric, key) for metric in ("coherence", "joint_coherence", "joint_coherence_fitted", "latent_accuracy")
               for key in keys_of(seeds.values(), metric)]
    columns += [(metric, keys[0]) for metric in FROM_FEWEST if (keys := keys_of(seeds.values(), metric))]
    cells = {name: [figure(m, *column) for column in columns] for name, m in seeds.items()}
    counts = sorted({f["n"] for row in cells.values() for f in row if f})
    of = " or ".join(map(str, counts))
    return (f"Means over {of} seeds of training ± their standard errors over seeds:\n\n"
            + table([short(*c) for c in columns], cells, lambda f: f"{f['mean']:.3f} ± {f['se_seeds']:.3f}"))


def missing_table(runs: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> str:
    """Rows: method and the share missing in training; columns: the share missing in the test."""
    rows = {f"{name}, {percent} %": metrics for name, curves in runs.items() for percent, metrics in curves.items()}
    columns = [(metric, key) for metric in ("latent_accuracy_missing", "coherence_missing")
               for key in keys_of(rows.values(), metric)]
    heads = [f"{HEADS[metric]}, {key} %" for metric, key in columns]
    cells = {name: [figure(m, *column) for column in columns] for name, m in rows.items()}
    return ("Share of modalities missing completely at random, in training (rows) and in the test (columns):\n\n"
            + table(heads, cells, lambda f: f"{f['mean']:.3f}", "method, missing in training"))


def keys_of(all_metrics: Iterable[Mapping[str, Any]], metric: str) -> list[str]:
    """Every key that a metric has in one of several runs, in order."""
    return list(dict.fromkeys(key for metrics in all_metrics for key in keyed(metrics.get(metric) or {})))


def figure(metrics: Mapping[str, Any], metric: str, key: str) -> Mapping[str, float] | None:
    """One figure, or None if this run has none."""
    return keyed(metrics.get(metric) or {}).get(key)


def mean_of(metrics: Mapping[str, Any], metric: str, apart: bool = False) -> dict[str, float] | None:
    """Mean over the keys of a metric, marked if it is `apart`. Its standard error treats the keys as independent."""
    found = list(keyed(metrics.get(metric) or {}).values())
    if not found:
        return None
    return {"mean": sum(f["mean"] for f in found) / len(found),
            "se": sum(f["se"] ** 2 for f in found) ** 0.5 / len(found), **({"apart": True} if apart else {})}


def short(metric: str, key: str | None) -> str:
    """A column: "coherence, 1 view"; without a key the mean over them."""
    return HEADS[metric] + (f", {CATALOG[metric].of(key)}" if key else "")


def table(
    heads: Sequence[str], rows: Mapping[str, Sequence[Mapping[str, float] | None]],
    write: Callable[[Mapping[str, float]], str], first: str = "method",
) -> str:
    """A Markdown table; a dash where there is no figure."""
    lines = [f"| {first} | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(write(f) if f else "–" for f in row) + " |" for name, row in rows.items()]
    return "\n".join(lines)


def fill(text: str, root: Path | None = None) -> str:
    """`text` with the results between its marks: PolyMNIST in short, or all tables, as the first mark says.

    Raises ValueError as :func:`insert` does.
    """
    if BEGIN_SHORT in text:
        return insert(text, in_short("polymnist", root), BEGIN_SHORT)
    return insert(text, everything(root))


def insert(text: str, tables: str, begin: str = BEGIN) -> str:
    """`text` with everything between the two marks replaced. Raises ValueError if they are not there, once each."""
    if text.count(begin) != 1 or text.count(END) != 1 or text.index(begin) > text.index(END):
        raise ValueError(f"expected the lines {begin!r} and {END!r}, once each and in this order")
    return re.sub(re.escape(begin) + ".*" + re.escape(END), lambda _: f"{begin}\n\n{tables}\n{END}", text,
                  flags=re.DOTALL)
