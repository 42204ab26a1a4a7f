"""Lesson 8: which one would you use?"""

from __future__ import annotations

import math

import pandas as pd

from bvae.aggregators import naming
from bvae.app.components.playground import scenes
from bvae.app.learn.lessons import _models as models
from bvae.app.learn.lessons import _pictures as pictures
from bvae.app.learn.lessons._base import LESSONS, Derivation, Lesson, Option, Picture, Question, Step, playground_door
from bvae.app.learn.lessons._pictures import coverage_with_shared_errors, line, picture, share_within, width_of
from bvae.evaluation.differences import common, difference
from bvae.evaluation.records import keyed, over_seeds
from bvae.metrics import written
from bvae.plots.style import Ink

RULES = ("poe", "moe", "wasserstein", "mwb")
QUARREL = line((-3.0, 1.0), (3.0, 1.0))
LIAR = line((-0.4, 0.8), (0.4, 0.8), (4.0, 0.25), rules=RULES)
SENSORS = line((-0.6, 1.0), (0.1, 1.0), (0.8, 1.0), rules=RULES)
NUM_SENSORS = 3
SHARED = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def behaviour() -> pd.DataFrame:
    """What each rule does in three situations."""
    rows = []
    for rule in RULES:
        few, *_, many = pictures.copies(rule, 5)
        rows.append({"joint belief": naming.short(rule), "five agree": many / few,
                     "a quarrel at ±3": width_of(QUARREL, rule), "near 0, with a liar": share_within(LIAR, rule, 0, 1)})
    return pd.DataFrame(rows)


def sheet() -> str:
    """The table in the text."""
    text = """
Four rules, three situations:

| | five agree: σ | quarrel at ±3: σ | one liar: share near 0 |
|---|---:|---:|---:|
"""
    for row in behaviour().itertuples(index=False):
        text += f"| {row[0]} | {row[1]:.2f} | {row[2]:.2f} | {row[3]:.2f} |\n"
    return text + """
*Five agree*: five experts with σ = 1 at one place. *Quarrel*: two experts with σ = 1, one at −3, one at 3. *One liar*:
A and B are near 0, C is sure and wrong (the picture); the share of the joint belief between −1 and 1.

No row is best in all columns. Which column matters depends on your experts."""


def situations(ink: Ink) -> Picture:
    """The liar, and the table of all situations."""
    drawn = picture(LIAR, ink, limits=(-4.0, 6.0), takeaway="Two experts near 0 and a sharp wrong one at 4.")
    return Picture(drawn.alt, drawn.figures, table=behaviour().round(3), caption="A and B near 0, C sure and wrong.")


def calibrated(ink: Ink) -> Picture:
    """Coverage of the rules against what the experts' errors have in common."""
    values = {rule: [coverage_with_shared_errors(rule, NUM_SENSORS, s) for s in SHARED] for rule in RULES}
    return pictures.curves(
        SHARED, values, ink,
        ("share of the errors that all experts have in common", "coverage of 90 percent intervals"),
        "Coverage by the share of common errors. " + "; ".join(
            f"{naming.short(r)}: {v[0]:.2f} with independent errors, {v[-1]:.2f} with common ones"
            for r, v in values.items()),
        f"{NUM_SENSORS} experts, each honest by itself, 20,000 random cases for each point.",
        (0.9, "honest: 0.9"), (0.6, 1.02))


def most_honest() -> str:
    """The rule whose 90 percent intervals hold the truth nearest to 90 percent, with independent errors."""
    return min(RULES, key=lambda rule: abs(coverage_with_shared_errors(rule, NUM_SENSORS, 0.0) - 0.9))


def because() -> str:
    """After the reveal."""
    own = {rule: coverage_with_shared_errors(rule, NUM_SENSORS, 0.0) for rule in RULES}
    same = {rule: coverage_with_shared_errors(rule, NUM_SENSORS, 1.0) for rule in RULES}
    return (f"Look at the left end, independent errors: the product's 90 percent intervals hold the truth in "
            f"**{own['poe']:.1%}** of cases, as promised. The others hold it too often ({own['wasserstein']:.1%} for "
            "the Wasserstein barycenter): they are wider than they need be. At the right end, where all experts make "
            f"the *same* error, the product holds it in only {same['poe']:.1%}, and the Wasserstein barycenter in "
            f"**{same['wasserstein']:.1%}**. PoE is not wrong; it assumes independence.")


