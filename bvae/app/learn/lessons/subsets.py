"""Lesson 6: mixtures over subsets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bvae.aggregators import naming
from bvae.aggregators.subsets import subset_membership
from bvae.app import loaders
from bvae.app.beliefs import item_beliefs
from bvae.app.components.playground import scenes
from bvae.app.learn.lessons import _models as models
from bvae.app.learn.lessons._base import LESSONS, Derivation, Lesson, Option, Picture, Question, Step, playground_door
from bvae.app.learn.lessons._pictures import diagonal, joint, line, picture, share_within, signed
from bvae.app.templates import Markup
from bvae.app.widgets import images
from bvae.plots.lessons import components
from bvae.plots.style import Ink, color

LIAR = 2
EXPERTS = ((-1.5, 0.8), (-0.5, 0.8), (3.2, 0.25))
PLACE, REACH = -1.0, 1.0
THREE = line(*EXPERTS, rules=["mwb"])
RULES = ("poe", "moe", "wasserstein", "mopoe", "mwb")
LOTS, SEED = 6, 0
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


def hidden_view() -> tuple[str, loaders.Loaded, str, list[bool]]:
    """Name of the model, the model, the view that is to be invented, and which views are observed: the others."""
    name, loaded = models.model()
    views = list(loaded.model.modalities)
    return name, loaded, views[-1], [v != views[-1] for v in views]


def lots(ink: Ink) -> Picture:
    """The last view of an item, invented from the group of all observed views and from groups drawn by lot."""
    name, loaded, hidden, observed = hidden_view()
    data, item = loaders.test_data(models.DATA), models.example(loaded)
    now = item_beliefs.build(loaded, item, observed, [1.0] * len(observed), "mwb")
    members = subset_membership(len(observed))
    shown, rows = [], []
    ways = {"everybody who is there": now.latent}
    if now.latent.loc.shape == now.decoded.loc.shape:  # a model without private parts: a draw of z is all it needs
        ways["a group drawn by lot"] = now.posterior
    for how, latent in ways.items():
        scene = replace(now, latent=latent)
        _, pictures, captions = item_beliefs.imagine(loaded, scene, LOTS, SEED, loaders.judges(models.DATA),
                                                     data.class_names)
        groups = ["all"] * LOTS
        if latent is now.posterior and len(now.posterior.weights) == len(members):
            groups = [" ".join(v for v, own in zip(loaded.model.modalities, members[k].tolist(), strict=True) if own)
                      for k in item_beliefs.draw(scene, LOTS, SEED).component.tolist()]
        texts = captions.get(hidden, [""] * LOTS)
        shown.append(images.row(f"{hidden}, drawn from {how}", color(len(observed) - 1), [
            images.figure(images.content(data, hidden, value), f"{hidden}, group {group}, draw {k + 1}", None,
                          Markup("{}<br>{}").format(group, text))
            for k, (value, group, text) in enumerate(zip(pictures[hidden], groups, texts, strict=True))]))
        rows += [{"drawn from": how, "draw": k + 1, "group": group} for k, group in enumerate(groups)]
    return Picture(
        f"{LOTS} pictures of {hidden} from the group of all observed views, and {LOTS} from groups drawn by lot.",
        html="".join(shown), table=pd.DataFrame(rows),
        caption=f"{models.label(name)}, a {data.y[item]}; {hidden} itself is hidden. Below each picture: the group, "
                "and what a classifier of real images sees in it.")


def trained() -> str:
    """One observed view, in words."""
    curves = models.means("coherence")
    text = """
In training, the belief of the group that was drawn has to be good enough to rebuild **all** views. So every pattern of
missing views has been practised.

**Coherence**, the share of generated views that show the right digit, with one observed view and with all but one:

| model | combines by | 1 view | all but one |
|---|---|---:|---:|
"""
    for name in models.one_for_each_rule(curves, RULES):
        curve = curves[name]
        text += (f"| {models.label(name)} | {naming.short(models.rule_of(name))} | {curve[min(curve, key=int)]:.2f} | "
                 f"{curve[max(curve, key=int)]:.2f} |\n")
    return (text + f"\n{models.trained_without_subsets()}\n\n"
            "One training run each, not all equally long: only large differences mean something.")


LESSONS.register("subsets")(Lesson(
    number=6,
    title="Mixtures over subsets",
    idea="Let every group of experts form its own belief, and draw one group by lot.",
    minutes=5, class_minutes=11,
    words=("z", "view", "gaussian", "expert", "joint", "poe", "moe", "barycenter",
           "wasserstein"),
    introduces=("mixture", "coherence", "checkpoint"),
    steps=(
        Step(
            "Every group has a say",
            lambda: f"""
A product listens to all experts at once, so one bad one spoils it. A mixture of experts listens to one at a time. In
between: let **every group** of experts form its own joint belief, and draw one group by lot.

Three experts make {len(names())} groups: A, B, C, AB, AC, BC, ABC. Inside a group one may multiply, which is called
**MoPoE**, or take the Wasserstein barycenter, which is called **MWB**.

Here A and B are near each other. C is far away, very sure, and wrong.""",
            lambda ink: picture(THREE, ink, "Solid line: MWB, all groups together.", limits=(-4.5, 5.5),
                                takeaway="Two near experts, one far and sharp one, and a mixture with many humps."),
            doors=(playground_door("Open in the Playground", THREE),), code=scenes.code(THREE)),
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
            doors=(playground_door("Drag C in the Playground and watch the humps", THREE),), code=scenes.code(THREE)),
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
            doors=(playground_door("All five in the Playground", {**THREE, "rules": list(RULES), "fill": None}),),
            code=scenes.code({**THREE, "rules": list(RULES)})),
        Step(
            "By lot, or everybody?",
            """
While a model **trains**, a group is drawn by lot for every item. So it practises with every group, and the lot may fall
on one view alone although all are there.

When it is **asked**, there is a choice. To draw the group by lot is what the mixture says: each draw of z then trusts
the views of one group only. But whoever wants the best answer asks everybody who is there. So this app decodes the
group of **all observed views**, unless you choose otherwise: in Explore you can decode either.""",
            lots,
            doors=lambda: (models.explore_door("Explore, last view hidden: on which items do the two ways differ?",
                                               models.view_names()[:-1], "mwb"),),
            code=lambda: "\n".join([
                "import torch", "import bvae", "", f'data = bvae.dataset("{models.DATA}", split="test")',
                f'model = bvae.load("{models.DATA}", "{models.model()[0]}")',
                f"item = {models.example(models.model()[1])}",
                f"x = {{name: data.x[name][item : item + 1] for name in {models.view_names()[:-1]}}}",
                'q = model.encode(x, aggregator=bvae.aggregator("mwb"))  # one Gaussian for each group',
                "print(q.weights[:, 0], q.rsample((4,), generator=torch.Generator().manual_seed(0)).shape)"])),
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
