"""Train: a model of one's own, in a process of its own that goes on when the page is closed."""

from functools import partial

import streamlit as st

from bvae.app.components.picture import save_buttons
from bvae.app.state import Form, begin_page
from bvae.app.train import taking, training
from bvae.app.train.state import OPENS, Train
from bvae.app.widgets import fold, share
from bvae.data import DataError
from bvae.runs import jobs, limits, queue

EVERY = 2  # seconds between two looks at runs that are going

begin_page()
st.title("Train")
st.markdown("**Start a short run:** how soon does what it invents look real? It goes on when you close this page, "
            "and you can stop it and go on at any time.")

why_not = limits.forbidden(st.get_option("server.address"))
if not why_not:
    jobs.open_data()
    queue.start_next()  # one may be waiting that nobody has started


def looked_up() -> dict[str, jobs.Job]:
    """The jobs as they are now; where others can reach the app, none of data that a person brought."""
    return {job.id: job for job in jobs.jobs() if not (why_not and job.data is not None)}


present = looked_up()
states = {job.id: job.state for job in present.values()}
every = EVERY if any(s in ("running", "stopping", "queued") for s in states.values()) else None

form = Form(Train)
left, right = st.columns([1, 2], gap="large")
with left, st.container(key="after_picture_wanted"):
    st.subheader("What to train")
    wanted, problem = None, ""
    choices = st.container()
    begin = st.container()  # above what one need not know, so that it is seen without scrolling
    try:
        wanted = training.choose(form, choices)
    except DataError as error:
        st.error(f"These data cannot be read: {training.plain(str(error))}", icon=":material/error:")
    with begin:
        if wanted is not None:
            try:
                limits.check(wanted.name, wanted.settings)
            except jobs.JobError as error:
                problem = str(error)
            st.button(f"Start {wanted.name}", icon=":material/play_arrow:", type="primary", width="stretch",
                      key="train_start", disabled=bool(why_not or problem), on_click=training.start, args=(wanted,))
        for text in filter(None, (why_not, problem)):
            st.info(training.plain(text))
        if st.session_state.get(training.PROBLEM):
            st.warning(training.plain(st.session_state[training.PROBLEM]))
        if wanted is not None:
            st.caption(training.expected(wanted))
            if twin := training.twin_of(wanted, present.values()):
                st.caption(f"{training.plain(twin)} has these settings and this seed already: the same steps make the "
                           "same model again, to the last digit. For another one, change the seed under Advanced.")
    with st.container(horizontal=True):
        share.button("The name of the model and the runs of this computer are not in it.", form)
        if wanted is not None:
            form.reset_button(opens=OPENS)
    if wanted is not None and (told := training.what_it_will_do(form.about, wanted)):
        st.caption(told)


def refresh() -> dict[str, jobs.Job]:
    """The jobs as they are now; the whole page runs again when one has come into another state."""
    if not why_not:
        queue.start_next()
    now = looked_up()
    if {i: job.state for i, job in now.items()} != states:
        st.rerun()
    return now


@st.fragment(run_every=every)
def beside() -> None:
    """The chosen run, live."""
    now = refresh()
    if shown in now:
        training.watch(now[shown])
    elif wanted is not None:
        training.watch_example(wanted.settings.dataset, wanted.settings.method)


@st.fragment(run_every=every)
def below() -> None:
    """All runs, live."""
    now = refresh()
    for job in now.values():
        training.listed(job, not why_not, watched=job.id == shown)


with right:
    going = [i for i, state in states.items() if state in ("running", "stopping")]
    options = [*going, *(i for i in present if i not in going), training.EXAMPLE]
    if st.session_state.get("train_run") not in options:
        st.session_state.pop("train_run", None)
    shown = training.EXAMPLE
    if present:
        shown = form.ask(st.selectbox, "run", "Show", options=options, first=options[0], format_func=lambda i: (
            training.called(present[i]) if i in present else i))
    beside()

st.subheader("Runs")
if present:
    below()
    st.caption("One run at a time; the others wait. A run takes turns with everything else on this computer and uses "
               f"{queue.threads()} of its processors. Finished models are in every list of the app, and `bvae.load` "
               "finds them."
               + ("" if why_not else f" Their files: `{jobs.runs_root()}`."))
else:
    st.caption("None yet. A run that you start is listed here with its state, also after you have closed the page.")

if wanted is not None and taking.offered(wanted.settings.dataset):
    taking.show(wanted.settings.dataset)


def how_to_reproduce(wanted: training.Wanted) -> None:
    """The same run without the app."""
    save_buttons("train", key="save_picture")
    command, code = training.reproduce(wanted)
    st.code(command, language="bash", wrap_lines=True)
    st.code(code, language="python")
    st.caption("The same settings and seed give the same weights on the same machine, however often a run was stopped."
               + ("" if wanted.seconds is None else " How many steps fit into a time differs between machines."))


if wanted is not None:
    fold.show("Save the picture, or reproduce the run", "code", "reproduce", partial(how_to_reproduce, wanted))
