"""Fool the rules: one view lies, all rules run, and what happened becomes a card to share."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import streamlit as st
import torch

from bvae.aggregators import name_of
from bvae.app import links, loaders, reproduce
from bvae.app.beliefs.rules import called
from bvae.app.compare.fooling import card, script, telling
from bvae.app.compare.fooling.race import DRAWS, Race, cached
from bvae.app.compare.lie import ANOTHER, DRAWN, LIES, Lie, classes_of, lies_of, told
from bvae.app.compare.state import Compare
from bvae.app.components.draw import canvas
from bvae.app.state import Form, ink
from bvae.app.templates import Markup, render
from bvae.app.widgets import charts, fold, images, legends, share
from bvae.app.widgets.choose import data_label, label
from bvae.app.widgets.markdown import plain
from bvae.data import MultimodalDataset, drawings
from bvae.data.corruption import DAMAGES
from bvae.plots import style

DRAWING, REVISION = "fool_drawing", "fool_revision"
LINK = "drawing"
EMPTY = torch.zeros(drawings.SIZE, drawings.SIZE, dtype=torch.uint8)
ASKED = ("liar", "lie", "shows", "much")


def keep(form: Form[Compare]) -> None:
    """What is chosen here stays chosen while something else is shown; the drawing leaves the address."""
    for name in ASKED:
        form.keep(name)
    _forget_link()


def show(form: Form[Compare], loaded: loaders.Loaded) -> None:
    """The game, below the page's controls."""
    data, views, item, seed = form.about.data, form.about.views, form.answer("item"), form.answer("seed")
    left, right = st.columns([1, 1.75], gap="large")
    with left:
        form.ask(st.pills, "on", "Views that the rules see", wrap=True)
        observed = tuple(v in form.answer("on") and data.has(v, item) for v in views)
        can_lie = [v for v, seen in zip(views, observed, strict=True) if seen and lies_of(data, v)]
        if not can_lie:
            for name in ASKED:
                form.keep(name)
            st.info("No view can lie here: switch one on that is a picture or a text.", icon=":material/info:")
            return
        sees = st.container()
        lie = _ask(form, can_lie)
        sees.html(_given_row(data, item, observed, lie))
    race = cached(loaded.key, item, observed, lie, seed)
    own, classes = name_of(loaded.model.aggregator), form.about.class_names
    with right:
        st.markdown(f"#### {plain(telling.headline(race, own, classes))}")
        if race.judged:
            st.html(frames(race, classes))
        st.html(lanes(race, data, own, classes))
        with st.container(horizontal=True, gap="small"):
            st.button("Other draws", icon=":material/casino:", on_click=_other_draws, args=(seed,),
                      help="The same race with other noise: does the verdict stay?")
            charts.numbers_button("race", lambda: telling.table(race, own, classes),
                                  f"fooled_{form.about.data_name}_{item}", title="Numbers")
        hidden = not any(observed[views.index(v)] for v in race.judged)
        st.caption(telling.explained(race, classes, hidden, own))
    if race.told:
        address = share.address(form)
        fold.show("A card to share", "badge", "fool_card",
                  lambda: _card(form, race, lie, observed, own, classes, address))
    on = [v for v, seen in zip(views, observed, strict=True) if seen]
    reproduce.show(
        script.of(form.about.data_name, loaded.key.model_name, data, item, on, lie, race.judged, seed), "fool.py",
        seed=seed, title="Reproduce this race",
        checkpoints=[f"{plain(loaded.key.model_name)} {loaded.key.weights_hash[:12]}"])


def _other_draws(seed: int) -> None:
    st.session_state["seed"] = (seed + 1) % 10_000


# -- the lie ---------------------------------------------------------------------------------------------------------


