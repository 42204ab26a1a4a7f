"""The page Learn and its lessons."""

import re

import numpy as np
import pytest

from bvae.plots.style import DARK, LIGHT
from bvae.ui import lessons as course
from bvae.ui.lessons import _sheet, read
from bvae.ui.lessons._references import REFERENCES
from bvae.ui.lessons._words import WORDS
from tests.test_pages import assert_clean, open_page

LESSONS = course.lessons()
PAGE = "pages/learn.py"
each_lesson = pytest.mark.parametrize("name", LESSONS)


def test_it_opens_on_all_lessons_and_the_first_picture():
    app = open_page(PAGE)
    assert len(app.get("plotly_chart")) == 1
    links = [p.proto.label for p in app.get("page_link")]
    assert sum(any(lesson.title in label for label in links) for lesson in LESSONS.values()) == len(LESSONS) == 8
