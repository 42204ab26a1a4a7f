"""How good our t-SNE maps are, beside scikit-learn's: ``python -m benchmarks.maps [MODEL ...]``.

The points are the joint means of PolyMNIST's test items. Both start from the principal components, take as many steps
and use one thread. Of each map: the trustworthiness of its 15 nearest neighbours (1 if none of them is wrong), the
share of the 15 nearest in all latent dimensions that is kept, the share of a point's neighbours on the map that are of
its class, the silhouette of the classes on it, and seconds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from sklearn.manifold import TSNE, trustworthiness
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

import bvae
from bvae.maps import maps
from bvae.maps.alignment import neighbours
from bvae.maps.maps import JOINT, PERPLEXITIES
from bvae.maps.projections import STEPS, tsne

DATA, NEIGHBOURS, SEEDS = "polymnist", 15, (0, 1, 2)


def sklearns(points: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    """The map of scikit-learn's t-SNE with our settings."""
    with threadpool_limits(limits=1):
        fit = TSNE(perplexity=perplexity, init="pca", random_state=seed, max_iter=STEPS)
        return fit.fit_transform(points.astype(np.float32))


SIDES: Mapping[str, Callable[[np.ndarray, float, int], np.ndarray]] = {
    "ours (openTSNE)": tsne, "scikit-learn": sklearns}


def measured(points: np.ndarray, labels: np.ndarray, flat: np.ndarray) -> tuple[float, float, float, float]:
    """Trustworthiness, neighbours kept, neighbours of the same class, silhouette."""
    space, plane = neighbours(points, NEIGHBOURS), neighbours(flat, NEIGHBOURS)
    kept = np.mean([len(np.intersect1d(a, b)) / NEIGHBOURS for a, b in zip(space, plane, strict=True)])
    return (float(trustworthiness(points, flat, n_neighbors=NEIGHBOURS)), float(kept),
            float((labels[plane] == labels[:, None]).mean()), float(silhouette_score(flat, labels)))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["mwb-vae", "wb-vae", "mvae", "mmvae"])
    names = parser.parse_args().models
    torch.set_num_threads(1)
    data = bvae.dataset(DATA, split="test")
    labels = data.y.numpy()
    for side in SIDES.values():  # so that the first one does not pay for what is imported
        side(np.random.default_rng(0).normal(size=(50, 3)), 5, 0)
    print("| model | perplexity | by | trustworthiness | neighbours kept | same class | silhouette | seconds |\n"
          "|---|---|---|---|---|---|---|---|")
    for name in names:
        points = maps.posteriors(bvae.load(DATA, name), data, JOINT).loc
        for perplexity in PERPLEXITIES:
            for side, computed in SIDES.items():
                rows = []
                for seed in SEEDS:
                    start = time.perf_counter()
                    flat = computed(points, perplexity, seed)
                    seconds = time.perf_counter() - start
                    rows.append((*measured(points, labels, flat), seconds))
                *shares, seconds = np.mean(rows, axis=0)
                print(f"| {name} | {perplexity} | {side} | " + " | ".join(f"{s:.4f}" for s in shares)
                      + f" | {seconds:.2f} |", flush=True)
    again = [tsne(points, PERPLEXITIES[0], 0) for _ in range(2)]
    print(f"\nMeans over seeds {', '.join(map(str, SEEDS))}; {len(points):,} points. The same seed gives the same map: "
          f"{np.array_equal(*again)}.")


if __name__ == "__main__":
    main()
