"""The teacher's sheet: one self-contained HTML file for A4 paper, black on white."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from bvae.app.learn.lessons._base import Door, Lesson, Question, Text, read
from bvae.app.learn.lessons._drawing import svg
from bvae.io.storage import StorageError
from bvae.plots.style import LIGHT

OPENING, CLOSING, WHOLE = 3, 4, 45
STYLE = """
@page { size: A4; margin: 16mm 15mm; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.42 Georgia, "Times New Roman", serif; color: #000; background: #fff; max-width: 180mm;
       margin: 0 auto; padding: 6mm; }
h1 { font-size: 19pt; margin: 0 0 2mm; } h2 { font-size: 13.5pt; margin: 0 0 1mm; }
p { margin: 0 0 2mm; } section { border-top: 1px solid #000; padding: 4mm 0 2mm; break-inside: avoid; }
ol.options { list-style: none; padding: 0; margin: 0 0 2mm; } ol.options > li { margin: 0 0 1.6mm 6mm; }
.letter { display: inline-block; width: 6mm; margin-left: -6mm; font-weight: bold; }
.right { font-weight: bold; } .why { display: block; font-size: 9.5pt; } .label { font-variant: small-caps; }
.link { font: 8pt/1.35 "Courier New", monospace; overflow-wrap: anywhere; }
a { color: #000; } table { border-collapse: collapse; margin: 2mm 0 4mm; width: 100%; }
td, th { border: 1px solid #000; padding: 1mm 2mm; text-align: left; vertical-align: top; font-size: 9.5pt; }
td.n, th.n { text-align: right; white-space: nowrap; }
figure { margin: 0 0 2mm; } figure > svg { width: 110mm; display: block; font: 9px sans-serif; }
figcaption { font-size: 8.5pt; } figcaption span { margin-right: 4mm; white-space: nowrap; }
@media print { body { max-width: none; padding: 0; } a { text-decoration: none; } }
"""


def marked(text: str) -> str:
    """The little Markdown that lessons use, as HTML; everything else is escaped."""
    text = html.escape(" ".join(text.split()), quote=False)
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    return re.sub(r"(?<!\w)\*(.+?)\*(?!\w)", r"<i>\1</i>", text)


def target(base: str, page: str, query: Mapping[str, str | list[str]]) -> str:
    """An absolute address."""
    return f"{base}/{page}?{urlencode(query, doseq=True)}"


def anchor(address: str) -> str:
    """A link that can be clicked and typed."""
    shown = html.escape(address)
    return f'<a class="link" href="{shown}">{shown}</a>'


def short(door: Door, base: str) -> str:
    """A link to another page; scenes are too long to be typed, so its words are the link."""
    return f'<a href="{html.escape(target(base, door.page, door.query))}">{marked(door.label)}</a> ({door.page})'


def plan(lessons: Mapping[str, Lesson]) -> str:
    """The 45 minutes as a table."""
    rows, at = [], 0
    parts = [("Opening", "What could five photographs of one thing have in common? Everybody sees the first picture.",
              OPENING)]
    parts += [(f"{each.number}. {each.title}", each.idea, each.class_minutes) for each in lessons.values()]
    parts += [("Closing", "Everybody writes down in one sentence why a product of experts is over-confident.", CLOSING)]
    for title, what, minutes in parts:
        rows.append(f'<tr><td class="n">{at}–{at + minutes}</td><td>{marked(title)}</td><td>{marked(what)}</td></tr>')
        at += minutes
    return (f'<table><thead><tr><th class="n">minute</th><th>lesson</th><th>idea</th></tr></thead><tbody>'
            f'{"".join(rows)}</tbody></table>')


def drawing(question: Question) -> str:
    """What the reveal shows, if it can be drawn with lines."""
    try:
        picture = question.picture(LIGHT)
    except StorageError:
        return ""
    return "".join(svg(figure, picture.alt) for figure in picture.figures)


def said(text: Text) -> str:
    """A text, or that it needs a trained model."""
    try:
        return marked(read(text))
    except StorageError as error:
        return marked(str(error))


def section(name: str, lesson: Lesson, base: str) -> str:
    """One lesson."""
    question, step = lesson.question, lesson.question_step
    setting = lesson.steps[step - 1]
    here = {"lesson": name, "step": str(step)}
    letter = "ABCDEFGH"
    options = "".join(
        f'<li><span class="letter">{letter[k]}</span><span class="{"right" if o.right else ""}">{marked(read(o.text))}'
        f'</span>{" ✓" if o.right else ""} <span class="why">{marked(read(o.why))}</span></li>'
        for k, o in enumerate(question.options))
    return f"""<section>
<h2>{lesson.number}. {marked(lesson.title)}</h2>
<p><i>{marked(lesson.idea)}</i> Alone about {lesson.minutes} minutes, in class {lesson.class_minutes}.</p>
<p>{said(setting.text)}</p>
<p><span class="label">Question.</span> <b>{marked(read(question.text))}</b></p>
<ol class="options">{options}</ol>
<p><span class="label">Right:</span> {letter[question.right]}. {said(question.because)}</p>
{drawing(question)}
<p><span class="label">A common answer:</span> {letter[question.common]}. {marked(question.tempting)}</p>
<p><span class="label">The question on the screen:</span> {anchor(target(base, "learn", here))}<br>
<span class="label">… with its answer:</span>
{anchor(target(base, "learn", {**here, "answer": "abcdefgh"[question.right], "shown": "1"}))}</p>
<p><span class="label">To try afterwards:</span> {short(lesson.trial, base)}</p>
<p><span class="label">One sentence to keep:</span> {marked(lesson.summary)}</p>
</section>"""


def sheet(lessons: Mapping[str, Lesson], base: str) -> str:
    """The whole sheet.

    Parameters
    ----------
    lessons : mapping
        Identifier -> lesson, in order.
    base : str
        Address of the app, without a slash at its end.
    """
    body = "\n".join(section(name, lesson, base) for name, lesson in lessons.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Multimodal VAEs as barycenters: teacher's sheet</title><style>{STYLE}</style></head><body>
<h1>Teacher's sheet: how several senses become one belief</h1>
<p>Eight questions that students answer <i>before</i> they see the picture. For each: show the question, let everybody
choose by raising a hand for A, B, C or D, let two who chose differently argue, then press “Show what happens”. Each
wrong answer has a misconception behind it, which is given here and on the screen.</p>
<p>“A common answer” is a judgement of the authors about where students go wrong, not a statistic.</p>
<h2>A plan for {WHOLE} minutes</h2>
{plan(lessons)}
<p>If time is short, leave out lessons 5 and 7; lessons 1 to 4 build on each other. Each lesson can also be set as
homework by its link. The derivations, with assumptions and references, are at the bottom of every lesson on the
screen.</p>
{body}
</body></html>
"""
