"""Class mode: what a question needs on the projector, the question, votes from the students' phones, the answer."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from bvae.app import pages
from bvae.app.learn import addresses, memory, presenting, show
from bvae.app.learn.classroom import Full, Room, Rooms
from bvae.app.learn.lessons._base import Lesson, Question, read
from bvae.app.learn.state import LETTERS
from bvae.app.templates import Markup, render

EVERY = 2.0
"""Seconds between two looks at the votes."""
CODE_WIDE = 215  # pixels


@st.cache_resource(show_spinner=False)
def rooms() -> Rooms:
    """Those of this server."""
    return Rooms()


def options_html(question: Question, room: Room) -> Markup:
    """The options with letters, and with votes and the right one once they are to be seen."""
    counts = room.counts(len(question.options))
    most = max(1, *counts)
    return render("class_options", options=[
        {"letter": LETTERS[k].upper(), "text": Markup(show.plain_html(read(option.text))),
         "right": room.revealed and k == question.right,
         "votes": f"{counts[k]} vote{'s' * (counts[k] != 1)}" if room.counted else "",
         "width": round(100 * counts[k] / most) if room.counted else 0}
        for k, option in enumerate(question.options)])


# -- the teacher -------------------------------------------------------------------------------------------------------


def students_address() -> str:
    """Where students reach the app, as the address of the class holds it."""
    return addresses.checked(st.query_params.get("at", "")) or addresses.students()


def invitation(room: Room) -> Markup:
    """Code, address and the address as a QR code, and how many phones have joined, as HTML."""
    address = f"{students_address()}/learn?{urlencode({'room': room.code})}"
    return render("class_invitation", picture=addresses.code_image(address), code=room.code, address=address,
                  joined=len(room.joined), unreachable=addresses.unreachable(students_address()))


def teacher(room: Room, lessons: dict[str, Lesson]) -> None:
    """The projector's screen: all of it is to be seen without scrolling at 1280 by 720."""
    st.html(render("class_screen"))
    lesson = lessons[room.question]
    step = lesson.steps[lesson.question_step - 1 if room.asking else 0]
    with st.container(key="class_screen"):
        left, right = st.columns([1.12, 1], gap="medium")
        with left:
            st.title(f"{lesson.number} · {lesson.title}")
            st.markdown(show.attempt(lesson.question.because if room.revealed else step.text))
            if room.asking:
                st.markdown(f"**{show.attempt(lesson.question.text)}**")
                watched(room, lesson)
        with right:
            invited(room)
            with st.container(key="class_picture"):
                show.draw(step, f"class_{room.question}", room.revealed, bare=True)
        with st.container(horizontal=True, key="class_bar", vertical_alignment="center"):
            lead(room, lessons)
    memory.lead(room.code, room.key, students_address())
    memory.in_browser(f"class/{room.question}/{room.asking}")


def lead(room: Room, lessons: dict[str, Lesson]) -> None:
    """The teacher's buttons, all in one line. The blue one goes on; what leaves the class stands apart, where no other
    button ever is, and asks."""
    names = list(lessons)
    place = names.index(room.question)
    following = names[place + 1] if place + 1 < len(names) else None
    onward = "ask" if not room.asking else "count" if not room.counted else "reveal" if not room.revealed else "next"

    def button(step: str, label: str, icon: str, act: Callable[..., None], *args: Any, **look: Any) -> None:
        with st.container(key=presenting.ONWARD, width="content") if step == onward else contextlib.nullcontext():
            st.button(label, icon=icon, on_click=act, args=(room, *args), wrap=False,
                      type="primary" if step == onward else "secondary", **look)

    turn = rooms().ask
    before = (room.question if room.asking else names[max(0, place - 1)], not room.asking)
    with st.container(key=presenting.BACK, width="content"):
        button("back", "Back", ":material/arrow_back:", turn, *before, disabled=not room.asking and not place)
    if room.asking:
        button("count", "Show the votes", ":material/bar_chart:", rooms().show, False, disabled=room.counted)
        button("reveal", "Reveal", ":material/visibility:", rooms().show, True, disabled=room.revealed)
        button("again", "Vote again", ":material/replay:", rooms().again,
               help="After two who chose differently have argued.")
        if following:
            button("next", "Next lesson", ":material/arrow_forward:", turn, following, False)
    else:
        button("ask", "Ask the question", ":material/arrow_forward:", turn, room.question, True)
    any_lesson(room, lessons)
    presenting.listen()  # in the line, where it takes no height
    st.space("stretch")
    with st.popover("Leave", icon=":material/close:", type="tertiary", wrap=False):
        st.markdown(f"The class {room.code} stays open, and its phones stay in it. You can go on with it from Learn, "
                    "*For teachers*.")
        st.page_link(pages.script("learn"), label="Leave class mode", icon=":material/close:", query_params={"v": "1"})


