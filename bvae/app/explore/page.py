"""Explore: one item, some of its views, an aggregator; what it believes and what it imagines, in one or five steps."""

import streamlit as st

import bvae
from bvae.aggregators import name_of, naming
from bvae.app import loaders, reproduce
from bvae.app.beliefs import scene
from bvae.app.beliefs.belief_charts import belief_charts, expert_numbers, meaning
from bvae.app.beliefs.generation import Studio
from bvae.app.explore import coping, imagined, observed, walk
from bvae.app.state import BIND, begin_page, ink, reset
from bvae.app.widgets import charts, share
from bvae.app.widgets.choose import choose_model, first_model
from bvae.app.widgets.markdown import plain
from bvae.plots import posterior as posterior_plots
from bvae.plots.walk import line_figure

begin_page()
st.title("Explore")
st.markdown("**Switch a view off, or let one lie:** does the joint belief move, widen, or stay? Then try another "
            "aggregator on the same experts.")

# -- four controls -------------------------------------------------------------------------------------------------
top = st.columns([1, 1.2, 1.5, 0.8, 1.3], vertical_alignment="bottom")
data_name, model_name, loaded = choose_model(top[0], top[1])
data, views = loaders.test_data(data_name), list(loaded.model.modalities)
AS_TRAINED = "as-trained"
rule_name = top[2].selectbox(
    "Aggregate with", [AS_TRAINED, *naming.ordered(bvae.aggregators())], key="agg", bind=BIND,
    format_func=lambda r: naming.short(r) if r != AS_TRAINED else
    f"as trained: {naming.short(name_of(loaded.model.aggregator))}",
    help="Any rule can be tried on the same unimodal posteriors. The decoders know only the one they were trained "
         "with.")
first = min(342, len(data) - 1)
item = int(top[3].number_input("Sample", 0, len(data) - 1, first, key="item", bind=BIND,
                               help=f"One of {len(data)} test items."))
tools = top[4].container(horizontal=True, gap="small")
with tools:
    share.button()
with tools.popover("Advanced", icon=":material/tune:"):
    plane_name = st.segmented_control("Plane", ["dims", "pca"], default="dims", required=True, key="plane", bind=BIND,
                                      format_func={"dims": "Most disagreeing dimensions", "pca": "PCA"}.get,
                                      help="PCA: the plane in which the experts' means spread most.")
    also = st.pills("Also draw", naming.ordered(bvae.aggregators()), selection_mode="multi", key="also", bind=BIND,
                    format_func=naming.short)
    num_samples = st.slider("Samples", 1, 8, 4, key="n", bind=BIND)
    seed = int(st.number_input("Seed of the noise", 0, 9999, 0, key="seed", bind=BIND,
                               help="Also of what a view shows that lies or is damaged."))
    st.button("Reset everything", icon=":material/restart_alt:", on_click=reset, args=({
        "model": first_model(data_name), "agg": AS_TRAINED, "item": first, "plane": "dims", "also": [], "n": 4,
        "seed": 0, "coping": False, **walk.DEFAULTS, **observed.defaults(views)},))
step = walk.choose_step()
telling = st.container(border=True) if step != walk.ANSWER else None
left, middle, right = st.columns([1.1, 1.7, 1.75], gap="large")
below = st.container()
others = st.container()
script = st.container()
# Filled in the order of what is wanted first: numbers, pictures, plots.

# -- what is observed, and what follows from it --------------------------------------------------------------------
with left:
    st.subheader("What is observed")
    seen = observed.column(data, views, item, seed)
truth, lies = int(data.y[item]), seen.lies(data, int(data.y[item]))
now = scene.build(loaded, item, seen.present, seen.weights, None if rule_name == AS_TRAINED else rule_name,
                  seen.replaced)
loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
reached = walk.STEPS.index(step) if step != walk.ANSWER else len(walk.STEPS)
aggregates = [*now.drawn(), *(scene.other(now, r) for r in also if r != now.rule_name)] if reached >= 3 else []
drawn = scene.draw(now, num_samples, seed)
z = drawn.z[:, : loaded.model.shared_dim].numpy() if reached >= 4 else None
plane = posterior_plots.dimension_plane(loc, scale) if plane_name == "dims" else posterior_plots.principal_plane(loc)
file_name = f"{data_name}_{model_name}_{item}"

dimension = most = int(posterior_plots.most_disagreed(loc, scale, 1)[0])
if telling:
    with telling:
        dimension = walk.show(step, lambda d: walk.tell(step, now, loaded.model, views, seen.weights, d, drawn,
                                                        data.subset([item])), most, loc.shape[1])

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
        cloud = loaders.latent_cloud(data_name, model_name, loaded.checkpoint.hash)
        studio = Studio(loaded.model, cloud, loaders.judges(data_name), now.rule)
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
        reproduce.explore_code(data_name, model_name, item, seen.on, now, num_samples, seed, data, seen.tampered),
        "explore.py", seed=seed, title="Reproduce this picture",
        checkpoints=[f"{plain(model_name)} {loaded.checkpoint.hash[:12]}"],
        commands=[(f"python -m bvae evaluate {data_name} {model_name}", "the model's figures on the whole test split")])

# -- how the others cope: last, so that nothing waits for it -------------------------------------------------------
with others:
    if seen.tampered:
        st.subheader("How every aggregator copes")
    if seen.tampered or st.toggle("How every aggregator copes with these views", key="coping", bind=BIND):
        copes = coping.cached(data_name, model_name, loaded.checkpoint.hash, item, tuple(seen.present),
                              tuple(seen.weights), seen.tampered, seed, tuple(lies))
        coping.show(*copes, coping.chosen_of(loaded.model, rule_name), name_of(loaded.model.aggregator),
                    data.class_names[truth], [data.class_names[k] for k in lies], len(views), f"{file_name}_coping")
