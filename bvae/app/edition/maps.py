"""Maps of a model's test items as files of an edition: the principal plane with the way back, and t-SNE."""

from __future__ import annotations

from typing import Any

import numpy as np

from bvae.app.beliefs.selection import MOST_PICKED
from bvae.app.components import point_map
from bvae.app.components.point_map import Points, Scenery
from bvae.app.edition.files import Files
from bvae.app.edition.models import Published
from bvae.maps import map_files, maps
from bvae.maps.maps import JOINT, Clouds
from bvae.maps.projections import pca
from bvae.plots import style
from bvae.plots.latent import grouped

PERPLEXITY = 30


def axes_of(points: np.ndarray, placed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The way back from a linear map: origin (D,) and two directions (2, D), at right angles and of length 1.

    Parameters
    ----------
    points : ndarray
        (N, D).
    placed : ndarray
        (N, 2) their principal components, see `bvae.maps.projections.pca`.
    """
    origin = points.mean(axis=0)
    size = np.maximum((placed**2).sum(axis=0), 1e-12)
    return origin, ((points - origin).T @ placed / size).T


def add_map(
    files: Files, of: Published, found: Clouds, name: str, placed: np.ndarray, titles: tuple[str, str], flat: bool
) -> dict[str, Any]:
    """One map as a file; returns what the page embeds of it. `flat`: it is the latent plane itself."""
    words = list(of.data.class_names) if of.data.labelled else []
    group, names, colors = grouped(words, of.data.y.numpy()[found.item] if words else np.zeros(len(found.item), int))
    symbols = list(style.CLASS_MARKERS[: len(names)])
    order = sorted(set(symbols))
    points = Points(placed, found.item, found.uncertainty, found.disagreement, group,
                    np.searchsorted(order, np.array(symbols)[group]), colors, order,
                    point_map.named([of.data.called(int(i)) for i in found.item]))
    if flat:
        window = maps.window(placed)
    else:
        low, high = placed.min(axis=0), placed.max(axis=0)
        window = ((float(low[0]), float(high[0])), (float(low[1]), float(high[1])))
    alt = (f"Map of {len(placed):,} test items by {of.title}: means of the joint beliefs"
           + (f", coloured by class ({', '.join(names)})" if words else "") + ".")
    file = f"{of.folder}/map-{name}.bin"
    files.add(file, point_map.packed(points, Scenery(window, titles, flat), [], MOST_PICKED, style.LIGHT, alt,
                                     f"{of.data.name}_{of.checkpoint.name}_{name}"))
    return {"file": file, "name": name, "legend": [[n, c] for n, c in zip(names, colors, strict=True)]}


def add_maps(files: Files, of: Published) -> list[dict[str, Any]]:
    """All maps of a model. The first has ``origin`` and ``axes``, by which a place is a point of the latent space."""
    found = maps.clouds(of.model, of.experts, JOINT)
    points = np.asarray(found.loc, dtype=float)
    flat = points.shape[1] == 2
    if flat:
        placed, titles, name = points, ("z1", "z2"), maps.PLANE
        origin, axes = np.zeros(2), np.eye(2)
    else:
        placed, shares = pca(points)
        titles = (f"PC 1 ({shares[0]:.0%})", f"PC 2 ({shares[1]:.0%})")
        name = maps.PCA
        origin, axes = axes_of(points, placed)
    first = add_map(files, of, found, name, placed, titles, flat)
    out = [{**first, "origin": np.round(origin, 5).tolist(), "axes": np.round(axes, 5).tolist()}]
    ready = map_files.read(of.checkpoint, JOINT, PERPLEXITY, map_files.SEED, len(points))
    if ready is not None:
        out.append(add_map(files, of, found, maps.TSNE, ready, ("", ""), False))
    return out
