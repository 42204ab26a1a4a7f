"""What `benchmarks.own_data` compares: our methods, simpler ones, and the way to peers in another environment."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from bvae.data.own.own_data import OwnData
from bvae.io.storage import write_json
from bvae.metrics.imputation import NEIGHBOURS, predicted, ridge
from bvae.models.vae import MultimodalVAE
from bvae.training import calibrating
from bvae.training.loop import train
from bvae.training.settings import Settings
from bvae.training.sizing import sized
from bvae.training.validation import held_out

HELD = 0.1
"""Share of the training items on which simpler methods without a density learn how far they are off."""


class Problem(NamedTuple):
    """What a method gets.

    Attributes
    ----------
    names : tuple of str
    counts : tuple of bool
        Which views are counts.
    train, test : tuple of np.ndarray
        View by view (N, P) float64 in the data's units, NaN where missing.
    y_train, y_test : np.ndarray
        (N,) classes, for the probe.
    dimensions : int
        Of every latent space.
    """

    names: tuple[str, ...]
    counts: tuple[bool, ...]
    train: tuple[np.ndarray, ...]
    test: tuple[np.ndarray, ...]
    y_train: np.ndarray
    y_test: np.ndarray
    dimensions: int


class Said(NamedTuple):
    """What a method says from some views.

    Attributes
    ----------
    train, test : np.ndarray
        (N, F) what a probe reads.
    views : mapping
        Number of a view that was not given -> mean (N, P), standard deviation or None, of the test items.
    classes : np.ndarray, optional
        (N,) of the test items, of methods that tell them themselves.
    """

    train: np.ndarray
    test: np.ndarray
    views: Mapping[int, tuple[np.ndarray, np.ndarray | None]]
    classes: np.ndarray | None = None


Answer = Callable[[tuple[int, ...]], Said]


def probe(train: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Classes that a logistic regression on standardised columns reads."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, tol=1e-3)).fit(train, y)
    return np.asarray(model.predict(test))


class Standardised:
    """Views with mean 0 and standard deviation 1 over the training items, counts as log(1 + x); and back."""

    def __init__(self, problem: Problem) -> None:
        self.counts = problem.counts
        logs = [np.log1p(v) if c else v for v, c in zip(problem.train, problem.counts, strict=True)]
        self.mean = [np.nanmean(v, 0) for v in logs]
        self.scale = [np.where(s > 1e-9, s, 1.0) for s in (np.nanstd(v, 0) for v in logs)]
        self.train, self.test = self.of(problem.train), self.of(problem.test)

    def of(self, views: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Views (N, P), NaN where missing."""
        return [((np.log1p(v) if c else v) - m) / s
                for v, c, m, s in zip(views, self.counts, self.mean, self.scale, strict=True)]

    def back(self, view: int, mean: np.ndarray, deviation: np.ndarray | None) -> tuple[
            np.ndarray, np.ndarray | None]:
        """In the data's units; of counts there are no intervals."""
        out = mean * self.scale[view] + self.mean[view]
        if self.counts[view]:
            return np.expm1(out), None
        return out, None if deviation is None else np.broadcast_to(deviation * self.scale[view], out.shape).copy()


def side_by_side(views: Sequence[np.ndarray], members: Sequence[int]) -> np.ndarray:
    """Some views as one table, gaps at the mean."""
    return np.nan_to_num(np.concatenate([views[m] for m in members], 1))


def others(problem: Problem, members: Sequence[int]) -> list[int]:
    """Views that are not among the members."""
    return [m for m in range(len(problem.names)) if m not in members]


# -- simpler methods ---------------------------------------------------------------------------------------------------


def regressed(problem: Problem, make: Callable[[], Any], votes: Callable[[], Any] | None = None) -> Answer:
    """A regression from the columns of the views given, one for each view asked for; intervals from items held out."""
    held = Standardised(problem)

    def answer(members: tuple[int, ...]) -> Said:
        wide, asked = (side_by_side(v, members) for v in (held.train, held.test))
        views = {}
        for m in others(problem, members):
            have = ~np.isnan(held.train[m]).all(1)
            x, goal = wide[have], np.nan_to_num(held.train[m][have])
            cut = max(1, round(HELD * len(x)))
            off = np.sqrt(np.square(make().fit(x[cut:], goal[cut:]).predict(x[:cut]) - goal[:cut]).mean(0))
            views[m] = held.back(m, make().fit(x, goal).predict(asked), off)
        classes = None if votes is None else votes().fit(wide, problem.y_train).predict(asked)
        return Said(wide, asked, views, classes)

    return answer


