"""Generate: translate views, draw or write, interpolate, invent; under every picture how far its z is from the data."""

import streamlit as st

import bvae
from bvae.aggregators import name_of, naming
from bvae.app import loaders, reproduce
from bvae.app.beliefs.generation import Studio
from bvae.app.generate import generate_code, generate_panels
from bvae.app.state import BIND, begin_page
from bvae.app.widgets import fold, share
from bvae.app.widgets.choose import choose_model, first_model
from bvae.app.widgets.markdown import plain

begin_page()
TRANSLATE, DRAW, INTERPOLATE, INVENT = "Translate", "Draw or write", "Interpolate", "Invent"
ASK = {
    TRANSLATE: "**Read along a row:** one view goes in. Which of the others come out as the same thing, which do not?",
    DRAW: "",  # asked where it is known whether one draws or writes
    INTERPOLATE: "**Watch the middle of the way:** is there something in between, or a jump?",
    INVENT: "**No view goes in:** z is drawn from the prior. Do all views still tell of the same thing?",
}
st.title("Generate")
task = st.segmented_control("Task", list(ASK), default=TRANSLATE, required=True, key="task", bind=BIND,
                            label_visibility="collapsed")
about = st.container()
if ASK[task]:
    about.markdown(ASK[task])

top = st.columns([1, 1.2, 1.5, 0.8, 1.3], vertical_alignment="bottom")
data_name, model_name, loaded = choose_model(top[0], top[1])
data = loaders.test_data(data_name)
AS_TRAINED, FIRST_ITEM, SECOND_ITEM = "as-trained", min(342, len(data) - 1), min(700, len(data) - 1)
item = FIRST_ITEM
rule_name = AS_TRAINED
if task != INVENT:
    rule_name = top[2].selectbox(
        "Aggregate with", [AS_TRAINED, *naming.ordered(bvae.aggregators())], key="agg", bind=BIND,
        format_func=lambda r: naming.short(r) if r != AS_TRAINED else
        f"as trained: {naming.short(name_of(loaded.model.aggregator))}",
        help="How several views become one belief. The decoders know only the rule they were trained with.")
if task in (TRANSLATE, INTERPOLATE):
    item = int(top[3].number_input("Item", 0, len(data) - 1, FIRST_ITEM, key="item", bind=BIND,
                                   help=f"One of {len(data)} test items."))
tools = top[4].container(horizontal=True, gap="small")
with tools:
    share.button("A drawing is in it, an uploaded picture as what the canvas made of it.")
with tools.popover("Advanced", icon=":material/tune:"):
    num_samples = st.slider("Samples", 1, 8, 3, key="n", bind=BIND, disabled=task == INTERPOLATE)
    seed = int(st.number_input("Seed of the noise", 0, 9999, 0, key="seed", bind=BIND,
                               help="Also of what a data set adds to a drawing, such as the crop of a photograph."))
    st.button("Reset everything", icon=":material/restart_alt:", on_click=generate_panels.start_again, args=(
        data, {"model": first_model(data_name), "agg": AS_TRAINED, "item": FIRST_ITEM, "item2": SECOND_ITEM, "n": 3,
               "seed": 0}))

rule = loaded.model.aggregator if rule_name == AS_TRAINED else bvae.aggregator(rule_name)
cloud = loaders.latent_cloud(data_name, model_name, loaded.checkpoint.hash)
choice = generate_panels.Choice(data, Studio(loaded.model, cloud, loaders.judges(data_name), rule), num_samples, seed)
if task != DRAW:
    generate_panels.forget_link()
if task == TRANSLATE:
    shown = generate_panels.translate(choice, item)
elif task == DRAW:
    shown = generate_panels.draw_or_write(choice, FIRST_ITEM, about)
elif task == INTERPOLATE:
    shown = generate_panels.interpolate(choice, item, SECOND_ITEM)
else:
    shown = generate_panels.invent(choice)

if shown:
    generate_panels.warn(shown.generated, cloud)
    fold.show("The numbers as a table", "table", "as_table", lambda: generate_panels.numbers_table(
        shown.table, f"{data_name}_{model_name}_{task.lower().replace(' ', '_')}"))
    reproduce.show(
        "\n".join([*generate_code.begin(data_name, model_name, rule), *shown.code]), "generate.py",
        title="Reproduce these pictures", seed=seed,
        checkpoints=[f"{plain(model_name)} {loaded.checkpoint.hash[:12]}"],
        commands=[(f"python -m bvae evaluate {data_name} {model_name}", "the model's figures on the whole test split")])
