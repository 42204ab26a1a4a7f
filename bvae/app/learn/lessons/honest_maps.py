"""Lesson 7: reading a t-SNE honestly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
import torch

from bvae.app import loaders
from bvae.app.learn.lessons import _models as models
from bvae.app.learn.lessons._base import LESSONS, Derivation, Door, Lesson, Option, Picture, Question, Step
from bvae.plots import style
from bvae.plots.lessons import still_map
from bvae.plots.style import Ink

ITEMS, SEED, NEIGHBOURS = 300, 0, 10
USUAL, LOW, LOWEST = 30, 5, 2


class Reading(NamedTuple):
    """What a map keeps.

    Attributes
    ----------
    neighbours : float
        Trustworthiness of the 10 nearest neighbours, 1 if none of them is wrong (scikit-learn).
    distances : float
        Spearman's rank correlation of the distances between the classes' centres in z and on the map.
    """

    neighbours: float
    distances: float


def points(perplexity: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (N, 2) of the map, or means (N, D) without a perplexity, and the classes (N,)."""
    key = models.model()[1].key
    data = loaders.test_data(models.DATA)
    n = min(ITEMS, len(data))
    labels = data.y.numpy()[loaders.spread(len(data), n)]
    if perplexity is None:
        return loaders.posterior_means(key, "joint")[loaders.spread(len(data), n)], labels
    return loaders.tsne(key, ("joint",), n, perplexity, SEED), labels


