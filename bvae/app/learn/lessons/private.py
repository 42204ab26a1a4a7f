"""Lesson 12: private and shared."""

from __future__ import annotations

import functools

import pandas as pd
import torch
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
from bvae.app.learn.lessons.averages import DRAWS, VARIETY, from_one, translated, views
from bvae.app.widgets import images
from bvae.app.widgets.choose import data_label
from bvae.metrics.variety import within_class
from bvae.plots.style import Ink, color

OTHERS, PAIRS = 3, 200
ALL, HALF, NONE = 1.0, 0.5, 0.0
HARDLY = 0.05
"""Variety below which two translations of a model hardly differ."""


def private_models() -> list[str]:
    """The models with private parts. Raises NothingTrained if there is none."""
    found = [n for n in loaders.trained(models.DATA) if models.has_private(n)]
    if not found:
        raise NothingTrained(f"No model of {models.DATA} with private parts is trained yet: `python -m bvae train "
                             f"{models.DATA} mmvae-plus` does it.")
    return found


def name() -> str:
    """Of the models with private parts the one that keeps both apart best: exchanged ones change the digit least.

    Without judges the one that is right most often from one view.
    """
    found, right = private_models(), from_one("coherence")
    if len(found) == 1 or loaders.judges(models.DATA) is None:
        return max(found, key=lambda n: right.get(n, 0.0))
    return max(found, key=lambda n: (counts_of(n)[0], right.get(n, 0.0)))


def most_varied() -> str:
    """Of them the one whose translations differ most, which may be the same."""
    varied = from_one(VARIETY)
    return max(private_models(), key=lambda n: varied.get(n, 0.0))


def model() -> loaders.Loaded:
    """That model."""
    return loaders.load_model(models.DATA, name())


def title() -> str:
    """Its name for a person."""
    return models.label(name())


def sizes() -> tuple[int, int]:
    """How many numbers are shared, and how many private ones each view has."""
    config = model().model.config
    return config.latent_dim, config.private_dim


def items() -> list[int]:
    """The item that the lessons look at, and others of other classes."""
    first, y = models.example(model()), loaders.test_data(models.DATA).y
    others: list[int] = []
    for k in range(first + 1, first + len(y)):
        i = k % len(y)
        if len(others) < OTHERS and int(y[i]) not in {int(y[j]) for j in (first, *others)}:
            others.append(i)
    return [first, *others]


def swapped(name: str, own: Tensor, other: Tensor) -> Tensor:
    """The last view decoded from the shared parts of some items, and the private ones of others: (N, C, H, W).

    Means of the beliefs from all views; `own` and `other` are positions (N,).
    """
    this, data = loaders.load_model(models.DATA, name).model, loaders.test_data(models.DATA)
    rule, target = this.aggregator.conditional(), views()[1]
    part = this.private_part(list(this.modalities).index(target))
    with torch.inference_mode():
        z, there = (this.encode(data.subset(i), rule).mean.clone() for i in (own, other))
        z[:, part] = there[:, part]
        return this.decode(z, [target])[target]


