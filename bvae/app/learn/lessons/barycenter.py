"""Lesson 4: what a Wasserstein barycenter keeps."""

from __future__ import annotations

import numpy as np
import torch

from bvae.app.components.playground import scenes
from bvae.app.learn.lessons import _models as models
from bvae.app.learn.lessons import _pictures as pictures
from bvae.app.learn.lessons._base import LESSONS, Derivation, Lesson, Option, Picture, Question, Step, playground_door
from bvae.app.learn.lessons._pictures import arrays, line, mean_of, picture, width_of
from bvae.gaussians import diagonal
from bvae.plots.style import Ink

NARROW, WIDE = 0.5, 1.5
TWO = line((-3.0, NARROW), (3.0, WIDE), rules=["wasserstein"])
SAME_PLACE = line((0.0, NARROW), (0.0, WIDE))
RULES = ("poe", "moment", "wasserstein")
WASSERSTEIN = "wasserstein"


def carried(width: float) -> bool:
    """Whether the heap in the middle has this width, by carrying the sand instead of by the formula."""
    return abs(pictures.transported_width((-3.0, NARROW), (3.0, WIDE)) - width) < 0.01


def on_the_way(ink: Ink) -> Picture:
    """Experts and the barycenters with three weights of B."""
    drawn = picture(TWO, ink, "Weight of B: a quarter, a half (thick), three quarters.", rules=[],
                    takeaway="Between a narrow and a wide curve, the barycenter moves and widens step by step.")
    figure, table = drawn.figures[0], drawn.table
    assert table is not None
    limits = np.linspace(*pictures.LIMITS, 400)
    for weight in (0.25, 0.5, 0.75):
        q = arrays({**TWO, "weights": [1 - weight, weight]}, "wasserstein")
        m, s = float(q.mean[0]), float(q.scale[0, 0])
        y = torch.tensor(limits).unsqueeze(1)
        density = diagonal.log_prob(y, torch.tensor([m]), torch.tensor([s])).exp().numpy()
        figure.add_scatter(x=limits, y=density, mode="lines", name=f"weight of B: {weight:g}", hoverinfo="name",
                           line={"color": ink.aggregate, "width": 3.5 if weight == 0.5 else 1.2})
        table.loc[len(table)] = [f"barycenter, weight of B {weight:g}", m, s]
    return drawn


def against_distance(ink: Ink) -> Picture:
    """σ of three joint beliefs while the experts move apart."""
    x = np.linspace(0, 8, 9)
    values = {rule: [width_of(line((-d / 2, NARROW), (d / 2, WIDE)), rule) for d in x] for rule in RULES}
    return pictures.curves(
        x.tolist(), values, ink, ("distance between the experts' means", "σ of the joint belief"),
        f"The Wasserstein barycenter has a standard deviation of {values['wasserstein'][0]:.2f} at every distance, "
        f"the product one of {values['poe'][0]:.2f}; the moment-matched Gaussian grows to "
        f"{values['moment'][-1]:.2f}.",
        "Moment matching is the Gaussian with the mixture's mean and σ: the farther apart, the wider.")


def in_a_model(ink: Ink) -> Picture:
    """σ of joint beliefs of real experts."""
    values = models.widths(RULES)
    return pictures.curves(
        list(range(1, len(values["poe"]) + 1)), values, ink,
        ("observed views", "σ of the joint belief, averaged"),
        "Widths of the joint beliefs of a trained model's experts with 1, 2, ... views. " + "; ".join(
            f"{rule}: " + ", ".join(f"{v:.3f}" for v in vs) for rule, vs in values.items()),
        f"The same experts ({models.label(models.model()[0])}), combined by three rules; mean over all test items and "
        "all numbers of z.")


def trained() -> str:
    """Widths in the model, in words."""
    values = models.widths(RULES)
    n = len(values["poe"])
    one = values["wasserstein"][0]
    return f"""
Here are the experts of a trained model, combined with 1 to {n} views.

One expert has σ = {one:.3f} on average. With all {n} the product is at {values["poe"][-1]:.3f}, the Wasserstein
barycenter at {values["wasserstein"][-1]:.3f}: it keeps the experts' own size. Moment matching jumps to
{values["moment"][-1]:.2f}, because these experts are far apart compared with their widths.

That is also what the barycenter **does not tell**: nothing in its width shows that there is such a quarrel."""


