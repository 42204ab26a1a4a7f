"""For teachers: the address that students use, the way into class mode, the sheet to print."""

from __future__ import annotations

import streamlit as st

from bvae.app import pages
from bvae.app.learn import addresses, class_screen, memory, teachers_sheet
from bvae.app.learn.classroom import Full, Room
from bvae.app.learn.lessons._base import Lesson
from bvae.app.widgets import making

REFUSED = "class_refused"


def led() -> Room | None:
    """The class that this tab of the browser has led, if it goes on."""
    known = memory.led()
    return class_screen.rooms().led_by(known["room"], known["key"]) if known else None


def enter(room: Room, at: str) -> None:
    """Show a class on the projector."""
    st.query_params.update({"class": "1", "room": room.code, "key": room.key, "at": at})


def start(lessons: dict[str, Lesson]) -> None:
    """Before a class is on the screen."""
    st.title("For teachers")
    st.markdown(
        "**Class mode** shows on the projector what one has to know, then one question. Students answer on their "
        "phones, without names. You see the votes, show them, and reveal the answer. Arrow keys, page keys or a "
        "presenter's remote go on and back.")
    address = addresses.field()

    def begin() -> None:
        try:
            room = class_screen.rooms().open(next(iter(lessons)), asking=False)
        except Full as error:
            st.session_state[REFUSED] = str(error)
            return
        enter(room, address)

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        going = led()
        if going:
            st.button(f"Go on with the class {going.code}", type="primary", icon=":material/play_arrow:",
                      on_click=enter, args=(going, memory.led()["at"]))
        st.button("Open a new class" if going else "Open the class", type="secondary" if going else "primary",
                  icon=":material/co_present:", on_click=begin)
    if refused := st.session_state.pop(REFUSED, None):
        st.error(refused)
    st.caption("Votes are kept in this server's memory only, for six hours. Show the class in full screen (F11): "
               "whoever reads the address of your own window can lead the class.")
    st.markdown("**A sheet to print**: the questions with their lettered options, the right answers, what students "
                f"often answer and why, links with QR codes, and plans for {teachers_sheet.SHORT} and "
                f"{teachers_sheet.LONG} minutes.")
    st.download_button("Download the teacher's sheet",
                       making.later(lambda: teachers_sheet.sheet(lessons, address)),
                       "bvae_lessons.html", "text/html", icon=":material/print:", on_click="ignore")
    st.page_link(pages.script("learn"), label="Back to the lessons", icon=":material/arrow_back:",
                 query_params={"v": "1"})
    memory.in_browser("class")
