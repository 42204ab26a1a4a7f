"""Lesson 9: your own tables."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
import torch

from bvae.app import loaders
from bvae.app.learn.lessons._base import (
    LESSONS,
    Derivation,
    Door,
    Lesson,
    NothingTrained,
    Option,
    Picture,
    Question,
    Step,
)
from bvae.app.widgets import tiles
from bvae.app.widgets.choose import data_label, label
from bvae.data import DataError
from bvae.data.columns import places
from bvae.data.own import OwnData
from bvae.metrics.imputation import WITHIN
from bvae.models.imputation import impute
from bvae.plots import style
from bvae.training import load_checkpoint

DATA, HIDDEN, COLUMN = "penguins", "beak", "bill_length_mm"
PRACTISED, WHOLE = "mwb-vae", "wb-vae"
"""Trained with every group of views, and with all views together only."""
DRAWS, SHOWN, BIRDS = 128, 24, 3
CLAIM, NEAR, FAR = 0.9, 0.05, 0.6
"""What an interval says, how near to it counts as kept, and what is far below."""


class Guesses(NamedTuple):
    """What a model says of hidden beaks: arrays (N,) of one column, in millimetres, and of how many it is right."""

    true: np.ndarray
    mean: np.ndarray
    half: np.ndarray
    held: float


def birds() -> OwnData:
    """The test items. Raises NothingTrained where their package is not installed."""
    try:
        data = loaders.test_data(DATA)
    except DataError as error:
        raise NothingTrained(f"Penguins: {error}") from error
    assert isinstance(data, OwnData)
    return data


def model(name: str) -> loaders.Loaded:
    """A model of penguins. Raises NothingTrained if there is none of the name."""
    birds()
    if name not in loaders.trained(DATA):
        raise NothingTrained(f"No {label(name)} of {data_label(DATA)} is trained yet: `python -m bvae train {DATA} "
                             f"{name}` does it.")
    return loaders.load_model(DATA, name)


def guesses(name: str) -> Guesses:
    """Every test bird whose beak was measured, guessed from its body and its life."""
    return _guesses(model(name).key)


@st.cache_data(max_entries=8, show_spinner=False)
def _guesses(key: loaders.ModelKey) -> Guesses:
    """See :func:`guesses`; `held` is over both columns of the beak."""
    data, net = birds(), loaders.loaded(key).model
    views = list(data.modalities)
    mask = torch.ones(len(views), len(data), dtype=torch.bool) if data.mask is None else data.mask
    present = mask & torch.tensor([view != HIDDEN for view in views])[:, None]
    found = impute(net, data.x, present, DRAWS, generator=torch.Generator().manual_seed(0), targets=[HIDDEN],
                   calibrated=False)[HIDDEN]
    true = data.x[HIDDEN]
    there = mask[views.index(HIDDEN)]
    half = WITHIN * found.scale
    held = ((true - found.mean).abs() <= half)[there].double().mean().item()
    at = next(at.start for column, at in zip(data.modalities[HIDDEN].columns, places(data.modalities[HIDDEN].columns),
                                             strict=True) if column.name == COLUMN)
    measured, guess, reach = (values[there, at].double().numpy() for values in (true, found.mean, half))
    return Guesses(measured, guess, reach, held)


def tables(ink: style.Ink) -> Picture:
    """The first birds side by side, one view below the other."""
    data = birds()
    rows = []
    for view, modality in data.modalities.items():
        for column, at in zip(modality.columns, places(modality.columns), strict=True):
            row = {"view": view, "column": column.name.replace("_", " ")}
            for item in range(BIRDS):
                cell = data.x[view][item][at]
                gap = not data.has(view, item) or bool(cell.isnan().any())
                row[data.ids[item]] = "gap" if gap else tiles.written(column, cell)
            rows.append(row)
    return Picture(f"The first {BIRDS} of {len(data)} birds that no model has seen, with the columns of three views.",
                   table=pd.DataFrame(rows), caption="Palmer penguins: Horst, Hill & Gorman (2020), CC0. In a file one "
                                                     "row is one bird; here they stand side by side.")


def hidden(ink: style.Ink) -> Picture:
    """What both models have to guess."""
    g = some(guesses(PRACTISED))
    table = pd.DataFrame({"measured, mm": g.true})
    return Picture(f"Lengths of the beaks of {len(g.true)} birds, from {g.true.min():.0f} to {g.true.max():.0f} mm: "
                   "what both models have to guess.", (_birds(g, ink, (g.true.min() - 4, g.true.max() + 4), False),),
                   table=table, caption=f"A dot: the measured length of one bird's beak; {len(g.true)} of "
                                        f"{len(guesses(PRACTISED).true)} birds.")


def intervals(ink: style.Ink) -> Picture:
    """The same birds, guessed by both models."""
    found = {name: guesses(name) for name in (PRACTISED, WHOLE)}
    shown = {name: some(g) for name, g in found.items()}
    table = pd.concat([pd.DataFrame({"model": label(name), "measured, mm": g.true, "guess, mm": g.mean,
                                     "from": g.mean - g.half, "to": g.mean + g.half}) for name, g in shown.items()])
    limits = (min(min(g.true.min(), (g.mean - g.half).min()) for g in shown.values()) - 1,
              max(max(g.true.max(), (g.mean + g.half).max()) for g in shown.values()) + 1)
    figures = tuple(_birds(g, ink, limits) for g in shown.values())
    said = "; ".join(f"{label(name)}: {g.held:.0%}" for name, g in found.items())
    return Picture(f"Lengths of hidden beaks within intervals that say {CLAIM:.0%}. Of all lengths and depths the "
                   f"intervals hold {said}.", figures, tuple(f"{label(n)}: {g.held:.0%}" for n, g in found.items()),
                   table=table, caption="A line: the interval of one bird. Filled dot: what was measured lies in it; "
                                        "ring: it does not. In the titles: of all hidden lengths and depths.")


def some(g: Guesses) -> Guesses:
    """Of some birds, the shortest beak first."""
    which = np.argsort(g.true)[:: max(1, len(g.true) // SHOWN)]
    return Guesses(g.true[which], g.mean[which], g.half[which], g.held)


def _birds(g: Guesses, ink: style.Ink, limits: tuple[float, float], guessed: bool = True) -> go.Figure:
    """One dot a bird, in their order, with its interval if it is `guessed`."""
    figure = go.Figure()
    x = np.arange(1, len(g.true) + 1)
    if guessed:
        figure.add_scatter(x=x, y=g.mean, mode="markers", marker={"size": 1, "color": ink.faint}, showlegend=False,
                           hoverinfo="skip", error_y={"array": g.half, "thickness": 3, "width": 0, "color": ink.faint})
    inside = np.abs(g.true - g.mean) <= g.half if guessed else np.ones(len(x), dtype=bool)
    for chosen, symbol in ((inside, "circle"), (~inside, "circle-open")):
        figure.add_scatter(x=x[chosen], y=g.true[chosen], mode="markers",
                           marker={"size": 8, "symbol": symbol, "color": style.color(0), "line": {"width": 2}},
                           showlegend=False, hovertemplate="%{y:.1f} mm<extra></extra>")
    style.layout(figure, ink, 320, dragmode=False)
    figure.update_xaxes(title="birds, by length", showticklabels=False)
    figure.update_yaxes(title="length of the beak, mm", range=list(limits))
    return figure


def simpler(ink: style.Ink) -> Picture:
    """R2 of hidden views, beside methods that need no model."""
    metrics = load_checkpoint(DATA, model(PRACTISED).key.model_name).metrics
    columns = {"imputation_r2": label(PRACTISED), "imputation_r2_ridge": "a straight line (ridge)",
               "imputation_r2_neighbours": "the ten most similar birds"}
    views = metrics.get("imputation_r2", {})
    if not views:
        raise NothingTrained(f"`python -m bvae evaluate {DATA} {PRACTISED}` has to come first.")
    found = {view: {title: metrics[key][view]["mean"] for key, title in columns.items() if view in metrics.get(key, {})}
             for view in views}
    table = pd.DataFrame([{"hidden view": view, **row} for view, row in found.items()])
    said = "; ".join(f"{view}: " + ", ".join(f"{title} {value:.2f}" for title, value in row.items())
                     for view, row in found.items())
    return Picture(f"Share of the differences between birds that is guessed rightly (R²). {said}.",
                   table=table.round(2), caption="R²: 1 is perfect, 0 no better than the mean of all birds.")


def because() -> str:
    """After the reveal."""
    practised, whole = guesses(PRACTISED), guesses(WHOLE)
    return (f"{label(PRACTISED)}'s intervals hold **{practised.held:.0%}**, {label(WHOLE)}'s **{whole.held:.0%}**. In "
            f"training {label(WHOLE)} always saw all three views: what a beak looks like if only body and life are "
            "known, it never had to say, so its decoder takes a belief that is off for a belief that is sharp. "
            "That an interval says 90 percent is a claim. Hide what you know, and count.")


def kept(name: str) -> bool:
    """Whether a model's intervals hold about what they say."""
    return abs(guesses(name).held - CLAIM) <= NEAR


