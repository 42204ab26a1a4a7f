"""Learn: eight short lessons, each with a prediction before its answer."""

from bvae.app.learn import lessons as course
from bvae.app.learn.lessons import _show as show
from bvae.app.learn.state import Learn
from bvae.app.state import begin_page

begin_page()
lessons = course.lessons()
state = Learn.read(lessons)
if state.lesson is not None:
    show.lesson(state, lessons)
else:
    show.overview(lessons)