def _ask(form: Form[Compare], can_lie: Sequence[str]) -> Lie | None:
    """Which view lies, and how."""
    data, item, seed = form.about.data, form.answer("item"), form.answer("seed")
    liar = form.ask(st.segmented_control, "liar", "The liar", options=can_lie, first=can_lie[0])
    kinds = lies_of(data, liar)
    kind = form.ask(st.selectbox, "lie", "What it shows instead of the truth", options=kinds, first=kinds[0])
    others = [k for k in classes_of(data) if k != str(int(data.y[item]))] if data.labelled else []
    shows, much, drawing = None, form.answer("much"), ""
    if kind == ANOTHER and others:
        shows = int(form.ask(st.selectbox, "shows", "Which one", options=others, first=others[0],
                             format_func=lambda k: data.class_names[int(k)]))
    else:
        form.keep("shows")
    if kind in DAMAGES.get(data.modalities[liar].kind, {}):
        much = form.ask(st.slider, "much", "How much")
    else:
        form.keep("much")
    if kind == DRAWN:
        drawing = _drawn()
    else:
        _forget_link()
    return told(data, liar, item, kind, shows, much, drawing, seed)


def _drawn() -> str:
    """The canvas, empty at first; the drawing as links hold it, nothing of an empty one."""
    if DRAWING not in st.session_state:
        _adopt(EMPTY)
    if (link := links.news(LINK)) is not None:
        try:
            _adopt(drawings.decode(*link))
        except drawings.BadDrawing as error:
            st.warning(f"The drawing of the link cannot be read: {error}.", icon=":material/image_not_supported:")
    try:
        shown = st.session_state[DRAWING]
        ours = any(torch.equal(shown, example) for example in drawings.EXAMPLES.values())
        sent = canvas(shown, example=ours, revision=st.session_state[REVISION], key="fool_canvas")
    except drawings.BadDrawing:  # only a browser that was tampered with sends one
        sent = None
    if sent is not None:
        st.session_state[DRAWING] = sent
    st.pills("Or take", list(drawings.EXAMPLES), key="fool_example", on_change=_adopt_example, wrap=True)
    drawing = st.session_state[DRAWING]
    if not bool(drawing.any()):
        _forget_link()
        st.info("Draw something else than the truth.", icon=":material/draw:")
        return ""
    text = drawings.encode(drawing)
    links.hold({LINK: text})
    return text


def _adopt(drawing: torch.Tensor) -> None:
    """Show another drawing: the canvas takes it over because the revision is a new one."""
    st.session_state[DRAWING] = drawing
    st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1


def _adopt_example() -> None:
    if st.session_state["fool_example"]:
        _adopt(drawings.EXAMPLES[st.session_state["fool_example"]])
    st.session_state["fool_example"] = None  # a button that can be pressed again


def _forget_link() -> None:
    links.hold({LINK: ""})


def _given(
    data: MultimodalDataset, item: int, observed: Sequence[bool], lie: Lie | None
) -> dict[str, torch.Tensor | str]:
    """What the rules see, view by view."""
    honest = data.subset([item])
    return {v: images.content(data, v, (lie.content(data) if lie is not None and lie.view == v else honest[v])[0])
            for v, seen in zip(data.modalities, observed, strict=True) if seen}


def _given_row(data: MultimodalDataset, item: int, observed: Sequence[bool], lie: Lie | None) -> Markup:
    """The item's views as the rules see them, as HTML."""
    given, called_ = _given(data, item, observed, lie), data.called(item)
    figures = []
    for m, v in enumerate(data.modalities):
        lies = lie is not None and lie.view == v
        figures.append(images.figure(
            given.get(v), f"{v}, " + ("the liar" if lies else called_ if v in given else "hidden"), style.color(m),
            render("bold", text=f"{v} lies") if lies else v, shrinks=True))
    return images.row(f"{called_[0].upper()}{called_[1:]}, as the rules see it", style.COLORS[0], figures, wraps=False)


# -- the race and its card -------------------------------------------------------------------------------------------


def frames(race: Race, classes: Sequence[str]) -> Markup:
    """What the frames of the draws mean, as HTML."""
    shows = [(f"shows {classes[race.truth]}, the truth", card.TRUTH), ("shows something else", card.NEITHER)]
    if race.lie is not None:
        shows.insert(1, (f"shows {classes[race.lie]}, the lie", card.LIE))
    names, colors = zip(*shows, strict=True)
    return legends.legend(names, colors, ["square"] * len(shows), f"draws in {race.shown}; frames: what a classifier "
                          f"sees in {', '.join(race.judged)}")


