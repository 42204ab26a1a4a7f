"""What is seen at a place of the plane: decoded, judged, and told. No widgets here."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
import torch
from PIL import Image
from torch import Tensor

from bvae.aggregators import Aggregator, naming
from bvae.app import loaders
from bvae.app.beliefs.generation import Generated, Studio
from bvae.app.beliefs.item_beliefs import ItemBeliefs, experts_of, of_experts
from bvae.app.components.plane_walk import Position
from bvae.app.latent_space import mapping
from bvae.app.latent_space.position import Limits
from bvae.app.loaders import Loaded, ModelKey
from bvae.app.widgets import images
from bvae.data import MultimodalDataset
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.maps import maps
from bvae.maps.latent_distance import PLACES
from bvae.plots.latent import grouped

POINT, BELIEFS = "point", "beliefs"
MOST_ROWS = 4
"""Of a mixture's parts, which are decoded."""
PAPER = 0.15
"""Opacity of a class's colour where its classifier is not sure at all."""


@dataclass(frozen=True)
class Walk:
    """What somebody walks on.

    Attributes
    ----------
    loaded : Loaded
        A model with two shared dimensions.
    data : MultimodalDataset
    item : int
        Whose beliefs are dragged.
    rule : Aggregator
    rule_name : str
    own : Tensor or None
        The model's own weights, where its own rule is used; see `item_beliefs.of_experts`.
    observed : tuple of bool
        M: the views that are switched on.
    mode : str
        `POINT` or `BELIEFS`: what is dragged.
    """

    loaded: Loaded
    data: MultimodalDataset
    item: int
    rule: Aggregator
    rule_name: str
    own: Tensor | None
    observed: tuple[bool, ...]
    mode: str

    @property
    def views(self) -> list[str]:
        """Names of the model's views."""
        return list(self.loaded.model.modalities)

    def experts(self, position: Position | None = None) -> UnimodalPosteriors:
        """(M, 1, 2): the item's beliefs, as its encoders say or as they were moved."""
        loc, scale, present = experts_of(self.loaded, self.item)
        loc, scale = loc[..., :2].clone(), scale[..., :2].clone()
        for m, belief in enumerate(position.beliefs if position else ()):
            if belief is not None:
                loc[m, 0], scale[m, 0] = torch.tensor(belief.mean), scale[m, 0] * belief.width
        return UnimodalPosteriors(loc, scale, present)

    def scene(self, position: Position | None = None) -> ItemBeliefs:
        """The beliefs and what the rule makes of them."""
        return of_experts(self.experts(position), 0, list(self.observed), [1.0] * len(self.views), self.rule, self.own)

    def start(self) -> tuple[float, float]:
        """Where z is at first: the mean of the item's joint belief, as the model makes it of all views."""
        cloud = mapping.clouds(self.loaded.key, maps.JOINT)
        x, y = cloud.loc[cloud.item == self.item][0].tolist()
        return x, y

    def limits(self) -> Limits:
        """Of the map: it holds all items' joint beliefs and this item's beliefs."""
        points = [mapping.clouds(self.loaded.key, maps.JOINT).loc, self.experts().loc[:, 0].numpy()]
        return maps.window(np.concatenate(points))


@st.cache_data(max_entries=16, show_spinner="Asking a classifier what it sees at every place")
def classes_seen(key: ModelKey, view: str, limits: Limits) -> tuple[np.ndarray, np.ndarray] | None:
    """What a view's classifier sees in each of the decoded pictures of the map; None if there is no classifier.

    Returns
    -------
    classes, sure : ndarray
        (n, n): the most probable class and its probability, n = `mapping.CELLS`; the first row lies at the top.
    """
    judges = loaders.judges(key.data_name)
    if judges is None or view not in judges:
        return None
    grid = maps.decoded_plane(loaders.loaded(key).model, view, limits, mapping.CELLS)
    best = judges.probabilities({view: grid.flatten(0, 1)})[view].max(dim=-1)
    shape = (mapping.CELLS, mapping.CELLS)
    return best.indices.view(shape).numpy(), best.values.view(shape).numpy()


def coloured(seen: tuple[np.ndarray, np.ndarray], groups: np.ndarray, colors: Sequence[str]) -> str:
    """A picture with one pixel for each cell, as a data URI: the class's colour, paler where the classifier is less
    sure. `groups` (num_classes,) are positions in `colors`.
    """
    classes, sure = seen
    table = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colors], dtype=np.uint8)
    alpha = (255 * (PAPER + (0.85 - PAPER) * sure)).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.dstack([table[groups[classes]], alpha])).save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def group_of_class(data: MultimodalDataset) -> tuple[np.ndarray, list[str], list[str]]:
    """For each class its group on the map, with the groups' names and colours. See `bvae.plots.latent.grouped`."""
    if not data.labelled:
        return np.zeros(1, dtype=int), *grouped([], np.zeros(1, dtype=int))[1:]
    labels = data.y.numpy()
    groups, names, colors = grouped(list(data.class_names), labels)
    of = np.zeros(len(data.class_names), dtype=int)
    of[labels] = groups
    return of, names, colors