PLAIN = {"coherence": "invented views show the right digit",
         "joint_coherence": "views invented together show one digit",
         "latent_accuracy": "the digit can be read from z",
         "log_likelihood": "how well the data were expected, in nats"}
"""Figure of the catalogue -> what it asks, in plain words."""


def best() -> pd.DataFrame:
    """Which trained models are best in each figure, and which may be as good.

    Of the models with several runs, where there are such, by the mean over seeds and differences paired by seed; else
    of all, by test items where figures are there item by item.
    """
    rows = []
    seeds = over_seeds(models.DATA)
    for key in PLAIN:
        try:
            found = {name: keyed(value) for name, value in models.metrics_of(key).items()}
        except models.NothingTrained:
            continue
        views = list(next(iter(found.values())))
        for end in dict.fromkeys((views[0], views[-1])):
            figures = {name: value[end] for name, value in found.items() if end in value}
            repeated = {name: keyed(seeds[name][key])[end] for name in figures
                        if key in seeds.get(name, {}) and end in keyed(seeds[name][key])}
            if len(repeated) > 1:
                figures = repeated
            ahead = max(figures, key=lambda name, figures=figures: figures[name]["mean"])
            pairs = {name: difference(key, end, found[ahead][end], found[name][end],
                                      common(seeds.get(ahead, {}), seeds.get(name, {}), key, end))
                     for name in figures if name != ahead}
            told = [d for d in pairs.values() if d.half_width is not None]
            near = [models.label(name) for name, d in pairs.items() if d.half_width is not None and not d.told_apart]
            of = f", {end} view{'s' * (end != '1')}" if end else ""
            error = figures[ahead].get("se_seeds", figures[ahead].get("se", math.nan))
            rows.append({"what is asked": PLAIN[key] + of, "best": models.label(ahead),
                         "value": written({"mean": figures[ahead]["mean"], "se": error}),
                         "may be as good": (", ".join(near) or "–") if told else "one run each: cannot be told",
                         "paired over": f"{told[0].n} {told[0].over}" if told else "–"})
    if not rows:
        raise models.NothingTrained(f"No model of {models.DATA} has been evaluated yet.")
    return pd.DataFrame(rows)


def winners(ink: Ink) -> Picture:
    """The table as a picture."""
    table = best()
    return Picture("Best trained model by figure. "
                   + "; ".join(f"{r[0]}: {r[1]}" for r in table.itertuples(index=False)),
                   table=table,
                   caption="More is better in every row. May be as good: the difference is within what chance does "
                           "(the 95 percent interval of the paired difference holds 0). Seeds: several trainings of "
                           "one model; items: one training, item by item.")


