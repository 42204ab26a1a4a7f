"""Learn: short lessons, each with a prediction before its answer."""

import streamlit as st

from bvae.app.learn import class_screen, class_start, overview, show
from bvae.app.learn import lessons as course
from bvae.app.learn.state import Learn
from bvae.app.state import begin_page

begin_page()
lessons = course.lessons()
st.query_params.update({})  # a link within a page tells its parameters to the server alone; now the browser hears them
state = Learn.read(lessons)
code = st.query_params.get("room")
if st.query_params.get("class") == "1":
    if room := class_screen.rooms().led_by(code or "", st.query_params.get("key", "")):
        class_screen.teacher(room, lessons)
    else:
        class_start.start(lessons)
elif code is not None:
    class_screen.student(class_screen.rooms().find(code), code, lessons)
elif state.lesson is not None:
    show.lesson(state, lessons)
else:
    overview.show_all(lessons)
