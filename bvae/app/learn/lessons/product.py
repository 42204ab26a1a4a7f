"""Lesson 2: the over-confidence of products of experts."""

from __future__ import annotations

from bvae.app.components.playground import scenes
from bvae.app.learn.lessons import _models as models
from bvae.app.learn.lessons import _pictures as pictures
from bvae.app.learn.lessons._base import LESSONS, Derivation, Lesson, Option, Question, Step, playground_door
from bvae.app.learn.lessons._pictures import humps, line, mean_of, picture, relative_height, width_of

AGREE = line((-0.5, 1.0), (0.5, 1.0), rules=["poe"])
QUARREL = line((-3.0, 1.0), (3.0, 1.0), rules=["poe"])
MOST = 6
DECODED = "coverage_90_decoded"


def because() -> str:
    """After the reveal."""
    m, s = mean_of(QUARREL, "poe"), width_of(QUARREL, "poe")
    return (f"The product has its mean at {m:.0f} and σ = {s:.2f}, **exactly as wide as when A and B agreed** "
            f"({width_of(AGREE, 'poe'):.2f}). Its width is made of the experts' widths alone: precisions 1 + 1 = 2. "
            "Where the means are does not enter. So it is very sure of a place that both experts had all but ruled "
            f"out: at {m:.0f} each of their curves has only {relative_height(3.0, 1.0, 0.0):.0%} of its full height.")


def echo(ink):
    """σ of the product of copies of one expert."""
    x = list(range(1, MOST + 1))
    values = pictures.copies("poe", MOST)
    return pictures.curves(
        x, {"poe": values}, ink, ("how often the same expert is counted", "σ of the joint belief"),
        f"The product's standard deviation falls from {values[0]:.2f} with one copy to {values[-1]:.2f} with {MOST} "
        "copies, although nothing new was said.", reference=(values[0], "what that one expert knows"))


def trained() -> str:
    """Coverage in the trained models, in words; nothing is said that the files do not show."""
    text = """
Are trained models too sure as well? A test:

1. Draw a z and let the model make an item from it. Now the true z is known.
2. Show the model this item, and ask its joint belief for an interval that should hold z in 90 of 100 cases.
3. Count how often it does. This share is the model's **coverage**.

0.9, the dotted line, is honest. Below it a model is too sure: its intervals are too narrow, or in the wrong place.
"""
    found = models.by_rule(DECODED, "poe")
    if found:
        name, curve = found
        first, last = models.ends(curve)
        text += (f"\nLook at **{name}**, whose rule is the product: its coverage is {curve[first]:.2f} when it sees "
                 f"{first} view, and {curve[last]:.2f} when it sees {last}: it {change(curve[first], curve[last])}.")
    lowest = lowest_at_first()
    text += ("\n\nCompare how the lines run, not how high they lie: the experts' widths are learned, and a model can "
             "be too sure for other reasons than its rule.")
    if models.rule_of(lowest) not in ("poe", "mopoe"):
        text += f" **{models.label(lowest)}** never multiplies, and starts lowest of all."
    return text


def lowest_at_first() -> str:
    """The model whose coverage is the lowest with one view."""
    curves = models.means(DECODED)
    return min(curves, key=lambda n: curves[n][min(curves[n], key=int)])


def change(first: float, last: float) -> str:
    """A fall, a rise, or neither, in a word."""
    return "falls" if first - last > 0.02 else "rises" if last - first > 0.02 else "hardly changes"


