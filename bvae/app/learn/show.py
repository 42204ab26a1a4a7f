"""How the page Learn shows lessons. The address holds lesson, step, answer and whether it was revealed, so that a
lesson can be sent as a link and the browser's Back works; `memory` keeps what was predicted."""

from __future__ import annotations

import re
from dataclasses import replace

import streamlit as st

from bvae.app import pages
from bvae.app import reproduce as recipe
from bvae.app.learn import memory, teachers_sheet
from bvae.app.learn.lessons._base import Door, Lesson, Picture, Question, Step, read
from bvae.app.learn.lessons._references import cited
from bvae.app.learn.lessons._words import WORDS
from bvae.app.learn.state import LETTERS, Learn
from bvae.app.state import ink
from bvae.app.templates import render
from bvae.app.widgets import charts, fold, share, small_table
from bvae.io.storage import StorageError
from bvae.plots import drawing

PAGE = pages.script("learn")
HIGH, PROJECTED = 340, 250  # pixels: at most, and on a projector, which enlarges it
Lessons = dict[str, Lesson]


def address(name: str, lesson: Lesson, step: int) -> dict[str, str]:
    """Query parameters of a step; those of the question hold what was predicted."""
    answer = memory.predicted().get(name) if step == lesson.question_step else None
    return Learn(lesson=name, step=step, answer=answer, shown=answer is not None).parameters()


def progress(lessons: Lessons) -> None:
    """How many questions were predicted; there is no score."""
    if count := len(memory.predicted()):
        st.caption(f"{count} of {len(lessons)} predicted. Only this browser remembers it; Reset forgets it.")


def forget(name: str | None = None) -> None:
    """As if a lesson's question had not been answered; without a name all of them."""
    for key in ("answer", "shown"):
        st.query_params.pop(key, None)
    memory.forget(name)


def lesson(state: Learn, lessons: Lessons) -> None:
    """One step of one lesson."""
    st.html(render("learn_links"))
    name, number = state.lesson or "", state.step
    now = lessons[name]
    step = now.steps[number - 1]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(PAGE, label="All lessons", icon=":material/arrow_back:", query_params={"v": "1"}, width="content")
        share.button("Answers are in it too.")
        st.button("Reset", icon=":material/restart_alt:", on_click=forget, args=(name,),
                  help="Forget the prediction of this lesson.")
    st.title(f"{now.number} · {now.title}")
    st.markdown(f"{now.idea} :gray[About {now.minutes} minutes.]")
    stepper(name, now, number)

    revealed = state.shown or step.question is None
    left, right = st.columns([1.25, 1], gap="large")  # the picture first: so it is on a phone, too
    with left:
        draw(step, f"{name}_{number}", revealed)
    with right:
        st.subheader(step.title)
        st.markdown(attempt(step.text))
        if step.question:
            ask(state, step)
        if revealed:
            doors(step)
    if step.question and revealed:
        st.info(attempt(step.question.because), icon=":material/lightbulb:")
    if number == len(now.steps):
        ending(now)
    onward(name, now, number, revealed, lessons)
    words(now, expanded=number == 1 and bool(now.words))
    if revealed:
        reproduce(step)
    derivation(now)
    progress(lessons)
    memory.in_browser(f"{name}/{number}")


def stepper(name: str, now: Lesson, number: int) -> None:
    """Links to all steps."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="learn_steps"):
        for k, step in enumerate(now.steps, start=1):
            if k == number:
                st.markdown(f"**{k}. {step.title}**")
            else:
                st.page_link(PAGE, label=f"{k}. {step.title}", icon="", query_params=address(name, now, k))


def ask(state: Learn, step: Step) -> None:
    """The question, and what was right and wrong once the answer is shown."""
    question = step.question
    assert question is not None
    key, ids = f"learn_answer_{state.lesson}", LETTERS[: len(question.options)]
    answer, shown = state.answer, state.shown
    st.session_state[key] = answer  # the address decides, so that Back and links do

    def choose() -> None:
        st.query_params["answer"] = st.session_state[key]

    def reveal() -> None:
        st.query_params["shown"] = "1"
        if letter := st.session_state[key]:
            st.query_params["answer"] = letter  # pressed at once, the browser's address is still that of before
            memory.predict(state.lesson or "", letter)

    st.radio(f"**{attempt(question.text)}**", list(ids), key=key, on_change=choose,
             format_func=lambda k: lettered(question, ids.index(k)))
    if not shown:
        st.button("Show what happens", type="primary", icon=":material/visibility:", on_click=reveal,
                  help=None if answer else "Choose first, if you can: a wrong guess teaches more than none.")
        return
    right = question.options[question.right]
    chosen = question.options[ids.index(answer)] if answer else None
    if chosen is None:
        st.markdown(f"What happens: {lettered(question, question.right)}. {read(right.why)}")
    elif chosen.right:
        st.success(f"**So it is.** {read(chosen.why)}", icon=":material/check:")
    else:
        st.warning(f"**Not this time.** {read(chosen.why)}", icon=":material/close:")
        st.markdown(f"What happens: {lettered(question, question.right)}. {read(right.why)}")
    with st.expander("And the other answers", icon=":material/list:"):
        for k, option in enumerate(question.options):
            if option not in (chosen, right):
                st.markdown(f"{lettered(question, k)}: {read(option.why)}")


def lettered(question: Question, k: int) -> str:
    """Option number k as Markdown, with the letter that it has on the projector, on phones and on paper."""
    return f"**{LETTERS[k].upper()}** {read(question.options[k].text)}"


def literal(text: str) -> str:
    """A text of a visitor's, as code in Markdown: nothing in it is read as markup."""
    return f"`{text.replace('`', '')}`" if text.strip("` ") else "that was given"