@st.cache_data(max_entries=8, show_spinner=False)
def noise(n: int, dimensions: int, perplexity: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard normal points (N, D) and their t-SNE (N, 2)."""
    z = torch.randn(n, dimensions, generator=torch.Generator().manual_seed(SEED)).numpy()
    return z, loaders.embed(z, perplexity, SEED)


def reading(perplexity: int) -> Reading:
    """See :class:`Reading`."""
    from scipy.spatial.distance import pdist
    from scipy.stats import spearmanr
    from sklearn.manifold import trustworthiness

    high, labels = points(None)
    low, _ = points(perplexity)
    centres = [pdist(np.stack([v[labels == k].mean(0) for k in np.unique(labels)])) for v in (high, low)]
    return Reading(float(trustworthiness(high, low, n_neighbors=NEIGHBOURS)), float(spearmanr(*centres).statistic))


class Change(NamedTuple):
    """How the map with the low perplexity differs from the usual one.

    Attributes
    ----------
    disparity : float
        What is left when it is turned, shifted and scaled onto the usual one, in [0, 1] (Procrustes, SciPy).
    stayed : float
        Share of the classes whose centre then lies no farther from its place than its points do on average.
    together : float
        Share of the 10 nearest neighbours on the map that are of the point's own class.
    """

    disparity: float
    stayed: float
    together: float


def change() -> Change:
    """See :class:`Change`."""
    from scipy.spatial import procrustes
    from sklearn.neighbors import NearestNeighbors

    (usual, labels), (low, _) = points(USUAL), points(LOW)
    usual, low, disparity = procrustes(usual, low)
    stayed = [float(np.linalg.norm(usual[own].mean(0) - low[own].mean(0))
                    <= np.linalg.norm(usual[own] - usual[own].mean(0), axis=1).mean())
              for own in (labels == k for k in np.unique(labels))]
    near = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(low).kneighbors(low, return_distance=False)[:, 1:]
    return Change(float(disparity), float(np.mean(stayed)), float((labels[near] == labels[:, None]).mean()))


def drawn(perplexity: int, ink: Ink):
    """One map as a figure."""
    xy, labels = points(perplexity)
    classes = np.unique(labels)
    return still_map(xy, np.searchsorted(classes, labels), [str(k) for k in classes], style.CLASS_COLORS, ink)


def table(*perplexities: int) -> pd.DataFrame:
    """Coordinates of the maps."""
    out = pd.DataFrame({"class": points(perplexities[0])[1]})
    for p in perplexities:
        out[[f"x, perplexity {p}", f"y, perplexity {p}"]] = points(p)[0]
    return out


def one_map(ink: Ink) -> Picture:
    """The map with the usual perplexity."""
    r = reading(USUAL)
    return Picture(f"t-SNE map of {len(points(None)[1])} items, perplexity {USUAL}: islands of the classes.",
                   (drawn(USUAL, ink),), table=table(USUAL),
                   caption=f"n = {len(points(None)[1])}, perplexity {USUAL}, seed {SEED}. Neighbours kept "
                           f"(trustworthiness): {r.neighbours:.2f} of 1.")


def two_maps(ink: Ink) -> Picture:
    """The same points with two perplexities."""
    return Picture(
        f"The same points in two t-SNE maps, perplexity {USUAL} and {LOW}: sizes, gaps and places of the islands "
        "differ.", (drawn(USUAL, ink), drawn(LOW, ink)), (f"perplexity {USUAL}", f"perplexity {LOW}"),
        table=table(USUAL, LOW), caption=f"Same {len(points(None)[1])} items, same seed {SEED}, same model.")


def pure_noise(ink: Ink) -> Picture:
    """Noise as t-SNE and as PCA."""
    dimensions = points(None)[0].shape[1]
    z, xy = noise(ITEMS, dimensions, LOWEST)
    flat, shares = loaders.pca(z)
    group = np.zeros(ITEMS, int)
    return Picture(
        f"Left: t-SNE of pure noise with perplexity {LOWEST} looks clumped. Right: PCA of the same noise is one cloud.",
        (still_map(xy, group, ["noise"], [ink.aggregate], ink),
         still_map(flat, group, ["noise"], [ink.aggregate], ink)),
        (f"t-SNE, perplexity {LOWEST}", f"PCA ({shares.sum():.0%} of the variance)"),
        table=pd.DataFrame({"x, t-SNE": xy[:, 0], "y, t-SNE": xy[:, 1], "x, PCA": flat[:, 0], "y, PCA": flat[:, 1]}),
        caption=f"{ITEMS} points of one Gaussian in {dimensions} dimensions: there are no groups in them.")


def because() -> str:
    """After the reveal."""
    a, b = reading(USUAL), reading(LOW)
    return (f"Who is whose neighbour is kept in both maps (trustworthiness {a.neighbours:.2f} and {b.neighbours:.2f}; "
            "1 is perfect). How far the islands are apart is not kept: put all pairs of islands in the order of their "
            f"distance, and compare with the true order in z. The agreement is {a.distances:.2f} on the first map and "
            f"{b.distances:.2f} on the second (1 is perfect, 0 is chance). Believe only what stays when the setting "
            "changes.")


def map_door(text: str, perplexity: int) -> Door:
    """A link to the map of the model."""
    return Door("latent_space", text, {"data": models.DATA, "map": "t-SNE", "perplexity": str(perplexity)},
                {"data": models.DATA, "map": "tsne", "perplexity": perplexity})


def code() -> str:
    """Python that draws the same map."""
    return "\n".join([
        "import torch", "import bvae", "from bvae.app.loaders import spread",
        "from bvae.maps.projections import tsne", "",
        f'data = bvae.dataset("{models.DATA}", split="test")',
        f'model = bvae.load("{models.DATA}", "{models.model()[0]}")',
        f"experts = model.experts(data.subset(torch.tensor(spread(len(data), {ITEMS}))))",
        "means = model.shared(model.aggregate(experts, model.aggregator.conditional())).mean.detach().numpy()",
        f'points = tsne(means, perplexity={LOW}, seed={SEED})',
        "print(points.shape)"])


LESSONS.register("tsne")(Lesson(
    number=7,
    title="Reading a t-SNE honestly",
    idea="A t-SNE map keeps neighbours, not distances; some of its islands are made by its setting.",
    minutes=3, class_minutes=10,
    words=("z", "gaussian", "joint"), introduces=("tsne", "perplexity"),
    steps=(
        Step(
            "A map of neighbours",
            lambda: f"""
A model's z has {points(None)[0].shape[1]} numbers, a screen has two. **t-SNE** looks for a flat map on which everyone
keeps the neighbours it had. **Perplexity** is its one setting: roughly, how many neighbours each point should keep.

Here every point is one item of the test data: the mean of its joint belief. The colour is its class, which t-SNE was
not told. Items of one class lie together, and that may be believed: neighbours are what the method keeps.""",
            one_map, doors=(map_door("The map of all items, in Latent space", USUAL),), code=lambda: code().replace(
                f"perplexity={LOW}", f"perplexity={USUAL}")),
        Step(
            "Predict: another setting",
            f"The same points, started in the same way. We only change the perplexity from {USUAL} to {LOW}.",
            one_map,
            Question(
                "What will the new map look like?",
                (Option("The same map, only enlarged or shrunk",
                        "That would be so if the map kept distances up to a factor. It keeps neighbours.",
                        lambda: change().disparity < 0.05),
                 Option("The same islands at the same places, with blurred edges",
                        "One thinks of perplexity as of sharpness. It decides which points attract each other, and so "
                        "the whole layout.", lambda: change().stayed > 0.8 and change().together > 0.8),
                 Option("The classes still lie together, but elsewhere: places, sizes and gaps of the islands change",
                        "Neighbours are kept. Where the islands lie, and how large they are, is up to the setting.",
                        lambda: change().stayed < 0.5 and change().together > 0.8, right=True),
                 Option("No islands: the classes mix",
                        "Neighbours are kept at every sensible setting, and here most neighbours are of one class.",
                        lambda: change().together < 0.5)),
                two_maps, because, common=1,
                tempting="A map is read like a photograph, whose setting changes the sharpness and not the place of "
                         "things."),
            doors=(map_door(f"All items with perplexity {LOW}", LOW), map_door(f"… and with {USUAL}", USUAL)),
            code=code),
        Step(
            "Islands out of nothing",
            lambda: f"""
The left map shows small groups. There are none: these are {ITEMS} points of *one* Gaussian, pure noise. With a low
perplexity, here {LOWEST}, t-SNE draws clumps in any case. On the right the same points by **PCA**, which only turns the
space and looks at it from its widest side: one cloud.

**May be read:** who is near whom; classes that stay together at several settings. **May not be read:** the size of an
island, the gap between two, their arrangement, and any clump that you have seen at one setting only.""",
            pure_noise,
            doors=(Door("latent_space", "The model's own PCA", {"data": models.DATA, "map": "PCA"},
                        {"data": models.DATA, "map": "pca"}),),
            code=lambda: "\n".join([
                "import torch", "from bvae.maps.projections import tsne", "",
                f"z = torch.randn({ITEMS}, {points(None)[0].shape[1]}, "
                f"generator=torch.Generator().manual_seed({SEED})).numpy()",
                f'print(tsne(z, perplexity={LOWEST}, seed={SEED}).std())'])),
    ),
    summary="On a t-SNE map believe the neighbours, not the sizes, gaps or places of islands, and only what survives a "
            "change of perplexity.",
    trial=Door("latent_space", "Do the views of an item land at the same place? Look at each view alone, by PCA first",
               {"data": models.DATA, "map": "PCA", "which": "everything"},
               {"data": models.DATA, "map": "pca", "which": "everything"}),
    derivation=Derivation(
        ("Points x_i in D dimensions; y_i their places on the map, which are looked for.",
         "The width σ_i of each point's neighbourhood is found by bisection, so that the perplexity is the chosen "
         "one."),
        (("**Neighbours in space** are probabilities from a Gaussian around each point:",
          r"p_{j|i}=\frac{\exp(-\|x_i-x_j\|^2/2\sigma_i^2)}{\sum_{k\ne i}\exp(-\|x_i-x_k\|^2/2\sigma_i^2)},\qquad "
          r"p_{ij}=\frac{p_{j|i}+p_{i|j}}{2N}"),
         ("σ_i is chosen so that the perplexity, 2 to the entropy, is the same for all points. If k neighbours were "
          "equally probable, it would be k. A dense group gets a small σ_i and a thin one a large one: **that is why "
          "the size of islands means nothing.**",
          r"\mathrm{Perp}(P_i)=2^{H(P_i)},\qquad H(P_i)=-\sum_j p_{j|i}\log_2p_{j|i}"),
         ("**Neighbours on the map** come from a distribution with long tails, Student's t:",
          r"q_{ij}=\frac{(1+\|y_i-y_j\|^2)^{-1}}{\sum_{k\ne l}(1+\|y_k-y_l\|^2)^{-1}}"),
         ("**The map** is where the two agree best:",
          r"\min_y\;\mathrm{KL}(P\,\|\,Q)=\sum_{i\ne j}p_{ij}\log\frac{p_{ij}}{q_{ij}}"),
         ("A pair that is near in space (p large) and far on the map (q small) costs much. A pair with p ≈ 0 costs "
          "almost nothing wherever it is put: **that is why the gaps mean nothing.**",
          r"p_{ij}\to0\;\Rightarrow\;p_{ij}\log\frac{p_{ij}}{q_{ij}}\to0"),
         ("KL(P‖Q) has many local minima, so the start matters too; this app starts from PCA.", "")),
        ("maaten", "wattenberg")),
))