def any_lesson(room: Room, lessons: dict[str, Lesson]) -> None:
    """The list of lessons, to begin with any of them."""
    key = "class_lessons"

    def begin(name: str) -> None:
        rooms().ask(room, name, False)
        st.session_state[key] = False

    with st.popover("Lessons", icon=":material/list:", key=key, on_change="rerun",
                    wrap=False) as listed, st.container(gap="xsmall"):
        for name, lesson in lessons.items() if listed.open else ():
            st.button(f"{lesson.number} · {lesson.title}", key=f"class_lesson_{name}", on_click=begin, args=(name,),
                      width="stretch", type="primary" if name == room.question else "secondary")


@st.fragment(run_every=EVERY)
def invited(room: Room) -> None:
    """How students come in, and how many have; looks again by itself."""
    st.html(invitation(room))


@st.fragment(run_every=EVERY)
def watched(room: Room, lesson: Lesson) -> None:
    """Options and how many have voted; looks again by itself."""
    st.html(options_html(lesson.question, room))
    count = sum(room.counts(len(lesson.question.options)))
    st.caption(f"{count} vote{'s' * (count != 1)} so far")


# -- a student ---------------------------------------------------------------------------------------------------------


def student(room: Room | None, code: str, lessons: dict[str, Lesson]) -> None:
    """A phone's screen."""
    if room is None:
        st.title("In class")
        st.warning(f"There is no class with the code {show.literal(code[:12])}. Ask for the code on the screen.",
                   icon=":material/help:")

        code_field("Code of the class")
        st.page_link(pages.script("learn"), label="To the lessons", icon=":material/school:", query_params={"v": "1"})
        return
    if "me" not in st.query_params:
        st.query_params["me"] = secrets.token_urlsafe(6)  # a reload is the same voter
    rooms().join(room, st.query_params["me"][:20])
    st.html(render("class_screen"))
    with st.container(key="class_screen"):
        asked(room, st.query_params["me"][:20], lessons)


def code_field(label: str, quiet: bool = False) -> None:
    """Where a student types the code that is on the screen in front; `quiet`: with its label inside."""
    def enter() -> None:
        if typed := st.session_state["class_code"].strip():
            st.query_params["room"] = typed.upper()[:12]

    st.text_input(label, key="class_code", on_change=enter, max_chars=12, autocomplete="off", width=CODE_WIDE,
                  placeholder=label if quiet else None, label_visibility="collapsed" if quiet else "visible")


@st.fragment(run_every=EVERY)
def asked(room: Room, voter: str, lessons: dict[str, Lesson]) -> None:
    """The question that is on the projector now."""
    lesson = lessons[room.question]
    question = lesson.question
    if not room.asking:
        st.markdown(f"**{lesson.number} · {lesson.title}**")
        st.caption("Look at the screen in front. The question comes here by itself.")
        return
    given = room.vote_of(voter)
    st.markdown(f"**{show.attempt(question.text)}**")
    if not room.revealed:
        for k in range(len(question.options)):
            st.button(show.lettered(question, k), key=f"class_vote_{room.question}_{k}",
                      width="stretch", type="primary" if given == k else "secondary", on_click=cast,
                      args=(room, room.question, voter, k))
        st.caption("Choose one." if given is None else "Counted. You can change your mind until the answer is shown.")
        if refused := st.session_state.pop("class_refused", None):
            st.error(refused)
        return
    st.html(options_html(question, room))
    if given is not None:
        chosen = question.options[given]
        (st.success if chosen.right else st.warning)(
            f"You said {LETTERS[given].upper()}. {read(chosen.why)}", icon=":material/check:" if chosen.right else
            ":material/close:")


def cast(room: Room, question: str, voter: str, option: int) -> None:
    """Count a vote on the question that was on the phone when it was pressed."""
    try:
        if not rooms().vote(room, question, voter, option):
            st.session_state["class_refused"] = "That came too late: the answer, or another question, is on the screen."
    except Full as error:
        st.session_state["class_refused"] = str(error)
