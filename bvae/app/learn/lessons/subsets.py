"""Lesson 6: mixtures over subsets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bvae.aggregators import naming
from bvae.aggregators.subsets import subset_membership
from bvae.app.components.playground import scenes
from bvae.app.learn.lessons import _models as models
from bvae.app.learn.lessons._base import LESSONS, Derivation, Lesson, Option, Picture, Question, Step, playground_door
from bvae.app.learn.lessons._pictures import diagonal, joint, line, picture, share_within, signed
from bvae.plots.lessons import components
from bvae.plots.style import Ink

LIAR = 2
EXPERTS = ((-1.5, 0.8), (-0.5, 0.8), (3.2, 0.25))
PLACE, REACH = -1.0, 1.0
THREE = line(*EXPERTS, rules=["mwb"])
RULES = ("poe", "moe", "wasserstein", "mopoe", "mwb")
MEMBERS = subset_membership(len(EXPERTS))


def names() -> list[str]:
    """Of all groups: "A", "AB", ..."""
    return ["".join(scenes.NAMES[m] for m in row.nonzero().flatten().tolist()) for row in MEMBERS]


def touched() -> list[bool]:
    """Whether expert C belongs to a group."""
    return MEMBERS[:, LIAR].tolist()


def untouched() -> int:
    """How many humps stay where they are when C is moved."""
    here, there = (joint(line(*EXPERTS[:LIAR], (place, EXPERTS[LIAR][1])), "mwb").loc for place in (3.2, -2.0))
    return int(((here - there).abs().amax(-1) < 1e-9).sum())


def groups(ink: Ink, rule: str = "mwb") -> Picture:
    """The parts of the mixture."""
    q = diagonal(joint(THREE, rule))
    weights, loc, scale = q.weights[:, 0].numpy(), q.loc[:, 0, 0].numpy(), q.scale[:, 0, 0].numpy()
    table = pd.DataFrame({"group": names(), "weight": weights, "mean": loc, "σ": scale, "with C": touched()})
    free = [n for n, t in zip(names(), touched(), strict=True) if not t]
    return Picture(
        f"The {len(names())} parts of the mixture, one for each group of experts. Without C are {', '.join(free)}: "
        "they stay on the left; those with C reach to the right.",
        (components(names(), weights, loc, scale, touched(), ("groups without C", "groups with C"), ink,
                    (-4.5, 5.5)),),
        table=table, caption=f"One hump for each group, every group with the weight 1/{len(names())}.")


def shares() -> dict[str, float]:
    """Rule -> how much of the joint belief is near A and B."""
    return {rule: share_within(THREE, rule, PLACE, REACH) for rule in RULES}


def compared(ink: Ink) -> Picture:
    """All rules on the same three experts, with what they leave near A and B."""
    drawn = picture(THREE, ink, rules=["poe", "wasserstein", "mwb"], limits=(-4.5, 5.5), takeaway="All rules beside "
                    "the mixture over subsets.")
    table = pd.DataFrame([{"joint belief": naming.title(r),
                           f"share between {signed(PLACE - REACH)} and {signed(PLACE + REACH)}":
                           np.round(v, 3)} for r, v in shares().items()])
    said = "; ".join(f"{naming.short(r)} {v:.2f}" for r, v in shares().items())
    return Picture(f"How much of each joint belief is left near A and B: {said}.", drawn.figures, table=table,
                   caption="Solid with many humps: MWB. Dashed: PoE. Solid with one hump: Wasserstein barycenter.")


def because() -> str:
    """After the reveal."""
    free = len(names()) - sum(touched())
    return (f"The groups without C are A, B and AB: **{free} of {len(names())}**. In the others C takes part. So "
            f"{free}/{len(names())} of the mixture cannot be spoiled by C, however wrong and however sure it is.")


def trained() -> str:
    """One observed view, in words."""
    curves = models.means("coherence")
    text = """
Models that mix over subsets are also *trained* that way: for every item a group is drawn, and the belief of that group
has to be good enough to rebuild **all** views. So every pattern of missing views has been practised.

**Coherence**, the share of generated views that show the right digit, with one observed view and with all but one:

| model | combines by | 1 view | all but one |
|---|---|---:|---:|
"""
    for name, curve in curves.items():
        text += (f"| {models.label(name)} | {naming.short(models.rule_of(name))} | {curve[min(curve, key=int)]:.2f} | "
                 f"{curve[max(curve, key=int)]:.2f} |\n")
    if sum(models.rule_of(name) == "wasserstein" for name in curves) > 1:
        text += "\nWB-VAE is here on several bounds: on which one its paper trains it could not be read.\n"
    return (text + f"\n{models.trained_without_subsets()}\n\n"
            "One training run each, not all equally long: read large differences only.")


LESSONS.register("subsets")(Lesson(
    number=6,
    title="Mixtures over subsets",
    idea="Let every group of experts form its own belief, and draw one group by lot.",
    minutes=4, class_minutes=5,
    words=("z", "view", "gaussian", "expert", "joint", "poe", "moe", "barycenter",
           "wasserstein"),
    introduces=("mixture", "coherence", "checkpoint"),
    steps=(
        Step(
            "Every group has a say",
            lambda: f"""
A product uses all experts or fails with one of them; a mixture of experts listens to only one at a time. Between them:
let **every group** of experts form its own joint belief, and draw one group by lot.

