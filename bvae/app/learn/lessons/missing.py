"""Lesson 5: missing views."""

from __future__ import annotations

import pandas as pd

from bvae.app import loaders
from bvae.app.beliefs import item_beliefs
from bvae.app.components.playground import scenes
from bvae.app.learn.lessons import _models as models
from bvae.app.learn.lessons._base import LESSONS, Derivation, Lesson, Option, Picture, Question, Step, playground_door
from bvae.app.learn.lessons._pictures import line, mean_of, picture, signed, width_of
from bvae.app.widgets import images
from bvae.plots.style import Ink, color

SIGMA = 0.8
THREE = ((-1.5, SIGMA), (0.0, SIGMA), (3.0, SIGMA))
RULES = ("poe", "wasserstein")
ALL, TWO, NONE = (line(*THREE, rules=RULES, absent=absent) for absent in ((), (2,), (0, 1, 2)))
SAMPLES = 4


def wider(rule: str) -> float:
    """By how much the joint belief is wider without C, to four digits."""
    return round(width_of(TWO, rule) - width_of(ALL, rule), 4)


def before_and_after(ink: Ink) -> Picture:
    """The joint beliefs without C, and in the table those with it."""
    drawn = picture(TWO, ink, "C is silent. Dashed: product. Solid: Wasserstein barycenter.", limits=(-5.0, 5.5),
                    takeaway="Without C both joint beliefs move; only the product becomes wider.")
    assert drawn.table is not None
    for rule in RULES:
        drawn.table.loc[len(drawn.table)] = [f"before: {rule}", mean_of(ALL, rule), width_of(ALL, rule)]
    return drawn


def real(ink: Ink) -> Picture:
    """The last view of an item, imagined from more and more of the others."""
    name, loaded = models.model()
    data, item, views = loaders.test_data(models.DATA), models.example(loaded), list(loaded.model.modalities)
    hidden = views[-1]
    shown, rows = [], []
    for n in sorted({0, 1, 2, len(views) - 1}):
        now = item_beliefs.build(loaded, item, [m < n for m in range(len(views))], [1.0] * len(views), None)
        _, imagined, captions = item_beliefs.imagine(loaded, now, SAMPLES, 0, loaders.judges(models.DATA),
                                               data.class_names)
        texts = captions.get(hidden, [""] * SAMPLES)
        seen = ", ".join(views[:n]) or "nothing"
        shown.append(images.row(f"{hidden}, imagined from {seen}", color(len(views) - 1), [
            images.figure(images.content(data, hidden, value), f"{hidden} imagined from {seen}, draw {k + 1}", None,
                          texts[k])
            for k, value in enumerate(imagined[hidden])]))
        rows.append({"observed": seen, "σ of the joint belief": float(now.posterior.variance.sqrt().mean()),
                     "σ of what is decoded": float(now.decoded.variance.sqrt().mean())})
    real_one = images.row(f"{hidden}, the real one", color(len(views) - 1), [
        images.figure(images.content(data, hidden, data.x[hidden][item]), f"the real {hidden}: a {data.y[item]}",
                      color(len(views) - 1))])
    return Picture(
        f"{SAMPLES} pictures of {hidden} imagined by a trained model from nothing, one, two and {len(views) - 1} other "
        f"views, and the real one, a {data.y[item]}.", html="".join([*shown, real_one]), table=pd.DataFrame(rows),
        caption=f"{models.label(name)}; {hidden} itself was never shown. Below each picture: what a classifier of real "
                "images sees in it, and how sure it is.")


def trained() -> str:
    """Coherence with one and with most views, in words."""
    text = """
A trained model can now invent the view that is missing: it forms the joint belief of the views that did arrive, draws a
z from it, and turns z into a picture of the missing view. With nothing observed the joint belief is the **prior**, the
belief before anything was seen, and the pictures may show any digit.
"""
    name = models.model()[0]
    curve = models.means("coherence").get(name)
    if curve:
        few, most = models.ends(curve)
        text += (f"\n{models.label(name)}, over all test items: with {few} observed view **{curve[few]:.0%}** of the "
                 f"invented views show the right digit, with {most} views **{curve[most]:.0%}**.")
        text += f"\n\n{models.trained_without_subsets()}"
    return text


def because() -> str:
    """After the reveal."""
    return (f"The product loses a third of its precision: its σ goes from {width_of(ALL, 'poe'):.2f} to "
            f"**{width_of(TWO, 'poe'):.2f}**. The Wasserstein barycenter averages the widths of those who are left: "
            f"{width_of(ALL, 'wasserstein'):.2f} before, **{width_of(TWO, 'wasserstein'):.2f}** after. Both means move "
            f"to {signed(mean_of(TWO, 'poe'))}, towards A and B. So the product knows that it knows less; the "
            "barycenter does not show it.")


