"""Lesson 3: the indecision of mixtures of experts."""

from __future__ import annotations

import torch

from bvae.app.components.playground import scenes
from bvae.app.learn.lessons import _models as models
from bvae.app.learn.lessons import _pictures as pictures
from bvae.app.learn.lessons._base import LESSONS, Derivation, Lesson, Option, Question, Step, playground_door
from bvae.app.learn.lessons._pictures import joint, line, mean_of, picture, share_within, width_of

NEAR = line((-1.0, 1.0), (1.0, 1.0), rules=["moe"])
QUARREL = line((-3.0, 1.0), (3.0, 1.0), rules=["moe"])
MOST = 6


def middle() -> float:
    """How much of the mixture lies within 1 of its mean."""
    return share_within(QUARREL, "moe", 0.0, 1.0)


def nearest_answer() -> int:
    """Which of the answers is nearest to a count of a thousand draws (of many, so that it is not left to luck)."""
    z = joint(QUARREL, "moe").rsample((100_000,), generator=torch.Generator().manual_seed(0))[..., 0]
    count = 1000 * (z.abs() <= 1).double().mean().item()
    return min((680, 500, round(1000 * middle()), 0), key=lambda answer: abs(answer - count))


def agreement(ink):
    """σ of mixture and product of experts that all say the same."""
    x = list(range(1, MOST + 1))
    values = {rule: pictures.copies(rule, MOST) for rule in ("moe", "poe")}
    return pictures.curves(
        x, values, ink, ("number of experts that agree", "σ of the joint belief"),
        f"The mixture's standard deviation stays at {values['moe'][-1]:.2f} however many experts agree; the product's "
        f"falls to {values['poe'][-1]:.2f}.")


def trained() -> str:
    """Coherence of the trained models, in words."""
    text = """
Let a trained model see some views and generate the others. **Coherence** is the share of generated views that show the
right digit.
"""
    found = models.by_rule("coherence", "moe")
    if found:
        name, curve = found
        few, most = models.ends(curve)
        text += (f"\n**{name}**, whose rule is the mixture, has {curve[few]:.2f} with {few} view and {curve[most]:.2f} "
                 f"with {most} views: "
                 + ("**more views do not help it**, since only one of them speaks at a time."
                    if abs(curve[most] - curve[few]) < 0.02 else "it does change with the number of views."))
    curves = models.means("coherence")
    best = max(curves, key=lambda n: curves[n][models.ends(curves[n])[1]])
    few, most = models.ends(curves[best])
    text += f" {models.label(best)}, by comparison, goes from {curves[best][few]:.2f} to {curves[best][most]:.2f}."
    return text + two_conventions()


def two_conventions() -> str:
    """How well the class can be read from a mixture's mean and from one drawn expert; empty where it isn't known."""
    of_mean, of_drawn = (models.by_rule(figure, "moe") for figure in ("latent_accuracy", "latent_accuracy_drawn"))
    if of_mean is None or of_drawn is None:
        return ""
    (_, mean), (_, drawn) = of_mean, of_drawn
    _, most = models.ends(mean)
    if most not in drawn:
        return ""
    return (f"\n\nIts *mean* does combine them. With {most} views, a classifier that reads the digit from the mixture's"
            f" mean is right in {mean[most]:.1%} of cases; from the mean of **one drawn expert**, which is what the "
            f"model itself works with, in {drawn[most]:.1%}. When you compare with a published table, ask which of "
            "the two it shows.")