LESSONS.register("wasserstein")(Lesson(
    number=4,
    title="What a Wasserstein barycenter keeps",
    idea="Carry sand from belief to belief: the one in the middle keeps the experts' average size.",
    minutes=3, class_minutes=10,
    words=("z", "view", "gaussian", "expert", "joint", "poe", "moe", "precision"),
    introduces=("barycenter", "wasserstein"),
    steps=(
        Step(
            "The nearest to all",
            """
Take as joint belief the one that is *nearest to all experts together*. It is called their **barycenter**, which means
centre of mass. Which one that is depends on how one measures “near”.

Think of a curve as a heap of sand, and carry heap A, grain by grain, until it is heap B. The **Wasserstein distance**
says how far the grains have to go if the carrier is clever.

The **Wasserstein barycenter** is the heap *on the way*. As B gets more weight, it slides from A to B *and* grows from
A's width to B's. It stays one heap: it never splits in two, and it never spreads over both.""",
            on_the_way,
            doors=(playground_door("The same in the plane: in the Playground, drag the point in the triangle",
                                   scenes.preset("path")),),
            code=scenes.code(TWO)),
        Step(
            "Predict: the width in the middle",
            f"A has σ = {NARROW} and B has σ = {WIDE}. Both count the same.",
            lambda ink: picture(TWO, ink, rules=[], takeaway="A narrow expert on the left, a wide one on the right."),
            Question(
                "How wide is their Wasserstein barycenter?",
                (Option(lambda: f"σ = {width_of(TWO, 'poe'):.2f}, narrower than both",
                        "That is the product of experts (PoE), which adds precisions, 1/σ². Carrying sand piles "
                        "nothing up: the result cannot be narrower than the narrowest expert.",
                        lambda: carried(width_of(TWO, "poe"))),
                 Option(lambda: f"σ = {width_of(TWO, 'wasserstein'):.2f}, halfway between",
                        f"Halfway from A to B the width has changed by half, too: from {NARROW} half of the way to "
                        f"{WIDE}.",
                        lambda: carried(width_of(TWO, "wasserstein")), right=True),
                 Option(lambda: f"σ = {width_of(SAME_PLACE, 'moment'):.2f}: the squares σ² are averaged",
                        "Nearly: something is averaged. But sand is carried over distances, and a width σ is a "
                        "distance. Its square is none.",
                        lambda: carried(width_of(SAME_PLACE, "moment"))),
                 Option(lambda: f"σ = {width_of(TWO, 'moment'):.1f}, wide enough for both",
                        "That is the σ of the mixture. It leaves both heaps where they are, so it is as wide as they "
                        "are apart.", lambda: carried(width_of(TWO, "moment")))),
                lambda ink: picture(TWO, ink, "Thick: the Wasserstein barycenter of A and B.",
                                    takeaway="The barycenter lies in the middle, halfway between both widths."),
                lambda: f"Mean {abs(mean_of(TWO, WASSERSTEIN)):.0f} and σ = {width_of(TWO, WASSERSTEIN):.2f}: the "
                        "average of the means and **the average of the widths**. That is what it keeps: the experts' "
                        "typical size and shape.",
                common=2, tempting="In statistics it is usually variances that one adds or averages."),
            doors=(playground_door("The same experts in the Playground",
                                   {**TWO, "rules": ["poe", "moe", "wasserstein"]}),),
            code=scenes.code({**TWO, "rules": ["poe", "wasserstein"]})),
        Step(
            "What it keeps, and what it hides",
            lambda: f"""
The picture tries every distance between A and B. The Wasserstein barycenter keeps its σ of
{width_of(TWO, WASSERSTEIN):.2f}: unlike a product it does not become surer than its experts, and with more experts it
does not shrink.

But look at the flat line again. **It does not widen in a quarrel either.** At a distance of 8 it stands in the middle,
where neither expert believes anything, and looks as calm as ever.""",
            against_distance,
            doors=(playground_door("Playground, two long beliefs that cross: a product keeps the crossing, a "
                                   "barycenter averages",
                                   scenes.preset("orthogonal")),),
            code=scenes.code({**TWO, "rules": list(RULES)})),
        Step("In a trained model", trained, in_a_model,
             doors=lambda: (models.explore_door("Explore: all views, Wasserstein", models.view_names(), WASSERSTEIN),
                            models.explore_door("Explore: the same with the product", models.view_names(), "poe")),
             code=lambda: "\n".join([
                 "import bvae", "", f'data = bvae.dataset("{models.DATA}", split="test")',
                 f'model = bvae.load("{models.DATA}", "{models.model()[0]}")',
                 "experts = model.experts(data.x)",
                 "loc, scale = (v[..., : model.shared_dim] for v in (experts.loc, experts.scale))",
                 f"for rule in {RULES}:",
                 "    print(rule, [bvae.aggregator(rule)(loc[:n], scale[:n]).variance.sqrt().mean().item()",
                 "                 for n in range(1, len(loc) + 1)])"])),
    ),
    summary="A Wasserstein barycenter averages the experts' means and their widths: it keeps their size, whether they "
            "are many or few, agree or quarrel.",
    trial=playground_door("Move B far away: which of the three joint beliefs change their width?",
                          {**TWO, "rules": list(RULES)}),
    derivation=Derivation(
        ("The distance used here, W₂, is the root of the mean *squared* way of a grain, by the plan that makes it "
         "smallest. (The mean way itself would be W₁.) Weights w_m ≥ 0 with sum 1.",
         "First one dimension; then uncorrelated dimensions, whose covariance matrices commute.",
         "That the barycenter of Gaussians is a Gaussian is a theorem of Agueh and Carlier; here we only find which."),
        (("**Carrying sand on a line.** The cheapest plan does not let ways cross: the lowest share u of one heap goes "
          "to the lowest share u of the other. With the quantile function F⁻¹(u) = μ + σ Φ⁻¹(u) of a Gaussian",
          r"W_2^2(q_1,q_2)=\int_0^1\big(F_1^{-1}(u)-F_2^{-1}(u)\big)^2du"
          r"=\int_0^1\big((\mu_1-\mu_2)+(\sigma_1-\sigma_2)\,\Phi^{-1}(u)\big)^2du"),
         ("Φ⁻¹(u) is a standard normal variable: its mean is 0 and the mean of its square is 1. So the mixed term "
          "vanishes and", r"W_2^2(q_1,q_2)=(\mu_1-\mu_2)^2+(\sigma_1-\sigma_2)^2"),
         ("**Uncorrelated dimensions** add up, because every dimension can be carried by its own plan:",
          r"W_2^2(q_1,q_2)=\sum_d\big[(\mu_{1d}-\mu_{2d})^2+(\sigma_{1d}-\sigma_{2d})^2\big]"),
         ("**The barycenter** makes this as small as possible, in each dimension by itself:",
          r"\min_{\mu,\sigma}\;\sum_m w_m\big[(\mu-\mu_m)^2+(\sigma-\sigma_m)^2\big]"),
         ("Set the derivatives to 0, 2 Σ w_m (μ − μ_m) = 0 and 2 Σ w_m (σ − σ_m) = 0, and use Σ w_m = 1:",
          r"\mu=\sum_m w_m\mu_m,\qquad \sigma=\sum_m w_m\sigma_m"),
         ("So a Gaussian is the point (μ, σ) of a half-plane, and the barycenter the centre of mass of the points. "
          "With correlations the distance has a matrix root, and Σ is found by iteration:",
          r"W_2^2=\|\mu_1-\mu_2\|^2+\operatorname{tr}\Big(\Sigma_1+\Sigma_2-2\big(\Sigma_1^{1/2}\Sigma_2"
          r"\Sigma_1^{1/2}\big)^{1/2}\Big)")),
        ("agueh", "qiu")),
))
