"""Your data: what the page shows of a file of posteriors, in each of its views."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

import bvae
from bvae.aggregators import Aggregator, aggregator
from bvae.app import loaders, pages, reproduce
from bvae.app.beliefs import comparing, panels, scene
from bvae.app.beliefs.comparing import Contender
from bvae.app.state import BIND, ink
from bvae.app.widgets import charts, computing, fold, images
from bvae.app.your_data import uploading
from bvae.data import uploads
from bvae.data.uploads import PosteriorSet
from bvae.plots import posterior as plots
from bvae.plots import style
from bvae.plots.latent import scatter
from bvae.runs.isolated import gaps

JOINT, CLOUDS = uploading.JOINT, uploading.CLOUDS
MAP_ITEMS, CLOUD_ITEMS = 500, 300
EXTEND = next(folder for folder in (pages.HERE / "extend", pages.CHECKOUT / "docs" / "extend") if folder.is_dir())


@dataclass(frozen=True)
class Own:
    """The file that is shown.

    Parameters
    ----------
    data : PosteriorSet
    is_example : bool
        Whether it is ours, for want of an upload.
    """

    data: PosteriorSet
    is_example: bool

    @property
    def views(self) -> list[str]:
        """Names of the modalities."""
        return list(self.data.modalities)

    def called(self, i: int) -> str:
        """An item's name as plain text."""
        return f"item {i}" + (f", class {self.data.label(i)}" if self.data.classes else "")

    def content(self, view: str, i: int) -> Any:
        """What stands for one modality of an item: its thumbnail, or its name."""
        picture = self.data.thumbnail(view, i)
        there = bool(self.data.experts.present[self.views.index(view), i])
        return picture if picture is not None else view if there else None

    def pictures(self, i: int) -> str:
        """All modalities of an item in one line, as HTML."""
        return images.of_item(self.called(i), int(self.data.y[i]), {v: self.content(v, i) for v in self.views})

    def choose_item(self, box: Any) -> int:
        """A box for the number of an item."""
        return int(box.number_input("Item", 0, len(self.data) - 1, 0, key="my_item", bind=BIND,
                                    help=f"One of {len(self.data):,}."))


def defaults(views: Sequence[str]) -> dict[str, Any]:
    """What the widgets of all three parts have at first, by their keys."""
    return {"my_item": 0, "my_rule": "wasserstein", "my_plane": "dims", "my_views": list(views),
            **{f"my_w_{view}": 1.0 for view in views}, "my_which": JOINT, "my_map": "pca", "my_perplexity": 30,
            "my_map_seed": 0, "my_color": "view", "my_rules": list(comparing.FIRST_RULES), "picked": ""}


def posterior(own: Own) -> None:
    """One item's posteriors and their barycenter."""
    data, views, rules = own.data, own.views, style.ordered(bvae.aggregators())
    top = st.columns([1, 1.6, 2], vertical_alignment="bottom")
    item = own.choose_item(top[0])
    rule_name = top[1].selectbox("Aggregate with", rules, index=rules.index("wasserstein"), key="my_rule", bind=BIND,
                                 format_func=style.short)
    plane_name = top[2].segmented_control(
        "Plane", ["dims", "pca"], default="dims", required=True, key="my_plane", bind=BIND,
        format_func={"dims": "Most disagreeing dimensions", "pca": "PCA"}.get)
    left, middle = st.columns([1, 2.4], gap="large")
    known, weights = data.experts.present[:, item].tolist(), []
    with left:
        st.subheader("What is observed")
        on = st.pills("Modalities", views, default=views, selection_mode="multi", key="my_views", bind=BIND, wrap=True)
        for m, view in enumerate(views):
            picture, slider = st.columns([1, 1.25], vertical_alignment="center", wrap=False, gap="small")
            seen = view in on and known[m]
            picture.html(images.figure(own.content(view, item) if seen else None,
                                       f"{view}, " + (own.called(item) if seen else "absent"), style.color(m)))
            weights.append(slider.slider(f":gray[weight of] {panels.plain(view)}", 0.0, 4.0, 1.0, 0.25,
                                         key=f"my_w_{view}", bind=BIND, disabled=not seen))
        st.caption(panels.plain(own.called(item)) + ". " + ("" if all(known) else "The file lacks "
                   + panels.plain(", ".join(v for v, k in zip(views, known, strict=True) if not k)) + " here."))
    now = scene.of_experts(data.experts, item, [v in on for v in views], weights, aggregator(rule_name))
    loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
    plane = plots.dimension_plane(loc, scale) if plane_name == "dims" else plots.principal_plane(loc)
    middle.subheader("What it believes")
    st.subheader("Numbers")
    panels.expert_numbers(views, now, known)
    if now.rule.formula:
        fold.show("The rule's formula", "function", "formula", lambda: _formula(now.rule))
    reproduce.show(reproduce.uploaded_code(own.is_example, [rule_name], item, [v in on for v in views],
                                          None if now.weights is None else now.weights.tolist()), "your_data.py")
    with middle:  # plots take longest: numbers do not wait for them
        panels.belief_charts(plane, views, now, now.drawn()[:1])


