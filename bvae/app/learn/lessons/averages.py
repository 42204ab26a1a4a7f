"""Lesson 11: average or sample?"""

from __future__ import annotations

import functools

import pandas as pd
import torch
from markupsafe import Markup
from torch import Tensor

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
from bvae.app.widgets import images
from bvae.app.widgets.choose import data_label
from bvae.metrics.variety import laplacian_variance
from bvae.plots.style import Ink, color

SHOWN, AVERAGED, DRAWS, SEED = 5, 50, 4, 0
VARIETY, SHARPNESS, COHERENCE = "variety", "sharpness", "coherence"
ANSWERS = (100, 50, 10)
"""Wrong answers to how far two translations are apart, in percent of two real pictures."""


def views() -> tuple[str, str]:
    """The view that goes in, and the one that is translated into."""
    names = models.view_names()
    return names[0], names[-1]


def digit() -> int:
    """The class of the item that the lesson looks at."""
    return int(loaders.test_data(models.DATA).y[models.example(models.model()[1])])


@functools.lru_cache(maxsize=2)
def averaged(view: str, label: int) -> tuple[Tensor, Tensor, float]:
    """Real pictures of one class, (N, C, H, W); their average, (C, H, W); its sharpness, that of a real one being 1."""
    data = loaders.test_data(models.DATA)
    real = data.x[view][data.y == label][:AVERAGED]
    mean = real.mean(0)
    return real, mean, float(laplacian_variance(mean[None])[0] / laplacian_variance(real).mean())


def averages(ink: Ink) -> Picture:
    """A few real pictures of one class, and what is left of fifty."""
    data, (_, view), label = loaders.test_data(models.DATA), views(), digit()
    real, mean, left = averaged(view, label)
    called = data.class_names[label]
    shown = [images.figure(images.content(data, view, x), f"{view}, a real {called}", None, "real")
             for x in real[:SHOWN]]
    shown.append(images.figure(images.content(data, view, mean), f"Average of {len(real)} real pictures of a {called}",
                               None, f"average of {len(real)}"))
    table = pd.DataFrame([{"picture": "a real one", "sharpness": 1.0},
                          {"picture": f"average of {len(real)}", "sharpness": round(left, 4)}])
    return Picture(f"{SHOWN} sharp pictures of a {called} before different backgrounds, and the average of "
                   f"{len(real)}: a soft {called} before a grey haze.",
                   html=images.row(f"{view}, a {called}", color(len(models.view_names()) - 1), shown), table=table,
                   caption="Sharpness: how much neighbouring pixels differ, that of a real picture being 1.")


def from_one(figure: str) -> dict[str, float]:
    """A figure of every model, with one observed view."""
    return {name: curve["1"] for name, curve in models.means(figure).items() if "1" in curve}


def apart() -> float:
    """How far two translations of the model are apart, in percent of two real pictures of one class."""
    found, name = from_one(VARIETY), models.model()[0]
    if name not in found:
        raise NothingTrained(f"{models.label(name)} has not been evaluated yet: `python -m bvae evaluate {models.DATA} "
                             f"{name}` does it.")
    return 100 * found[name]


def most_varied() -> str:
    """The model whose translations differ most, of those without private latents: the next lesson is about these."""
    found = {name: value for name, value in from_one(VARIETY).items() if not models.has_private(name)}
    return max(found, key=found.__getitem__)


def nearest_answer() -> float:
    """Which of the answers is nearest to what was measured."""
    measured = apart()
    return min((*ANSWERS, measured), key=lambda answer: abs(answer - measured))


def written(percent: float) -> str:
    """As "less than 1 %", or in whole percent."""
    return "less than 1 %" if percent < 1 else f"about {percent:.0f} %"


def translated(name: str) -> tuple[Markup, list[dict[str, object]]]:
    """Several draws of one translation by a model, and what a classifier sees in each."""
    loaded, data, judges = loaders.load_model(models.DATA, name), loaders.test_data(models.DATA), \
        loaders.judges(models.DATA)
    (source, target), item = views(), models.example(models.model()[1])
    x = {source: data.x[source][[item]]}
    drawn = loaded.model.generate(x, [target], DRAWS, torch.Generator().manual_seed(SEED))[target][:, 0]
    seen = judges.probabilities({target: drawn})[target].argmax(-1).tolist() if judges is not None else []
    said = [data.class_names[k] for k in seen] or [""] * DRAWS
    title = models.label(name)
    row = images.row(f"{title}: {target} from {source}", color(len(models.view_names()) - 1), [
        images.figure(images.content(data, target, value), f"{title}, {target} from {source}, draw {k + 1}", None, text)
        for k, (value, text) in enumerate(zip(drawn, said, strict=True))])
    return row, [{"model": title, "draw": k + 1, "a classifier sees": text} for k, text in enumerate(said)]


