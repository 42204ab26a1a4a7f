"""What a lesson is made of. Plain data: the page and the teacher's sheet show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go

from bvae.app.components.playground import scenes
from bvae.io.storage import StorageError
from bvae.plots.style import Ink
from bvae.registry import Registry

Text = str | Callable[[], str]


class NothingTrained(StorageError):
    """A picture needs a trained model, or its metrics, and there is none; the text says how to get one."""


def read(text: Text) -> str:
    """A text that may have to be computed first."""
    return text if isinstance(text, str) else text()


@dataclass(frozen=True)
class Picture:
    """What is drawn, said and tabulated of one step.

    Attributes
    ----------
    alt : str
        The takeaway, for a person who cannot see the picture.
    figures : tuple of Figure
        Side by side; stacked on a phone.
    titles : tuple of str
        One for each figure, or none.
    html : str
        Our own markup instead of figures, such as rows of images.
    table : DataFrame, optional
        The twin of the picture; it is the picture if there is nothing else.
    caption : str
    """

    alt: str
    figures: tuple[go.Figure, ...] = ()
    titles: tuple[str, ...] = ()
    html: str = ""
    table: pd.DataFrame | None = None
    caption: str = ""


@dataclass(frozen=True)
class Door:
    """A link that opens another page with its controls set.

    Attributes
    ----------
    page : str
        Name of the page, see `bvae.app.pages`.
    label : str
    query : mapping
        Query parameters, as that page writes them.
    sets : mapping
        What the visitor finds: key of a control -> its value. Tests open the link and compare.
    """

    page: Literal["playground", "explore", "generate", "latent_space", "benchmarks", "your_data", "train"]
    label: str
    query: Mapping[str, str | list[str]]
    sets: Mapping[str, Any]


def playground_door(label: str, scene: scenes.Scene) -> Door:
    """A link to the playground with a scene."""
    return Door("playground", label, {"scene": scenes.encode(scene)}, {"playground_scene": scenes.checked(scene)})


@dataclass(frozen=True)
class Option:
    """One answer that can be chosen.

    Attributes
    ----------
    text : str
    why : str
        What is right about it, or the misconception behind it; shown after the reveal to who chose it.
    holds : callable
        Whether it is so, computed from what the reveal shows; a test compares it with
    right : bool
        whether it is the one that is marked.
    """

    text: Text
    why: Text
    holds: Callable[[], bool]
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A prediction, made before the answer is shown.

    Attributes
    ----------
    text : str
    options : tuple of Option
        Exactly one is right.
    picture : callable
        Ink -> what the reveal shows.
    because : str
        Why, for everybody.
    common : int
        Position of an answer that students often give, and
    tempting : str
        why it is tempting; for the teacher's sheet.
    """

    text: Text
    options: tuple[Option, ...]
    picture: Callable[[Ink], Picture]
    because: Text
    common: int
    tempting: str

    @property
    def right(self) -> int:
        """Position of the right option."""
        return next(k for k, option in enumerate(self.options) if option.right)


@dataclass(frozen=True)
class Step:
    """One screen of a lesson.

    Attributes
    ----------
    title : str
    text : str
        Markdown.
    picture : callable
        Ink -> Picture; with a question, what is shown before the reveal.
    question : Question, optional
    doors : tuple of Door
    code : str
        Python that gives the numbers of the step (after the reveal, if there is a question).
    """

    title: str
    text: Text
    picture: Callable[[Ink], Picture]
    question: Question | None = None
    doors: tuple[Door, ...] | Callable[[], tuple[Door, ...]] = ()
    code: Text = ""

    def links(self) -> tuple[Door, ...]:
        """The doors, made when they are asked for if they need a model."""
        return self.doors() if callable(self.doors) else self.doors


@dataclass(frozen=True)
class Derivation:
    """The mathematics, for who wants it.

    Attributes
    ----------
    assumptions : tuple of str
    lines : tuple of (str, str)
        A sentence in Markdown and the LaTeX that follows it (may be empty).
    references : tuple of str
        Keys of `bvae.app.learn.lessons._references.REFERENCES`.
    """

    assumptions: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]
    references: tuple[str, ...]


@dataclass(frozen=True)
class Lesson:
    """A lesson of two to five minutes.

    Attributes
    ----------
    number : int
        Its place.
    title, idea : str
        Name, and what one knows afterwards, in one sentence.
    minutes, class_minutes : int
        For one person alone; in front of a class, with the vote and the talk about it.
    words : tuple of str
        Keys of `bvae.app.learn.lessons._words.WORDS`: terms that are used and not introduced by the lesson itself.
    introduces : tuple of str
        Terms that its own text explains.
    steps : tuple of Step
        One of them has the question.
    summary : str
        What one can say now.
    trial : Door
        One thing to try.
    derivation : Derivation
    """

    number: int
    title: str
    idea: str
    minutes: int
    class_minutes: int
    words: tuple[str, ...]
    introduces: tuple[str, ...]
    steps: tuple[Step, ...]
    summary: str
    trial: Door
    derivation: Derivation

    @property
    def question_step(self) -> int:
        """Number of the step with the question, from 1 on."""
        return next(k for k, step in enumerate(self.steps, start=1) if step.question)

    @property
    def question(self) -> Question:
        """The one question."""
        question = self.steps[self.question_step - 1].question
        assert question is not None
        return question


LESSONS: Registry[Lesson] = Registry("lesson")