def _formula(rule: Aggregator) -> None:
    """What a rule computes, and what it minimises."""
    st.latex(rule.formula)
    if rule.divergence:
        st.caption(f"It minimises: {rule.divergence}.")


def latent_map(own: Own) -> None:
    """All items as points."""
    data, views, rules = own.data, own.views, style.ordered(bvae.aggregators())
    top = st.columns([2.4, 1, 1], vertical_alignment="bottom")
    which = top[0].segmented_control(
        "Posterior means of", [JOINT, *views, CLOUDS], default=JOINT, required=True, key="my_which", bind=BIND,
        wrap=True)
    projection = top[1].segmented_control("Map", ["pca", "tsne"], default="pca", required=True, key="my_map", bind=BIND,
                                          format_func={"pca": "PCA", "tsne": "t-SNE"}.get)
    rule_name = top[2].selectbox("Aggregate with", rules, index=rules.index("wasserstein"), key="my_rule", bind=BIND,
                                 format_func=style.short, disabled=which != JOINT)
    perplexity, map_seed = 30, 0
    if projection == "tsne":
        with st.expander("Advanced", icon=":material/tune:"):
            perplexity = st.select_slider("Perplexity of t-SNE", [5, 15, 30, 50], 30, key="my_perplexity", bind=BIND)
            map_seed = int(st.number_input("Seed of t-SNE", 0, 99, 0, key="my_map_seed", bind=BIND))
    means, item, cloud = uploading.means(data, which, views, rule_name, CLOUD_ITEMS if which == CLOUDS else MAP_ITEMS)
    projection = "raw" if projection == "pca" and data.latent_dim == 2 else projection
    if len(means) == 0:
        st.info(f"No item of the file has {panels.plain(which)}.")
        return
    with computing.said():
        _map(own, means, item, cloud, (which, projection, rule_name, perplexity, map_seed))
    reproduce.show(map_code(own.is_example, which, views, rule_name, projection, perplexity, map_seed), "your_map.py",
                   title="Reproduce this map", seed=map_seed if projection == "tsne" else None)
    if len(views) > 1:
        st.subheader("Is there a gap between the modalities?")
        with computing.said():
            clouds, _, where = uploading.means(data, CLOUDS, views, rule_name, CLOUD_ITEMS)
            apart = gaps([clouds[where == m] for m in range(len(views))])
            st.dataframe(pd.DataFrame(apart, index=views, columns=views).round(3), width="stretch")
            st.caption("Distance between the centres of two modalities' means, in units of the clouds' own size (root "
                       "mean square distance to the centre), in the full latent space. About 0: they lie on top of "
                       "each other.")