def neighbours(problem: Problem) -> Answer:
    """Means and votes of the nearest items."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    return regressed(problem, lambda: KNeighborsRegressor(NEIGHBOURS, weights="distance"),
                     lambda: KNeighborsClassifier(NEIGHBOURS, weights="distance"))


def pca(problem: Problem) -> Answer:
    """Principal components, what is missing at the mean."""
    from sklearn.decomposition import PCA

    held = Standardised(problem)
    every = range(len(problem.names))
    wide = side_by_side(held.train, every)
    model = PCA(min(problem.dimensions, *wide.shape), random_state=0).fit(wide)

    def answer(members: tuple[int, ...]) -> Said:
        z_train, z_test = (model.transform(side_by_side(
            [v if m in members else np.full_like(v, np.nan) for m, v in enumerate(views)], every))
            for views in (held.train, held.test))
        whole = np.split(model.inverse_transform(z_test), np.cumsum([v.shape[1] for v in held.test])[:-1], axis=1)
        return Said(z_train, z_test, {m: held.back(m, whole[m], None) for m in others(problem, members)})

    return answer


class FactorAnalysis:
    """x = W z + noise of each column, from items that lack views: expectation maximisation, exact.

    Attributes
    ----------
    w : list of np.ndarray
        View by view (P, D).
    noise : list of np.ndarray
        Variances, (P,).
    """

    def __init__(self, views: Sequence[np.ndarray], dimensions: int, rounds: int = 100) -> None:
        g = np.random.default_rng(0)
        self.w = [0.1 * g.normal(size=(v.shape[1], dimensions)) for v in views]
        self.noise = [np.ones(v.shape[1]) for v in views]
        have = np.stack([~np.isnan(v).all(1) for v in views])
        filled = [np.nan_to_num(v) for v in views]
        for _ in range(rounds):
            z, covariance, pattern = self.posterior(filled, have)
            for m, x in enumerate(filled):
                rows = have[m]
                second = z[rows].T @ z[rows] + covariance[pattern[rows]].sum(0)
                cross = x[rows].T @ z[rows]
                self.w[m] = np.linalg.solve(second, cross.T).T
                self.noise[m] = np.maximum(1e-4, np.square(x[rows]).mean(0)
                                           - (self.w[m] * cross).sum(1) / max(1, rows.sum()))

    def posterior(self, filled: Sequence[np.ndarray], have: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Means (N, D), covariances by pattern of presence (K, D, D), and the pattern of each item (N,)."""
        patterns, pattern = np.unique(have.T, axis=0, return_inverse=True)
        d = self.w[0].shape[1]
        precisions = np.stack([(w.T / s) @ w for w, s in zip(self.w, self.noise, strict=True)])  # (M, D, D)
        covariance = np.linalg.inv(np.eye(d) + np.einsum("km,mde->kde", patterns.astype(float), precisions))
        seen = sum((x * there[:, None]) @ (w / s[:, None])
                   for x, there, w, s in zip(filled, have, self.w, self.noise, strict=True))
        return np.einsum("nd,nde->ne", seen, covariance[pattern]), covariance, pattern


def linear_answer(problem: Problem, held: Standardised, w: Sequence[np.ndarray], noise: Sequence[np.ndarray]) -> Answer:
    """Of a linear model with weights (P, D) and variances of the noise (P,), view by view."""
    model = FactorAnalysis.__new__(FactorAnalysis)
    model.w, model.noise = list(w), list(noise)

    def answer(members: tuple[int, ...]) -> Said:
        means, spreads = [], []
        for views in (held.train, held.test):
            have = np.stack([~np.isnan(v).all(1) & (m in members) for m, v in enumerate(views)])
            z, covariance, pattern = model.posterior([np.nan_to_num(v) for v in views], have)
            means.append(z)
            spreads.append(covariance[pattern])
        said = {}
        for m in others(problem, members):
            deviation = np.sqrt(np.einsum("pd,nde,pe->np", model.w[m], spreads[1], model.w[m]) + model.noise[m])
            said[m] = held.back(m, means[1] @ model.w[m].T, deviation)
        return Said(means[0], means[1], said)

    return answer


def factors(problem: Problem) -> Answer:
    """Factor analysis of what is there."""
    held = Standardised(problem)
    model = FactorAnalysis(held.train, problem.dimensions)
    return linear_answer(problem, held, model.w, model.noise)


