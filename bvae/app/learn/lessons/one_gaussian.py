"""Lesson 1: why one Gaussian each."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd

from bvae.aggregators.subsets import subset_membership
from bvae.app import loaders
from bvae.app.components.playground import scenes
from bvae.app.learn.lessons import _models as models
from bvae.app.learn.lessons._base import (
    LESSONS,
    Derivation,
    Lesson,
    Option,
    Picture,
    Question,
    Step,
    playground_door,
)
from bvae.app.learn.lessons._pictures import line, picture
from bvae.app.widgets import images
from bvae.gaussians.dimensions import z_name
from bvae.plots.lessons import counts
from bvae.plots.posterior import disagreement, interval_figure
from bvae.plots.style import Ink, color

SHARP, BLURRED = 0.4, 1.4
VIEWS = 5
TWO = line((-1.0, SHARP), (0.6, BLURRED))


def combinations(num_views: int) -> int:
    """How many non-empty sets of views there are."""
    return len(subset_membership(num_views))


def needed() -> int:
    """The same for all views of this lesson, by listing what can arrive."""
    return sum(any(arrived) for arrived in itertools.product((False, True), repeat=VIEWS))


def counted(most: int, ink: Ink, alone: bool) -> Picture:
    """Combinations of 1 to `most` views, with or without the number of views itself."""
    x = list(range(1, most + 1))
    values = {"one program for every combination": [combinations(m) for m in x]}
    if alone:
        values["one expert for every view"] = x
    return Picture(
        "Number of programs that are needed for 1, 2, ... views. " + "; ".join(
            f"{name}: {', '.join(map(str, v))}" for name, v in values.items()),
        (counts(x, values, ink, ("number of views", "programs")),), table=pd.DataFrame({"views": x, **values}))


def real(ink: Ink) -> Picture:
    """The views of one test item and the Gaussians of their experts."""
    name, loaded = models.model()
    item, data = models.example(loaded), loaders.test_data(models.DATA)
    views = list(loaded.model.modalities)
    d = loaded.model.shared_dim
    loc, scale = (v[:, item, :d].numpy() for v in (loaded.experts.loc, loaded.experts.scale))
    figure = interval_figure(views, loc, scale, [True] * len(views), [], ink, num_dimensions=4, height=330)
    figure.update_layout(showlegend=True)
    chosen = np.argsort(-disagreement(loc, scale), kind="stable")[:4]
    table = pd.DataFrame([{"view": v, "dimension": z_name(k), "mean": float(loc[m, k]), "σ": float(scale[m, k])}
                          for m, v in enumerate(views) for k in chosen])
    shown = images.row(f"item {item}, seen in {len(views)} views", "currentColor", [
        images.figure(images.content(data, v, data.x[v][item]), f"{v}, {loaded.model.modalities[v].label}", color(m), v,
                      side=72) for m, v in enumerate(views)])
    return Picture(
        f"The {len(views)} views of one item, and below the mean and two-sigma interval of every expert in four of "
        f"the {d} numbers that make up z.", (figure,), html=shown, table=table,
        caption=f"A trained model ({models.label(name)}). z is {d} numbers long; here are the four of them in which "
                "the experts disagree most. Dot: mean; bar: two σ to either side.")


LESSONS.register("gaussians")(Lesson(
    number=1,
    title="Why one bell curve each",
    idea="Give every sense its own bell curve, and a few experts serve every combination of senses.",
    minutes=2, class_minutes=8,
    words=(), introduces=("view", "z", "gaussian", "expert", "joint"),
    steps=(
        Step(
            "A belief has a width",
            lambda: f"""
An item can be observed in several **views**: a photograph, a sound, a text. What they have in common, such as which
digit it is, is a hidden cause. We write it **z** and nobody sees it.

An **expert** is a small program that looks at one view only and says what z may be. It answers not with a number but
with a bell curve, a **Gaussian**: its **mean** says where, its width **σ** how unsure.