LESSONS.register("moe")(Lesson(
    number=3,
    title="The indecision of mixtures",
    idea="A mixture keeps every opinion and never makes up its mind.",
    minutes=3, class_minutes=9,
    words=("z", "view", "gaussian", "expert", "joint", "poe", "precision"),
    introduces=("moe", "coherence", "checkpoint"),
    steps=(
        Step(
            "Draw lots",
            """
The **mixture of experts (MoE)** does not multiply the curves, it *averages* them. In other words: draw one expert by
lot, then take a value of z from its Gaussian alone.

What one expert thinks possible stays possible, whatever the others say. Nobody is outvoted. While A and B nearly agree,
the average has one broad hump.""",
            lambda ink: picture(NEAR, ink, "Dotted: the average of both curves.", limits=(-5.5, 5.5),
                                takeaway="The mixture of two near experts is one broad hump."),
            doors=(playground_door("Open in the Playground", NEAR),), code=scenes.code(NEAR)),
        Step(
            "Predict: where do the draws land?",
            lambda: "A says −3 and B says +3, each with σ = 1. The mixture's mean is "
                    f"{abs(mean_of(QUARREL, 'moe')):.0f}. We draw a thousand values of z from the mixture.",
            lambda ink: picture(QUARREL, ink, rules=[], takeaway="Two experts far apart."),
            Question(
                "How many of the thousand lie between −1 and 1, around the mean?",
                (Option("About 680",
                        "Two thirds within one σ of the mean: true for *one* Gaussian with σ = 1 at 0. The mixture is "
                        "two Gaussians, and neither of them is at 0.", lambda: nearest_answer() == 680),
                 Option("About 500",
                        "Half of the draws come from each expert: true. But those of A lie around −3 and those of B "
                        "around +3, and neither half is in the middle.", lambda: nearest_answer() == 500),
                 Option(lambda: f"About {1000 * middle():.0f}",
                        "Only the outermost tails of both experts reach so far.",
                        lambda: nearest_answer() == round(1000 * middle()), right=True),
                 Option("None at all", "Nearly. But a Gaussian never ends: its curve is low in the middle, not zero.",
                        lambda: nearest_answer() == 0)),
                lambda ink: picture(QUARREL, ink, "Dotted: the mixture. Its mean, 0, is a place where it hardly "
                                                  "ever is.",
                                    takeaway="The mixture has two humps and almost nothing in between."),
                lambda: f"A share of {middle():.3f} lies between −1 and 1. The mixture keeps both opinions and decides "
                        "for neither. Its mean is a place where almost nothing is, and its σ of "
                        f"{width_of(QUARREL, 'moe'):.2f} says how far the two are apart, not how unsure they are.",
                common=0, tempting="Mean and σ are read as if every distribution were one bell curve."),
            doors=(playground_door("The same experts in the Playground", QUARREL),), code=scenes.code(QUARREL)),
        Step(
            "Agreement does not help",
            lambda: f"""
Keeping every opinion has a price. Let more and more experts say *the same*, and let each have its own evidence. That
should make one surer.

The average of equal curves is the same curve: σ stays {pictures.copies("moe", MOST)[-1]:.0f}. The mixture cannot add up
evidence. The product (PoE: multiply the curves) errs on the other side and always adds it up.""",
            agreement,
            code="import torch\nimport bvae\n\nfor m in range(1, 7):\n"
                 '    q = bvae.aggregator("moe")(torch.zeros(m, 1, 1), torch.ones(m, 1, 1))\n'
                 "    print(m, q.variance.sqrt().item())"),
        Step("In trained models", trained, lambda ink: models.metric_picture("coherence", ink),
             doors=(models.benchmarks_door("All figures in Benchmarks", "coherence"),),
             code=models.metric_code("coherence")),
    ),
    summary="MoE is undecided because it draws one expert by lot: no opinion is lost, none is combined with another, "
            "and agreement never makes it surer.",
    trial=playground_door("Two camps: which joint beliefs have their mean where nobody believes anything?",
                          scenes.preset("camps")),
    derivation=Derivation(
        ("Weights w_m ≥ 0 with sum 1.", "q may be any density (first part), or must be one Gaussian (second part).",
         "The expert stands first in KL(q_m ‖ q): the “forward” direction, which punishes q for being near 0 where an "
         "expert is not."),
        (("**The mixture is the forward-KL barycenter.** Write q̄ = Σ w_m q_m and split the logarithm:",
          r"\sum_m w_m\mathrm{KL}(q_m\|q)=\sum_m w_m\!\int q_m\log q_m\,dz-\int\underbrace{\sum_m w_m q_m}_{\bar q}"
          r"\log q\,dz"),
         ("The first term does not contain q. Add and subtract the integral of q̄ log q̄ in the second:",
          r"=\text{const}+\int\bar q\log\frac{\bar q}{q}\,dz=\text{const}+\mathrm{KL}(\bar q\,\|\,q)"),
         ("A KL divergence is never negative and is 0 only if both are equal, so the smallest value is at",
          r"q=\bar q=\sum_m w_m q_m"),
         ("**Restricted to one Gaussian** N(μ, v), what remains to be made small is", r"-\int\bar q\log q\,dz=\frac12"
          r"\log 2\pi v+\frac{1}{2v}\,\mathbb E_{\bar q}\big[(z-\mu)^2\big]"),
         ("Its derivative in μ is zero at the mean of q̄, and then its derivative in v at the variance of q̄:",
          r"\mu=\mathbb E_{\bar q}[z]=\sum_m w_m\mu_m,\qquad v=\mathbb E_{\bar q}\big[(z-\mu)^2\big]"
          r"=\sum_m w_m\big(\sigma_m^2+(\mu_m-\mu)^2\big)"),
         ("This is **moment matching**: here the quarrel, (μ_m − μ)², does widen the belief. The last equation: inside "
          "expert m, z − μ = (z − μ_m) + (μ_m − μ), and the mixed term has mean 0.",
          r"\mathbb E_{q_m}\big[(z-\mu)^2\big]=\sigma_m^2+(\mu_m-\mu)^2")),
        ("shi", "qiu", "bishop")),
))
