"""Learn: eight short lessons, each with a prediction before its answer."""

import streamlit as st

from bvae.app.learn import lessons as course
from bvae.app.learn.lessons import _show as show
from bvae.app.state import begin_page

begin_page()
lessons = course.lessons()
name = st.query_params.get("lesson")
if name in lessons:
    show.lesson(name, lessons)
else:
    show.overview(lessons)
