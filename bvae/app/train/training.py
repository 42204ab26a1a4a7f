"""Parts of the Train page: what is to be trained, the run that is watched, the list of runs."""

from __future__ import annotations

import dataclasses
import math
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

import bvae
from bvae.app import loaders, pages
from bvae.app.state import Form, ink
from bvae.app.train import live, taking
from bvae.app.train.state import About, Train, datasets
from bvae.app.widgets import charts
from bvae.app.widgets.choose import accept_names, data_label, label
from bvae.app.widgets.markdown import plain
from bvae.data import DataError
from bvae.data.own.manifest import MODELS
from bvae.data.own.registering import FOLDERS
from bvae.io.storage import StorageError, read_tensors_and_metadata
from bvae.models.methods import METHODS
from bvae.plots import training as training_plots
from bvae.runs import estimates, jobs, queue, shipped
from bvae.runs.jobs import Job, JobError
from bvae.runs.worker import NUM_SAMPLES
from bvae.training import Settings, checkpoints_root, load_checkpoint, load_weights
from bvae.training.checkpoint import read_history, read_validation, training_seconds
from bvae.training.validation import patience_of

EXAMPLE = "what ships"
PROBLEM, CONFIRM = "train_problem", "train_confirm"
WORDS = {"queued": "waiting", "running": "running", "stopping": "stopping, saves its state", "stopped": "stopped",
         "finished": "finished", "failed": "failed", "interrupted": "interrupted", "damaged": "damaged"}
ICONS = {"queued": "hourglass_empty", "running": "play_circle", "stopping": "pending", "stopped": "pause_circle",
         "finished": "check_circle", "failed": "error", "interrupted": "bolt", "damaged": "broken_image"}


@dataclass(frozen=True)
class Wanted:
    """What the controls say."""

    name: str
    settings: Settings
    evaluate: bool
    seconds: float | None = None


# -- choosing ----------------------------------------------------------------------------------------------------------


def free_name(method: str, data_name: str) -> str:
    """A name that nothing has yet."""
    taken = {job.name for job in jobs.jobs()} | set(bvae.checkpoints(data_name))
    return next(name for k in range(1, 10_000) if (name := f"my-{method}-{k}") not in taken)


ABOUT = "train_about"
"""Key of what the settings were of at the last run: those that were its usual ones follow the method."""


def choose(form: Form[Train], place: DeltaGenerator) -> Wanted:
    """The controls: data set, method, steps or time, name in `place`; the rest under Advanced, here.

    Raises DataError if the data of which the settings follow cannot be read.
    """
    accept_names(form.key("dataset"), datasets(), data_label)
    data_name = form.ask(place.selectbox, "dataset", "Data set")
    method = form.ask(place.selectbox, "method", "Method")
    form.about = about = About(data_name, method)
    _ = about.usual
    if (before := st.session_state.get(ABOUT)) is not None and before.own == about.own:
        form.follow(before, "beta", "batch_size", "latent_dim", "learning_rate")
    st.session_state[ABOUT] = about
    if about.own:
        form.ask(place.selectbox, "time", "Time", help="At most: it ends sooner once it has seen the items often "
                                                       "enough, or gets no better on items that are kept from it.")
    else:
        ask_steps(form, place)
    free = free_name(method, data_name)
    form.ask(place.text_input, "name", "Name of the model", max_chars=40, placeholder=free,
             help="Letters, digits, - and _. Without one it gets the name that is shown.")
    with st.expander("Advanced", icon=":material/tune:"):
        if about.own:
            ask_steps(form, st)
        left, right = st.columns(2)
        form.ask(left.number_input, "latent_dim", "Latent dimension")
        form.ask(right.number_input, "beta", "Beta", help="Weight of the divergence between beliefs and the prior.")
        form.ask(left.number_input, "learning_rate", "Learning rate", format="%.5f")
        form.ask(right.number_input, "seed", "Seed")
        form.ask(left.number_input, "width", "Width of the networks")
        form.ask(right.number_input, "batch_size", "Items per step")
        form.ask(st.slider, "missing", "Share of views that are missing in training")
        form.ask(st.checkbox, "evaluate", "Compute all figures after training",
                 help="Takes some minutes more; then the model is on the page Benchmarks too.")
    state = form.state()
    return Wanted(state.name.strip() or free, state.settings, state.evaluate, state.seconds)