LESSONS.register("choosing")(Lesson(
    number=8,
    title="Which one would you use?",
    idea="Ask what your experts' errors have in common; then measure.",
    minutes=3, class_minutes=11,
    words=("z", "view", "gaussian", "expert", "joint", "poe", "moe", "barycenter", "wasserstein", "mixture",
           "precision", "checkpoint"),
    introduces=("coverage", "coherence"),
    steps=(
        Step("No row is best", sheet, situations,
             doors=(playground_door("The liar in the Playground", LIAR),), code=scenes.code(LIAR)),
        Step(
            "Predict: honest sensors",
            f"{NUM_SENSORS} sensors measure the same quantity. Their errors are **independent**, and each is honest "
            "about its own: it says σ = 1, and that is how much it errs. You want *one* joint belief whose 90 percent "
            "intervals hold the truth in 90 percent of cases, no more and no less.",
            lambda ink: picture(SENSORS, ink, rules=[], limits=(-4.5, 4.5),
                                takeaway="Three experts that nearly agree."),
            Question(
                "Which rule would you use?",
                (Option("The product (PoE)", "Adding precisions is exactly right for independent evidence.",
                        lambda: most_honest() == "poe", right=True),
                 Option("The mixture of experts (MoE)",
                        "It is on the safe side, but it throws away that the sensors confirm each other: its intervals "
                        "are far too wide.", lambda: most_honest() == "moe"),
                 Option("The Wasserstein barycenter",
                        "It keeps the width of one sensor, though three know more than one. It would be right if the "
                        "three always made the same error.", lambda: most_honest() == "wasserstein"),
                 Option("The mixture over subsets (MWB)",
                        "It protects you from sensors that lie. These do not, and you pay with intervals that are too "
                        "wide.", lambda: most_honest() == "mwb")),
                calibrated, because, common=2,
                tempting="After seven lessons about the over-confidence of products one expects never to use them."),
            doors=(playground_door("Three honest sensors in the Playground", SENSORS),),
            code="\n".join([
                "import torch", "import bvae", "from bvae.metrics.posteriors import cumulative", "",
                f"for shared in {SHARED}:",
                "    g = torch.Generator().manual_seed(0)",
                "    common = torch.randn(1, 20_000, 1, generator=g)",
                f"    loc = shared**0.5 * common + (1 - shared) ** 0.5 * torch.randn("
                f"{NUM_SENSORS}, 20_000, 1, generator=g)",
                f"    for rule in {RULES}:",
                "        q = bvae.aggregator(rule)(loc, torch.ones_like(loc))  # the truth is 0",
                "        u = cumulative(q, torch.zeros(20_000, 1))",
                "        print(shared, rule, ((u - 0.5).abs() <= 0.45).double().mean().item())"])),
        Step(
            "Ask, then measure",
            """
- **Independent and honest** experts: multiply (PoE).
- Experts that are **echoes of each other**: average (Wasserstein).
- Experts that may be **plainly wrong, or missing** in any pattern: mix over subsets (MoPoE, MWB).
- **Opinions that must stay apart**, “either 4 or 9”: a mixture, not one hump.

Trained models answer differently again, because the experts learn to live with their rule. **Coherence** is the share
of generated views that show the right class; **coverage**, how often a 90 percent interval holds the truth, is among
the figures in Benchmarks. So measure, and measure more than one thing:""",
            winners,
            doors=(models.benchmarks_door("All figures in Benchmarks", "coherence"),),
            code="from bvae.app.learn.lessons import choosing\n\nprint(choosing.best())"),
    ),
    summary="Independent honest experts: multiply. Echoes: average. Liars and gaps: mix over subsets. And measure on "
            "your own data.",
    trial=playground_door("All four rules and a wrong expert: weaken C until you would trust the product again",
                          {**scenes.preset("wrong"), "rules": list(RULES), "fill": None}),
    derivation=Derivation(
        ("The truth is z. Expert m is right on average and says how much it errs: μ_m = z + ε_m, the error ε_m has "
         "variance v, and σ_m² = v.",
         "Any two errors have the correlation ρ between 0 and 1; all weights are equal; nothing else is known of z."),
        (("**How much the average really errs.** PoE and the Wasserstein barycenter have the same mean here, the "
          "average of the μ_m. Its error has the variance",
          r"\operatorname{Var}\Big(\frac1M\sum_m\varepsilon_m\Big)=\frac1{M^2}\big(M\,v+M(M-1)\,\rho v\big)"
          r"=\frac vM\big(1+(M-1)\rho\big)"),
         ("(M variances v and M (M − 1) covariances ρv). **What the rules say of it:**",
          r"\sigma_{\mathrm{PoE}}^2=\frac vM,\qquad \sigma_{\mathrm{Wasserstein}}^2=v"),
         ("So the product is honest exactly if ρ = 0, and the barycenter exactly if ρ = 1:",
          r"\frac vM\big(1+(M-1)\rho\big)=\frac vM\iff\rho=0,\qquad \frac vM\big(1+(M-1)\rho\big)=v\iff\rho=1"),
         ("Between them the product is too narrow and the barycenter too wide. A rule that is told ρ can be right in "
          "between: the consensus of dependent experts, `code` in this app, has for equal experts just this variance.",
          r"\sigma_{\mathrm{CoDE}}^2=\frac{1}{\mathbf 1^\top S^{-1}\mathbf 1}=\frac vM\big(1+(M-1)\rho\big),\qquad "
          r"S_{ii}=v,\;S_{ij}=\rho v"),
         ("**Coverage** of the interval μ ± 1.645 σ, if the true error is normal with variance τ²:",
          r"P=2\,\Phi\!\Big(1.645\,\frac{\sigma}{\tau}\Big)-1\;\begin{cases}=0.9&\sigma=\tau\\<0.9&\sigma<\tau\\"
          r">0.9&\sigma>\tau\end{cases}")),
        ("qiu", "code", "talts", "sutter")),
))
