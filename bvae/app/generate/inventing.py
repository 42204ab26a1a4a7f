"""Invent: draws of the prior, decoded into all views; and, counted, why the views of an invention disagree."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st
from torch import Tensor

from bvae.app import loaders
from bvae.app.beliefs import sheet
from bvae.app.beliefs.generation import Generated, Studio, rows
from bvae.app.generate.generate_panels import Shown, Task, draws_sheet, numbers
from bvae.app.loaders import ModelKey
from bvae.app.state import Form
from bvae.app.widgets import fold, images, small_table
from bvae.data import MultimodalDataset
from bvae.maps.maps import spread

NEAREST = 5
COUNTED = 200  # draws of each kind, of which shares are told
CLEAR = 3.0  # standard errors by which two shares have to differ before the text says that they do


def again_button(form: Form) -> None:
    """A button for other draws: the next seed, which the link holds."""
    st.button("Again", icon=":material/casino:", help="Other draws, with the next seed.", on_click=next_seed,
              args=(form.key("seed"), form.controls["seed"].high), key="again")


def next_seed(key: str, highest: int) -> None:
    """The one after the chosen one; after the last one the first."""
    st.session_state[key] = (st.session_state[key] + 1) % (highest + 1)


def invent(c: Task) -> Shown:
    """Draws of the prior in all views, beside each the items that its z lies between."""
    z = c.studio.of_prior(c.num_samples, c.seed)
    generated = c.studio.decode(z)
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        st.subheader("What it invents")
        draws_sheet(c, generated, c.views, f"{len(generated)} inventions in {len(c.views)} views",
                    [number + sheet.small(verdict(c.data, generated, s))
                     for s, number in enumerate(numbers(len(generated)))])
        if generated.classes:
            agreed = sum(generated.agreement(s) is not None for s in range(len(generated)))
            st.markdown(f"In **{agreed} of {len(generated)}** inventions all {len(c.views)} views show the same class. "
                        "One z makes all pictures of a row, so they should.")
        again_button(c.form)
    with right:
        st.subheader("Between which items its z lies")
        _neighbours(c, c.studio.near(z, NEAREST))
    if generated.classes and c.data.labelled:
        fold.show("Why do the views of an invention disagree?", "help", "why_they_disagree", lambda: _why(c))
    return Shown(rows(generated, c.views, c.data.class_names), [generated])


def verdict(data: MultimodalDataset, generated: Generated, s: int) -> str:
    """Whether the judges see the same in all views; nothing without judges."""
    k = generated.agreement(s)
    return "" if not generated.classes else f"all {data.class_names[k]}" if k is not None else "differ"


def _neighbours(c: Task, near: Tensor) -> None:
    """The nearest items of each draw as pictures of one view, with their classes."""
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
        st.markdown(f"**{mixed} of {len(near)}** lie between items of several classes. There no decoder has learned "
                    f"what to draw, and each view decides for itself. Shown: {view} of the {NEAREST} test items whose "
                    "z are nearest.")


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
def counted_both(key: ModelKey, count: int = COUNTED) -> tuple[Counted, Counted]:
    """Of draws of the prior, and of draws of items' joint beliefs."""
    this, data = loaders.loaded(key), loaders.test_data(key.data_name)
    studio = Studio(this.model, loaders.latent_cloud(key), loaders.judges(key.data_name), this.model.aggregator)
    items = spread(len(data), count).tolist()
    return (counted(studio, data, studio.of_prior(len(items), 0)),
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
    prior, items = counted_both(chosen.key)
    count = min(COUNTED, len(c.data))
    st.markdown(told(prior, items, count))
    st.html(small_table.table(pd.DataFrame([
        {"z is drawn from": name, "all views show the same class": f"{of.agree:.0%}",
         f"its {NEAREST} nearest items are of one class": f"{of.one_class:.0%}",
         "distance to the data (median)": of.distance}
        for name, of in (("the prior: an invention", prior), ("the joint belief of an item", items))]),
        "Why inventions disagree"))
    st.caption(f"Counted over {count} draws of each kind, with seed 0; the classes are those that judges see, trained "
               "on real views.")
    some = spread(len(c.data), c.num_samples).tolist()
    st.markdown("**For comparison, the same decoders on draws of real items' joint beliefs:**")
    generated = c.studio.decode(c.studio.of_items(chosen.loaded.experts, some, c.seed))
    draws_sheet(c, generated, c.views, "Draws of items' beliefs in all views",
                [f"item {i}" + sheet.small(verdict(c.data, generated, s)) for s, i in enumerate(some)])
