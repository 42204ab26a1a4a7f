"""Explore: one item, some of its views, an aggregator; what it believes and what it imagines, in one or five steps."""

import streamlit as st

from bvae.aggregators import name_of
from bvae.app import loaders, reproduce
from bvae.app.beliefs import item_beliefs
from bvae.app.beliefs.belief_charts import belief_charts, expert_numbers, meaning
from bvae.app.beliefs.generation import Studio
from bvae.app.explore import coping, imagined, observed, walk
from bvae.app.explore.state import Explore
from bvae.app.state import Form, begin_page, ink
from bvae.app.widgets import charts, share
from bvae.app.widgets.choose import choose_model, choose_rule
from bvae.app.widgets.markdown import plain
from bvae.plots import posterior as posterior_plots
from bvae.plots.walk import line_figure

begin_page()
st.title("Explore")
st.markdown("**Switch a view off, or let one lie:** does the joint belief move, widen, or stay? Then try another "
            "aggregator on the same experts.")

# -- four controls -------------------------------------------------------------------------------------------------
top = st.columns([1, 1.2, 1.5, 0.8, 1.3], vertical_alignment="bottom")
choice = choose_model(top[0], top[1])
form, loaded, data, views = Form(Explore, choice), choice.loaded, choice.data, choice.views
choose_rule(form, top[2], loaded.model, "Any rule can be tried on the same unimodal posteriors. The decoders know only "
            "the one they were trained with.")
item = form.ask(top[3].number_input, "item", "Sample", help=f"One of {len(data)} test items.")
tools = top[4].container(horizontal=True, gap="small")
with tools:
    share.button(form=form)
with tools.popover("Advanced", icon=":material/tune:"):
    form.ask(st.segmented_control, "plane", "Plane", help="PCA: the plane in which the experts' means spread most.")
    form.ask(st.pills, "also", "Also draw")
    form.ask(st.slider, "num_samples", "Samples")
    seed = form.ask(st.number_input, "seed", "Seed of the noise",
                    help="Also of what a view shows that lies or is damaged.")
    form.reset_button()
step = walk.choose_step(form)
telling = st.container(border=True) if step != walk.ANSWER else None
left, middle, right = st.columns([1.1, 1.7, 1.75], gap="large")
below = st.container()
others = st.container()
script = st.container()
# Filled in the order of what is wanted first: numbers, pictures, plots.

# -- what is observed, and what follows from it --------------------------------------------------------------------
with left:
    st.subheader("What is observed")
    seen = observed.column(form, item, seed)
with others:
    if seen.tampered:
        st.subheader("How every aggregator copes")
    else:
        form.ask(st.toggle, "coping", "How every aggregator copes with these views")
state = form.state(shown=choice.key)  # but for the dimension, which is asked where it is known which one is meant
truth, lies = int(data.y[item]), seen.lies(data, int(data.y[item]))
now = item_beliefs.build(loaded, item, seen.present, seen.weights, state.rule_name, seen.replaced)
loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
reached = walk.STEPS.index(step) if step != walk.ANSWER else len(walk.STEPS)
others_too = (item_beliefs.other(now, r) for r in state.also if r != now.rule_name)
aggregates = [*now.drawn(), *others_too] if reached >= 3 else []
drawn = item_beliefs.draw(now, state.num_samples, seed)
z = drawn.z[:, : loaded.model.shared_dim].numpy() if reached >= 4 else None
plane = posterior_plots.dimension_plane(loc, scale) if state.plane == "dims" else posterior_plots.principal_plane(loc)
file_name = f"{state.shown.data_name}_{state.shown.model_name}_{item}"

dimension = most = int(posterior_plots.most_disagreed(loc, scale, 1)[0])
if telling:
    with telling:
        dimension = walk.show(form, step, lambda d: walk.tell(step, now, loaded.model, views, seen.weights, d, drawn,
                                                              data.subset([item])), most)

# -- numbers -------------------------------------------------------------------------------------------------------
if reached >= 3:
    in_numbers, in_words = below.columns([1.6, 1], gap="large")
    with in_numbers:
        st.subheader("Numbers")
        expert_numbers(views, now)
    with in_words:
        st.subheader("What this means")
        st.markdown(meaning(now))

# -- what it imagines ----------------------------------------------------------------------------------------------
with right:
    if reached >= 5:
        st.subheader("What it imagines")
        cloud = loaders.latent_cloud(choice.key)
        studio = Studio(loaded.model, cloud, loaders.judges(choice.data_name), now.rule)
        generated = studio.decode(drawn.z, without=[item, *(t.item for t in seen.tampered if t.lies)])
        imagined.show(data, views, seen.present, generated, cloud, truth, lies, f"{file_name}_generations")
    else:
        st.subheader("In one dimension")
        weights = walk.shares(now, dimension, views) if step == walk.WEIGHTS else None
        charts.show_lines(
            line_figure(dimension, views, loc, scale, seen.present, ink(), weights, aggregates[:2], z), "line_chart",
            walk.line_alt(step, now, views, dimension),
            lambda: walk.line_numbers(now, views, dimension, weights, aggregates[:2], z), f"{file_name}_dimension")
        components = walk.component_names(now, views)
        if step == walk.WEIGHTS and len(components) > 1:
            st.markdown("**Components of the joint posterior**")
            st.html(imagined.components_html(components))
        elif reached < 5:
            st.caption("Nothing is decoded yet: pictures come in step 5.")

# -- what it believes ----------------------------------------------------------------------------------------------
with middle:
    st.subheader("What it believes")
    before = loaded.experts.loc[:, item, : loaded.model.shared_dim].numpy() if seen.tampered else None
    belief_charts(plane, views, now, aggregates, z, before, file_name)

with script:
    reproduce.show(
        state.script(now, seen, data), "explore.py", seed=seed, title="Reproduce this picture",
        checkpoints=[f"{plain(state.shown.model_name)} {state.shown.weights_hash[:12]}"],
        commands=[(f"python -m bvae evaluate {state.shown.data_name} {state.shown.model_name}",
                   "the model's figures on the whole test split")])

# -- how the others cope: last, so that nothing waits for it -------------------------------------------------------
with others:
    if seen.tampered or state.coping:
        copes = coping.cached(state.shown, item, tuple(seen.present), tuple(seen.weights), seen.tampered, seed,
                              tuple(lies))
        coping.show(*copes, coping.chosen_of(loaded.model, state.rule), name_of(loaded.model.aggregator),
                    data.class_names[truth], [data.class_names[k] for k in lies], len(views), f"{file_name}_coping")
