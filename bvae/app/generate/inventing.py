"""Invent: z that no view says, decoded into all views; and, counted, why those of the bare prior disagree."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st
from torch import Tensor

from bvae.app import links, loaders
from bvae.app.beliefs import sheet
from bvae.app.beliefs.generation import Generated, Studio, rows
from bvae.app.generate.generate_panels import Shown, Task, draws_sheet, numbers
from bvae.app.generate.state import drawn_from
from bvae.app.generate.tasks import BARE_PRIOR, DRAWN, INVENT
from bvae.app.loaders import ModelKey
from bvae.app.state import Form
from bvae.app.widgets import fold, images, small_table
from bvae.data import MultimodalDataset
from bvae.maps.maps import spread
from bvae.models.latents import CANDIDATES
from bvae.models.vae import MultimodalVAE

NEAREST = 5
COUNTED = 200  # draws of each kind, of which shares are told
LINK = "drawn"
"""The parameter that holds from what z is drawn."""
SHARED = (links.VERSION, "data", "model", "seed")
TITLE = "Draw z from"
CLEAR = 3.0  # standard errors by which two shares have to differ before the text says that they do


def again_button(form: Form) -> None:
    """A button for other draws: the next seed, which the link holds."""
    st.button("Again", icon=":material/casino:", help="Other draws, with the next seed.", on_click=next_seed,
              args=(form.key("seed"), form.controls["seed"].high), key="again")


def next_seed(key: str, highest: int) -> None:
    """The one after the chosen one; after the last one the first."""
    st.session_state[key] = (st.session_state[key] + 1) % (highest + 1)


def by_old_link() -> bool:
    """Before the page begins: whether it was opened by a shared link of the time when all z came from the prior.

    Shared links state `SHARED` in any case, and by now from what z is drawn, too.
    """
    new = LINK in st.query_params or LINK in st.session_state.get(links.ASKED, ())
    return not new and st.query_params.get("task") == INVENT and all(name in st.query_params for name in SHARED)


def choose_drawn(form: Form, old: bool) -> str:
    """From what z is drawn, `WHERE_ITEMS_ARE` or `BARE_PRIOR`.

    The address holds it at its first value too: a link without it, `old`, is of the time when there was the prior
    alone, and opens what it opened then.
    """
    key, offered = form.key("drawn"), drawn_from(form.about)
    wanted = [BARE_PRIOR] if old else links.asked(LINK)
    links.asked(LINK)  # an old link is asked once, too
    for way in wanted:
        held = next((name for name in offered if links.same(way, (DRAWN[name], name))), offered[0])
        st.session_state[key] = held
        links.compare(TITLE, [way], [(DRAWN[held], held)])
    chosen = form.ask(st.segmented_control, "drawn", TITLE, label_visibility="collapsed")
    links.hold({LINK: DRAWN[chosen]})
    return chosen


def forget_link() -> None:
    """Take what :func:`choose_drawn` holds out of the address: another task is shown."""
    if LINK in st.query_params:
        links.hold({LINK: ""})


def drawn_in_words(model: MultimodalVAE, drawn: str) -> str:
    """From what z is drawn, and what that means, as Markdown."""
    if drawn == BARE_PRIOR:
        lacking = "" if model.sampler else (
            " This model has no other way; `python -m bvae checkpoints --samplers` makes one.")
        return ("**z is drawn from the bare prior:** one round cloud. Training pulled the items into it, but most of "
                f"it stays empty, and in a hole each view makes up its own (*the hole problem*).{lacking}")
    clouds = getattr(model.sampler, "num_components", None)
    of = f"{clouds} soft clouds" if clouds else "soft clouds"
    private = (f" Each view's private part is drawn {CANDIDATES} times, and the draw is kept with which the view's "
               "encoder reads what is decoded most as z again." if model.private_sampler else "")
    return (f"**z is drawn from where items are:** {of} were laid over the z of the training items, and each draw is "
            f"from one of them.{private} What does the bare prior give?")


def invent(c: Task, old: bool) -> Shown:
    """Inventions in all views, beside each the items that its z lies between; `old`: see :func:`by_old_link`."""
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        st.subheader("What it invents")
        drawn = choose_drawn(c.form, old)
        st.markdown(drawn_in_words(c.studio.model, drawn))
        z = (c.studio.of_prior if drawn == BARE_PRIOR else c.studio.of_sampler)(c.num_samples, c.seed)
        generated = c.studio.decode(z)
        draws_sheet(c, generated, c.views, f"{len(generated)} inventions in {len(c.views)} views",
                    [number + sheet.small(verdict(c.data, generated, s))
                     for s, number in enumerate(numbers(len(generated)))])
        if generated.classes:
            agreed = sum(generated.agreement(s) is not None for s in range(len(generated)))
            st.markdown(f"In **{agreed} of {len(generated)}** inventions all {len(c.views)} views show the same class. "
                        f"One z makes all pictures of a row, so they should.{measured(c, drawn)}")
        again_button(c.form)
    with right:
        st.subheader("Between which items its z lies")
        _neighbours(c, c.studio.near(z, NEAREST), drawn)
    if generated.classes and c.data.labelled:
        fold.show("Why do the views disagree where z is drawn from the prior?", "help", "why_they_disagree",
                  lambda: _why(c))
    return Shown(rows(generated, c.views, c.data.class_names), [generated])


def measured(c: Task, drawn: str) -> str:
    """In how many of very many inventions they do, as Markdown; nothing where that was not evaluated."""
    metrics = c.form.about.loaded.checkpoint.metrics
    found = metrics.get("joint_coherence" if drawn == BARE_PRIOR else "joint_coherence_fitted")
    if not found:
        return ""
    sharp = None if drawn == BARE_PRIOR else metrics.get("joint_coherence_fitted_sharp")
    stricter = "" if not sharp else (f" Judges that have seen sharp pictures alone, and may take a soft digit for "
                                     f"noise, agree in {sharp['mean']:.0%}.")
    return (f" Of {metrics['evaluation']['test_items']:,} that were counted, they do in **{found['mean']:.0%}**."
            f"{stricter}")


def verdict(data: MultimodalDataset, generated: Generated, s: int) -> str:
    """Whether the judges see the same in all views; nothing without judges."""
    k = generated.agreement(s)
    return "" if not generated.classes else f"all {data.class_names[k]}" if k is not None else "differ"


def _neighbours(c: Task, near: Tensor, drawn: str) -> None:
    """The nearest items of each draw as pictures of one view, with their classes, and what it means if they differ."""
    view = next((v for v in c.views if c.data.modalities[v].kind == "image"), c.views[0])
    called = [[c.data.class_names[int(c.data.y[i])] if c.data.labelled else f"item {i}" for i in line]
              for line in near.tolist()]
    st.html(sheet.table(
        "Nearest items", [f"nearest, {k + 1}" for k in range(NEAREST)], numbers(len(near)),
        [[sheet.picture(images.of_view(c.data, view, i), f"{view} of item {i}, one of the nearest") + sheet.said(name)
          for i, name in zip(line, names, strict=True)] for line, names in zip(near.tolist(), called, strict=True)],
        side=52))
    if c.data.labelled:
        mixed = sum(len(set(names)) > 1 for names in called)
        holes = (" There no decoder has learned what to draw, and each view decides for itself."
                 if mixed and drawn == BARE_PRIOR else "")
        st.markdown(f"**{mixed} of {len(near)}** lie{'s' * (mixed == 1)} between items of several classes.{holes} "
                    f"Shown: {view} of the {NEAREST} test items whose z are nearest.")


# -- why ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """Of many z of one kind: shares of those whose views agree, and of those with neighbours of one class; and the
    median of their distances to the data."""

    agree: float
    one_class: float
    distance: float


def counted(studio: Studio, data: MultimodalDataset, z: Tensor, own: list[int] | None = None) -> Counted:
    """Count over z (S, L); `own` are the items that they are draws of, which are no neighbours of theirs."""
    generated = studio.decode(z)
    agree = [generated.agreement(s) is not None for s in range(len(generated))]
    near = studio.near(z, NEAREST + 1).tolist()
    others = [[i for i in line if own is None or i != own[s]][:NEAREST] for s, line in enumerate(near)]
    one_class = [len({int(data.y[i]) for i in line}) == 1 for line in others]
    return Counted(sum(agree) / len(agree), sum(one_class) / len(one_class),
                   float(generated.closeness.ratio.median()))


@st.cache_data(max_entries=12, show_spinner="Counting, once for each model")
def counted_all(key: ModelKey, count: int = COUNTED) -> tuple[Counted, Counted | None, Counted]:
    """Of draws of the prior, of the model's sampler, if it has one, and of items' joint beliefs."""
    this, data = loaders.loaded(key), loaders.test_data(key.data_name)
    studio = Studio(this.model, loaders.latent_cloud(key), loaders.judges(key.data_name), this.model.aggregator)
    items = spread(len(data), count).tolist()
    fitted = counted(studio, data, studio.of_sampler(len(items), 0)) if this.model.sampler else None
    return (counted(studio, data, studio.of_prior(len(items), 0)), fitted,
            counted(studio, data, studio.of_items(this.experts, items, 0), items))


def told(prior: Counted, items: Counted, count: int) -> str:
    """What the counts say, as Markdown."""
    error = sum(p * (1 - p) / count for p in (prior.agree, items.agree)) ** 0.5
    if abs(items.agree - prior.agree) <= CLEAR * error:
        return ("**Here they agree about as often as those of real items:** this model's prior is where its items are."
                if prior.agree > 0.5 else
                "**Here even the views of real items' z disagree about as often:** it is not the place, the decoders "
                "themselves differ.")
    if items.agree < prior.agree:
        return "**Here inventions agree even more often than what is decoded from items.**"
    return (f"**It is the place.** Decoded from where an item lies, all views agree in {items.agree:.0%}; decoded from "
            f"a draw of the prior, in {prior.agree:.0%}. Decoders learn only from where items are, and items fill only "
            "a part of the prior: most of its draws fall between the classes, and there every decoder makes up its "
            "own answer. What all views are made from is one z in both cases.")


def _why(c: Task) -> None:
    """The counts of both kinds of z, and as many draws from items as there are inventions."""
    chosen = c.form.about
    prior, fitted, items = counted_all(chosen.key)
    count = min(COUNTED, len(c.data))
    st.markdown(told(prior, items, count))
    kinds = (("the bare prior", prior), ("where items are", fitted), ("the joint belief of an item", items))
    st.html(small_table.table(pd.DataFrame([
        {"z is drawn from": name, "all views show the same class": f"{of.agree:.0%}",
         f"its {NEAREST} nearest items are of one class": f"{of.one_class:.0%}",
         "distance to the data (median)": of.distance}
        for name, of in kinds if of is not None]),
        "Why inventions disagree"))
    st.caption(f"Counted over {count} draws of each kind, with seed 0; the classes are those that judges see, trained "
               "on real views.")
    some = spread(len(c.data), c.num_samples).tolist()
    st.markdown("**For comparison, the same decoders on draws of real items' joint beliefs:**")
    generated = c.studio.decode(c.studio.of_items(chosen.loaded.experts, some, c.seed))
    draws_sheet(c, generated, c.views, "Draws of items' beliefs in all views",
                [f"item {i}" + sheet.small(verdict(c.data, generated, s)) for s, i in enumerate(some)])
