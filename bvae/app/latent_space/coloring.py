"""What the points of a map look like: groups, colours, markers, or numbers on a scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bvae.app.latent_space import columns
from bvae.app.latent_space.state import (
    ATTRIBUTE,
    CELL,
    COUNT,
    DISAGREEMENT,
    LABEL,
    MISFIT,
    UNCERTAINTY,
    VIEW,
    VIEWS,
)
from bvae.app.state import ink
from bvae.data import MultimodalDataset
from bvae.maps.maps import Clouds
from bvae.plots import style
from bvae.plots.latent import grouped


@dataclass(frozen=True)
class Coloring:
    """How the points of a map look. See `bvae.plots.latent.scatter`."""

    name: str
    group: np.ndarray
    names: list[str]
    colors: list[str]
    symbols: list[str]
    point_symbols: np.ndarray | None = None
    values: np.ndarray | None = None
    column: str = ""
    """What the groups or the values are of, where it is a column."""


def classes(name: str, data: MultimodalDataset, of: str | None) -> list[str]:
    """What is told apart by colours, if it is by words: of a column with a scale nothing."""
    if name in (LABEL, CELL) and of is not None:
        found = columns.values(data, of)
        return [] if columns.numbers(found) is not None else columns.words(found)[1]
    if name == VIEWS:
        return columns.words(columns.patterns(data))[1]
    return list(data.class_names) if name == "class" and data.labelled else []


def colored(
    name: str, found: Clouds, data: MultimodalDataset, of: str | None, chosen: Sequence[str] = (),
    misfit: np.ndarray | None = None,
) -> Coloring:
    """Groups, colours and markers. In a map of several clouds the marker always tells the cloud.

    Parameters
    ----------
    name : str
        One of `state.colorings`.
    found : Clouds
    data : MultimodalDataset
    of : str or None
        Which attribute or column, where the map is coloured by one.
    chosen : sequence of str
        Of :func:`classes`: those that have colours, the others are grey; () for the largest ones.
    misfit : ndarray, optional
        (N,) of all items, where the map is coloured by it.
    """
    views = list(data.modalities)
    several = len(found.names) > 1
    cloud_symbols = [style.marker(views.index(n)) if n in views else style.JOINT_MARKER for n in found.names]
    cloud_colors = [style.color(views.index(n)) if n in views else ink().aggregate for n in found.names]
    per_point = np.array(cloud_symbols)[found.cloud] if several else None
    if name == VIEW:
        return Coloring(name, found.cloud, list(found.names), cloud_colors, cloud_symbols)

    def scale(values: np.ndarray, column: str = "") -> Coloring:
        names, symbols = (list(found.names), cloud_symbols) if several else (["items"], ["circle"])
        return Coloring(name, found.cloud, names, [ink().faint] * len(names), symbols, per_point, values, column)

    def groups(of_item: np.ndarray, words: Sequence[str], column: str = "") -> Coloring:
        group, names, colors = grouped(words, of_item[found.item], chosen=chosen)
        return Coloring(name, group, names, colors, list(style.CLASS_MARKERS[: len(names)]), per_point, None, column)

    if name in (UNCERTAINTY, DISAGREEMENT):
        return scale(found.uncertainty if name == UNCERTAINTY else found.disagreement)
    if name == MISFIT and misfit is not None:
        return scale(misfit[found.item])
    if name in (LABEL, CELL) and of is not None:
        values = columns.values(data, of)
        numbers = columns.numbers(values)
        return groups(*columns.words(values), of) if numbers is None else scale(numbers[found.item], of)
    if name == VIEWS:
        return groups(*columns.words(columns.patterns(data)), "the views")
    if name == COUNT:
        return groups(*columns.words(data.present.sum(0).numpy().astype(object)), "number of views")
    if name == ATTRIBUTE and data.attributes is not None and of is not None:
        has = data.attributes[:, data.attribute_names.index(of)].numpy()[found.item].astype(int)
        word = of.replace("_", " ").lower()
        return Coloring(name, has, [f"without {word}", f"with {word}"], [style.COLORS[0], style.COLORS[1]],
                        ["circle", "square"], per_point)
    return groups(data.y.numpy(), list(data.class_names) if data.labelled else ["items"])