LESSONS.register("missing")(Lesson(
    number=5,
    title="Missing views",
    idea="When an expert is silent, a product becomes less sure; a barycenter only moves.",
    minutes=3, class_minutes=9,
    words=("z", "view", "gaussian", "expert", "joint", "poe", "barycenter", "wasserstein", "precision"),
    introduces=("prior", "checkpoint"),
    steps=(
        Step(
            "Leave one out",
            """
Each view has its own expert, so nothing has to be rebuilt when a view is missing: leave its expert out and combine the
others. No zeros are filled in, and nothing is guessed first.

If the experts have weights, those who are left share them. Here are three experts, equally sure, and two joint beliefs:
their product (PoE) and their Wasserstein barycenter.""",
            lambda ink: picture(ALL, ink, "Dashed: product. Solid: Wasserstein barycenter.", limits=(-5.0, 5.5),
                                takeaway="Three equally wide experts, a narrow product, a barycenter as wide as they."),
            doors=(playground_door("Open in the Playground", ALL),), code=scenes.code(ALL)),
        Step(
            "Predict: C falls silent",
            f"All three experts have σ = {SIGMA}. Now C is missing.",
            lambda ink: picture(ALL, ink, "Still with C.", limits=(-5.0, 5.5),
                                takeaway="Three experts and two joint beliefs."),
            Question(
                "What happens to the widths of the two joint beliefs?",
                (Option("Both become wider: there is less to go by",
                        "It should be so, and the product does it. But the barycenter averages widths, and the average "
                        f"of {SIGMA} and {SIGMA} is {SIGMA}.",
                        lambda: wider("poe") > 0 and wider("wasserstein") > 0),
                 Option("The product becomes wider, the barycenter keeps its width",
                        "One adds up precisions, the other averages widths.",
                        lambda: wider("poe") > 0 and wider("wasserstein") == 0, right=True),
                 Option("Both become narrower: the quarrel with C is over",
                        "C was indeed the one far away. But neither rule looks at how far the means are apart when it "
                        "computes its width.", lambda: wider("poe") < 0 and wider("wasserstein") < 0),
                 Option("Neither changes: a missing view is not used",
                        "It is not used, so what it had contributed is gone: from the product its precision, from both "
                        "means its pull.", lambda: wider("poe") == 0 and wider("wasserstein") == 0)),
                before_and_after, because, common=0,
                tempting="Less information, more doubt: a sound principle, which this barycenter does not follow."),
            doors=(playground_door("Switch C on and off in the Playground", TWO),), code=scenes.code(TWO)),
        Step("What a model imagines", trained, real,
             doors=lambda: (models.explore_door("Explore: one view only", models.view_names()[:1]),
                            models.explore_door("Explore: nothing observed", [])),
             code=lambda: "\n".join([
                 "import torch", "import bvae", "", f'data = bvae.dataset("{models.DATA}", split="test")',
                 f'model = bvae.load("{models.DATA}", "{models.model()[0]}")',
                 f"item = {models.example(models.model()[1])}",
                 f'x = {{"{models.view_names()[0]}": data.x["{models.view_names()[0]}"][item : item + 1]}}',
                 f'pictures = model.generate(x, targets=["{models.view_names()[-1]}"], num_samples={SAMPLES},',
                 "                          generator=torch.Generator().manual_seed(0))",
                 "print({name: tuple(v.shape) for name, v in pictures.items()})"])),
    ),
    summary="A missing view is an expert left out. The product gives its precision back and becomes wider; the "
            "Wasserstein barycenter only moves.",
    trial=playground_door("Give C a weight of 0 instead of switching it off. Is it the same?", ALL),
    derivation=Derivation(
        ("Whether a view is missing has nothing to do with what it would have shown.",
         "S: the views that are present; the weights of those left are divided by their sum."),
        (("**Product.** Leaving out view k takes one term from a sum of positive terms, so σ can only grow:",
          r"\frac1{\sigma_{S}^2}=\sum_{m\in S}\frac1{\sigma_m^2}=\frac1{\sigma_{S\cup k}^2}-\frac1{\sigma_k^2}"),
         ("**Wasserstein barycenter.** With w_k the weight of the view that goes, what remains is",
          r"\sigma_S=\frac{\sum_{m\in S}w_m\sigma_m}{\sum_{m\in S}w_m}"
          r"=\frac{\sigma_{S\cup k}-w_k\sigma_k}{1-w_k}"),
         ("(weights of all together 1). It is wider than before exactly if σ_k was below the average: leaving out a "
          "*sure* expert widens it, leaving out an *unsure* one narrows it.",
          r"\sigma_S-\sigma_{S\cup k}=\frac{w_k}{1-w_k}\,(\sigma_{S\cup k}-\sigma_k)"),
         ("**Nobody is left.** The product of no experts with the prior is the prior, N(0, I); the other rules are "
          "given the same answer by agreement.", ""),
         ("**Training.** The surest way to a model that works with every S is to train on every S: the bound on the "
          "likelihood of all views, with z from the belief of some,",
          r"\log p(x)\ge\mathbb E_{q_S(z)}\Big[\sum_{m=1}^M\log p(x_m\mid z)\Big]-\mathrm{KL}\big(q_S\,\|\,p\big)"),
         ("holds for each S, because the left side does not depend on q. MVAE adds such bounds for all views together "
          "and for each alone; MoPoE-VAE and MWB-VAE draw a set for every item (next lesson). MVTCAE goes another "
          "way: z always comes from the belief of all, and each view's own belief is drawn near to that one by a KL "
          "term.", "")),
        ("wu", "sutter", "qiu", "kingma")),
))