def items_on_the_map(walk: Walk) -> list[list[float]]:
    """[x, y, group] of every test item's joint belief."""
    cloud = mapping.clouds(walk.loaded.key, maps.JOINT)
    of, _, _ = group_of_class(walk.data)
    labels = walk.data.y.numpy()[cloud.item] if walk.data.labelled else np.zeros(len(cloud.item), dtype=int)
    return [[round(float(x), 3), round(float(y), 3), int(g)]
            for (x, y), g in zip(cloud.loc, of[labels], strict=True)]


@dataclass(frozen=True)
class Seen:
    """What is at a position.

    Attributes
    ----------
    scene : ItemBeliefs or None
        None for a point.
    weights : list of float
        R, of the decoded places.
    places : Tensor
        (R, 2).
    generated : Generated
        Of the R places.
    """

    scene: ItemBeliefs | None
    weights: list[float]
    places: Tensor
    generated: Generated


@torch.inference_mode()
def look(walk: Walk, position: Position) -> Seen:
    """Decode a point, or the centre of the joint belief; of a mixture the centres of its heaviest parts."""
    model, scene = walk.loaded.model, None
    weights, places = [1.0], torch.tensor([position.z])
    if walk.mode == BELIEFS:
        scene = walk.scene(position)
        q = scene.decoded
        heavy = [k for k in q.weights[:, 0].argsort(descending=True, stable=True).tolist() if q.weights[k, 0] > 0]
        heavy = sorted(heavy[:MOST_ROWS])
        weights, places = q.weights[heavy, 0].tolist(), q.loc[heavy, 0]
    z = torch.zeros(len(places), model.latent_dim)  # private parts: the mean of their prior
    z[:, :2] = places
    cloud = loaders.latent_cloud(walk.loaded.key)
    studio = Studio(model, cloud, loaders.judges(walk.loaded.key.data_name), walk.rule)
    return Seen(scene, weights, places, studio.decode(z))


def rows(walk: Walk, seen: Seen) -> list[dict[str, Any]]:
    """What the component draws of each decoded place."""
    out = []
    for r, weight in enumerate(seen.weights):
        tiles = []
        for view in walk.views:
            value = images.content(walk.data, view, seen.generated.values[view][r])
            best = seen.generated.judged(view, r)
            name = "" if best is None else walk.data.class_names[best[0]]
            drawn = {"text": value} if isinstance(value, str) else {"uri": images.data_uri(value)}
            tiles.append({**drawn, "alt": f"{view}, decoded" + (f"; a classifier sees {name}" if name else ""),
                          "caption": "" if best is None else f"{name} {best[1]:.2f}".replace(" 0.", " .")})
        head = f"drawn with probability {weight:.0%}" if len(seen.weights) > 1 else ""
        out.append({"head": head, "tiles": tiles})
    return out


def joint(scene: ItemBeliefs | None) -> list[dict[str, Any]]:
    """The joint belief's Gaussians for the component, those that are decoded marked; none for a point."""
    if scene is None or not bool(scene.present.any()):
        return []
    parts = [(scene.posterior, scene.decoded is scene.posterior)]
    parts += [] if scene.decoded is scene.posterior else [(scene.decoded, True)]
    return [{"weight": q.weights[k, 0].item(), "mean": q.loc[k, 0].tolist(), "scale": q.scale[k, 0].tolist(),
             "decoded": decoded}
            for q, decoded in parts for k in range(q.num_components) if q.weights[k, 0] > 0]


def said(walk: Walk, position: Position, seen: Seen) -> str:
    """In a sentence or two: where one is, and what the decoders make of it."""
    if seen.scene is None:
        x, y = position.z
        return f"z = ({x:.2f}, {y:.2f}), {PLACES[int(seen.generated.closeness.place[0])]}. {_judged(walk, seen, 0)}"
    if not bool(seen.scene.present.any()):
        return f"No view is on: the joint belief is the prior. {_judged(walk, seen, 0)}"
    before, now = walk.scene(), seen.scene
    steps = (now.loc - before.loc)[:, 0].norm(dim=-1).tolist()
    there = now.present[:, 0].tolist()
    told = [f"{v}'s belief by {far:.2f}" for v, far, on in zip(walk.views, steps, there, strict=True)
            if on and far > 5e-3]
    followed = (now.decoded.mean - before.decoded.mean)[0].norm().item()
    wider = any(b is not None and b.width != 1 for b in position.beliefs)
    moved = ""
    if told:
        moved = f"You moved {' and '.join(told)}; the joint belief's mean moved by {followed:.2f}. "
    elif wider:
        moved = f"You changed a width; the joint belief's mean moved by {followed:.2f}. "
    many = int((now.decoded.weights[:, 0] > 0).sum())
    if many > 1:
        few = f"; the {MOST_ROWS} most probable ones are shown" if many > MOST_ROWS else ""
        return (f"{moved}{naming.title(walk.rule_name)} makes a mixture: it does not meet in the middle, a draw comes "
                f"from one of {many} places{few}.")
    place = PLACES[int(seen.generated.closeness.place[0])]
    return f"{moved}The joint belief lies {place}. {_judged(walk, seen, 0)}"


def _judged(walk: Walk, seen: Seen, r: int) -> str:
    names = {v: walk.data.class_names[best[0]] for v in walk.views
             if (best := seen.generated.judged(v, r)) is not None}
    if not names:
        return ""
    if len(set(names.values())) == 1:
        return f"In every view a classifier sees {next(iter(names.values()))}."
    return "Classifiers see " + ", ".join(f"{name} in {view}" for view, name in names.items()) + "."
