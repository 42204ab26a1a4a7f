"""Where one is in the lessons. No widget is bound to it: the address itself holds it, so that links and Back work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from bvae.app.learn.lessons._base import Lesson

LETTERS = "abcdefgh"


@dataclass(frozen=True, kw_only=True)
class Learn:
    """One step of one lesson.

    Attributes
    ----------
    lesson : str or None
        Its name; None for the list of all.
    step : int
        From 1 on.
    answer : str or None
        Letter of the answer that is chosen.
    shown : bool
        Whether it was revealed what happens; one can look without choosing.
    """

    lesson: str | None = None
    step: int = 1
    answer: str | None = None
    shown: bool = False

    @classmethod
    def read(cls, lessons: Mapping[str, Lesson]) -> Learn:
        """What the address says, as far as there is such a lesson, step and answer."""
        name, number, answer = (st.query_params.get(key) for key in ("lesson", "step", "answer"))
        if name is None or name not in lessons:
            return cls()
        steps = lessons[name].steps
        step = int(number) if number and number.isdecimal() and 1 <= int(number) <= len(steps) else 1
        question = steps[step - 1].question
        if question is None or answer not in (None, *LETTERS[: len(question.options)]):
            return cls(lesson=name, step=step)
        return cls(lesson=name, step=step, answer=answer, shown=st.query_params.get("shown") == "1")

    def parameters(self) -> dict[str, str]:
        """What a link to it holds."""
        query = {"lesson": self.lesson or "", "step": str(self.step)}
        if not self.shown:
            return query
        return query | ({"answer": self.answer} if self.answer else {}) | {"shown": "1"}