def ask_steps(form: Form[Train], place: Any) -> None:
    """The number of steps."""
    usual = "as many as follow from the data; with a time, at most" if form.about.own else (
        "as often as in the model that ships")
    form.ask(place.number_input, "steps", "Steps", help=f"How often the weights are changed. At first: {usual}.")


SAID = {"latent_dim": "latent dimensions", "beta": "beta", "learning_rate": "learning rate", "steps": "steps",
        "width": "width of the networks", "batch_size": "items per step"}
"""Settings that follow from data -> as a person reads them."""


def what_it_will_do(about: About, wanted: Wanted) -> str:
    """Markdown: what follows from the data and why, and what a person has changed of it; "" for other data sets."""
    if not about.own:
        return ""
    changed = [f"{words} {getattr(wanted.settings, key):,g}" for key, words in SAID.items()
               if getattr(wanted.settings, key) != getattr(about.usual, key)]
    lines = loaders.sizing(about.data_name).why + (
        [f"by your choice, instead: {', '.join(changed)}"] if changed else [])
    return "What this will do:\n" + "\n".join(f"* {plain(line)}" for line in lines)


@st.cache_data(ttl=60, max_entries=2, show_spinner=False)
def known_speeds(root: str) -> list[estimates.Measured]:
    """What the shipped trainings took."""
    return estimates.measured(checkpoints_root())


def expected(wanted: Wanted) -> str:
    """A sentence on the time."""
    if wanted.seconds is not None:
        figures = ", and then some time for its figures" if wanted.evaluate else ""
        return f"Trains for at most {estimates.in_words([wanted.seconds]).removeprefix('about ')} here{figures}."
    if About(wanted.settings.dataset, wanted.settings.method).own:
        return "Ends when it has seen the items often enough, or gets no better on those that are kept from it."
    known = known_speeds(str(checkpoints_root()))
    if not wanted.evaluate:
        known = [dataclasses.replace(m, evaluation=None) for m in known]
    run = shipped.ShippedRun(wanted.settings.dataset, wanted.name, wanted.settings)
    seconds = estimates.estimate(run, "train", known)
    if seconds is None:
        return "How long it takes on these data nobody has measured yet."
    return f"Takes {estimates.in_words([seconds])} on the machine that trained the shipped models."


def twin_of(wanted: Wanted, present: Iterable[Job]) -> str:
    """The run that has the same settings already, with the same seed; "" if there is none.

    A run with a time has as many steps as fit into it: its settings change when it starts.
    """
    def alike(settings: Settings) -> Settings:
        return settings if wanted.seconds is None else dataclasses.replace(settings, steps=1, warmup_steps=0)

    return next((job.name for job in present if job.settings is not None and job.time == wanted.seconds
                 and job.state not in ("failed", "damaged") and alike(job.settings) == alike(wanted.settings)), "")


def start(wanted: Wanted) -> None:
    """What the button does."""
    try:
        job = queue.submit(wanted.name, wanted.settings, wanted.evaluate, time=wanted.seconds)
    except (JobError, OSError, StorageError) as error:
        st.session_state[PROBLEM] = str(error)
        return
    st.session_state[PROBLEM] = ""
    st.session_state["train_run"] = job.id


def reproduce(wanted: Wanted) -> tuple[str, str]:
    """The command line, and Python, that train the same."""
    s = wanted.settings
    about = About(s.dataset, s.method)
    if about.own:
        return reproduce_own(wanted, about)
    usual = Settings.for_method(s.dataset, s.method)
    changes = {k: v for k, v in s.as_dict().items() if v != getattr(usual, k)}
    flags = [word for k, v in changes.items() for word in (f"--{k.replace('_', '-')}", str(v))]
    command = shlex.join(["python", "-m", "bvae", "train", s.dataset, s.method, "--name", wanted.name, *flags,
                          *([] if wanted.evaluate else ["--no-evaluate"])])
    given = "".join(f", {k}={v!r}" for k, v in changes.items())
    code = "\n".join([
        "from pathlib import Path", "import bvae", "from bvae.training import Settings",
        "from bvae.training.loop import train", "",
        f'settings = Settings.for_method("{s.dataset}", "{s.method}"{given})',
        f'model = train(settings, Path("checkpoints/{s.dataset}/{wanted.name}"))',
        f'model = bvae.load("{s.dataset}", "{wanted.name}")  # at any later time'])
    return command, code