def draws(ink: Ink) -> Picture:
    """Translations by the model, and by the one whose translations differ most."""
    names = list(dict.fromkeys([models.model()[0], most_varied()]))
    parts = [translated(name) for name in names]
    (source, target), data = views(), loaders.test_data(models.DATA)
    return Picture(
        f"{DRAWS} draws of one translation each by {models.listed([models.label(n) for n in names])}: the first are "
        "nearly the same, the others differ.",
        html="".join(row for row, _ in parts), table=pd.DataFrame([line for _, lines in parts for line in lines]),
        caption=f"{source} of a {data.class_names[digit()]} goes in, {target} comes out, each time with another draw "
                "of z. Below: what a classifier sees.")


def because() -> str:
    """After the reveal."""
    name, other = models.model()[0], most_varied()
    sharp = from_one(SHARPNESS)[name]
    return (f"{written(apart()).capitalize()} of that. z tells the decoder which digit it is, and not which photograph "
            "is behind it: that could be any. Its best answer to “any” is the average of all, and each draw gives the "
            f"same one, with {sharp:.1%} of the sharpness of a real picture. {models.label(other)}'s draws of z lie "
            "further apart, so its pictures differ.")


def three_questions(ink: Ink) -> Picture:
    """Coherence, variety and sharpness of all models, from one view."""
    found = {figure: from_one(figure) for figure in (COHERENCE, VARIETY, SHARPNESS)}
    names = sorted((n for n in found[VARIETY] if n in found[COHERENCE] and n in found[SHARPNESS]),
                   key=lambda n: -found[COHERENCE][n])
    table = pd.DataFrame([{"model": models.label(n), "right digit (coherence)": f"{found[COHERENCE][n]:.2f}",
                           "two draws differ (variety)": f"{found[VARIETY][n]:.3f}",
                           "sharpness": f"{found[SHARPNESS][n]:.3f}"} for n in names])
    said = "; ".join(f"{row.iloc[0]} {', '.join(row.iloc[1:])}" for _, row in table.iterrows())
    place = [models.label(n) for n in names if models.has_private(n)]
    having = f" {models.listed(place)}: the next lesson." if place else ""
    return Picture(f"Coherence, variety and sharpness of translations from one view. {said}.", table=table,
                   caption=f"From one view; of real pictures, all three would be 1. One training run each.{having}")


def doors() -> tuple[Door, ...]:
    """The same translation on Generate, by both."""
    source, target = views()
    return tuple(
        Door("generate", f"Generate: {DRAWS} draws by {models.label(name)}",
             {"data": data_label(models.DATA), "model": models.label(name), "from": [source], "to": [target],
              "n": str(DRAWS)},
             {"model": name, "from": [source], "to": [target], "n": DRAWS})
        for name in dict.fromkeys([models.model()[0], most_varied()]))


def table_code() -> str:
    """Python that prints what :func:`three_questions` shows."""
    return "\n".join([
        "import bvae", "from bvae.training import load_checkpoint", "",
        f'for name in bvae.checkpoints("{models.DATA}"):',
        f'    metrics = load_checkpoint("{models.DATA}", name).metrics',
        '    print(name, *(metrics.get(figure, {}).get("1", {}).get("mean")',
        f'                  for figure in ("{COHERENCE}", "{VARIETY}", "{SHARPNESS}")))'])


