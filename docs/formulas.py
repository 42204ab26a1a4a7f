"""A Markdown extension for the site: formulas become MathML when it is built, so that no browser needs a script.

Formulas are written as a hosting site shows them too, between $ or $$. `pymdownx.arithmatex` finds them; math-core
turns what it marks into MathML. Docstrings say :class:`Name` for what the site has no role: they lose the prefix.
"""

from __future__ import annotations

import html
import re
from typing import Any

from markdown import Extension, Markdown
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from math_core import LatexToMathML

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
ROLE = re.compile(r":(?:class|data|func|meth|mod):(?=`)")


class MathML(Postprocessor):
    """What arithmatex marked, as MathML. LaTeX that math-core does not know raises: the site is not built then."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self.converter = LatexToMathML()

    def run(self, text: str) -> str:
        """Called with a finished page, or with a finished docstring."""
        return FORMULA.sub(self.mathml, text)

    def mathml(self, found: re.Match) -> str:
        """One formula; one on a line of its own can be scrolled where it is wider than a phone."""
        block = found[2] == "["
        mathml = self.converter.convert_with_local_state(html.unescape(found[3]).strip(), displaystyle=block)
        return f'<div style="overflow: auto hidden">{mathml}</div>' if block else mathml


class Roles(Preprocessor):
    """:class:`Name` of docstrings as `Name`."""

    def run(self, lines: list[str]) -> list[str]:
        """Called with the lines of a page, or of a docstring."""
        return [ROLE.sub("", line) for line in lines]


class Formulas(Extension):
    """Registers both."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Called by Markdown."""
        md.postprocessors.register(MathML(md), "mathml", 0)  # after those that put back what arithmatex has stashed
        md.preprocessors.register(Roles(md), "roles", 100)


def makeExtension(**options: Any) -> Formulas:
    """Called by Markdown."""
    return Formulas(**options)