def far(name: str) -> bool:
    """Whether they hold far less."""
    return guesses(name).held < FAR


def doors() -> tuple[Door, ...]:
    """The way through the app."""
    there = [view for view in birds().modalities if view != HIDDEN]
    query = {"data": data_label(DATA), "model": label(PRACTISED)}
    return (Door("your_data", "Your data: what is there, and what is missing", {"bring_data": data_label(DATA)},
                 {"bring_data": DATA}),
            Door("train", "Train on the penguins", {"train_data": data_label(DATA)}, {"train_data": DATA}),
            Door("explore", "Explore: the beak is hidden", {**query, "views": there},
                 {"data": DATA, "model": PRACTISED, "views": there}),
            Door("benchmarks", "Benchmarks: what is imputed", {"data": data_label(DATA)}, {"data": DATA}))


CODE = f"""
import torch
import bvae
from bvae.models.imputation import impute

data = bvae.dataset("{DATA}", split="test")
views = list(data.modalities)
mask = torch.ones(len(views), len(data), dtype=torch.bool) if data.mask is None else data.mask
true, there = data.x["{HIDDEN}"], mask[views.index("{HIDDEN}")]
present = mask & torch.tensor([view != "{HIDDEN}" for view in views])[:, None]
for name in ("{PRACTISED}", "{WHOLE}"):
    model = bvae.load("{DATA}", name)
    found = impute(model, data.x, present, {DRAWS}, generator=torch.Generator().manual_seed(0),
                   targets=["{HIDDEN}"], calibrated=False)["{HIDDEN}"]
    held = (true - found.mean).abs() <= {WITHIN} * found.scale
    print(name, held[there].double().mean().item())
""".strip()

