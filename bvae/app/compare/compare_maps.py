"""Compare's maps: the same items in every contender's space, and whose neighbours changed most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from bvae.app import loaders
from bvae.app.beliefs.contenders import Contender
from bvae.app.beliefs.item_maps import linked_maps, neighbour_changes
from bvae.app.beliefs.neighbours import LinkedMap, link, plane_maps
from bvae.app.compare.state import RULES, SIDE, Compare
from bvae.app.state import Form
from bvae.app.widgets import computing, images
from bvae.app.widgets.markdown import plain
from bvae.plots.latent import grouped
from bvae.runs.isolated import ComputationError

MAP_ITEMS = 300


@st.cache_data(max_entries=16, show_spinner=False)
def laid_over(
    keys: tuple[tuple[Any, ...], ...], one_space: bool, tsne: tuple[int, int] | None = None
) -> list[LinkedMap]:
    """The maps of all contenders, see `neighbours.link`: the same for every item that is looked at.

    Parameters
    ----------
    keys : tuple
        Of `loaders.joint_means`, one for each contender.
    one_space : bool
        See `neighbours.plane_maps`.
    tsne : tuple of int, optional
        Perplexity and seed; PCA without it.
    """
    means = [loaders.joint_means(*key) for key in keys]
    if tsne is not None:
        flat = [loaders.joint_tsne(*key, perplexity=tsne[0], seed=tsne[1]) for key in keys]
        return link(means, flat, [("", "")] * len(keys), False)
    return link(means, *plane_maps(means, one_space), one_space)


def show(
    form: Form[Compare], contenders: Sequence[Contender], models: Sequence[loaders.ModelKey],
    observed: tuple[bool, ...], class_names: Sequence[str],
) -> Callable[[], None]:
    """The part below the controls; what it returns draws the maps.

    Parameters
    ----------
    form : Form
    contenders : sequence of Contender
    models : sequence of ModelKey
        That of each.
    observed : tuple of bool
        M.
    class_names : sequence of str
    """
    data, one_space = form.about.data, form.answer("mode") == RULES  # rules on the same experts: in one latent space
    if not any(observed):
        st.info("Nothing is observed: every item's joint belief is the prior, so a map would be a single point.")
        return lambda: None
    views = list(data.modalities)
    pick = st.columns([1, 1, 1], vertical_alignment="bottom")
    projection = form.ask(pick[0].segmented_control, "projection", "Map")
    if projection == "tsne":
        perplexity = form.ask(pick[1].select_slider, "perplexity", "Perplexity of t-SNE")
        map_seed = form.ask(pick[2].number_input, "map_seed", "Seed of t-SNE")
    n = min(len(data), MAP_ITEMS)
    items, short = loaders.spread(len(data), n), [c.short for c in contenders]
    together = one_space and projection == "pca"
    keys = [(model, c.key if one_space else None, observed, n) for c, model in zip(contenders, models, strict=True)]
    means = [loaders.joint_means(*key) for key in keys]
    try:
        if projection == "tsne":
            with st.spinner(f"t-SNE of {n} points for {len(contenders)} contenders, once"):
                maps = laid_over(tuple(keys), one_space, (perplexity, map_seed))
        else:
            maps = laid_over(tuple(keys), one_space)
    except ComputationError as error:
        computing.say(error)
        return lambda: None
    if projection == "tsne":
        caption = ("Read it honestly: t-SNE keeps neighbours, not distances. The size of an island, the gaps between "
                   "islands and their arrangement mean nothing, and aligning two such maps does not change that. "
                   f"n = {n}, perplexity {perplexity}, seed {map_seed}.")
    else:
        caption = ("The latent space itself: it has two dimensions." if all(m.shape[1] == 2 for m in means) else
                   "PCA: what differs in further directions cannot be seen here, but counts below.") + f" n = {n}."
    given = ", ".join(v for v, o in zip(views, observed, strict=True) if o)
    caption += (f" Means of the joint beliefs given {given}; " + (
        "all in one plane of the shared space." if together else
        f"each map is shifted, turned, mirrored and scaled onto the first, {plain(short[0])}."))
    same = [f"{a} and {b}" for i, a in enumerate(short) for j, b in enumerate(short) if i < j
            and means[i].shape == means[j].shape
            and np.allclose(means[i], means[j], rtol=0, atol=1e-4 * float(np.ptp(means[i])))]
    if same:
        caption += f" The means of {plain(', '.join(same))} are the same: only their shapes differ."
    group, names, colors = grouped(class_names, data.y.numpy()[items])

    def pictures(i: int) -> str:
        return images.item(data, i)

    selected, finish = linked_maps(maps, short, items, group, names, colors, data.called, pictures,
                                   data.y.numpy(), caption, [c.key for c in contenders])
    if selected:
        st.button(f"Compare item {selected[0]} side by side", icon=":material/compare:", on_click=_adopt,
                  args=(selected[0],))
    st.subheader("Whose neighbours changed most")
    neighbour_changes(maps, [c.key for c in contenders], short, items,
                      lambda i: f"class {class_names[int(data.y[i])]}" if data.labelled else "", pictures,
                      f"neighbours_{models[0].data_name}.csv")
    return finish


def _adopt(item: int) -> None:
    """Compare this item side by side."""
    st.session_state["item"] = item
    st.session_state["part"] = SIDE
