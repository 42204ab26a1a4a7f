"""A map as a table and as an archive: coordinates, labels, and the posteriors that were mapped."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from bvae.gaussians.dimensions import z_name
from bvae.maps.maps import Clouds


def columns(
    points: np.ndarray, clouds: Clouds, labels: np.ndarray, ids: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """The columns that describe every point, P entries each.

    Parameters
    ----------
    points : ndarray
        (P, 2) coordinates on the map.
    clouds : Clouds
        What was mapped.
    labels : ndarray
        (N,) class of every item of the data set, as a number or a word.
    ids : ndarray, optional
        (N,) what the items are called; by default their positions in the data set.
    """
    return {"item": clouds.item if ids is None else ids[clouds.item], "label": labels[clouds.item],
            "view": np.array(clouds.names)[clouds.cloud], "x": points[:, 0], "y": points[:, 1],
            "uncertainty": clouds.uncertainty, "disagreement": clouds.disagreement}


def as_csv(points: np.ndarray, clouds: Clouds, labels: np.ndarray, ids: np.ndarray | None = None) -> str:
    """All of it, with one column for the mean and one for the standard deviation in every latent dimension."""
    dims = range(clouds.loc.shape[1])
    described = columns(points, clouds, labels, ids)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*described, *map(z_name, dims), *(f"{z_name(d)}_sd" for d in dims)])
    for i in range(len(points)):
        numbers = (f"{v:.7g}" for v in (*clouds.loc[i], *clouds.scale[i]))
        writer.writerow([*(f"{v[i]:.7g}" if v.dtype.kind == "f" else v[i] for v in described.values()), *numbers])
    return out.getvalue()


def as_npz(
    points: np.ndarray, clouds: Clouds, labels: np.ndarray, facts: dict[str, str], ids: np.ndarray | None = None
) -> bytes:
    """The same as a NumPy archive without pickled objects.

    Arrays ``item``, ``label``, ``view``, ``uncertainty``, ``disagreement`` (P,), ``points`` (P, 2), ``loc``, ``scale``
    (P, D), and one text for each of `facts`.
    """
    described = columns(points, clouds, labels, ids)
    arrays = {k: v for k, v in described.items() if k not in ("x", "y")}
    out = io.BytesIO()
    arrays.update({k: np.array(v) for k, v in facts.items()})
    np.savez_compressed(out, points=np.asarray(points), loc=clouds.loc, scale=clouds.scale, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def check_ending(path: Path) -> None:
    """Raises ValueError unless the file ends with .csv or .npz."""
    if path.suffix not in (".csv", ".npz"):
        raise ValueError(f"--to: expected a file that ends with .csv or .npz, got {str(path)!r}")


def write(
    path: Path, points: np.ndarray, clouds: Clouds, labels: np.ndarray, facts: dict[str, str],
    ids: np.ndarray | None = None,
) -> None:
    """Write a map to a file, see :func:`check_ending`."""
    check_ending(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        path.write_text(as_csv(points, clouds, labels, ids), encoding="utf-8", newline="")
    else:
        path.write_bytes(as_npz(points, clouds, labels, facts, ids))