def reproduce_own(wanted: Wanted, about: About) -> tuple[str, str]:
    """The command line, and Python, that train the same on tables, or on what a person brought."""
    s = wanted.settings
    folder = FOLDERS.get(s.dataset)
    data = s.dataset if folder is None else str(folder)
    changes = {k: v for k, v in s.as_dict().items() if v != getattr(about.usual, k)}
    flags = [word for k, v in changes.items() for word in (f"--{k.replace('_', '-')}", str(v))]
    time = [] if wanted.seconds is None else ["--time", f"{wanted.seconds:g}s"]
    command = shlex.join(["python", "-m", "bvae", "train", data, s.method, "--name", wanted.name, *time, *flags,
                          *([] if wanted.evaluate else ["--no-evaluate"])])
    root = "checkpoints" if folder is None else str(folder / MODELS)
    follows = "".join(["**sized(data).settings", *(f", {k!r}: {v!r}" for k, v in changes.items())])
    code = ["from pathlib import Path", "import bvae",
            *([] if folder is None else ["from bvae.data.own import register"]),
            "from bvae.training import Settings", "from bvae.training.loop import train",
            f"from bvae.training.sizing import {'sized' if wanted.seconds is None else 'sized, within'}", "",
            f"name = {s.dataset!r}" if folder is None else f"name = register({data!r})",
            'data = bvae.dataset(name, "train")',
            f"settings = Settings.for_method(name, {s.method!r}, **{{{follows}}})",
            *([] if wanted.seconds is None else [
                f"settings, why = within(data, settings, {wanted.seconds:g})  # as many steps as fit into the time"]),
            f"model = train(settings, Path({root!r}) / name / {wanted.name!r})",
            f"model = bvae.load(name, {wanted.name!r})  # at any later time"]
    return command, "\n".join(code)


# -- watching ----------------------------------------------------------------------------------------------------------


def called(job: Job) -> str:
    """A job as lists and links name it."""
    data = data_label(job.settings.dataset) if job.settings else "damaged"
    return f"{job.name} ({data})"


def history_of(job: Job) -> list[dict[str, Any]]:
    """The curve as far as it is known: what the worker reports, or the file once there is no worker."""
    rows = [row for row in job.progress.get("history", [])
            if isinstance(row, dict) and all(isinstance(row.get(k), (int, float))
                                             for k in ("step", "loss", "reconstruction", "kl"))]
    recent = job.progress.get("recent")
    if isinstance(recent, list) and len(recent) == 3 and job.step > (rows[-1]["step"] if rows else 0):
        rows.append(dict(zip(("step", "loss", "reconstruction", "kl"), [job.step, *recent], strict=True)))
    if not job.active:
        try:
            return read_history(job.model_folder) or rows
        except StorageError:
            pass
    return rows


def validation_of(job: Job) -> list[tuple[int, float]]:
    """Step and loss of the items that are kept from a run, as far as it is known; nothing where none are."""
    if not job.active and (found := read_validation(job.model_folder)):
        return found
    told = job.progress.get("validation", [])
    rows = [tuple(row) for row in told if isinstance(row, list) and len(row) == 2
            and all(isinstance(v, (int, float)) and math.isfinite(v) for v in row)] if isinstance(told, list) else []
    return [(int(step), float(loss)) for step, loss in rows]


def what_was_kept(job: Job, validation: Sequence[tuple[int, float]]) -> str:
    """What the items that are kept from a run say of it, and what follows, in Markdown."""
    assert job.settings is not None
    step, loss = min(validation, key=lambda pair: pair[1])
    s, last = job.settings, job.step
    best = f"On items that are kept from the training the loss is lowest at step **{step:,}** ({loss:.4g} nats)"
    if job.state != "finished":
        return (f"{best}: that state will be kept. Without a better one for {patience_of(s):,} steps, the run ends by "
                "itself.")
    if last < s.steps:
        return (f"{best}. It got no better for {last - step:,} steps, so the run ended at step {last:,} of "
                f"{s.steps:,}, and the model is that of step {step:,}.")
    return f"{best}. " + ("That is the last step, so the model is as it was at the end." if step == last else
                          f"The model is that of step {step:,}, not of the last one.")


