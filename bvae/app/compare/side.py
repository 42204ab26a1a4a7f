"""Compare's contenders: side by side, in numbers, and on the maps of all items."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from bvae.app import loaders, reproduce
from bvae.app.beliefs import item_beliefs
from bvae.app.beliefs.contenders import FEWEST, Contender, allowed, contender
from bvae.app.beliefs.judging import captions, imagined
from bvae.app.beliefs.numbers import key_numbers, numbers
from bvae.app.beliefs.side_by_side import contender_columns, numbers_table
from bvae.app.beliefs.wording import side_by_side_note, widest
from bvae.app.compare import compare_maps, pins
from bvae.app.compare.state import MAPS, NUMBERS, RULES, SIDE, Compare
from bvae.app.state import Form
from bvae.app.widgets import images, methods_told
from bvae.app.widgets.choose import label
from bvae.app.widgets.markdown import plain
from bvae.data import MultimodalDataset
from bvae.io.storage import StorageError
from bvae.plots import style
from bvae.runs import isolated

MAPS_ASKED = ("projection", "perplexity", "map_seed")


def keep(form: Form[Compare]) -> None:
    """What is chosen here stays chosen while something else is shown."""
    for name in ("rules", "models", "all_views", *MAPS_ASKED):
        form.keep(name)


def show(
    form: Form[Compare], base: loaders.Loaded | None, screen: DeltaGenerator, further: DeltaGenerator
) -> None:
    """The part that is chosen, below the controls that all parts have; stops the page where nobody is there to compare.

    Parameters
    ----------
    form : Form
    base : Loaded or None
        The model on whose experts rules are compared; None where trained models are.
    screen : DeltaGenerator
        Where the controls stand.
    further : DeltaGenerator
        The place of controls that few need.
    """
    data, views, part = form.about.data, form.about.views, form.answer("part")
    data_name, item = form.about.data_name, form.answer("item")
    of_rules = form.answer("mode") == RULES
    choices, seeing, sample = screen.columns([1.1, 0.42, 1], gap="medium")
    chosen = _chosen(form, choices, of_rules)
    form.ask(seeing.pills, "on", "Views", wrap=True)
    hides = any(v not in form.answer("on") for v in views)
    if part == SIDE and hides:
        form.ask(further.toggle, "all_views", "Pictures of the seen views, too")
    else:
        form.keep("all_views")
    state = form.state(data_name=data_name)  # but for the maps' controls, which are asked where the maps are
    observed = tuple(v in state.on and data.has(v, item) for v in views)
    sample.html(pictures(data, item, observed))

    models, contenders = {}, []
    judges = loaders.judges(data_name)
    for name in chosen:
        try:
            models[name] = base if base is not None else loaders.load_model(data_name, name)
        except StorageError as error:
            st.warning(f"{label(name)} cannot be read and is left out: {error}", icon=":material/warning:")
            continue
        now = item_beliefs.build(models[name], item, list(observed), [1.0] * len(views), name if of_rules else None)
        contenders.append(contender(name, label(name), now, of_rules, state.plane))
    if not contenders:
        st.stop()
    of_model = [base.key.model_name if base is not None else c.key for c in contenders]
    finish: Callable[[], None] | None = None
    if part == MAPS:
        finish = _maps(form, contenders, [models[c.key].key for c in contenders], observed)
    else:
        for name in MAPS_ASKED:
            form.keep(name)
        both = imagined([(models[c.key].model, c.scene) for c in contenders], state.num_samples, state.seed, judges)
        drawn, seen = ({c.key: of[i] for c, of in zip(contenders, both, strict=True)} for i in (0, 1))
        found, exact = numbers(contenders, views, seen, int(data.y[item]))
        if part == NUMBERS:
            numbers_table(found, exact, contenders, f"compare_{data_name}_{item}.csv", height=640)
        else:
            hidden = [v for v, o in zip(views, observed, strict=True) if not o]
            shown = views if state.all_views or not hidden else hidden

            def generations(c: Contender) -> None:
                """What a contender generates."""
                st.html(images.generations(
                    data, views, observed, {v: drawn[c.key][v] for v in shown}, c.short,
                    {v: captions(p, form.about.class_names) for v, p in seen[c.key].items()}))

            if len(contenders) > 1:
                screen.markdown(widest([(plain(c.short), c.width) for c in contenders]))
            with screen:
                finish = contender_columns(contenders, views, of_rules,
                                           [key_numbers(found, c.key, hidden) for c in contenders], generations)
            st.caption(side_by_side_note(of_rules, {m.model.latent_dim for m in models.values()}, state.seed,
                                         judges is not None))

    def chosen_now() -> list[pins.Run]:
        """What the controls say when a button is pressed: the page may not have followed them yet."""
        on, *settings = (st.session_state[form.key(name)] for name in ("on", "item", "seed", "num_samples"))
        return [pins.Run(data_name, model, c.key if of_rules else "", tuple(v for v in views if v in on),
                         *map(int, settings)) for model, c in zip(of_model, contenders, strict=True)]

    pins.button(chosen_now)
    if not of_rules:
        methods_told.show(m.checkpoint.settings.method for m in models.values())
    reproduce.show(
        state.script(contenders, of_model, data), "compare.py", seed=state.seed, title="Reproduce this comparison",
        checkpoints=sorted({f"{plain(m.checkpoint.name)} {m.checkpoint.hash[:12]}" for m in models.values()}),
        commands=[(f"python -m bvae evaluate {data_name} {name}", "the model's figures on the whole test split")
                  for name in dict.fromkeys(of_model)])
    if finish:  # what is drawn takes longest and comes last
        finish()


def _chosen(form: Form[Compare], place, of_rules: bool) -> list[str]:
    """Names of the contenders, two to six if there are so many."""
    kind, other = ("rules", "models") if of_rules else ("models", "rules")
    form.keep(other)
    picked = form.ask(place.pills, kind, "Rules" if of_rules else "Models", wrap=True)
    chosen, note = allowed(picked, *(form.controls[kind].now(what, form.about) for what in ("options", "first")))
    if note:
        place.caption(f":material/info: {note}")
    if len(chosen) < FEWEST:
        name = form.about.data_name
        place.info(f"Only one model of {name} is trained, and it takes two to compare. Train another one with "
                   f"`python -m bvae train {name} METHOD`, or compare rules.")
    return chosen


def pictures(data: MultimodalDataset, item: int, observed: Sequence[bool]) -> str:
    """An item's views, those that are hidden as empty frames, as HTML."""
    called = data.called(item)
    return images.row(called[0].upper() + called[1:], style.COLORS[0], [
        images.figure(images.of_view(data, v, item) if seen else None, f"{v}, {called if seen else gone}",
                      style.color(m), v, shrinks=True, gone=gone)
        for m, (v, seen) in enumerate(zip(data.modalities, observed, strict=True))
        for gone in ["hidden" if data.has(v, item) else "not there"]], wraps=False)


def _maps(
    form: Form[Compare], contenders: Sequence[Contender], models: Sequence[loaders.ModelKey],
    observed: tuple[bool, ...],
) -> Callable[[], None] | None:
    """The maps of all items, of two contenders or more."""
    isolated.prepare()
    if len(contenders) > 1:
        return compare_maps.show(form, contenders, models, observed, form.about.class_names)
    st.info("A map is compared with another one: it takes two contenders.", icon=":material/info:")
    return None