Three experts make {len(names())} groups: A, B, C, AB, AC, BC, ABC. Inside a group one may multiply, which is called
**MoPoE**, or take the Wasserstein barycenter, which is called **MWB**.

Here A and B are near each other. C is far away, very sure, and wrong.""",
            lambda ink: picture(THREE, ink, "Solid line: MWB, all groups together.", limits=(-4.5, 5.5),
                                takeaway="Two near experts, one far and sharp one, and a mixture with many humps."),
            doors=(playground_door("Open in the playground", THREE),), code=scenes.code(THREE)),
        Step(
            "Predict: who is safe from C?",
            lambda: f"Each of the {len(names())} groups gives one hump of the mixture, all with the same weight.",
            lambda ink: picture(THREE, ink, rules=[], limits=(-4.5, 5.5), takeaway="Three experts, C wrong and sure."),
            Question(
                lambda: f"How many of the {len(names())} humps does C not touch at all?",
                (Option("None: C is so sure that it pulls all of them",
                        "So it is in a product of all. Here, the groups without C do not even ask C.",
                        lambda: untouched() == 0),
                 Option("One: the group AB",
                        "AB is one of them. But A alone and B alone are groups too.",
                        lambda: untouched() == 1),
                 Option(lambda: f"{len(names()) - sum(touched())}", "Leave C out of the list and count.",
                        lambda: untouched() == len(names()) - sum(touched()), right=True),
                 Option(lambda: f"{len(names()) - 1}: all but the group C",
                        "C alone is only one of the groups in which it takes part: AC, BC and ABC are pulled too.",
                        lambda: untouched() == len(names()) - 1)),
                groups, because, common=3, tempting="“One expert in three” is heard as “one group”."),
            doors=(playground_door("Move C about and watch the humps", THREE),), code=scenes.code(THREE)),
        Step(
            "What is gained, what is paid",
            lambda: f"""
How much of each joint belief is left near A and B, between {signed(PLACE - REACH)} and {signed(PLACE + REACH)}?

| joint belief | share |
|---|---:|
""" + "".join(f"| {naming.title(r)} | {v:.2f} |\n" for r, v in shares().items()) + f"""
The product has gone over to C. The mixtures keep a part where A and B are. MoE keeps most here, but lets no two experts
work together; in MWB the group AB does.

The price: {len(EXPERTS)} experts make {len(names())} groups, ten make {len(subset_membership(10)):,}.""",
            compared,
            doors=(playground_door("All five in the playground", {**THREE, "rules": list(RULES), "fill": None}),),
            code=scenes.code({**THREE, "rules": list(RULES)})),
        Step("In trained models", trained, lambda ink: models.metric_picture("coherence", ink),
             doors=(models.benchmarks_door("All figures in Benchmarks", "coherence"),),
             code=models.metric_code("coherence")),
    ),
    summary="In a mixture over subsets every group of experts forms its own belief: a wrong expert spoils only the "
            "groups it is in, and every pattern of missing views has been practised.",
    trial=playground_door("Switch C on: which joint belief jumps least?", scenes.preset("missing")),
    derivation=Derivation(
        (r"S runs over the $2^M-1$ non-empty sets of the views that are present; all have the same weight.",
         "q_S is the belief of set S by some rule inside: PoE for MoPoE, the Wasserstein barycenter for MWB."),
        (("**The mixture** is the forward-KL barycenter of the beliefs q_S (derivation of lesson 3, with S instead of "
          "m):", r"q=\frac1{2^M-1}\sum_S q_S=\arg\min_q\;\frac1{2^M-1}\sum_S\mathrm{KL}(q_S\,\|\,q)"),
         ("**Its components:**", r"\text{MoPoE:}\;\; q_S\propto\prod_{m\in S}q_m\qquad\quad"
                                r"\text{MWB:}\;\; q_S=\mathcal N\Big(\tfrac1{|S|}\sum_{m\in S}\mu_m,\;"
                                r"\big(\tfrac1{|S|}\sum_{m\in S}\sigma_m\big)^2\Big)"),
         ("**Not the same: the Wasserstein barycenter of the q_S.** It is one Gaussian, with the mean",
          r"\frac1{2^M-1}\sum_S\frac1{|S|}\sum_{m\in S}\mu_m=\sum_m\mu_m\underbrace{\frac1{2^M-1}\sum_{S\ni m}"
          r"\frac1{|S|}}_{\text{the same for every }m}=\frac1M\sum_m\mu_m"),
         ("(the braces are equal for all m by symmetry and sum to 1), and likewise for σ: it is the plain barycenter "
          "of all experts again. Only the *mixture* keeps the groups apart.", ""),
         ("**The bound used in training.** KL is convex, so a mixture's KL to the prior is at most the mean of those "
          "of its components:", r"\mathrm{KL}(q\,\|\,p)\le\frac1{2^M-1}\sum_S\mathrm{KL}(q_S\,\|\,p)"),
         ("and a batch is cut into equal parts, one for each S, so that z ~ q_S decodes all views:",
          r"\mathcal L=\frac1{2^M-1}\sum_S\Big(\mathbb E_{q_S}\big[\log p(x\mid z)\big]-\beta\,\mathrm{KL}(q_S\|p)\Big)"
          )),
        ("sutter", "qiu")),
))
