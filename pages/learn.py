"""Learn: eight short lessons, each with a prediction before its answer."""

import streamlit as st

from bvae.ui import lessons as course
from bvae.ui.lessons import _show as show
from bvae.ui.state import begin_page

begin_page()
lessons = course.lessons()
name = st.query_params.get("lesson")
if name in lessons:
    show.lesson(name, lessons)
else:
    show.overview(lessons)
