"""The Markdown of the app's texts as HTML, formulas as MathML: no script is needed to read them."""

from __future__ import annotations

import html
import re

import markdown
from math_core import LatexToMathML

from bvae.app.templates import Markup

FORMULA = re.compile(r"\$([^$\n]+)\$")
GREY = re.compile(r":gray\[((?:[^\[\]]|\[[^\]]*\])*)\]")
HELD = "\ue000{}\ue001"  # of the private use area: no text has them, and Markdown leaves them alone
LINK = re.compile(r'<a href="http')


def formula(latex: str, block: bool = True) -> Markup:
    """LaTeX as MathML; one on a line of its own can be scrolled. Raises ValueError for what is no formula."""
    made = LatexToMathML().convert_with_local_state(latex.strip(), displaystyle=block)
    return Markup(f'<div class="formula" tabindex="0">{made}</div>' if block else made)


def html_of(text: str) -> Markup:
    """Blocks of Markdown as the app's texts are written: emphasis, lists, links, code, formulas between $, :gray[...].

    Tags in the text are shown as they stand.
    """
    held: list[str] = []

    def hold(made: str) -> str:
        held.append(made)
        return HELD.format(len(held) - 1)

    text = GREY.sub(lambda m: hold('<span class="muted">') + m[1] + hold("</span>"), text.strip())
    text = FORMULA.sub(lambda m: hold(formula(m[1], block=False)), text)
    made = markdown.markdown(html.escape(text, quote=False).replace("&gt;", ">"), extensions=["sane_lists"])
    for k, part in enumerate(held):
        made = made.replace(HELD.format(k), part)
    return Markup(LINK.sub('<a rel="external noreferrer" href="http', made))


def line_of(text: str) -> Markup:
    """A sentence of Markdown, without a paragraph around it."""
    made = html_of(" ".join(text.split()))
    return Markup(made.removeprefix("<p>").removesuffix("</p>"))
