"""Explore: one item, some of its views, a rule; what it believes and what it imagines. All else is one click away."""

from contextlib import nullcontext

import streamlit as st

from bvae.aggregators import name_of, naming
from bvae.app import loaders, reproduce
from bvae.app.beliefs import columns, item_beliefs
from bvae.app.beliefs.belief_charts import expert_numbers, interval_chart, meaning, plane_chart
from bvae.app.beliefs.generation import Studio
from bvae.app.explore import (
    changes,
    coping,
    frame,
    imagined,
    lot,
    observed,
    of_columns,
    under_the_finger,
    walk,
    why,
)
from bvae.app.explore.changes import Snapshot
from bvae.app.explore.state import Explore
from bvae.app.state import Form, begin_page, ink
from bvae.app.widgets import by_id, charts, fold, share, tiles
from bvae.app.widgets.choose import AS_TRAINED, choose_model, choose_rule
from bvae.app.widgets.markdown import plain
from bvae.plots.walk import line_figure

begin_page()
screen = st.container(gap="small", key="one_screen")
head = screen.container(horizontal=True, vertical_alignment="center", gap="small")
head.title("Explore", width="content")
head.markdown("**Hide a view, or let one lie:** does the joint belief move, widen, or stay? Then try another rule.",
              width="content")

# -- what is chosen: on a phone below the pictures, see app.css ----------------------------------------------------
top = screen.container(horizontal=True, vertical_alignment="bottom", gap="small", key="explore_form")
choice = choose_model(top.container(width=165), top.container(width=175))
form, loaded, data, views = Form(Explore, choice), choice.loaded, choice.data, choice.views
observed.another_data_set(choice)
observed.accept_former_words(views)
walk.accept_former_numbers()
choose_rule(form, top.container(width=250), loaded.model,
            "How the views' beliefs become one. Any rule can be tried on the same beliefs; the decoders know only the "
            "one they were trained with.")
item = form.ask(top.number_input, "item", "Item", width=130, help=f"One of {len(data)} test items.")
by_id.choose(top, data, form.key("item"))
tools = top.container(horizontal=True, gap="small", width=285)
with tools:
    share.button(form=form)
with tools.popover("Advanced", icon=":material/tune:"):
    form.ask(st.segmented_control, "plane", "Plane", help="PCA: the plane in which the experts' means spread most.")
    form.ask(st.pills, "also", "Also draw")
    form.ask(st.slider, "num_samples", "Draws")
    seed = form.ask(st.number_input, "seed", "Seed of the noise",
                    help="Also of what a view shows that lies or is damaged.")
    form.reset_button((frame.KEY, changes.KEY))

# -- places, filled in the order of what is wanted first: pictures, plots, numbers ---------------------------------
walked = screen.container()
telling = screen.container(border=True) if walk.begun() else None
happened = screen.container(horizontal=True, vertical_alignment="center", key="happened")
left, middle, right = screen.columns([1.1, 1.7, 1.75], gap="large")
tables = st.container()
moved = st.container(key="explore_live_place")
more = st.container(key="explore_more")
with walked if telling else more.expander("Step by step: how the beliefs become one, with all formulas",
                                          icon=":material/footprint:"):
    step = walk.choose_step(form)
with left:
    st.subheader("What is observed")
    seen = observed.column(form, item, seed)
with right:
    st.subheader("What it imagines" if step in (walk.ANSWER, walk.DECODE) else "In one dimension")
    pictures = st.container()
    rule_name = None if (rule := form.answer("rule")) == AS_TRAINED else rule
    together = item_beliefs.build(loaded, item, seen.present, seen.weights, rule_name, seen.replaced)
    lot.choose(form, together)
answers = more.container()
with more.container():
    if seen.tampered:
        st.subheader("How every rule fares")
    else:
        form.ask(st.toggle, "coping", "How does every rule fare with these views?")
    others = st.container()
script = more.container()

# -- what follows from it --------------------------------------------------------------------------------------------
state = form.state(shown=choice.key)  # but for the dimension, which is asked where it is known which one is meant
truth, lies = int(data.y[item]), seen.lies(data, int(data.y[item]))
by_lot = state.by_lot and lot.has_groups(together)
now = together if not by_lot else item_beliefs.build(loaded, item, seen.present, seen.weights, rule_name, seen.replaced,
                                                     by_lot)
loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
reached = walk.STEPS.index(step) if step != walk.ANSWER else len(walk.STEPS)
joint = now.alone()
# A mixture that somebody asks for is drawn whole; at first, what is drawn from is enough.
own = now.drawn() if rule_name is not None or telling else [joint]
aggregates = [*own, *(item_beliefs.other(now, r) for r in state.also if r != now.rule_name)] if reached >= 3 else []
drawn = item_beliefs.draw(now, state.num_samples, seed)
z = drawn.z[:, : loaded.model.shared_dim].numpy() if reached >= 4 else None
fits = frame.fitting(now, state.plane, joint)
axes = frame.held((state.shown, item, state.plane), fits)
file_name = f"{state.shown.data_name}_{state.shown.model_name}_{item}"
judges = loaders.judges(choice.data_name)

dimension = most = int(axes.dimensions[0])
if telling:
    with telling:
        dimension = walk.show(form, step, lambda d: walk.tell(step, now, loaded.model, views, seen.weights, d, drawn,
                                                              data.subset([item])), most)

