"""HTML of the pages: templates of Jinja2, in which every text is escaped, and one stylesheet.

A template ``NAME.html.jinja`` is filled by ``render(NAME, ...)``; what is `Markup` already, as the result of another
template is, stays as it is. Line breaks and indentation are for the reader of a template: between tags they are
removed, elsewhere they are one blank.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

__all__ = ["Markup", "render", "stylesheet", "templates"]

HERE = Path(__file__).parent
ENDING = ".html.jinja"
COMMENT = re.compile(r"/\*.*?\*/|\{#.*?#\}", re.DOTALL)
BETWEEN_TAGS = re.compile(r"(?<=[>}])\s*\n\s*|\s*\n\s*(?=[<{])")
BREAK = re.compile(r"\s*\n\s*")


class Loader(FileSystemLoader):
    """Templates without the line breaks of their files."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """See `jinja2.BaseLoader.get_source`."""
        source, path, is_current = super().get_source(environment, template)
        source = COMMENT.sub("", source).strip()
        return BREAK.sub(" ", BETWEEN_TAGS.sub("", source)), path, is_current


ENVIRONMENT = Environment(loader=Loader(HERE), autoescape=True, undefined=StrictUndefined, auto_reload=False)


@functools.cache
def template(name: str) -> Template:
    """A template, compiled once."""
    return ENVIRONMENT.get_template(f"{name}{ENDING}")


def templates() -> list[str]:
    """Names that :func:`render` knows."""
    return sorted(path.name.removesuffix(ENDING) for path in HERE.glob(f"*{ENDING}"))


def render(name: str, /, **values: object) -> Markup:
    """A template with its values, as HTML that other templates take as it is."""
    return Markup(template(name).render(values))


@functools.cache
def stylesheet(paper: str, light: str, dark: str) -> Markup:
    """``app.css`` for :func:`streamlit.html`, with the background as it is now, and as it is in both themes."""
    return render("page", paper=paper, light=light, dark=dark)
