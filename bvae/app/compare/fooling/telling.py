"""What happened in a race, in sentences and as a table; nothing is shown here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bvae.app.beliefs.rules import called
from bvae.app.compare.fooling.race import DRAWS, FOOLED_TO, HOLDS_FROM, Race, Runner, Verdict

MOST_NAMED = 4


def named(names: Sequence[str], most: int = MOST_NAMED, last: str = "and") -> str:
    """Names in a sentence; of many, the first and how many more there are."""
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} {last} {len(names) - most} more"
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def headline(race: Race, own: str, classes: Sequence[str], who: str = "You") -> str:
    """Who was fooled and who was not, in a sentence or two.

    Parameters
    ----------
    race : Race
    own : str
        See `rules.called`.
    classes : sequence of str
        Names.
    who : str
        Tells the lie.
    """
    truth = classes[race.truth]
    fooled, lost, torn, holds, unsure = (
        [called(r.rule, own) for r in race.those(v)]
        for v in (Verdict.FOOLED, Verdict.LOST, Verdict.TORN, Verdict.HOLDS, Verdict.UNSURE))
    count = len(race.runners)
    if not race.told:
        return "Nobody lies yet: this is what the rules make of the truth."
    if not race.judged:
        return "No judge knows these views: nobody can say who was fooled, but how far the joint beliefs moved."
    if race.alone:
        return "The rules see the liar alone: nobody can hold without an honest view. Let them see another one."
    if len(unsure) == count:
        return f"There was nothing to fool: no rule was sure of the {truth} even before the lie."
    sentences = []
    if len(fooled) == count:
        sentences.append(f"{who} fooled every rule: all {count}.")
    elif fooled:
        sentences.append(f"{who} fooled {named(fooled)}" + (f", not {named(holds, last='or')}." if holds else "."))
    elif len(holds) == count:
        sentences.append(f"Nobody was fooled: all {count} rules still show {truth}.")
    else:
        sentences.append("Nobody was fooled" + (f": {named(holds)} still show{'s' * (len(holds) == 1)} {truth}."
                                                if holds else " for good." if torn else "."))
    if lost:
        sentences.append(f"Lost, showing neither {truth} nor the lie: {named(lost)}.")
    if torn:
        sentences.append(f"Torn: {named(torn)}.")
    if unsure:
        sentences.append(f"Unsure even before the lie, so not counted: {named(unsure)}.")
    return " ".join(sentences)


def shows(race: Race, classes: Sequence[int], names: Sequence[str]) -> str:
    """What draws show, such as "6 × 3, 2 × 7": the truth first, then what is seen most often."""
    counts = Counter(classes)
    order = sorted(counts, key=lambda k: (k != race.truth, k != race.lie, -counts[k]))
    return ", ".join(f"{counts[k]} × {names[k]}" for k in order)


def kind(race: Race, seen: int) -> str:
    """Of a draw by its class: "truth", "lie" or "other"."""
    return "truth" if seen == race.truth else "lie" if seen == race.lie else "other"


def explained(race: Race, classes: Sequence[str], hidden: bool, own: str) -> str:
    """How to read the race.

    Parameters
    ----------
    hidden : bool
        Whether the judged views are hidden ones.
    own : str
        See `rules.called`.
    """
    moved = ("Moved: how far the joint belief went, W2 between the joint beliefs before and after the lie; "
             + ("exact." if race.exact else "between mixtures a lower bound."))
    if not race.judged:
        return moved
    seen = ", ".join(race.judged)
    said = [
        f"Every rule makes {DRAWS} draws of z from its joint belief, with the same noise. A classifier of real views "
        f"(the judge) says what each draw shows in {seen}, " + ("which no rule was shown." if hidden else
                                                               "which were shown: no other view is left to ask.")
        + (f" The pictures are those of {race.shown}." if race.judged != (race.shown,) else ""),
        f"Holds: at least {HOLDS_FROM} of {DRAWS} still show {classes[race.truth]}. Fooled: at most {FOOLED_TO} do, "
        f"though at least {HOLDS_FROM} did before the lie. Torn: between."
        + (" Lost: as few, but most of the others do not show the lie either." if race.lie is not None else ""),
        f"{DRAWS} draws are few: one or two more or less say little, and other draws may judge otherwise. Rules with "
        "the same count are tied."]
    same = [named([called(r.rule, own) for r in group], 12) for group in race.tied()]
    if same:
        said.append(f"The very same draws, so tied for certain: {'; '.join(same)}.")
    said.append(moved)
    said.append("The decoders know only the rule that they were trained with: another one can look fooled because its "
                "draws are new to them.")
    return " ".join(said)


def table(race: Race, own: str, classes: Sequence[str]) -> pd.DataFrame:
    """One row per rule, in the order of the race."""
    runners = race.runners
    out: dict[str, Any] = {"rule": [called(r.rule, own) for r in runners]}
    if race.judged:
        out |= {"place": race.places(), "verdict": [v.value if (v := race.verdict(r)) else "" for r in runners],
                "draws before": [shows(race, r.before, classes) for r in runners],
                "draws after": [shows(race, r.after, classes) for r in runners],
                f"p({classes[race.truth]}), the truth": _single([r.truth for r in runners]),
                "its standard error": _single([r.error for r in runners])}
        if race.lie is not None:
            out[f"p({classes[race.lie]}), the lie"] = _single([r.lie for r in runners])
    return pd.DataFrame({**out, "moved by, W2": [r.moved for r in runners]})


def _single(values: Sequence[float]) -> np.ndarray:
    """Judges work in single precision: of what they say, further digits would mean nothing."""
    return np.array(values, dtype=np.float32)


def spoken(race: Race, runner: Runner, name: str, classes: Sequence[str]) -> str:
    """One lane for those who cannot see it."""
    verdict = race.verdict(runner)
    said = f"{name} {verdict.value}: draws show {shows(race, runner.after, classes)}; " if verdict else f"{name}: "
    return f"{said}the joint belief moved by {runner.moved:.2g}"
