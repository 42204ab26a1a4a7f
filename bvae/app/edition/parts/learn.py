"""Learn: all lessons with their questions; pictures of trained models are computed when the edition is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from bvae.app.edition import shell
from bvae.app.edition.parts._base import PARTS, Edition, Part
from bvae.app.edition.texts import formula, html_of, line_of
from bvae.app.learn.lessons import Door, Lesson, Picture, Question, Step, lessons, read
from bvae.app.learn.lessons._base import Text
from bvae.app.learn.lessons._references import cited
from bvae.app.learn.lessons._words import WORDS
from bvae.app.learn.show import HIGH, indexed
from bvae.app.learn.state import LETTERS
from bvae.app.pages import PAGES
from bvae.app.templates import Markup
from bvae.app.widgets import small_table
from bvae.io.storage import StorageError
from bvae.plots import drawing
from bvae.plots.style import LIGHT

SAME = ("explore", "latent_space")
"""Pages that show in an edition what a door of the app means."""


def file_of(name: str) -> str:
    """The page of a lesson."""
    return f"lesson-{name}.html"


def said(text: Text) -> Markup:
    """A text, or that it needs a trained model."""
    try:
        return html_of(read(text))
    except StorageError as error:
        return html_of(f":gray[{error}]")


def drawn(make: Any) -> dict[str, Any] | None:
    """A picture of a lesson with its caption and its twin as a table; None where it needs a model that is not there."""
    try:
        picture: Picture = make(LIGHT)
    except StorageError:
        return None
    figures = []
    for k, figure in enumerate(picture.figures):
        figure.update_layout(height=min(figure.layout.height or HIGH, HIGH))
        figures.append((line_of(picture.titles[k]) if picture.titles else "",
                        Markup(drawing.picture(figure, picture.alt, LIGHT))))
    table = "" if picture.table is None else small_table.table(picture.table, picture.alt)
    return {"figures": figures, "html": Markup(picture.html), "table": table, "alt": picture.alt,
            "caption": line_of(picture.caption) if picture.caption else "",
            "bare": not figures and not picture.html}


def doors_of(found: Sequence[Door], edition: Edition) -> list[tuple[str, Markup]]:
    """Links to pages that show the same in the edition, with its models: address, words."""
    models = {(m.data.name, m.title) for m in edition.models}
    return [(f"{shell.address(d.page)}?{urlencode(d.query, doseq=True, safe='~,')}", line_of(d.label))
            for d in found if d.page in edition.names and (
                d.page == "playground"
                or (d.page in SAME and (d.query.get("data"), d.query.get("model")) in models))]


def asked(question: Question) -> dict[str, Any]:
    """The question with all of its answers."""
    options = [{"letter": LETTERS[k], "text": line_of(read(o.text)), "why": line_of(read(o.why)), "right": o.right}
               for k, o in enumerate(question.options)]
    return {"text": line_of(read(question.text)), "options": options, "because": said(question.because),
            "right": LETTERS[question.right], "picture": drawn(question.picture)}


def step_of(step: Step, edition: Edition) -> dict[str, Any]:
    """One screen."""
    try:
        found = doors_of(step.links(), edition)
    except StorageError:
        found = []
    return {"title": step.title, "text": said(step.text), "picture": drawn(step.picture), "doors": found,
            "question": asked(step.question) if step.question else None}


def words_of(lesson: Lesson) -> list[tuple[str, Markup]]:
    """Its terms and what they mean."""
    return [(WORDS[key].name, line_of(WORDS[key].meaning)) for key in (*lesson.words, *lesson.introduces)]


def derivation_of(lesson: Lesson) -> dict[str, Any]:
    """Assumptions, lines and references."""
    of = lesson.derivation
    return {"assumptions": [line_of(indexed(a)) for a in of.assumptions],
            "lines": [(html_of(indexed(sentence)), formula(latex) if latex else "") for sentence, latex in of.lines],
            "references": [line_of(cited(key)) for key in of.references]}


def write(edition: Edition) -> None:
    """``learn.html``, and a page for each lesson."""
    course: Mapping[str, Lesson] = lessons()
    cards = [(file_of(name), lesson, line_of(lesson.idea), name) for name, lesson in course.items()]
    minutes = [lesson.minutes for lesson in course.values()]
    edition.page("learn", "learn", module="learn", data={}, cards=cards, least=min(minutes), most=max(minutes),
                 lead=PAGES["learn"].help)
    listed = list(course.items())
    for k, (name, lesson) in enumerate(listed):
        following = listed[k + 1] if k + 1 < len(listed) else None
        trial = doors_of([lesson.trial], edition)
        edition.page(
            "learn", "lesson", file=file_of(name), title=f"{lesson.number} · {lesson.title}", module="lesson",
            data={"lesson": name}, lesson=lesson, idea=line_of(lesson.idea),
            steps=[step_of(step, edition) for step in lesson.steps], summary=line_of(lesson.summary),
            trial=line_of(lesson.trial.label), trial_at=trial[0][0] if trial else "", words=words_of(lesson),
            derivation=derivation_of(lesson),
            following=(file_of(following[0]), following[1].title, following[1].minutes) if following else None)


PARTS.register("learn")(Part(write))