def _map(
    own: Own, means: np.ndarray, item: np.ndarray, cloud: np.ndarray, settings: tuple[str, str, str, int, int]
) -> None:
    """The map of some means, and the items that are selected in it; `settings` are those of :func:`map_code`."""
    (which, projection, rule_name, perplexity, map_seed), data, views = settings, own.data, own.views
    shares = None
    if projection == "tsne":
        with st.spinner(f"t-SNE of {len(means):,} points, once"):
            points = uploading.kept(("tsne", which, rule_name, perplexity, map_seed),
                                    lambda: loaders.embed(means, perplexity, map_seed))
    elif projection == "pca":
        points, shares = loaders.pca(means)
    else:
        points = means
    titles = {"tsne": ("", ""), "raw": ("latent dimension 0", "latent dimension 1")}.get(projection) or (
        f"first principal component ({shares[0]:.0%} of the variance)", f"second ({shares[1]:.0%})")
    coloring = "class"
    if which == CLOUDS:
        coloring = st.segmented_control("Colour by", ["view", "class"], default="view", required=True, key="my_color",
                                        bind=BIND, format_func={"view": "modality", "class": "class"}.get)
    if coloring == "view":
        group, names = cloud, views
        colors, symbols = [style.color(m) for m in range(len(views))], [style.marker(m) for m in range(len(views))]
    else:
        group, names, colors = comparing.grouped(data.classes, data.y[item])
        symbols = ["circle"] * len(names)
    chart, side = st.columns([1.9, 1], gap="large")
    with chart:
        figure = scatter(
            points, group, [html.escape(n) for n in names], colors, symbols, np.stack([item, cloud], axis=1),
            [html.escape(own.called(int(i)) + (f", {views[c]}" if which == CLOUDS else ""))
             for i, c in zip(item, cloud, strict=True)], ink(), titles)
        event = charts.show(
            figure, f"my_map_{which}_{projection}_{coloring}",
            f"Map of {len(means)} posterior means, coloured by {coloring}.",
            lambda: pd.DataFrame({"item": item, "label": [data.label(int(i)) for i in item],
                                  "modality": [views[c] if which != JOINT else JOINT for c in cloud],
                                  "x": points[:, 0], "y": points[:, 1]}),
            f"map_{projection}", on_select="rerun", selection_mode=("points", "lasso", "box"))
        st.caption(panels.map_note(projection, len(means), data.latent_dim, shares, perplexity, map_seed))
    with side:
        st.subheader("Selected items")
        picked = list(dict.fromkeys(int(p["customdata"][0]) for p in event.selection.points if p.get("customdata")))
        if not picked:
            st.write("Select points with the lasso or by a click: their items appear here. Until then, some of them:")
            picked = [int(i) for i in item[loaders.spread(len(item), min(5, len(item)))]]
        st.html("".join(own.pictures(i) for i in picked[: panels.SHOWN]))


def map_code(
    is_example: bool, which: str, views: Sequence[str], rule_name: str, projection: str, perplexity: int, seed: int
) -> str:
    """A script that gives the coordinates of :func:`latent_map`.

    Parameters
    ----------
    is_example : bool
    which : str
        :data:`JOINT`, :data:`CLOUDS` or a modality.
    views : sequence of str
    rule_name : str
        For :data:`JOINT`.
    projection : str
        "raw", "pca" or "tsne".
    perplexity, seed : int
        For "tsne".
    """
    file, most = "example.npz" if is_example else "YOUR_FILE.npz", CLOUD_ITEMS if which == CLOUDS else MAP_ITEMS
    if which == JOINT:
        means = [
            f"items = spread(len(data), min(len(data), {most}))",
            "loc, scale, present = (v[:, items] for v in data.experts)",
            f'means = means_of(bvae.aggregator("{rule_name}").conditional(), loc, scale, present).numpy()',
        ]
    else:
        chosen = [views.index(which)] if which in views else list(range(len(views)))
        means = [
            "parts = []",
            f"for m in {chosen}:  # {', '.join(views[m] for m in chosen)}",
            "    there = data.experts.present[m].nonzero().squeeze(1)",
            f"    there = there[spread(len(there), min(len(there), {most}))] if len(there) else there",
            "    parts.append(data.experts.loc[m, there])",
            "means = torch.cat(parts).numpy()",
        ]
    flat = {"raw": "points = means", "pca": "points, shares = pca(means)",
            "tsne": f"points = tsne(means, perplexity={perplexity}, seed={seed})"}[projection]
    return "\n".join([
        "from pathlib import Path", "import torch", "import bvae", "from bvae.data import uploads",
        "from bvae.aggregators.comparison import means_of", "from bvae.maps.maps import spread",
        "from bvae.maps.projections import pca, tsne", "",
        f'data = uploads.read(Path("{file}").read_bytes())  # ' + (
            "the page's download button gives this file" if is_example else
            "the file that you uploaded, .npz or .safetensors"),
        *means, flat, "print(points)"])