def lanes(race: Race, data: MultimodalDataset, own: str, classes: Sequence[str]) -> Markup:
    """One lane for each rule, as HTML."""
    dark, farthest = ink() is style.DARK, max(r.moved for r in race.runners) or 1.0
    uris: dict[bytes, str] = {}
    shown = []
    for runner in race.runners:
        verdict, name, draws = race.verdict(runner), called(runner.rule, own), []
        for s, value in enumerate(runner.pictures):
            content = images.content(data, race.shown, value)
            picture = isinstance(content, torch.Tensor)
            uri = "" if isinstance(content, str) else uris.setdefault(
                content.numpy().tobytes(), images.data_uri(content))
            seen = classes[runner.after[s]] if race.judged else "not judged"
            draws.append({"uri": uri, "text": "" if picture else content, "alt": f"draw {s + 1}: {seen}",
                          "kind": telling.kind(race, runner.after[s]) if race.judged else "other"})
        shown.append({
            "name": name, "color": style.rule_color(runner.rule or own, dark), "draws": draws,
            "mark": verdict.name.lower() if verdict else "unjudged", "verdict": verdict.value if verdict else "",
            "shows": telling.shows(race, runner.after, classes), "moved": f"{runner.moved:.2g}",
            "far": f"{100 * runner.moved / farthest:.0f}", "spoken": telling.spoken(race, runner, name, classes)})
    return render("race", label="The race: one line for each rule, the best first", lanes=shown)


def _card(
    form: Form[Compare], race: Race, lie: Lie | None, observed: Sequence[bool], own: str, classes: Sequence[str],
    address: str,
) -> None:
    """The card, to look at and to take away."""
    data, item = form.about.data, form.answer("item")
    given = [card.Given(v, value, lie is not None and lie.view == v)
             for v, value in _given(data, item, observed, lie).items()]
    rows = []
    for runner in race.runners:
        verdict = race.verdict(runner)
        rows.append(card.Lane(
            called(runner.rule, own), verdict.value if verdict else f"moved {runner.moved:.2g}",
            telling.shows(race, runner.after, classes),
            [(images.content(data, race.shown, value),
              telling.kind(race, runner.after[s]) if race.judged else "other")
             for s, value in enumerate(runner.pictures)]))
    said = telling.headline(race, own, classes, "I")
    about = (f"{data.called(item)[0].upper()}{data.called(item)[1:]}, of {data_label(form.about.data_name)}, seen by "
             f"{label(form.about.trained[0])}. {lie.view if lie else ''} lies: {lie_said(lie, data)}.")
    made = card.png(said, about, given, rows, address, (
        f"Each line: {DRAWS} draws of one rule in {race.shown}. Frames, as a classifier sees them in "
        f"{', '.join(race.judged) or 'no view'}: green the truth, orange the lie, grey something else. "
        "bvae: how multimodal VAEs combine what they know."))
    picture, words = st.columns([1.6, 1], gap="large")
    # As HTML, because Streamlit's own image has no alternative text.
    picture.html(render("card", uri="data:image/png;base64," + base64.b64encode(made).decode("ascii"), alt=said))
    with words:
        st.markdown(plain(said))
        st.download_button("Download the card", made, "fooled.png", "image/png", icon=":material/download:",
                           on_click="ignore", key="fool_png", type="primary")
        st.markdown("This address shows the same race to everybody who runs the app:")
        st.code(address, language=None, wrap_lines=True)


def lie_said(lie: Lie | None, data: MultimodalDataset) -> str:
    """The lie in a few words."""
    if lie is None:
        return ""
    if lie.done is None:
        return "a drawing"
    if lie.done.lies:
        return f"it shows {data.class_names[lie.done.shown(data)]}"
    return f"{LIES[lie.done.damage or '']}, {lie.done.strength:.0%}".lower()
