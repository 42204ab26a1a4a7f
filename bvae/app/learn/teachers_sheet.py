"""The teacher's sheet: one self-contained HTML file for A4 paper, black on white."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any
from urllib.parse import urlencode

from bvae.app.learn import addresses
from bvae.app.learn.lessons._base import Lesson, Question, Text, read
from bvae.app.learn.paper_drawing import drawing, svg
from bvae.app.learn.state import LETTERS
from bvae.app.templates import Markup, render
from bvae.io.storage import StorageError
from bvae.plots.style import LIGHT

SHORT, LONG = 45, 90
"""Minutes of the two plans: of the first lessons, and of all that are about rules, with a break."""
FIRST, RULES = 4, 8
"""Lessons of the two plans; the last lesson is for another hour, with tables of the class's own."""
OPENING, BREAK, CLOSING = 3, 4, 4


def marked(text: str) -> Markup:
    """The little Markdown that lessons use, as HTML; everything else is escaped."""
    text = html.escape(" ".join(text.split()), quote=False)
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    return Markup(re.sub(r"(?<!\w)\*(.+?)\*(?!\w)", r"<i>\1</i>", text))


def target(base: str, page: str, query: Mapping[str, str | list[str]]) -> str:
    """An absolute address."""
    return f"{base}/{page}?{urlencode(query, doseq=True)}"


def anchor(address: str) -> Markup:
    """A link that can be clicked and typed."""
    return render("teachers_link", address=address)


def planned(lessons: Mapping[str, Lesson], whole: int) -> dict[str, Lesson]:
    """The lessons that a plan for so many minutes has."""
    return dict(list(lessons.items())[: FIRST if whole == SHORT else RULES])


def plan(lessons: Mapping[str, Lesson], whole: int) -> list[tuple[int, int, Markup, Markup]]:
    """From minute, to minute, title, what happens."""
    chosen = list(planned(lessons, whole).values())
    parts = [(f"Opening: {chosen[0].steps[0].title}", "The class joins, and everybody sees the first screen.", OPENING)]
    for each in chosen:
        parts.append((f"{each.number}. {each.title}", each.idea, each.class_minutes))
        if len(chosen) > FIRST and each is chosen[FIRST - 1]:
            parts.append(("A break", "", BREAK))
    parts.append(("Closing", "Everybody writes down in one sentence why a product of experts is over-confident.",
                  CLOSING))
    ends = accumulate(minutes for *_, minutes in parts)
    return [(end - minutes, end, marked(title), marked(what))
            for (title, what, minutes), end in zip(parts, ends, strict=True)]


def opening(lessons: Mapping[str, Lesson], base: str) -> dict[str, Any]:
    """The first screen that a class sees."""
    name, lesson = next(iter(lessons.items()))
    step = lesson.steps[0]
    picture = step.picture(LIGHT)
    address = target(base, "learn", {"lesson": name, "step": "1"})
    return {"title": marked(step.title), "text": [marked(part) for part in read(step.text).strip().split("\n\n")],
            "drawings": [svg(figure, picture.alt) for figure in picture.figures], "caption": marked(picture.caption),
            "link": anchor(address), "code": addresses.inline_code(address)}


def drawings(question: Question) -> list[Markup]:
    """What the reveal shows, as far as it can be drawn on paper."""
    try:
        picture = question.picture(LIGHT)
    except StorageError:
        return []
    titles = picture.titles or ("",) * len(picture.figures)
    return [drawing(figure, picture.alt, title) for figure, title in zip(picture.figures, titles, strict=True)]


def said(text: Text) -> Markup:
    """A text, or that it needs a trained model."""
    try:
        return marked(read(text))
    except StorageError as error:
        return marked(str(error))


def section(name: str, lesson: Lesson, base: str) -> dict[str, Any]:
    """One lesson, as the template wants it."""
    question, step = lesson.question, lesson.question_step
    here = {"lesson": name, "step": str(step)}
    answered = {**here, "answer": LETTERS[question.right], "shown": "1"}
    return {
        "number": lesson.number, "title": marked(lesson.title), "idea": marked(lesson.idea),
        "minutes": lesson.minutes, "class_minutes": lesson.class_minutes, "setting": said(lesson.steps[step - 1].text),
        "question": marked(read(question.text)),
        "options": [(LETTERS[k].upper(), o.right, said(o.text), said(o.why))
                    for k, o in enumerate(question.options)],
        "right": LETTERS[question.right].upper(), "because": said(question.because), "drawings": drawings(question),
        "common": LETTERS[question.common].upper(), "tempting": marked(question.tempting),
        "link": anchor(target(base, "learn", here)), "code": addresses.inline_code(target(base, "learn", here)),
        "answer_link": anchor(target(base, "learn", answered)),
        "end_link": anchor(target(base, "learn", {"lesson": name, "step": str(len(lesson.steps))})),
        "trial": marked(lesson.trial.label), "summary": marked(lesson.summary),
    }


def sheet(lessons: Mapping[str, Lesson], base: str) -> str:
    """The whole sheet.

    Parameters
    ----------
    lessons : mapping
        Identifier -> lesson, in order.
    base : str
        Address of the app as students reach it, without a slash at its end.
    """
    return str(render("teachers_sheet", plans=[(whole, len(planned(lessons, whole)), plan(lessons, whole))
                                               for whole in (SHORT, LONG)],
                      base=base, local=addresses.local(base), opening=opening(lessons, base),
                      class_link=anchor(target(base, "learn", {"class": "1"})),
                      lessons=[section(name, lesson, base) for name, lesson in lessons.items()])) + "\n"
