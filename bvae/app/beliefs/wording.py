"""The words of the numbers of beliefs: put on here, where they are shown, and asked for by nobody who computes.

Tables that people have downloaded have these heads and rows: other words are another file format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bvae.app.beliefs.quantities import Better, Number, Of, Quantity

ROWS: dict[tuple[Quantity, Of], str] = {
    (Quantity.WIDTH, Of.JOINT): "width: mean standard deviation",
    (Quantity.RELATIVE_WIDTH, Of.JOINT): "width over the mean width of the observed views",
    (Quantity.ENTROPY, Of.JOINT): "entropy, nats",
    (Quantity.ENTROPY_ERROR, Of.JOINT): "standard error of the entropy",
    (Quantity.DISAGREEMENT, Of.OBSERVED_VIEWS): "disagreement: spread of the means over the width",
    (Quantity.W2, Of.VIEW): "W2 to the joint",
    (Quantity.KL_FROM_JOINT, Of.VIEW): "KL(joint ‖ view), nats",
    (Quantity.KL_TO_JOINT, Of.VIEW): "KL(view ‖ joint), nats",
    (Quantity.ENTROPY, Of.VIEW): "entropy of the view, nats",
    (Quantity.RIGHT_SHARE, Of.GENERATIONS): "generations in which the judge sees the item's class, share",
    (Quantity.RIGHT_PROBABILITY, Of.GENERATIONS): "probability of the item's class, mean over the generations",
}
"""In the table of all numbers of a comparison."""
BRIEF: dict[tuple[Quantity, Of], str] = {
    (Quantity.WIDTH, Of.JOINT): "width",
    (Quantity.ENTROPY, Of.JOINT): "entropy, nats",
    (Quantity.W2, Of.OBSERVED_VIEWS): "mean W2 to the observed views",
    (Quantity.RIGHT_PROBABILITY, Of.ALL_VIEWS): "p(right class)",
    (Quantity.RIGHT_PROBABILITY, Of.HIDDEN_VIEWS): "p(right class), hidden views",
}
"""Under a contender's picture, and among the pinned runs."""
HEADS: dict[Quantity, str] = {
    Quantity.W2: "W2 to the joint", Quantity.KL_FROM_JOINT: "KL(joint ‖ expert), nats",
    Quantity.KL_TO_JOINT: "KL(expert ‖ joint), nats", Quantity.ENTROPY: "entropy, nats",
}
"""In the table of one item's experts."""
SAYS: dict[Quantity, str] = {
    Quantity.WIDTH: "Standard deviation of the joint posterior, mean over the latent dimensions.",
    Quantity.RELATIVE_WIDTH: "Width of the joint posterior over the mean width of the observed views' posteriors.",
    Quantity.ENTROPY: "Differential entropy: the larger, the less is known of z.",
    Quantity.ENTROPY_ERROR: "Standard error of the Monte Carlo estimate of a mixture's entropy.",
    Quantity.DISAGREEMENT: "Spread of the observed views' means over their mean width, mean over the dimensions.",
    Quantity.W2: "2-Wasserstein distance between a view's posterior and the joint one.",
    Quantity.KL_FROM_JOINT: "Large where a view's posterior misses what the joint one holds possible.",
    Quantity.KL_TO_JOINT: "Large where the joint posterior misses what a view's holds possible.",
    Quantity.MOVED: "2-Wasserstein distance between the joint posteriors of the honest views and of these.",
    Quantity.RIGHT_SHARE: "How often the judge of real views thinks the item's class the most probable one.",
    Quantity.RIGHT_PROBABILITY: "Probability that the judge of real views gives to the item's class.",
    Quantity.RIGHT_ERROR: "Standard error of the mean over the samples.",
    Quantity.LIE_PROBABILITY: "Probability that the judge of real views gives to the classes that lying views show.",
}
BETTER = {Better.HIGHER: " Higher is better.", Better.LOWER: " Lower is better.", None: ""}


def says(quantity: Quantity) -> str:
    """What a quantity is, and which of its values are better, in a sentence or two."""
    return SAYS[quantity] + BETTER[quantity.better]


def whose(number: Number) -> str:
    """Whose a number is, as the table of all numbers says it."""
    if number.of is Of.VIEW:
        return number.view if number.observed else f"{number.view} (not observed)"
    return {Of.JOINT: "joint", Of.OBSERVED_VIEWS: "observed views", Of.GENERATIONS: number.view}[number.of]


def table(found: Sequence[Number], names: Mapping[str, str]) -> pd.DataFrame:
    """All numbers of a comparison: one row per number, one column per contender.

    Parameters
    ----------
    found : sequence of Number
        See `numbers.numbers`.
    names : mapping
        Key of a contender -> its short title, the head of its column.
    """
    rows: dict[tuple, dict[str, Number]] = {}
    for number in found:
        rows.setdefault(number.row, {})[number.contender] = number
    lines = []
    for row in rows.values():
        one = next(iter(row.values()))
        lines.append([ROWS[one.quantity, one.of], whose(one),
                      *(row[key].value if key in row else np.nan for key in names)])
    return pd.DataFrame(lines, columns=["number", "of", *names.values()])


def brief(number: Number) -> str:
    """A key number's name."""
    return BRIEF[number.quantity, number.of]


def coping_heads(truth: str, lies: Sequence[str]) -> dict[Quantity, str]:
    """In the table of how every aggregator copes; in the order of its columns.

    Parameters
    ----------
    truth : str
        The item's class.
    lies : sequence of str
        The classes that lying views show.
    """
    return {Quantity.RIGHT_PROBABILITY: f"p({truth}), the truth", Quantity.RIGHT_ERROR: "its standard error",
            Quantity.LIE_PROBABILITY: f"p({', '.join(lies)}), the lie", Quantity.WIDTH: "σ",
            Quantity.MOVED: "moved by, W2"}


def side_by_side_note(one_model: bool, dimensions: set[int], seed: int, judged: bool) -> str:
    """What is the same in all columns and what is not, in sentences.

    Parameters
    ----------
    one_model : bool
        See `contenders.contender`.
    dimensions : set of int
        Sizes of the latent spaces.
    seed : int
    judged : bool
        Whether classifiers look at the generations.
    """
    return (("One latent space: all columns show the same plane and axes of the same span. " if one_model else
             "Every model has a latent space of its own: the planes differ, only their span is the same. ")
            + (f"The noise is that of seed {seed} for all; draw 1 of every column starts from the same numbers."
               if len(dimensions) == 1 else
               f"Seed {seed} for all, but the latent spaces differ in size, so the noise cannot be the same.")
            + (" The decoders know only the rule they were trained with." if one_model else "")
            + (" Below each image: the class that a judge, a classifier of real views, sees, and how sure it is."
               if judged else ""))


def widest(widths: Sequence[tuple[str, float]]) -> str:
    """Whose joint posterior is wide and whose is narrow, in a sentence; of names as they are, not Markdown."""
    shown = [(name, round(width, 2)) for name, width in widths]
    most, least = (pick(width for _, width in shown) for pick in (max, min))
    if most == least:
        return f"All joint beliefs are equally wide here (standard deviation {most:.2f} on average)."

    def named(value: float) -> str:
        names = [f"**{name}**" for name, width in shown if width == value]
        return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]

    return (f"The joint belief of {named(most)} is the widest here (standard deviation {most:.2f} on average), that of "
            f"{named(least)} the narrowest ({least:.2f}).")
