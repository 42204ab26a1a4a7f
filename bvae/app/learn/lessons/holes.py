"""Lesson 10: why samples from the prior disappoint."""

from __future__ import annotations

import pandas as pd
import torch
from markupsafe import Markup

from bvae.app import loaders
from bvae.app.learn.lessons import _models as models
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
from bvae.app.learn.lessons._pictures import line, picture
from bvae.app.widgets import images
from bvae.app.widgets.choose import data_label
from bvae.gaussians.posterior import Posterior
from bvae.metrics.posteriors import cumulative
from bvae.models.latents import PRIOR
from bvae.plots.style import Ink, color

ITEMS = ((-1.7, 0.1), (-0.6, 0.12), (0.5, 0.1), (1.1, 0.12))
SCENE = line((0.0, 1.0), *ITEMS)
NEAR = 2.0  # σ
MANY = 10  # dimensions
DRAWS, SEED = 3, 0
BEFORE, AFTER = "joint_coherence", "joint_coherence_fitted"


def near_an_item() -> float:
    """Share of the prior that is within 2σ of the belief of one of the four items."""
    prior = Posterior.gaussian(torch.zeros(1, 1), torch.ones(1, 1))
    ends = [(cumulative(prior, torch.tensor([[m + side * NEAR * s]])).item()) for m, s in ITEMS for side in (-1, 1)]
    return sum(high - low for low, high in zip(ends[::2], ends[1::2], strict=True))


def agreeing(figure: str) -> float:
    """In how many of 100 inventions of the model all views show the same class."""
    found = models.metrics_of(figure)
    name = models.model()[0]
    if name not in found:
        raise NothingTrained(f"{models.label(name)} has not been evaluated yet: `python -m bvae evaluate {models.DATA} "
                             f"{name}` does it.")
    return 100 * float(found[name]["mean"])  # type: ignore[arg-type]  # this figure has one value


def nearest_answer() -> int:
    """Which of the answers is nearest to what was counted."""
    counted = agreeing(BEFORE)
    return min((95, 60, round(counted), 0), key=lambda answer: abs(answer - counted))


def invented(sampler: str | None, title: str) -> tuple[list[Markup], list[dict[str, object]]]:
    """Some inventions, one row of all views each, and what the judges see in them."""
    _, loaded = models.model()
    data, judges = loaders.test_data(models.DATA), loaders.judges(models.DATA)
    values = loaded.model.sample(DRAWS, sampler, torch.Generator().manual_seed(SEED))
    seen = judges.probabilities(values) if judges is not None else {}
    shown, rows = [], []
    for s in range(DRAWS):
        classes = {view: data.class_names[int(p[s].argmax())] for view, p in seen.items()}
        shown.append(images.row(f"{title}, draw {s + 1}", color(s), [
            images.figure(images.content(data, view, drawn[s]), f"{view}, invented {title}, draw {s + 1}", None,
                          classes.get(view, "")) for view, drawn in values.items()]))
        rows.append({"z is drawn": title, "draw": s + 1, **classes})
    return shown, rows


def shown_side_by_side(ink: Ink) -> Picture:
    """Inventions from the prior, and from where items are."""
    before, rows = invented(PRIOR, "from the prior")
    after, more = invented(None, "where items are") if models.model()[1].model.sampler else ([], [])
    return Picture(
        f"{DRAWS} inventions in all views from the prior, whose views show different digits, and {DRAWS} from where "
        "items are.", html="".join([*before, *after]), table=pd.DataFrame(rows + more),
        caption=f"{models.label(models.model()[0])}; one z makes all pictures of a row. The digits are what a "
                "classifier of real views sees in them.")


def of_all_models(ink: Ink) -> Picture:
    """Joint coherence from the prior and from the fitted clouds, of every model that is all one z."""
    before, after = ({name: value for name, value in models.metrics_of(figure).items()
                      if not models.has_private(name)} for figure in (BEFORE, AFTER))
    table = pd.DataFrame([{"model": models.label(name), "from the prior": before[name]["mean"],
                           "where items are": after[name]["mean"]} for name in before if name in after])
    said = "; ".join(f"{row.iloc[0]}: {row.iloc[1]:.2f}, then {row.iloc[2]:.2f}" for _, row in table.iterrows())
    return Picture(f"Share of inventions whose views agree, from the prior and from where items are. {said}.",
                   table=table, caption="Share of a thousand inventions in which all views show the same digit.")


def because() -> str:
    """After the reveal."""
    return (f"In {agreeing(BEFORE):.0f} of 100. One z makes all five pictures, but it lies where no item ever was: "
            "there no decoder has learned what to draw, and each makes up an answer of its own. With z drawn **where "
            f"items are**, all five agree in {agreeing(AFTER):.0f} of 100: the same decoders, the same model. It was "
            "the place.")


def doors() -> tuple[Door, ...]:
    """Inventions from both."""
    named = {"data": data_label(models.DATA), "model": models.label(models.model()[0]), "task": "Invent"}
    return tuple(
        Door("generate", text, {**named, "drawn": drawn}, {"task": "Invent", "drawn": value})
        for text, drawn, value in (("Generate: invent from the bare prior", "The bare prior", "prior"),
                                   ("Generate: invent where items are", "Where items are", "items")))