# -- what it imagines ------------------------------------------------------------------------------------------------
generated = None
with pictures:
    if reached >= 5:
        cloud = loaders.latent_cloud(choice.key)
        generated = Studio(loaded.model, cloud, judges, now.rule).decode(
            drawn.z, without=[item, *(t.item for t in seen.tampered if t.lies)])
        measured = {} if not tiles.has_tables(data) else of_columns.cells(
            loaded.model, data, item, now, seen.x(data, item), seed)
        beside = bool(measured) and columns.narrow(measured)
        if not beside:
            imagined.show(data, views, seen.present, generated, truth, f"{file_name}_generations")
        if measured:
            with nullcontext() if beside else tables:
                of_columns.show(data, measured, dict(zip(views, seen.present, strict=True)),
                             [t.view for t in seen.tampered if t.lies], f"{file_name}_columns")
    else:
        weights = walk.shares(now, dimension, views) if step == walk.WEIGHTS else None
        charts.show_lines(
            line_figure(dimension, views, loc, scale, seen.present, ink(), weights, aggregates[:2], z), "line_chart",
            walk.line_alt(step, now, views, dimension),
            lambda: walk.line_numbers(now, views, dimension, weights, aggregates[:2], z), f"{file_name}_dimension")
        components = walk.component_names(now, views)
        if step == walk.WEIGHTS and len(components) > 1:
            st.markdown("**Components of the joint belief**")
            st.html(imagined.components_html(components))
        else:
            st.caption("Nothing is decoded yet: pictures come in step 5.")

# -- what happened ---------------------------------------------------------------------------------------------------
snapshot = Snapshot(tuple(seen.present), tuple(seen.weights), seen.tampered, naming.short(now.rule_name),
                    by_lot, joint,
                    {} if generated is None else {view: p.mean(0) for view, p in generated.classes.items()})


def honest() -> Snapshot | None:
    """What counts as before for who comes by a link with views that lie: the same without the lies."""
    if not seen.tampered:
        return None
    scene = item_beliefs.build(loaded, item, seen.present, seen.weights, rule_name, by_lot=by_lot)
    return snapshot._replace(tampered=(), joint=scene.alone(), judged={})


before = changes.remembered((state.shown, item), snapshot, honest)
with happened:
    st.markdown(changes.sentence(before, snapshot, views, data, truth))
    changes.suggestion(views, snapshot, data, truth, {
        key: c.now("first", choice) for name, c in Explore.controls().items() if name in ("on", *observed.PER_VIEW)
        for key in c.keys(choice)})

# -- what it believes ------------------------------------------------------------------------------------------------
with middle:
    st.subheader("What it believes")
    moved_from = loaded.experts.loc[:, item, : loaded.model.shared_dim].numpy() if seen.tampered else None
    plane_chart(axes.plane, views, now, aggregates, z, moved_from, file_name, axes.limits,
                before.joint if before is not None else None, height=460)
    frame.button(axes, fits, frame.outside(axes, views, now, joint))
    if aggregates and (said := lot.said(now)):
        st.caption(said)

# -- while a finger moves: its scripts come after the page -----------------------------------------------------------
if not telling:
    with moved:
        under_the_finger.show(form, choice, now, axes, item, seen.replaced)

# -- one click away --------------------------------------------------------------------------------------------------
with answers:
    latents = item_beliefs.experts_of(loaded, item, seen.replaced).loc[:, 0]
    changed = {t.view for t in seen.tampered}
    fold.show(why.title(data, now, truth, changed), "help", "explore_why", lambda: why.show(
        loaded, now, latents, seen.x(data, item), data, truth, judges, changed))
    if lot.has_groups(now):
        fold.show("Why draw from all views together, and not from a group by lot?", "casino", "explore_lot",
                  lambda: lot.show(
                      loaded.model, together, item_beliefs.build(loaded, item, seen.present, seen.weights, rule_name,
                                                                 seen.replaced, by_lot=True),
                      views, data, truth, seed, judges, axes.plane, axes.limits))
    fold.show("The beliefs in single latent dimensions", "density_small", "explore_dimensions", lambda: interval_chart(
        views, now, aggregates, file_name, axes.dimensions))
    if generated is not None:
        judged = "What the judges see, and how far each draw is" if generated.classes else "How far each draw is"
        fold.show(f"{judged} from the data", "gavel" if generated.classes else "social_distance", "explore_draws",
                  lambda shown=generated: imagined.details(data, views, seen.present, shown, cloud, truth, lies))

    def numbers() -> None:
        """Distances of every view's belief to the joint one, and what they mean."""
        table, words = st.columns([1.6, 1], gap="large")
        with table:
            expert_numbers(views, now)
        words.markdown(meaning(now))

    if reached >= 3:
        fold.show("Numbers: how far every view's belief is from the joint one", "table", "explore_numbers", numbers)

with script:
    reproduce.show(
        state.script(now, seen, data), "explore.py", seed=seed, title="Reproduce this picture",
        checkpoints=[f"{plain(state.shown.model_name)} {state.shown.weights_hash[:12]}"],
        commands=[(f"python -m bvae evaluate {state.shown.data_name} {state.shown.model_name}",
                   "the model's figures on the whole test split")])

# -- how the others fare: last, so that nothing waits for it ---------------------------------------------------------
with others:
    if seen.tampered or state.coping:
        copes = coping.cached(state.shown, item, tuple(seen.present), tuple(seen.weights), seen.tampered, seed,
                              tuple(lies))
        coping.show(*copes, coping.chosen_of(loaded.model, state.rule), name_of(loaded.model.aggregator),
                    data.class_names[truth], [data.class_names[k] for k in lies], len(views), f"{file_name}_coping")
