"""Class mode: what a question needs on the projector, the question, votes from the students' phones, the answer."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from bvae.app import pages
from bvae.app.learn import addresses, memory, show
from bvae.app.learn.classroom import Full, Room, Rooms
from bvae.app.learn.lessons._base import Lesson, Question, read
from bvae.app.learn.state import LETTERS
from bvae.app.templates import Markup, render

EVERY = 2.0
"""Seconds between two looks at the votes."""


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


def start(lessons: dict[str, Lesson]) -> None:
    """Before there is a room."""
    st.title("In class")
    st.markdown(
        "On the projector: what one has to know, then one question. Students answer on their phones, without names. "
        "You see the votes, show them, and reveal the answer. Votes are kept in this server's memory only. Show the "
        "class in full screen (F11): whoever reads the address of your own window can lead the class.")
    address = addresses.field()

    def begin() -> None:
        try:
            room = rooms().open(next(iter(lessons)), asking=False)
        except Full as error:
            st.session_state["class_refused"] = str(error)
            return
        st.query_params.update({"class": "1", "room": room.code, "key": room.key, "at": address})

    st.button("Open the class", type="primary", icon=":material/co_present:", on_click=begin)
    if refused := st.session_state.pop("class_refused", None):
        st.error(refused)
    st.page_link(pages.script("learn"), label="Back to the lessons", icon=":material/arrow_back:",
                 query_params={"v": "1"})
    memory.in_browser("class")


def join_address(room: Room) -> str:
    """What students open."""
    base = addresses.checked(st.query_params.get("at", "")) or addresses.students()
    return f"{base}/learn?{urlencode({'room': room.code})}"


def invitation(room: Room) -> Markup:
    """Code, address and the address as a QR code, as HTML."""
    address = join_address(room)
    return render("class_invitation", picture=addresses.code_image(address), code=room.code, address=address)


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
            st.html(invitation(room))
            with st.container(key="class_picture"):
                show.draw(step, f"class_{room.question}", room.revealed, bare=True)
        with st.container(horizontal=True, key="class_bar", vertical_alignment="center"):
            lead(room, lessons)
    memory.in_browser(f"class/{room.question}/{room.asking}")


def lead(room: Room, lessons: dict[str, Lesson]) -> None:
    """The teacher's buttons, all in one line."""
    names = list(lessons)
    place = names.index(room.question)

    def turn(label: str, icon: str, name: str, asking: bool, **look: Any) -> None:
        st.button(label, icon=icon, on_click=rooms().ask, args=(room, name, asking), **look)

    if room.asking:
        turn("Back", ":material/arrow_back:", room.question, False)
        st.button("Show the votes", icon=":material/bar_chart:", on_click=rooms().show, args=(room, False),
                  disabled=room.counted)
        st.button("Reveal", type="primary", icon=":material/visibility:", on_click=rooms().show, args=(room, True),
                  disabled=room.revealed)
        st.button("Vote again", icon=":material/replay:", on_click=rooms().again, args=(room,),
                  help="After two who chose differently have argued.")
        if place + 1 < len(names):
            turn("Next lesson", ":material/arrow_forward:", names[place + 1], False)
    else:
        if place:
            turn("Back", ":material/arrow_back:", names[place - 1], True)
        turn("Ask the question", ":material/arrow_forward:", room.question, True, type="primary")
        if place + 1 < len(names):
            turn("Skip this lesson", ":material/skip_next:", names[place + 1], False)
    st.page_link(pages.script("learn"), label="Leave class mode", icon=":material/close:", query_params={"v": "1"})


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

        def enter() -> None:
            st.query_params["room"] = st.session_state["class_code"].strip().upper()[:12]

        st.text_input("Code of the class", key="class_code", on_change=enter, max_chars=12)
        return
    if "me" not in st.query_params:
        st.query_params["me"] = secrets.token_urlsafe(6)  # a reload is the same voter
    st.html(render("class_screen"))
    with st.container(key="class_screen"):
        asked(room, st.query_params["me"][:20], lessons)


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