LESSONS.register("poe")(Lesson(
    number=2,
    title="The over-confidence of products",
    idea="Multiplied beliefs grow surer with every expert, in a quarrel too.",
    minutes=4, class_minutes=11,
    words=("z", "view", "gaussian", "expert", "joint"), introduces=("poe", "precision", "coverage", "checkpoint"),
    steps=(
        Step(
            "Multiply the curves",
            lambda: f"""
The **product of experts (PoE)** multiplies the experts' curves. A place stays plausible only if *every* expert finds it
plausible. The result is a Gaussian again, narrower than each of them.

One computes it with **precisions**, 1/σ²: *precisions add up*. A and B have σ = 1, so the product has precision
1 + 1 = 2, which is σ = {width_of(AGREE, "poe"):.2f}.

That is right for two independent measurements of one length: two rulers that agree leave less doubt than one.""",
            lambda ink: picture(AGREE, ink, "A and B nearly agree. Dashed: their product.", limits=(-5.0, 5.0),
                                takeaway="The product of two agreeing experts is narrower than both."),
            doors=(playground_door("Open in the Playground", AGREE),), code=scenes.code(AGREE)),
        Step(
            "Predict: a quarrel",
            "Now A says −3 and B says +3, each with σ = 1. They contradict each other: at least one of them is wrong.",
            lambda ink: picture(QUARREL, ink, rules=[], takeaway="Two experts far apart."),
            Question(
                "What does their product believe?",
                (Option("Two humps, one at −3 and one at +3",
                        "That would be “A *or* B”. A product says “A *and* B”: at −3 it multiplies A's high curve by "
                        "B's almost zero. Keeping both humps is what a mixture does (lesson 3).",
                        lambda: len(humps(QUARREL, "poe")) == 2),
                 Option("One wide hump that covers both",
                        "That would be reasonable: a quarrel should make one unsure. But the rule cannot do it. It "
                        "adds precisions, and a sum of precisions can only be larger than each of them.",
                        lambda: len(humps(QUARREL, "poe")) == 1 and width_of(QUARREL, "poe") > 1.0),
                 Option(lambda: f"One hump at 0, as narrow as when they agreed (σ = {width_of(AGREE, 'poe'):.2f})",
                        "The product does not notice that there is a quarrel.",
                        lambda: [round(h, 2) for h in humps(QUARREL, "poe")] == [0.0]
                        and abs(width_of(QUARREL, "poe") - width_of(AGREE, "poe")) < 1e-6, right=True),
                 Option("It stays with one of the two",
                        "It would, nearly, if one of them were much surer: the mean is drawn to the narrow curve. "
                        "These two are equally sure, so it ends in the middle.",
                        lambda: abs(mean_of(QUARREL, "poe")) > 2.0)),
                lambda ink: picture(QUARREL, ink, "Same experts, and their product, dashed.",
                                    takeaway="The product is a narrow hump in the middle, where neither expert is."),
                because, common=1,
                tempting="It is what a careful person would do in a quarrel, and what variances do when one adds "
                         "them."),
            doors=(playground_door("Drag A and B in the Playground: does the width of the product ever change?",
                                   QUARREL),),
            code=scenes.code(QUARREL)),
        Step(
            "An echo",
            lambda: f"""
There is a second way to become too sure. Let one expert with σ = 1 be counted again and again: **the same photograph
five times**. Nothing new is learned, so σ should stay 1.

The product's σ falls to {pictures.copies("poe", 5)[-1]:.2f}. It takes every expert for *independent* evidence, as if
five people had measured, when one person has said the same thing five times. Experts that were trained on the same
items share habits and errors, so they are partly echoes.""",
            echo,
            doors=(playground_door("Playground, six experts that quarrel: switch them off one by one",
                                   scenes.preset("many")),),
            code="import torch\nimport bvae\n\nfor m in range(1, 7):\n"
                 '    q = bvae.aggregator("poe")(torch.zeros(m, 1, 1), torch.ones(m, 1, 1))\n'
                 "    print(m, q.variance.sqrt().item())"),
        Step("In trained models", trained,
             lambda ink: models.metric_picture(DECODED, ink, "Dotted line: 0.9, what an honest belief has.",
                                               [lowest_at_first()]),
             doors=(models.benchmarks_door("All figures in Benchmarks", DECODED),),
             code=models.metric_code(DECODED)),
    ),
    summary="PoE is over-confident because it adds up the experts' precisions and never asks whether they agree, or "
            "whether they only repeat each other.",
    trial=playground_door("C is sharp and wrong. How far do you have to widen it until the product lets go?",
                          scenes.preset("wrong")),
    derivation=Derivation(
        ("M experts q_m = N(μ_m, σ_m²) in one dimension; with uncorrelated dimensions each one is computed by itself.",
         "The product is rescaled so that its integral is 1."),
        (("**The product of two Gaussians.** The logarithm of a Gaussian is a parabola, so add two parabolas (c is "
          "whatever does not depend on z):",
          r"\log q_1(z)+\log q_2(z)=-\frac{(z-\mu_1)^2}{2\sigma_1^2}-\frac{(z-\mu_2)^2}{2\sigma_2^2}+c"),
         ("Multiply the squares out and collect what belongs to z² and to z:",
          r"=-\frac12\Big(\underbrace{\frac1{\sigma_1^2}+\frac1{\sigma_2^2}}_{\textstyle 1/\sigma^2}\Big)z^2"
          r"+\Big(\underbrace{\frac{\mu_1}{\sigma_1^2}+\frac{\mu_2}{\sigma_2^2}}_{\textstyle \mu/\sigma^2}\Big)z+c"),
         ("This is the parabola of N(μ, σ²). For M experts in the same way:",
          r"\frac1{\sigma^2}=\sum_m\frac1{\sigma_m^2},\qquad \mu=\sigma^2\sum_m\frac{\mu_m}{\sigma_m^2}"),
         ("No μ_m occurs in σ: **the width does not know whether the experts agree.** With M equal widths s it is "
          r"$\sigma=s/\sqrt M$.", ""),
         ("**When it is exactly right.** If the views are independent given z, the belief after all of them is "
          "(derivation of lesson 1)", r"p(z\mid x_1,\dots,x_M)\;\propto\;p(z)\prod_m\frac{p(z\mid x_m)}{p(z)}"),
         ("So what one multiplies must be the *evidence* p(z | x_m) / p(z), with the prior p(z) once. MVAE multiplies "
          "its experts and the prior once and lets them learn that role. Multiplying whole posteriors p(z | x_m) "
          "counts the prior M times, and errors that the experts share are counted M times in any case.", ""),
         ("**It is not the reverse-KL barycenter.** With weights w_m that sum to 1,",
          r"\sum_m w_m\,\mathrm{KL}(q\,\|\,q_m)=\int q\log\frac{q}{\prod_m q_m^{w_m}}\,dz"
          r"=\mathrm{KL}(q\,\|\,g)-\log Z,\qquad g=\frac1Z\prod_m q_m^{w_m}"),
         ("is smallest for q = g, the normalised geometric mean. Its precision is an *average*:",
          r"\frac1{\sigma_g^2}=\sum_m\frac{w_m}{\sigma_m^2}"),
         ("With w_m = 1/M the product of the literature has the same mean and **M times this precision**.",
          r"\sum_m\frac1{\sigma_m^2}=M\cdot\sum_m\frac1M\frac1{\sigma_m^2}")),
        ("hinton", "wu", "qiu", "talts", "bishop")),
))