@functools.lru_cache(maxsize=32)
def counted(name: str, weights: str) -> tuple[float, float, float]:
    """Over many pairs of items of different classes, one giving the shared part and the other the private one: how
    often the picture shows the class of the first, of the second; and how far it is from the first's own picture, two
    real ones of a class being 1.
    """
    data, judges, target = loaders.test_data(models.DATA), loaders.judges(models.DATA), views()[1]
    if judges is None:
        raise NothingTrained(f"No judges of {models.DATA} are trained yet: `python -m bvae classifiers {models.DATA}` "
                             "does it.")
    own = torch.arange(min(PAIRS, len(data) // 2))
    other = own + len(own)
    own, other = (i[data.y[own] != data.y[other]] for i in (own, other))
    before, after = swapped(name, own, own), swapped(name, own, other)
    seen = judges.probabilities({target: after})[target].argmax(-1)
    moved = (before - after).square().flatten(1).sum(1).mean() / within_class(data, target)
    first, second = ((seen == data.y[i]).double().mean().item() for i in (own, other))
    return first, second, float(moved)


def counts_of(name: str) -> tuple[float, float, float]:
    """:func:`counted` of a model as it is on disk."""
    return counted(name, loaders.load_model(models.DATA, name).key.weights_hash)


def counts() -> tuple[float, float, float]:
    """Those of :func:`name`."""
    return counts_of(name())


def nearest_answer() -> float:
    """Which of the answers is nearest to what was counted."""
    return min((ALL, HALF, NONE), key=lambda answer: abs(answer - counts()[0]))


def of_real(ink: Ink) -> Picture:
    """The items as they are."""
    data, target, chosen = loaders.test_data(models.DATA), views()[1], items()
    called = [data.class_names[int(data.y[i])] for i in chosen]
    letters = [chr(ord("A") + k) for k in range(len(chosen))]
    shown = [images.figure(data.x[target][i], f"Item {letter}, a {digit}", None, f"{letter}: a {digit}")
             for i, letter, digit in zip(chosen, letters, called, strict=True)]
    table = pd.DataFrame({"item": letters, "digit": called})
    return Picture(f"{len(chosen)} items of different digits before different backgrounds.",
                   html=images.row(f"{target}, real", color(len(models.view_names()) - 1), shown), table=table,
                   caption=f"{target} of four items.")


def of_swapped(ink: Ink) -> Picture:
    """The same, and A with the private part of each."""
    data, target, chosen = loaders.test_data(models.DATA), views()[1], items()
    real = of_real(ink)
    made = swapped(name(), torch.tensor([chosen[0]] * len(chosen)), torch.tensor(chosen))
    judges = loaders.judges(models.DATA)
    seen = judges.probabilities({target: made})[target].argmax(-1).tolist() if judges is not None else []
    said = [data.class_names[k] for k in seen] or [""] * len(chosen)
    letters = [chr(ord("A") + k) for k in range(len(chosen))]
    row = images.row(f"{target}: shared part of A, private part of each", color(len(models.view_names()) - 1), [
        images.figure(x, f"Shared part of A, private part of {letter}: a classifier sees {digit}", None,
                      f"private {letter}: {digit}") for x, letter, digit in zip(made, letters, said, strict=True)])
    first, second, moved = counts()
    table = pd.DataFrame([{"shared part of": "A", "private part of": letter, "a classifier sees": digit}
                          for letter, digit in zip(letters, said, strict=True)])
    return Picture(f"Pictures from the shared part of A and the private parts of all four: the digit is that of the "
                   f"shared part in {first:.0%} of many such pairs, of the private one in {second:.0%}; the picture "
                   f"moves by {moved:.2f}.", html=real.html + row, table=table,
                   caption=f"{title()}. Below, what a classifier sees. Counted over {PAIRS} pairs: {first:.0%} show "
                           f"the digit of the shared part, {second:.0%} that of the private one.")


def because() -> str:
    """After the reveal."""
    first, second, moved = counts()
    return (f"In {first:.0%}, and B's in {second:.0%}. What views have in common has to be in the shared part, since "
            "all decoders get it. But nothing in the training keeps it **out** of the private one: a handwriting is "
            "private, and it is the handwriting of a digit. So B's strokes argue with A's digit; the picture moves by "
            f"{moved:.2f}, if two real pictures of one digit are 1 apart.")


def of_translations(ink: Ink) -> Picture:
    """Translations of the model with private parts, beside those of the one without."""
    names = list(dict.fromkeys([models.model()[0], name(), most_varied()]))
    parts = [translated(n) for n in names]
    source, target = views()
    return Picture(f"{DRAWS} draws of a translation by {models.listed([models.label(n) for n in names])}.",
                   html="".join(row for row, _ in parts),
                   table=pd.DataFrame([line for _, lines in parts for line in lines]),
                   caption=f"{source} goes in, {target} comes out; the private part of {target} is drawn.")


def drawn() -> str:
    """What this model makes of a private part that is drawn."""
    varied, right = from_one(VARIETY).get(name(), 0.0), from_one("coherence").get(name(), 0.0)
    text = f"""
In a translation nobody has seen the other view, so its private part is not known: it has to be **drawn**. That is the
chance that an average lacks, and two draws can differ as real pictures do.

Two things can go wrong. A decoder may learn to **ignore** what is drawn. Or the private part knows **too much**, as the
exchange has shown: a draw by chance asks for another digit than the shared part does. So it is drawn **to fit** the
shared part, from the private parts of training items whose shared part is near.

Two translations of {title()} are {varied:.2f} apart, and {right:.0%} show the right digit. """
    if varied < HARDLY:
        text += ("So it went the first way: its decoders use the private part of a picture that they see, and ignore "
                 "one that is drawn.")
    if (other := most_varied()) != name():
        varied, right = from_one(VARIETY).get(other, 0.0), from_one("coherence").get(other, 0.0)
        brought = counts_of(other)[1] if loaders.judges(models.DATA) is not None else 0.0
        text += (f"\n\nOf {models.label(other)} the private part, exchanged as before, brings B's digit along in "
                 f"{brought:.0%}. Its translations are {varied:.2f} apart, and {right:.0%} are right.")
    return text


def doors() -> tuple[Door, ...]:
    """Its translations on Generate."""
    source, target = views()
    return (Door("generate", f"Generate: {DRAWS} draws by {title()}",
                 {"data": data_label(models.DATA), "model": title(), "from": [source], "to": [target], "n": str(DRAWS)},
                 {"model": name(), "from": [source], "to": [target], "n": DRAWS}),)


def code_of_swap() -> str:
    """Python that exchanges a private part."""
    first, second = items()[:2]
    return "\n".join([
        "import bvae", "", f'data = bvae.dataset("{models.DATA}", split="test")',
        f'model = bvae.load("{models.DATA}", "{name()}")', "rule = model.aggregator.conditional()",
        f"a, b = (model.encode(data.subset([i]), rule).mean.clone() for i in ({first}, {second}))",
        f'part = model.private_part(list(model.modalities).index("{views()[1]}"))',
        "a[:, part] = b[:, part]  # the shared part of a, the private one of b",
        f'print(model.decode(a, ["{views()[1]}"])["{views()[1]}"].shape)'])


LESSONS.register("private")(Lesson(
    number=12,
    title="Private and shared",
    idea="What views have in common is shared, what one has alone is private: draw what is not seen, to fit what is "
         "shared.",
    minutes=3, class_minutes=9,
    words=("z", "view", "coherence", "checkpoint"),
    introduces=("private",),
    steps=(
        Step(
            "Two kinds of numbers",
            lambda: f"""
A digit can be seen in every view. The photograph behind it can be seen in one view only, and no other view knows of it.
If z has to hold all photographs, it has less room for the digit, and no single view can say what z should be.

So give each view **private** numbers beside those that are **shared**. {title()} has {sizes()[0]} shared numbers, and
{sizes()[1]} private ones for each view. The shared ones go to all decoders, the private ones of a view to its own
decoder alone.

The picture shows four items, A to D: different digits, different photographs.""",
            of_real, code=code_of_swap),
        Step(
            "Predict: exchange the private part",
            lambda: "We take the shared numbers of one item, A, and the private ones of another, B, a different digit. "
                    f"The decoder of {views()[1]} makes a picture of both. We do so with {PAIRS} pairs.",
            of_real,
            Question(
                "How often does the picture show A's digit?",
                (Option("In nearly all: the digit is shared, the private part changes the rest",
                        "So it was meant: what all views have in common has to be in what all decoders get. It is "
                        "there, but not there alone.", lambda: nearest_answer() == ALL),
                 Option("In about half: the private part argues with the shared one",
                        "B's handwriting is private, and it is the handwriting of B's digit.",
                        lambda: nearest_answer() == HALF, right=True),
                 Option("In hardly any: the private part is B's picture",
                        "It is what is special about B's picture. But the decoder was trained with A's digit in the "
                        "shared part, and with no private part where the view was not seen.",
                        lambda: nearest_answer() == NONE)),
                of_swapped, because, common=0, tempting="It is what the two names promise."),
            doors=doors, code=code_of_swap),
        Step(
            "Draw what is not seen", drawn, of_translations,
            doors=lambda: (models.benchmarks_door("Benchmarks: variety by the number of observed views", VARIETY),),
            code=lambda: "\n".join([
                "import torch", "import bvae", "", f'data = bvae.dataset("{models.DATA}", split="test")',
                f'model = bvae.load("{models.DATA}", "{name()}")',
                f'x = {{"{views()[0]}": data.x["{views()[0]}"][[{models.example(model())}]]}}',
                f'two = model.generate(x, ["{views()[1]}"], 2, torch.Generator().manual_seed(0))["{views()[1]}"]',
                "print((two[0] - two[1]).square().sum().item())"])),
    ),
    summary="Shared numbers hold what views have in common, private ones what a view has alone; a translation that "
            "draws the private part can be a sample and not an average.",
    trial=Door("generate", "Translate twice: what changes from draw to draw, and what must not?", {"n": "5"}, {"n": 5}),
    derivation=Derivation(
        ("z is shared; w_m is private to view m, and z and all w_m are independent before anything is seen.",
         "View m is decoded from z and w_m alone."),
        (("**The model.**", r"p(x_1,\dots,x_M,z,w_1,\dots,w_M)=p(z)\prod_m p(w_m)\,p(x_m\mid z,w_m)"),
         ("**A translation.** Given other views S, nothing was seen of w_m, so it keeps its prior:",
          r"p(x_m\mid x_S)=\int p(z\mid x_S)\,p(w_m)\,p(x_m\mid z,w_m)\;dz\,dw_m"),
         ("The mean of this over w_m, for one z, is the average of lesson 11; a draw of w_m is one of the pictures.",
          ""),
         ("**The second way to fail.** The formula holds for the model. What encoders make of real items may depend "
          "on z all the same:", r"\bar q(w_m\mid z)\neq p(w_m)"),
         ("and then draws of p are where no item is, for this z: the holes of lesson 10 once more, and the same "
          "remedy, a density fitted to the w_m of training items with a z like this one.", "")),
        ("palumbo", "shi", "kingma")),
))