def comparison(own: Own) -> None:
    """Several rules on the same posteriors."""
    data, views, rules = own.data, own.views, style.ordered(bvae.aggregators())
    top = st.columns([1, 3], vertical_alignment="bottom")
    item = own.choose_item(top[0])
    picked = top[1].pills("Aggregators", rules, default=list(comparing.FIRST_RULES), selection_mode="multi",
                          key="my_rules", bind=BIND, format_func=style.short, wrap=True)
    chosen, note = comparing.allowed(picked, rules, comparing.FIRST_RULES)
    if note:
        st.caption(f":material/info: {note}")
    on = st.pills("Modalities", views, default=views, selection_mode="multi", key="my_views", bind=BIND, wrap=True)
    observed, known = [v in on for v in views], data.experts.present[:, item].tolist()
    st.html(own.pictures(item))
    contenders = []
    for name in chosen:
        now = scene.of_experts(data.experts, item, observed, [1.0] * len(views), aggregator(name))
        plane = plots.dimension_plane(now.loc[:, 0].numpy(), now.scale[:, 0].numpy())
        contenders.append(Contender(name, style.title(name), style.short(name), now, plane))
    numbers, exact = comparing.numbers(contenders, views, known=known)
    brief = [comparing.key_numbers(numbers, c.short, []) for c in contenders]
    st.subheader("Side by side")
    panels.contender_columns(contenders, views, True, brief)()
    st.subheader("All numbers")
    panels.numbers_table(numbers, exact, "your_numbers.csv")
    reproduce.show(reproduce.uploaded_code(own.is_example, chosen, item, observed), "your_data.py")
    if len(data) > 2:
        with computing.said():
            _spaces(own, contenders, observed)


def _spaces(own: Own, contenders: Sequence[Contender], observed: Sequence[bool]) -> None:
    """Every contender's map of the same items, and whose neighbours changed most."""
    data = own.data
    st.subheader("The same items in every space")
    st.markdown("**Draw a lasso in one map:** where are its items in the others?")
    items = loaders.spread(len(data), min(len(data), CLOUD_ITEMS))
    means = [uploading.joint_means(data, c.key, observed, items) for c in contenders]
    flat, titles = comparing.plane_maps(means, True)
    maps = comparing.link(means, flat, titles, True)
    group, names, colors = comparing.grouped(data.classes, data.y[items])
    short = [c.short for c in contenders]
    _, draw = panels.linked_maps(
        maps, short, items, group, names, colors, own.called, own.pictures, len(data),
        "All in one plane of the latent space, found from all of them together by PCA"
        f"{' (the space itself: D = 2)' if data.latent_dim == 2 else ''}. n = {len(items):,}.",
        [f"my_{c.key}" for c in contenders])
    draw()
    st.subheader("Whose neighbours changed most")
    panels.neighbour_changes(maps, short, items, own.called, own.pictures, "your_neighbours.csv")


def instructions() -> None:
    """The format of the file, and how to extend."""
    def the_format() -> None:
        st.markdown(f"One `.npz` or `.safetensors` file of at most {uploads.MAX_FILE // uploads.MIB} MB "
                    f"({uploads.MAX_UNPACKED // uploads.MIB} MB unpacked), with these arrays for 1 to "
                    f"{uploads.MAX_MODALITIES} modalities; N up to {uploads.MAX_ITEMS:,} items, D up to "
                    f"{uploads.MAX_DIMENSIONS:,} latent dimensions, the same N and D everywhere.")
        st.dataframe(pd.DataFrame([
            {"array": key if key in ("labels", "name") else f"{key}_NAME", "shape": f.shape,
             "type": uploads.KIND_NAMES[f.kinds], "what": f.says} for key, f in uploads.FIELDS.items()]),
            hide_index=True, width="stretch")
        st.markdown("NAME is yours: letters, digits, `-`, `.` and `_`. Posteriors are diagonal Gaussians in **one** "
                    "latent space that all modalities share. To write it:")
        st.code((EXTEND / "posteriors.py").read_text(encoding="utf-8"), language="python")
        st.markdown("A `.safetensors` file has the same arrays under the same names, all but the texts, which are in "
                    "its metadata: `name`, and `classes`, a JSON list of which `labels` holds the positions.")
        st.code((EXTEND / "posteriors_safetensors.py").read_text(encoding="utf-8"), language="python")

    def extending() -> None:
        st.markdown("Each is one file or one line; it then appears in every list of this app, on the command line and "
                    "in the tests. These three files are run by the tests as they stand.")
        for title, file in (("An aggregator", "aggregator.py"), ("A data set", "dataset.py"),
                            ("A method, and a model trained with it", "method.py")):
            st.markdown(f"**{title}**")
            st.code((EXTEND / file).read_text(encoding="utf-8"), language="python")

    fold.show("The format of the file", "description", "the_format", the_format)
    fold.show("How to add a data set, an aggregator, a method of your own", "extension", "extending", extending)
