"""Generate: translate views, draw or write, edit a row, interpolate, invent; and how far every z is from the data."""

import functools

import streamlit as st

import bvae
from bvae.app import loaders, reproduce
from bvae.app.beliefs.generation import Studio
from bvae.app.generate import drawing, editing, first, generate_panels, interpolating, inventing, translating
from bvae.app.generate.state import Generate
from bvae.app.generate.tasks import DRAW_OR_WRITE, EDIT, INTERPOLATE, INVENT, TRANSLATE
from bvae.app.state import Form, begin_page
from bvae.app.widgets import by_id, fold, share, tiles
from bvae.app.widgets.choose import AS_TRAINED, choose_model, choose_rule
from bvae.app.widgets.markdown import plain

by_old_link = inventing.by_old_link()
begin_page()
ASK = {
    TRANSLATE: "**Read along a row:** one view goes in. Which of the others show the same thing, which do not?",
    DRAW_OR_WRITE: "",  # asked where it is known whether one draws or writes
    EDIT: "**Change a cell, or empty it:** what do the other columns do, and how sure is the model of them?",
    INTERPOLATE: "**Watch the middle of the way:** is there something in between, or a jump?",
    INVENT: "**No view goes in:** z is drawn by chance. Do all views still show the same thing?",
}
st.title("Generate")
form = Form(Generate)
tasks, about = st.container(), st.container()

with st.container(key="after_picture_choices"):
    top = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
form.about = chosen = choose_model(top.container(width=165), top.container(width=175), first.first_model)
loaded, data = chosen.loaded, chosen.data
editing.another_data_set(form)
task = form.ask(tasks.segmented_control, "task", "Task", label_visibility="collapsed")
if ASK[task]:
    about.markdown(ASK[task])
if task != INVENT:
    choose_rule(form, top.container(width=250), loaded.model,
                "How several views become one belief. The decoders know only the rule they were trained with.")
if task in (TRANSLATE, EDIT, INTERPOLATE):
    form.ask(top.number_input, "item", "Item", width=130, help=f"One of {len(data)} test items.")
    by_id.choose(top, data, form.key("item"))
tools = top.container(horizontal=True, gap="small", width=285)
with tools:
    share.button("A drawing is in it, an uploaded picture as what the canvas made of it.", form)
with tools.popover("Advanced", icon=":material/tune:"):
    form.ask(st.slider, "num_samples", "Draws", disabled=task == INTERPOLATE)
    form.ask(st.number_input, "seed", "Seed of the noise",
             help="Also of what a data set adds to a drawing, such as the crop of a photograph.")
    form.reset_button(forgets=(drawing.DRAWING, editing.BEGUN))

rule_name = form.answer("rule")
rule = loaded.model.aggregator if rule_name == AS_TRAINED else bvae.aggregator(rule_name)
cloud = loaders.latent_cloud(chosen.key)
of_all = generate_panels.Task(form, Studio(loaded.model, cloud, loaders.judges(chosen.data_name), rule))
if task != DRAW_OR_WRITE:
    drawing.forget_link()
if task != INVENT:
    inventing.forget_link()
if task != EDIT:
    editing.forget_link()
row: list[str] = []
shown: generate_panels.Shown | None
if task == TRANSLATE:
    shown = translating.translate(of_all)
elif task == DRAW_OR_WRITE:
    shown = drawing.draw_or_write(of_all, about)
elif task == EDIT:
    shown = editing.edit(of_all)
    row = editing.script(of_all)
elif task == INTERPOLATE:
    shown = interpolating.interpolate(of_all)
else:
    shown = inventing.invent(of_all, by_old_link)

with st.container(key="below_picture"):
    if shown:
        state = form.state(shown=chosen.key)
        data_name, model_name = state.shown.data_name, state.shown.model_name
        if note := tiles.note(data):
            st.caption(note)
        generate_panels.warn(shown)
        generate_panels.plane_link(chosen)
        fold.show("The numbers as a table", "table", "as_table", functools.partial(
            generate_panels.numbers_table, shown.table, f"{data_name}_{model_name}_{task.lower().replace(' ', '_')}",
            cloud))
        reproduce.show(
            state.script(rule, data, drawing.drawing_code(), row), "generate.py",
            title="Save or reproduce these pictures", seed=state.seed,
            checkpoints=[f"{plain(model_name)} {state.shown.weights_hash[:12]}"],
            commands=[(f"python -m bvae evaluate {data_name} {model_name}",
                       "the model's figures on the whole test split")])
