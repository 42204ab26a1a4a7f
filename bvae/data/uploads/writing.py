"""Write posteriors so that they can be read: what is given is converted where that needs no guess."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch import Tensor

from bvae.data.uploads import conversion, tensors
from bvae.data.uploads.format import MAX_RATIO, RATIO_FROM, UploadError
from bvae.data.uploads.reading import read


def write(
    loc: Tensor | np.ndarray, scale: Tensor | np.ndarray, modalities: Sequence[str], *,
    labels: np.ndarray | None = None, present: np.ndarray | None = None,
    thumbnails: Mapping[str, np.ndarray] | None = None, name: str = "", file_type: str = "npz",
) -> bytes:
    """A file in this format, which :func:`read` takes.

    Parameters
    ----------
    loc, scale : Tensor or ndarray
        (M, N, D) real numbers of any type.
    modalities : sequence of str
        M names of letters, digits, '-', '.' and '_'.
    labels : ndarray, optional
        (N,) or (N, 1): integers, whole floats, bool, or texts; of other floats their decimals are the names.
    present : ndarray, optional
        (M, N) bool, or 0 and 1.
    thumbnails : mapping, optional
        Modality -> (N, h, w), (N, h, w, 3) or channels first; uint8, integers from 0 to 255, floats from 0 to 1, bool.
    name : str
    file_type : {"npz", "safetensors"}

    Raises
    ------
    UploadError
        If something cannot be converted without a guess, or the file would be refused.
    """
    names = conversion.modalities(modalities)
    means, widths = (conversion.floats(key, v, len(names)) for key, v in (("loc", loc), ("scale", scale)))
    if widths.shape != means.shape:
        raise UploadError(f"scale: expected the shape of loc, {means.shape}, got {widths.shape}; give one standard "
                          "deviation for each mean.")
    there = conversion.present(present, means.shape[:2])
    arrays = {}
    for m, modality in enumerate(names):
        arrays[f"mu_{modality}"] = np.where(there[m][:, None], means[m], 0)
        arrays[f"sigma_{modality}"] = np.where(there[m][:, None], widths[m], 1)
        if present is not None:
            arrays[f"present_{modality}"] = there[m]
    for modality, pixels in (thumbnails or {}).items():
        arrays[f"thumbnails_{modality}"] = conversion.pixels(f"thumbnails[{modality!r}]", pixels)
    if labels is not None:
        arrays["labels"] = conversion.labels(labels)
    if name:
        arrays["name"] = np.array(str(name))
    content = FILE_TYPES[file_type](arrays)
    read(content)
    return content


def _archive(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An ``.npz`` file."""
    content = _packed(arrays, zipfile.ZIP_DEFLATED)
    unpacked = sum(a.nbytes for a in arrays.values())
    if unpacked > RATIO_FROM and unpacked > 0.9 * MAX_RATIO * len(content):  # as regular as a bomb
        content = _packed(arrays, zipfile.ZIP_STORED)
    return content


def _packed(arrays: Mapping[str, np.ndarray], compression: int) -> bytes:
    """The archive, in which nothing is pickled."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
            archive.writestr(f"{name}.npy", member.getbuffer())
    return buffer.getvalue()


FILE_TYPES: dict[str, Callable[[Mapping[str, np.ndarray]], bytes]] = {
    "npz": _archive, "safetensors": tensors.content_of}
"""How arrays become a file, by the end of its name."""