def plain_html(text: str) -> str:
    """The little Markdown that options use, as HTML."""
    return teachers_sheet.marked(text)


def attempt(text) -> str:
    """A text that may need a trained model; without one, what to do."""
    try:
        return read(text)
    except StorageError as error:
        return f":gray[{error}]"


def draw(step: Step, key: str, revealed: bool = True, bare: bool = False) -> None:
    """The picture, its caption and its twin as a table; `bare`: without the twin, for the projector, and as a table
    where it is rows of pictures, which have no room there."""
    make = step.question.picture if step.question and revealed else step.picture
    try:
        with st.spinner("Drawing", show_time=True):
            picture: Picture = make(ink())
    except StorageError as error:
        st.info(str(error), icon=":material/info:")
        return
    rows = bool(picture.html) and not (bare and picture.table is not None and not picture.figures)
    if rows:
        st.html(picture.html)
    places = st.columns(len(picture.figures)) if len(picture.figures) > 1 else [st.container()]
    for k, (place, figure) in enumerate(zip(places, picture.figures, strict=False)):
        if picture.titles:
            place.markdown(f"**{picture.titles[k]}**")
        name = f"learn_{key}_{revealed}_{k}"
        figure.update_layout(height=PROJECTED if bare else min(figure.layout.height or HIGH, HIGH))
        if not drawing.drawable(figure):
            charts.show(figure, name, picture.alt, lambda: picture.table, name, place=place)
            continue
        with place.container(key=name):
            st.html(drawing.picture(figure, picture.alt, ink()))
            if not bare:
                which = f": {picture.titles[k]}" if picture.titles else ""
                charts.numbers_button(name, lambda: picture.table, name, figure=figure, drawn=True,
                                      title=f"Numbers and files{which}")
    if not picture.figures and not rows:
        st.html(small_table.table(picture.table, picture.alt))
    if picture.caption:
        st.caption(picture.caption)
    if picture.table is not None and picture.html and not picture.figures and not bare:
        fold.show("The picture as a table", "table", f"learn_{key}_{revealed}_table",
                  lambda: _table(picture))


def _table(picture: Picture) -> None:
    st.dataframe(picture.table, hide_index=True, width="stretch")


def doors(step: Step) -> None:
    """Links that open other pages with the controls set."""
    try:
        links = step.links()
    except StorageError:
        return
    for door in links:
        link(door)


def link(door: Door) -> None:
    """One of them."""
    st.page_link(pages.script(door.page), label=door.label, icon=pages.PAGES[door.page].icon,
                 query_params=dict(door.query))


def ending(now: Lesson) -> None:
    """What one can say now, and one thing to try."""
    with st.container(border=True):
        st.markdown(f"**In one sentence.** {now.summary}")
        st.markdown(f"**One thing to try.** {now.trial.label}")
        link(replace(now.trial, label=f"Try it: {pages.PAGES[now.trial.page].title}"))


def onward(name: str, now: Lesson, number: int, revealed: bool, lessons: Lessons) -> None:
    """The step before and the next one, or the next lesson."""
    with st.container(horizontal=True, gap="medium", key="learn_onward"):
        if number > 1:
            st.page_link(PAGE, label="Back", icon=":material/arrow_back:", query_params=address(name, now, number - 1))
        if number < len(now.steps):
            label = f"Next: {now.steps[number].title}" if revealed else "Go on without a prediction"
            st.page_link(PAGE, label=f"**{label}**" if revealed else label, icon=":material/arrow_forward:",
                         query_params=address(name, now, number + 1))
            return
        following = next(((key, each) for key, each in lessons.items() if each.number > now.number), None)
        if following:
            key, each = following
            st.page_link(PAGE, label=f"**Next lesson: {each.title}** ({each.minutes} min)",
                         icon=":material/arrow_forward:", query_params=address(key, each, 1))
        else:
            st.page_link(PAGE, label="**That was the last lesson: back to all of them**", icon=":material/school:",
                         query_params={"v": "1"})


def words(now: Lesson, expanded: bool) -> None:
    """The terms, for who comes in here."""
    title = "Words that this lesson takes as known" if expanded else "All words of this lesson"
    with st.expander(title, icon=":material/dictionary:", expanded=expanded):
        st.markdown("\n".join(f"- **{WORDS[key].name}**: {WORDS[key].meaning}"
                              for key in (now.words if expanded else (*now.words, *now.introduces))))


def indexed(sentence: str) -> str:
    """Symbols with an index, such as σ_m², as LaTeX."""
    greek = {"μ": r"\mu", "σ": r"\sigma", "ε": r"\varepsilon"}
    return re.sub(r"(?<![\w$])([a-zμσε])_([a-zA-Z])(²?)(?!\w)",
                  lambda m: f"${greek.get(m[1], m[1])}_{m[2]}{'^2' if m[3] else ''}$", sentence)


def derivation(now: Lesson) -> None:
    """Assumptions, lines and references."""
    with st.expander("The derivation, with its assumptions and references", icon=":material/function:"):
        st.markdown("**Assumptions**\n\n" + "\n".join(f"- {indexed(a)}" for a in now.derivation.assumptions))
        for sentence, formula in now.derivation.lines:
            st.markdown(indexed(sentence))
            if formula:
                st.latex(formula)
        st.markdown("**References**\n\n" + "\n".join(f"- {cited(key)}" for key in now.derivation.references))


def reproduce(step: Step) -> None:
    """Python for the numbers."""
    try:
        code = read(step.code)
    except StorageError:
        return
    if code:
        recipe.show(code, "lesson.py")