LESSONS.register("own-tables")(Lesson(
    number=9,
    title="Your own tables",
    idea="Group your columns into views, train two minutes, and test what the model claims before you use it.",
    minutes=3, class_minutes=10,
    words=("view", "joint", "checkpoint"),
    introduces=("coverage",),
    steps=(
        Step(
            "Three tables of one bird",
            """
A view need not be a picture. Each of these penguins was met three times: somebody measured its **beak**, somebody its
**body**, and somebody wrote down its **life**: the island, and whether it is male or female.

One row is one bird, one column names it, and columns that belong together are one view. Field work leaves gaps. No row
is thrown away for them: a gap is a view, or a part of one, that is missing.""",
            tables, code=f'import bvae\n\ndata = bvae.dataset("{DATA}", split="test")\n'
                         "for name, modality in data.modalities.items():\n"
                         "    print(name, [column.name for column in modality.columns], data.x[name][0])"),
        Step(
            "Predict: the beak is hidden",
            f"Two models learned from the same birds. **{label(PRACTISED)}** practised with every group of views; "
            f"**{label(WHOLE)}** always saw all three together. Now we hide the beaks of birds that neither has seen. "
            "Each model guesses length and depth from body and life, with an interval that says: in 90 of 100 cases "
            "the truth lies in here.",
            hidden,
            Question(
                "How many of the hidden lengths and depths lie in the intervals?",
                (Option("About nine in ten, for both: that is what the intervals say",
                        "They say so. Saying is cheap: a model that never practised a situation does not know how "
                        "unsure it should be in it.", lambda: kept(PRACTISED) and kept(WHOLE)),
                 Option(lambda: f"About nine in ten for {label(PRACTISED)}, far fewer for {label(WHOLE)}",
                        "One has practised to guess a view from the others, and how unsure to be.",
                        lambda: kept(PRACTISED) and far(WHOLE), right=True),
                 Option(lambda: f"About nine in ten for {label(WHOLE)}, far fewer for {label(PRACTISED)}",
                        "It saw more in every step of training, true, but never the situation that it is tested in.",
                        lambda: kept(WHOLE) and far(PRACTISED)),
                 Option("About half, for both: a few columns say little of a beak",
                        "Few columns make the intervals wide, not wrong. An honest interval of a poor guess is long.",
                        lambda: far(PRACTISED) and far(WHOLE))),
                intervals, because, common=0,
                tempting="A number with an error bar looks as if somebody had checked it."),
            code=CODE),
        Step(
            "Now your own",
            f"""
How often an interval holds what it says is its **coverage**. Test it on your own data, in ten minutes:

1. *Your data*: what is there, and what is missing? Here, take the penguins.
2. *Train*: two minutes. Predict first which view will be guessed best.
3. *Explore*: hide a view. What is put in its place, and how sure is it?
4. *Benchmarks*: does the model beat a straight line, or the ten most similar birds? On a few hundred rows and a handful
   of columns it may well not, as here. What only the model has is one joint belief for any pattern of gaps.

Here is how well a hidden view is guessed from the others, by {label(PRACTISED)} and by two methods without a model.""",
            simpler, doors=doors,
            code="from bvae.training import load_checkpoint\n\n"
                 f'figures = load_checkpoint("{DATA}", "{PRACTISED}").metrics\n'
                 'for key in ("imputation_r2", "imputation_r2_ridge", "imputation_r2_neighbours"):\n'
                 '    print(key, {view: figure["mean"] for view, figure in figures[key].items()})'),
    ),
    summary="Columns that belong together are a view, gaps are missing views, and an interval is a claim that you can "
            "test by hiding what you know.",
    trial=Door("explore", "Hide two views of a penguin instead of one: do the intervals grow?",
               {"data": "Penguins", "model": "MWB-VAE", "views": ["life"]},
               {"data": DATA, "model": PRACTISED, "views": ["life"]}),
    derivation=Derivation(
        ("Items are independent; whether a cell is missing has nothing to do with what it would have shown.",
         "S: the views that were observed; x: a column of a view that was not."),
        (("**What is guessed** is the mean of p(x | x_S), over draws of z from the joint belief of S:",
          r"\hat x=\mathbb E_{q(z\mid x_S)}\big[\mathbb E[x\mid z]\big]"),
         ("**How unsure.** The variance has two parts: what the decoder cannot say even if z were known, and what the "
          "joint belief does not know of z:",
          r"\operatorname{Var}(x\mid x_S)=\mathbb E_{q(z\mid x_S)}\big[\operatorname{Var}(x\mid z)\big]"
          r"+\operatorname{Var}_{q(z\mid x_S)}\big[\mathbb E[x\mid z]\big]"),
         ("**The interval** is the mean ± 1.645 standard deviations, which holds 90 percent of a normal density; "
          "coverage is the share of N hidden values that lie in theirs, with the standard error",
          r"\operatorname{se}=\sqrt{\tfrac{0.9\cdot 0.1}{N}}\ \text{ if the intervals are honest}"),
         ("**Why training decides.** The bound of WB-VAE has one term, with z from the belief of all views; the second "
          "part above is small in it, because the hidden view itself was seen. A bound that holds for each S trains "
          "decoder and width for each S.",
          r"\log p(x)\ge\mathbb E_{q_S(z)}\Big[\sum_{m=1}^M\log p(x_m\mid z)\Big]-\mathrm{KL}\big(q_S\,\|\,p\big)")),
        ("qiu", "kingma", "talts")),
))