LESSONS.register("averages")(Lesson(
    number=11,
    title="Average or sample?",
    idea="Most translations are the average of all that could be there: right, soft, and always the same.",
    minutes=3, class_minutes=9,
    words=("z", "view", "coherence", "checkpoint"),
    introduces=(),
    steps=(
        Step(
            "What an average looks like",
            lambda: f"""
A model sees a digit in one view and is asked for another. The other view has a photograph behind the digit, and nothing
in the first says which part of it. Every answer but one will differ from the truth in most pixels.

A decoder is trained to be near the truth **on average**, pixel by pixel. What is nearest to many pictures at once is
none of them: it is their average. Here are {SHOWN} real pictures and the average of {AVERAGED}: what they share is
left, the digit; all else is washed out. Of the sharpness of a real picture,
{averaged(views()[1], digit())[2]:.1%} are left.""",
            averages,
            code=lambda: "\n".join([
                "import bvae", "from bvae.metrics.variety import laplacian_variance", "",
                f'data = bvae.dataset("{models.DATA}", split="test")',
                f'real = data.x["{views()[1]}"][data.y == {digit()}][:{AVERAGED}]',
                "print(laplacian_variance(real.mean(0)[None])[0] / laplacian_variance(real).mean())"])),
        Step(
            "Predict: ask twice",
            lambda: f"{models.label(models.model()[0])} gets one view, {views()[0]}, and is asked twice for "
                    f"{views()[1]}. Each time z is drawn anew from what it believes. We measure how far the two "
                    f"pictures are apart, and compare: two real pictures of one digit in {views()[1]} are 100 % apart.",
            averages,
            Question(
                "How far apart are the two translations?",
                (Option("About 100 %: each is one of the pictures that could be",
                        "That would be a sample of what could be there. But z does not say which photograph is behind "
                        "the digit, and a decoder does not roll dice.", lambda: nearest_answer() == 100),
                 Option("About 50 %: the digit stays, the background is another one",
                        "Nothing in z chooses a background, so that it is not another one: it is the average one.",
                        lambda: nearest_answer() == 50),
                 Option("About 10 %: only the strokes differ",
                        "Even the strokes are averaged, as far as the one view leaves them open.",
                        lambda: nearest_answer() == 10),
                 Option(lambda: f"{written(apart()).capitalize()}", "Both are the same average.",
                        lambda: nearest_answer() not in ANSWERS, right=True)),
                draws, because, common=0,
                tempting="“It draws z by chance” is heard as “it draws a picture by chance”."),
            doors=doors,
            code=lambda: "\n".join([
                "import torch", "import bvae", "", f'data = bvae.dataset("{models.DATA}", split="test")',
                f'model = bvae.load("{models.DATA}", "{models.model()[0]}")',
                f'x = {{"{views()[0]}": data.x["{views()[0]}"][[{models.example(models.model()[1])}]]}}',
                f'two = model.generate(x, ["{views()[1]}"], 2, torch.Generator().manual_seed({SEED}))["{views()[1]}"]',
                "print((two[0] - two[1]).square().sum().item())"])),
        Step(
            "Three questions for every translation",
            lambda: f"""
**Is it right?** *Coherence*: how often a classifier sees the right digit. An average is fine here: it is legible.

**Do two draws differ as real pictures do?** *Variety*: 0, if it is always the same picture.

**Is it as sharp?** *Sharpness*: near 0 for a blur.

No single one is enough. {models.label(most_varied())}'s draws differ by {from_one(VARIETY)[most_varied()]:.2f}, but it
shows the right digit in {from_one(COHERENCE)[most_varied()]:.0%} only: pictures of *other digits* are far apart, too.
Coherence alone rewards one clean average of each digit. To be varied and right, a model needs a place for what one view
cannot know of another, and has to draw it: the next lesson.""",
            three_questions,
            doors=lambda: (models.benchmarks_door("Benchmarks: variety by the number of observed views", VARIETY),),
            code=table_code),
    ),
    summary="A translation is a sample of what could be there only if two draws differ as real pictures do: ask for "
            "coherence, variety and sharpness together.",
    trial=Door("generate", "Give more views: do the draws come nearer to each other, or further apart?",
               {"n": "5"}, {"n": 5}),
    derivation=Derivation(
        ("x is a picture, f(z) what the decoder makes of z.", "All expectations are over the items."),
        (("**Why an average.** For pictures with one z, the squared error of an answer f has two parts:",
          r"\mathbb E\|x-f\|^2=\mathbb E\|x-\mathbb E[x\mid z]\|^2+\|\mathbb E[x\mid z]-f\|^2"),
         ("The first does not depend on f. The second is least for f = E[x | z], the average of all pictures that have "
          "this z. A normal likelihood is trained by exactly this error.", ""),
         ("**What two draws show.** What could be there varies in two parts:",
          r"\mathrm{Cov}(x\mid x_S)=\mathbb E\big[\mathrm{Cov}(x\mid z)\big]+\mathrm{Cov}\big(\mathbb E[x\mid z]\big)"
          r",\qquad z\sim q(z\mid x_S)"),
         ("A decoder that shows E[x | z] shows the second part alone, and variety measures it:",
          r"\mathbb E\|f(z)-f(z')\|^2=2\,\mathrm{tr}\,\mathrm{Cov}\big(f(z)\big)"),
         ("The first part is noise of single pixels to a normal likelihood: to draw it would give snow, and no "
          "photograph.", ""),
         ("**Why it is soft.** The Laplacian L is linear. In an average of N pictures whose details are independent, "
          "their part of its variance shrinks:",
          r"\mathrm{Var}\Big(L\,\tfrac1N\sum_n x_n\Big)=\tfrac1N\,\mathrm{Var}(L\,x)")),
        ("kingma", "sutter", "shi")),
))