Expert A has seen a sharp photograph: σ = {SHARP}. Expert B has seen a blurred one: σ = {BLURRED}.""",
            lambda ink: picture(TWO, ink, "The higher a curve, the more plausible that value of z. The narrow "
                                "curve is the surer one.",
                                limits=(-4.5, 5.0), takeaway="A narrow curve is a sure expert, a wide one an unsure "
                                                             "expert."),
            doors=(playground_door("Drag these two curves in the Playground", TWO),),
            code=scenes.code({**TWO, "rules": ["moment"]})),
        Step(
            "Predict: how many programs?",
            "Photographs get lost and microphones fail, so a model should work with whichever views arrive. One could "
            "write a separate program for **every combination of views** that can arrive. With one view "
            "that is 1, with two views 3: the first, the second, both.",
            lambda ink: counted(2, ink, alone=False),
            Question(
                f"How many programs would {VIEWS} views need that way?",
                (Option(f"{VIEWS}",
                        "That is one for each view. It leaves out every combination of two or more. (The next step "
                        f"does get away with {VIEWS}.)", lambda: needed() == VIEWS),
                 Option(lambda: f"{math.comb(VIEWS, 2)}",
                        "That counts the pairs. But a single view can arrive too, and three, four or all five.",
                        lambda: needed() == math.comb(VIEWS, 2)),
                 Option(lambda: f"{combinations(VIEWS)}",
                        "Each view is there or not: 2 · 2 · 2 · 2 · 2 cases, less the one in which nothing arrives.",
                        lambda: needed() == combinations(VIEWS), right=True),
                 Option(lambda: f"{math.factorial(VIEWS)}",
                        "That counts the orders in which five views can be lined up. Here the order does not matter: "
                        "photograph and sound is the same as sound and photograph.",
                        lambda: needed() == math.factorial(VIEWS))),
                lambda ink: counted(7, ink, alone=True),
                lambda: f"Every further view doubles the number of combinations. {VIEWS} views have "
                        f"{combinations(VIEWS)}, ten have {combinations(10):,}. Nobody trains that many.",
                common=1, tempting="“Combinations” is heard as “pairs”."),
            code="from bvae.aggregators.subsets import subset_membership\n\n"
                 "print([len(subset_membership(m)) for m in range(1, 8)])"),
        Step(
            "One bell curve each",
            lambda: f"""
So each view gets **one** expert, and each expert gives **one Gaussian**. A rule then combines the Gaussians that
arrived into one **joint belief**. {VIEWS} experts do the work of {combinations(VIEWS)}, and a missing view is simply
one Gaussian fewer.

Why a Gaussian? Two numbers describe it, and the rules of the next lessons can compute with those two numbers alone.

The price: a Gaussian has one hump. An expert who thinks “either a 4 or a 9” can only draw one wide curve over both.""",
            real,
            doors=lambda: (models.explore_door("These views and their beliefs in Explore", models.view_names()),),
            code=lambda: f'import bvae\n\ndata = bvae.dataset("{models.DATA}", split="test")\n'
                         f'model = bvae.load("{models.DATA}", "{models.model()[0]}")\n'
                         f'experts = model.experts(data.subset([{models.example(models.model()[1])}]))\n'
                         "print(experts.loc.shape, experts.scale.shape)  # (M, 1, L): means and σ"),
    ),
    summary="One Gaussian for each view: a handful of experts serves every combination of views, and a missing view is "
            "one Gaussian fewer.",
    trial=playground_door("Make B the surer one: take its white ring. Which curve is the higher one now?", TWO),
    derivation=Derivation(
        ("Once z is known, the views are independent: what they have in common is all in z.",
         "p(z) is the belief before anything is seen, and the belief after view m alone is known: p(z | x_m).",
         "The experts approximate these beliefs by Gaussians with uncorrelated dimensions."),
        (("**The number of combinations.** A set of k of the M views can be chosen in “M choose k” ways; all non-empty "
          "ones together:", r"\sum_{k=1}^{M}\binom Mk=\sum_{k=0}^{M}\binom Mk-1=(1+1)^M-1=2^M-1"),
         ("**Why M beliefs are enough.** Take the views of a set S. By Bayes' rule and the first assumption",
          r"p(z\mid x_S)=\frac{p(z)\,p(x_S\mid z)}{p(x_S)}\;\propto\;p(z)\prod_{m\in S}p(x_m\mid z)"),
         ("Bayes' rule for one view says", r"p(x_m\mid z)=\frac{p(z\mid x_m)\,p(x_m)}{p(z)}\;\propto\;"
                                           r"\frac{p(z\mid x_m)}{p(z)}"),
         ("Put the second line into the first, once for each of the |S| views:",
          r"p(z\mid x_S)\;\propto\;p(z)\prod_{m\in S}\frac{p(z\mid x_m)}{p(z)}"
          r"=p(z)^{\,1-|S|}\prod_{m\in S}p(z\mid x_m)"),
         ("So the beliefs after single views determine the belief after every set of them, and M encoders are enough "
          "in principle. In practice the experts are approximations, and how to combine them is a choice: the subject "
          "of the next lessons. The expert of view m:",
          r"q_m(z)=\mathcal N\big(z;\;\mu_m(x_m),\;\operatorname{diag}\sigma_m^2(x_m)\big)")),
        ("kingma", "wu", "qiu")),
))