SIMPLE: dict[str, Callable[[Problem], Answer]] = {
    "ridge": lambda problem: regressed(problem, ridge), "neighbours": neighbours, "pca": pca, "factors": factors}


# -- ours --------------------------------------------------------------------------------------------------------------


def chosen(data: OwnData, method: str, quick: bool) -> Settings:
    """The settings that follow from the data."""
    changes = {**sized(data).settings, **({"steps": 20, "warmup_steps": 2, "validation": 0.0} if quick else {})}
    return Settings.for_method("own", method, **changes)


def ours(data: OwnData, problem: Problem, method: str, quick: bool) -> Answer:
    """One of our methods, trained as ``bvae train FOLDER`` would."""
    with tempfile.TemporaryDirectory() as folder:
        settings = chosen(data, method, quick)
        model = train(settings, Path(folder), progress=False, data=data)
    if settings.validation:
        model.calibration = calibrating.fit(model, held_out(data, settings.validation)[1])
    x_train, x_test = ({n: torch.from_numpy(v).float() for n, v in zip(problem.names, views, strict=True)}
                       for views in (problem.train, problem.test))

    def answer(members: tuple[int, ...]) -> Said:
        g = torch.Generator().manual_seed(0)
        given = [problem.names[m] for m in members]
        asked = [problem.names[m] for m in others(problem, members)]
        there = torch.stack([~v.isnan().all(1) for v in x_test.values()])
        everyone = torch.arange(there.shape[1])
        found = predicted(model, x_test, there, given, asked, everyone, g) if asked else {}
        views = {problem.names.index(n): (mean.double().numpy(), deviation.double().numpy())
                 for n, (mean, deviation) in found.items()}
        return Said(means(model, x_train, given), means(model, x_test, given), views)

    return answer


@torch.no_grad()
def means(model: MultimodalVAE, x: dict[str, torch.Tensor], given: Sequence[str]) -> np.ndarray:
    """Means of q(z | what an item has of some views); of the prior for an item that has none: (N, D)."""
    present = torch.stack([~v.isnan().all(1) if n in given else torch.zeros(len(v), dtype=torch.bool)
                           for n, v in x.items()])
    q = model.encode({n: x[n] for n in given}, model.aggregator.conditional(), present=present)
    return model.shared(q).mean.double().numpy()


# -- peers -------------------------------------------------------------------------------------------------------------


def elsewhere(
    problem: Problem, data: OwnData, method: str, sets: Sequence[tuple[int, ...]], python: str, folder: Path,
    quick: bool,
) -> tuple[Answer, dict[str, float]]:
    """A peer, run by another interpreter on the same standardised columns; its answers, seconds and megabytes."""
    held = Standardised(problem)
    settings = chosen(data, "mopoe-vae", quick)
    raw = method == "totalvi"
    views_of = {"train": problem.train if raw else held.train, "test": problem.test if raw else held.test}
    arrays: dict[str, Any] = {f"{part}{m}": v for part, views in views_of.items() for m, v in enumerate(views)}
    np.savez(folder / "in.npz", **arrays)
    job = {"method": method, "views": len(problem.names), "sets": sets, "latent_dim": settings.latent_dim,
           "hidden": 2 * settings.width, "steps": settings.steps, "batch": settings.batch_size, "beta": settings.beta,
           "learning_rate": settings.learning_rate, "weights": [m.weight for m in data.modalities.values()],
           "counts": list(problem.counts), "quick": quick}
    write_json(folder / "job.json", job)
    script = Path(__file__).with_name("own_data_peers.py")
    subprocess.run([python, str(script), str(folder)], check=True, stdout=subprocess.DEVNULL)
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    with np.load(folder / "out.npz") as file:
        out = dict(file)
    if method == "mofa":
        views = range(len(problem.names))
        return linear_answer(problem, held, [out[f"w{m}"] for m in views], [out[f"noise{m}"] for m in views]), facts

    def answer(members: tuple[int, ...]) -> Said:
        k = list(sets).index(members)
        views = {}
        for m in others(problem, members):
            if f"mean{k}_{m}" in out:
                mean, deviation = out[f"mean{k}_{m}"], out.get(f"deviation{k}_{m}")
                views[m] = (mean, deviation) if raw else held.back(m, mean, deviation)
        return Said(out[f"train{k}"], out[f"test{k}"], views)

    return answer, facts