LESSONS.register("holes")(Lesson(
    number=10,
    title="Why samples from the prior disappoint",
    idea="A prior says where z may be, not where items are: draw from where they are.",
    minutes=3, class_minutes=9,
    words=("z", "view", "gaussian", "expert", "joint"),
    introduces=("prior", "checkpoint"),
    steps=(
        Step(
            "May be, and is",
            lambda: f"""
To invent something new, one draws z by chance and lets the decoders turn it into views. From where should it be drawn?

The **prior** is the belief about z before anything was seen, a Gaussian with mean 0 and σ = 1 (A). Training holds every
item's joint belief *near* the prior; it does not spread the items over all of it. B to E are the beliefs of four items:
together they cover {near_an_item():.0%} of the prior. The rest are **holes**.

A real z has not one number but many. If one of them falls near an item with a chance of {near_an_item():.0%}, two of
them together do so with {near_an_item() ** 2:.0%}, and {MANY} with {near_an_item() ** MANY:.2%}: the more numbers, the
more holes.""",
            lambda ink: picture(SCENE, ink, "A: the prior. B, C, D, E: where four items are.", limits=(-3.5, 3.5),
                                takeaway="A wide curve, and four narrow ones that leave most of it uncovered."),
            code="\n".join([
                "import torch", "", "normal = torch.distributions.Normal(0.0, 1.0)",
                f"items = torch.tensor({[list(item) for item in ITEMS]})",
                f"low, high = items[:, 0] - {NEAR:g} * items[:, 1], items[:, 0] + {NEAR:g} * items[:, 1]",
                "print((normal.cdf(torch.stack([low, high]))).diff(dim=0).sum().item())"])),
        Step(
            "Predict: do the views agree?",
            lambda: f"{models.label(models.model()[0])} learned from pictures of one digit before five backgrounds. We "
                    "draw 100 times a z from the prior, and let its five decoders make five pictures of each.",
            lambda ink: picture(SCENE, ink, "A: the prior. B, C, D, E: where four items are.", limits=(-3.5, 3.5),
                                takeaway="A wide curve, and four narrow ones that leave most of it uncovered."),
            Question(
                "In how many of the 100 do all five pictures show the same digit?",
                (Option("About 95: one z makes all five",
                        "One z does make all five. But each decoder has learned only what z means near items; in "
                        "a hole each makes up its own answer.", lambda: nearest_answer() == 95),
                 Option("About 60: most of the prior's draws are near 0, where most items are",
                        "In one dimension they are. In many, hardly any draw is near 0, and hardly any is near an "
                        "item.", lambda: nearest_answer() == 60),
                 Option(lambda: f"About {agreeing(BEFORE):.0f}", "Most of the prior is holes.",
                        lambda: nearest_answer() == round(agreeing(BEFORE)), right=True),
                 Option("None",
                        "Some draws do fall near enough to items, and now and then five guesses agree.",
                        lambda: nearest_answer() == 0)),
                shown_side_by_side, because, common=0,
                tempting="One cause, one digit: it is true of real items, and z is no real item."),
            doors=doors,
            code=lambda: "\n".join([
                "import torch", "import bvae", "", f'model = bvae.load("{models.DATA}", "{models.model()[0]}")',
                'for sampler in ("prior", None):  # None: the model\'s own, fitted to where items are',
                f"    views = model.sample({DRAWS}, sampler, torch.Generator().manual_seed({SEED}))",
                "    print(sampler, {name: tuple(v.shape) for name, v in views.items()})"])),
        Step(
            "Draw where items are",
            """
The remedy needs no new training. Take one z of each training item from its joint belief, and lay soft clouds over these
points: fifty Gaussians, each with a shape of its own. Then draw from the clouds.

The table shows what it does for every trained model whose views all come from one z: the decoders are the same in both
columns. What is left to 1 is what the clouds do not get right, and what the decoders do not.""",
            of_all_models,
            code="\n".join([
                "import bvae", "from bvae.training import load_checkpoint", "",
                f'for name in bvae.checkpoints("{models.DATA}"):',
                f'    checkpoint = load_checkpoint("{models.DATA}", name)',
                "    if not checkpoint.settings.private_dim:  # with private parts more than the place differs",
                f'        print(name, *(checkpoint.metrics.get(figure, {{}}).get("mean") for figure in ("{BEFORE}", '
                f'"{AFTER}")))'])),
    ),
    summary="The prior is where training holds beliefs to, not where they are. Draw z from a density that is fitted to "
            "the items, and the views of an invention agree.",
    trial=Door("generate", "Switch between both: which views give the hole away first?",
               {"task": "Invent", "drawn": "The bare prior"}, {"task": "Invent", "drawn": "prior"}),
    derivation=Derivation(
        ("N training items with the joint beliefs q(z | x_n); q̄ is their average, where items are.",
         "p is the prior, N(0, I)."),
        (("**What training pays for.** The mean of the items' divergences from the prior has two parts:",
          r"\frac1N\sum_n\mathrm{KL}\big(q(z\mid x_n)\,\|\,p\big)=\mathrm{KL}(\bar q\,\|\,p)+\frac1N\sum_n"
          r"\mathrm{KL}\big(q(z\mid x_n)\,\|\,\bar q\big)"),
         ("The second is what z tells of which item it is, and the decoders need it: it cannot be 0. Only the first "
          "says how far the average is from the prior, and the bound weighs both alike. With KL(q̄ ‖ p) > 0 the prior "
          "is not where items are.", ""),
         ("**The remedy.** After the training choose r from a family, here mixtures of K Gaussians, that makes the "
          "draws of q̄ likely, which makes KL(q̄ ‖ r) small:",
          r"r=\arg\max_r\ \frac1N\sum_n\log r(z_n),\qquad z_n\sim q(z\mid x_n)"),
         ("No decoder changes. The same bound with r in place of p can only become tighter, since the part that "
          "depends on it becomes smaller:", r"\mathrm{KL}(\bar q\,\|\,r)\le\mathrm{KL}(\bar q\,\|\,p)"),
         ("if the family holds p itself and r is the best of it.", "")),
        ("hoffman", "ghosh", "kingma")),
))
