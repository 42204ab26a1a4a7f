"""Compare: two to six methods or aggregators side by side on one sample, with the same noise."""


import streamlit as st

from bvae.app import loaders, reproduce
from bvae.app.beliefs import item_beliefs
from bvae.app.beliefs.contenders import (
    FEWEST,
    Contender,
    allowed,
    contender,
)
from bvae.app.beliefs.judging import captions, imagined
from bvae.app.beliefs.numbers import key_numbers, numbers
from bvae.app.beliefs.side_by_side import contender_columns, numbers_table
from bvae.app.beliefs.wording import side_by_side_note, widest
from bvae.app.compare import compare_maps, pins
from bvae.app.compare.state import RULES, About, Compare
from bvae.app.state import Form, begin_page
from bvae.app.widgets import images, methods_told, share
from bvae.app.widgets.choose import choose_data, choose_model, label
from bvae.app.widgets.markdown import plain
from bvae.io.storage import StorageError
from bvae.plots import style
from bvae.runs import isolated

begin_page()
isolated.prepare()  # it is there when the maps, which come last, need it
st.title("Compare")
st.markdown("**Hide another view, or add a contender:** who becomes unsure, who splits into several opinions, who does "
            "not notice? All columns have the same sample, the same noise and axes of the same span.")

# -- controls ------------------------------------------------------------------------------------------------------
top = st.columns([1, 1.5, 1.3, 0.8, 1.3], vertical_alignment="bottom")
form = Form(Compare)
of_rules = form.ask(
    top[1].segmented_control, "mode", "Compare",
    help="Aggregators: several rules on the same encoders, so in one latent space. Trained models: each with encoders, "
         "rule and decoders of its own.") == RULES
if of_rules:
    choice = choose_model(top[0], top[2])
    data_name, base_name, loaded = choice.data_name, choice.key.model_name, choice.loaded
    trained = [base_name]
else:
    data_name, trained = choose_data(top[0])
    top[2].caption("Each model with the rule it was trained with.")
data = loaders.test_data(data_name)
form.about = About(data_name, data, trained)
views = form.about.views
class_names = list(data.class_names) if data.labelled else ["items"]
item = form.ask(top[3].number_input, "item", "Sample", help=f"One of {len(data)} test items.")
tools = top[4].container(horizontal=True, gap="small")
with tools:
    share.button(form=form)
with tools.popover("Advanced", icon=":material/tune:"):
    form.ask(st.segmented_control, "plane", "Plane")
    form.ask(st.slider, "num_samples", "Samples")
    form.ask(st.number_input, "seed", "Seed of the noise")
    form.reset_button()

choices, sample = st.columns([1.25, 1], gap="large")
kind = "rules" if of_rules else "models"
picked = form.ask(choices.pills, kind, "Contenders", wrap=True)
chosen, note = allowed(picked, *(form.controls[kind].now(what, form.about) for what in ("options", "first")))
if note:
    choices.caption(f":material/info: {note}")
if len(chosen) < FEWEST:
    choices.info(f"Only one model of {data_name} is trained, and it takes two to compare. Train another one with "
                 f"`python -m bvae train {data_name} METHOD`, or compare aggregators.")
form.ask(choices.pills, "on", "Views", wrap=True)
state = form.state(data_name=data_name)  # but for the maps' controls, which are asked where the maps are
observed = tuple(v in state.on and data.has(v, item) for v in views)
called = data.called(item)
sample.html(images.row(f"The sample: {called}", style.COLORS[0], [
    images.figure(images.of_view(data, v, item) if observed[m] else None,
                  f"{v}, " + (called if observed[m] else "absent"), style.color(m), v, shrinks=True)
    for m, v in enumerate(views)], wraps=False))

# -- contenders ----------------------------------------------------------------------------------------------------
models, contenders = {}, []
judges = loaders.judges(data_name)
for name in chosen:
    try:
        models[name] = loaded if of_rules else loaders.load_model(data_name, name)
    except StorageError as error:
        st.warning(f"{label(name)} cannot be read and is left out: {error}", icon=":material/warning:")
        continue
    now = item_beliefs.build(models[name], item, list(observed), [1.0] * len(views), name if of_rules else None)
    contenders.append(contender(name, label(name), now, of_rules, state.plane))
if not contenders:
    st.stop()
both = imagined([(models[c.key].model, c.scene) for c in contenders], state.num_samples, state.seed, judges)
drawn, seen = ({c.key: of[i] for c, of in zip(contenders, both, strict=True)} for i in (0, 1))
found, exact = numbers(contenders, views, seen, int(data.y[item]))
hidden = [v for v, o in zip(views, observed, strict=True) if not o]
of_model = [base_name if of_rules else c.key for c in contenders]


def generations(c: Contender) -> None:
    """What a contender generates."""
    st.html(images.generations(data, views, observed, drawn[c.key], c.short,
                               {v: captions(p, class_names) for v, p in seen[c.key].items()}))


# What is drawn takes longest and comes last: pictures, then plots.
st.subheader("Side by side")
draw_columns = contender_columns(contenders, views, of_rules,
                                 [key_numbers(found, c.key, hidden) for c in contenders], generations)
st.caption(side_by_side_note(of_rules, {m.model.latent_dim for m in models.values()}, state.seed, judges is not None))
if len(contenders) > 1:
    st.markdown(widest([(plain(c.short), c.width) for c in contenders]))


def chosen_now() -> list[pins.Run]:
    """What the controls say when a button is pressed: the page may not have followed them yet."""
    on, *numbers = (st.session_state[form.key(name)] for name in ("on", "item", "seed", "num_samples"))
    return [pins.Run(data_name, model, c.key if of_rules else "", tuple(v for v in views if v in on),
                     *map(int, numbers)) for model, c in zip(of_model, contenders, strict=True)]


pins.button(chosen_now)
st.subheader("All numbers")
numbers_table(found, exact, contenders, f"compare_{data_name}_{item}.csv")
finish = None
if len(contenders) > 1:
    st.subheader("The same items in every space")
    finish = compare_maps.show(form, contenders, [models[c.key].key for c in contenders], observed, class_names)
if not of_rules:
    methods_told.show(m.checkpoint.settings.method for m in models.values())
pins.table()
reproduce.show(
    state.script(contenders, of_model, data), "compare.py", seed=state.seed, title="Reproduce this comparison",
    checkpoints=sorted({f"{plain(m.checkpoint.name)} {m.checkpoint.hash[:12]}" for m in models.values()}),
    commands=[(f"python -m bvae evaluate {data_name} {name}", "the model's figures on the whole test split")
              for name in dict.fromkeys(of_model)])
draw_columns()
if finish:
    finish()