def curves(
    history: list[dict[str, Any]], steps: int, key: str, file_name: str,
    validation: Sequence[tuple[int, float]] = (),
) -> None:
    """The chart of a training."""
    kept = dict(validation)
    charts.show(training_plots.training_figure(history, ink(), steps, validation=validation), key,
                training_plots.spoken(history, validation),
                lambda: pd.DataFrame(history) if not kept else pd.concat([pd.DataFrame(history), pd.DataFrame(
                    {"step": list(kept), training_plots.KEPT: list(kept.values())})]).sort_values("step"), file_name,
                caption="Means over the steps since the row before, in nats per item; the loss is the reconstruction "
                        "plus beta times the divergence, in the form of the method's objective.", live=True)
    if training_plots.beyond(history):
        st.caption("The first values lie above the picture, so that the later ones can be told apart.")


@st.cache_data(max_entries=12, show_spinner=False)
def shipped_samples(key: loaders.ModelKey, count: int = NUM_SAMPLES) -> dict[str, torch.Tensor]:
    """Samples of the prior of a finished model, with the noise that workers use."""
    model = load_weights(load_checkpoint(key.data_name, key.model_name))
    with torch.inference_mode():
        z = torch.randn(count, model.latent_dim, generator=torch.Generator().manual_seed(0))
        return {view: values.clone() for view, values in model.decode(z).items()}


def unlike(method: str, other: str) -> int:
    """In how many respects two methods differ; 0 of a method and itself."""
    one, two = METHODS[method], METHODS[other]
    return (method != other) + (one.aggregator != two.aggregator) + (one.objective != two.objective) + (
        ("private_dim" in one.settings) != ("private_dim" in two.settings))


def watch_example(data_name: str, method: str) -> None:
    """How the model of the chosen method learned, or of another one, if there is none: what one may expect."""
    names = [n for n in loaders.trained(data_name) if n in METHODS]
    name = min(names, key=lambda other: unlike(method, other), default=None)
    if name is None:
        st.info(f"No model of {data_label(data_name)} is there yet: yours will be the first.")
        return
    try:
        checkpoint = load_checkpoint(data_name, name)
        history = read_history(checkpoint.folder)
        key = loaders.ModelKey(data_name, name, checkpoint.hash, loaders.version(data_name))
        samples = shipped_samples(key)
        loaders.check_same_views(checkpoint, loaders.test_data(data_name))
    except StorageError as error:
        st.error(f"This model cannot be read: {error}", icon=":material/error:")
        return
    st.subheader(f"How {label(name)} learned {data_label(data_name)}")
    ships = "This model ships" if data_name in (*shipped.SHIPPED, *shipped.TABLES) else "This model was trained before"
    st.caption(f"{ships}: {checkpoint.settings.steps:,} steps in "
               f"{estimates.in_words([training_seconds(checkpoint.config)])}. "
               + ("Yours should look alike." if name == method else
                  f"No trained {label(method)} is there, so this is another method: yours may look otherwise."))
    st.markdown(f"**What it invents after its {checkpoint.settings.steps:,} steps.** {live.how_to_read(data_name)}:")
    live.pictures(data_name, samples, "after training")
    curves(history, checkpoint.settings.steps, "train_example", f"{data_name}_{name}_history",
           read_validation(checkpoint.folder))


def watch(job: Job) -> None:
    """The curves and samples of a run as they are now."""
    st.subheader(plain(called(job)))
    headline(job)
    if job.settings is None:
        return
    if job.state == "finished":
        go_on(job, takes=taking.offered(job.settings.dataset))
    try:
        samples_of(job)
        live.show_map(job)
    except DataError as error:
        st.error(f"These data cannot be read: {plain(str(error))}", icon=":material/error:")
    history = history_of(job)
    if history:
        validation = validation_of(job)
        curves(history, job.settings.steps, "train_curves", f"{job.name}_history", validation)
        if validation:
            st.markdown(what_was_kept(job, validation))
    else:
        st.info("The curves begin with the first step: the process is starting and prepares the data."
                if job.active else "Nothing was recorded.")


def samples_of(job: Job) -> None:
    """What the run invented when it was last looked at; nothing before that."""
    assert job.settings is not None
    try:
        samples, facts = read_tensors_and_metadata(job.folder / jobs.SAMPLES)
    except StorageError:
        return
    at = f"after step {int(facts['step']):,}" if facts.get("step", "").isdigit() else "during training"
    st.markdown(f"**What it invents {at}.** {live.how_to_read(job.settings.dataset)}; always the same ones:")
    views = [v for v in facts.get("views", "").split(",") if v in samples] or list(samples)  # in their fixed order
    live.pictures(job.settings.dataset, {v: samples[v] for v in views}, at)


