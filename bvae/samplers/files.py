"""A sampler beside the weights of a checkpoint: ``sampler.safetensors``, its facts as JSON in the file's metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bvae.io.compact import widened, write_weights
from bvae.io.storage import StorageError, read_tensors_and_metadata
from bvae.registry import UnknownName
from bvae.samplers.base import SAMPLERS, Sampler

FILE, FORMAT = "sampler.safetensors", "1"


def write(folder: Path, sampler: Sampler, weights_hash: str, **facts: Any) -> Path:
    """Write a sampler, in half precision where that holds it, and of which weights it is.

    Parameters
    ----------
    folder : Path
        Of the checkpoint.
    sampler : Sampler
    weights_hash : str
        SHA-256 of the weights that it was fitted for.
    **facts
        What else is to be known, as JSON.

    Returns
    -------
    Path
        Of the file.
    """
    about = {"format": FORMAT, "sampler": sampler.name, "weights": weights_hash, "facts": json.dumps(facts)}
    write_weights(folder / FILE, sampler.state(), about)
    return folder / FILE


def read(folder: Path, weights_hash: str, dim: int) -> Sampler | None:
    """The sampler in a checkpoint's folder; None if there is none.

    Raises
    ------
    StorageError
        If the file is damaged, of another format or number of dimensions, or of other weights than those of this hash.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    state, metadata = read_tensors_and_metadata(path)
    if metadata.get("format") != FORMAT:
        raise StorageError(f"{path}: expected format {FORMAT}, got {metadata.get('format')!r}")
    if metadata.get("weights") != weights_hash:
        raise StorageError(f"{path}: it was fitted for other weights than those beside it")
    try:
        sampler = SAMPLERS[metadata["sampler"]].of_state(widened(state))
    except (UnknownName, KeyError, ValueError, RuntimeError, IndexError, ImportError) as error:
        raise StorageError(f"{path}: not the state of a sampler ({error})") from error
    if sampler.dim != dim:
        raise StorageError(f"{path}: expected a sampler of {dim} dimensions, got {sampler.dim}")
    return sampler
