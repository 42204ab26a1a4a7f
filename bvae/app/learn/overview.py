"""Learn's first screen: the first lesson's picture, all lessons as cards, the ways into a class."""

from __future__ import annotations

import streamlit as st

from bvae.app.learn import class_screen, class_start, memory, show
from bvae.app.learn.lessons._base import Lesson, read
from bvae.app.templates import render


def show_all(lessons: dict[str, Lesson]) -> None:
    """All of it."""
    st.html(render("learn_links"))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="xsmall"):
        st.title("Learn", width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            in_class()
    minutes = [lesson.minutes for lesson in lessons.values()]
    st.markdown(f"{len(lessons)} lessons of {min(minutes)} to {max(minutes)} minutes, from one bell curve to a model "
                "of your own tables. **Begin with the first, or take any: in each you predict before you see.**")
    name, first = next(iter(lessons.items()))
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        st.subheader(f"{first.number} · {first.title}")
        show.draw(first.steps[0], f"{name}_overview")
        st.markdown(read(first.steps[0].text))
        st.page_link(show.PAGE, label=f"Go on with lesson {first.number}", icon=":material/arrow_forward:",
                     query_params=show.address(name, first, 2))
    with right:
        st.subheader("All lessons")
        for each, lesson in lessons.items():
            with st.container(border=True, gap=None):
                st.page_link(show.PAGE, label=f"**{lesson.number} · {lesson.title}** ({lesson.minutes} min)",
                             icon=":material/check:" if each in memory.predicted() else
                             ":material/school:", query_params=show.address(each, lesson, 1))
                st.caption(lesson.idea)
        show.progress(lessons)
        if memory.predicted():
            st.button("Reset", icon=":material/restart_alt:", on_click=show.forget, help="Forget all predictions.")
    memory.in_browser("")


def in_class() -> None:
    """The way into a class, for who sits in it and for who leads it."""
    class_screen.code_field("In a class? Type its four letters", quiet=True)
    if going := class_start.led():
        st.page_link(show.PAGE, label=f"Go on with the class {going.code}", icon=":material/play_arrow:",
                     query_params={"class": "1", **memory.led()}, width="content")
    st.page_link(show.PAGE, label="For teachers", icon=":material/co_present:", query_params={"class": "1"},
                 width="content")