def headline(job: Job) -> None:
    """State, progress and time left of a run, in a line and a bar."""
    words = f":material/{ICONS[job.state]}: **{WORDS[job.state].capitalize()}**"
    if job.settings:
        words += f", step {job.step:,} of {job.settings.steps:,}"
        if job.active and job.progress.get("phase") == "evaluating":
            words = ":material/play_circle: **The model is trained** and in every page; its figures are being computed"
        elif job.active and job.seconds_left is not None:
            words += f", {estimates.in_words([job.seconds_left])} left"
    st.markdown(words)
    if job.settings and job.state != "finished":
        st.progress(min(1.0, job.step / job.settings.steps))
    if job.message:
        st.caption(plain(job.message))


# -- the list ----------------------------------------------------------------------------------------------------------


def attempt(action, job_id: str) -> None:
    """Do something with a run; what goes wrong is said on the page."""
    st.session_state[PROBLEM] = ""
    try:
        action(jobs.find(job_id))
    except (JobError, OSError, StorageError) as error:
        st.session_state[PROBLEM] = str(error)


def show_it(job_id: str) -> None:
    """Show this run beside the controls."""
    st.session_state["train_run"] = job_id


def go_on(job: Job, takes: bool = False) -> None:
    """Where a finished model leads; with `takes` also to its files, further down on this page."""
    assert job.settings is not None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(pages.script("explore"), label=f"Open {job.name} in Explore", icon=":material/explore:",
                     query_params={"data": job.settings.dataset, "model": label(job.name)})
        if job.evaluated:
            st.page_link(pages.script("benchmarks"), label="Its figures on Benchmarks",
                         icon=":material/monitoring:", query_params={"data": job.settings.dataset})
        if takes:
            st.markdown(f":material/download: [{taking.TITLE}](#{taking.ANCHOR})", width="content")


def listed(job: Job, may: bool, watched: bool = False) -> None:
    """A run in the list: what it is, how far it is, what one can do. How far one is that is `watched`, stands there
    alone: two looks at a run find two different steps."""
    with st.container(border=True):
        what, state, actions = st.columns([1.3, 2, 1.5], vertical_alignment="center")
        s = job.settings
        of = f"  \n{label(s.method)} on {data_label(s.dataset)}" if s else ""
        what.markdown(f"**{plain(job.name)}**{of}")
        with state:
            if watched and job.active:
                st.markdown(f":material/{ICONS[job.state]}: **{WORDS[job.state].capitalize()}**, shown above")
            else:
                headline(job)
        with actions.container(horizontal=True):
            st.button(f"Show {job.name}", key=f"show_{job.id}", on_click=show_it, args=(job.id,),
                      icon=":material/show_chart:", help="Its pictures and curves")
            if job.state in ("running", "queued"):
                st.button(f"Stop {job.name}", key=f"stop_{job.id}", on_click=attempt, args=(queue.stop, job.id),
                          disabled=not may, icon=":material/stop_circle:",
                          help="It saves its state first and can go on later.")
            if job.state in ("stopped", "interrupted", "failed"):
                st.button(f"Resume {job.name}", key=f"resume_{job.id}", on_click=attempt, args=(queue.resume, job.id),
                          disabled=not may, icon=":material/play_arrow:",
                          help="It goes on exactly where it was saved.")
            if job.state == "finished" and s and not job.evaluated:
                st.button(f"Evaluate {job.name}", key=f"evaluate_{job.id}", on_click=attempt,
                          args=(queue.evaluate, job.id), disabled=not may, icon=":material/monitoring:",
                          help="Computes its figures, for the page Benchmarks and the report.")
            if not job.active:
                with st.popover(f"Delete {job.name}", icon=":material/delete:", disabled=not may, key=f"ask_{job.id}"):
                    too = ", the trained model too" if job.state == "finished" else ""
                    st.write(f"The files of {plain(job.name)} go{too}.")
                    st.button(f"Delete {job.name} for good", key=f"delete_{job.id}", on_click=attempt,
                              args=(queue.delete, job.id), type="primary")
        if job.state == "finished" and s:
            go_on(job)
