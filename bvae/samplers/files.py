"""The samplers beside the weights of a checkpoint: ``sampler.safetensors``, facts as JSON in the file's metadata."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from bvae.io.compact import widened, write_weights
from bvae.io.storage import StorageError, read_tensors_and_metadata
from bvae.registry import UnknownName
from bvae.samplers.base import SAMPLERS, Sampler
from bvae.samplers.private import PRIVATE_SAMPLERS, PrivateSampler

FILE, FORMAT = "sampler.safetensors", "1"
PRIVATE = "private/"
"""What the names of the tensors of a sampler of private parts begin with."""
T = TypeVar("T")


def write(
    folder: Path, sampler: Sampler, weights_hash: str, private: PrivateSampler | None = None, **facts: Any
) -> Path:
    """Write the samplers, in half precision where that holds them, and of which weights they are.

    Parameters
    ----------
    folder : Path
        Of the checkpoint.
    sampler : Sampler
    weights_hash : str
        SHA-256 of the weights that they were fitted for.
    private : PrivateSampler, optional
    **facts
        What else is to be known, as JSON.

    Returns
    -------
    Path
        Of the file.
    """
    about = {"format": FORMAT, "sampler": sampler.name, "weights": weights_hash, "facts": json.dumps(facts)}
    state = dict(sampler.state())
    if private is not None:
        about["private"] = private.name
        state |= {PRIVATE + key: value for key, value in private.state().items()}
    write_weights(folder / FILE, state, about)
    return folder / FILE


def read(folder: Path, weights_hash: str, dim: int) -> Sampler | None:
    """The sampler in a checkpoint's folder; None if there is none.

    Raises
    ------
    StorageError
        If the file is damaged, of another format or number of dimensions, or of other weights than those of this hash.
    """
    path = folder / FILE
    found = _contents(path, weights_hash)
    if found is None:
        return None
    state, metadata = found
    sampler = _made(path, lambda: SAMPLERS[metadata["sampler"]].of_state(
        {key: value for key, value in state.items() if not key.startswith(PRIVATE)}))
    if sampler.dim != dim:
        raise StorageError(f"{path}: expected a sampler of {dim} dimensions, got {sampler.dim}")
    return sampler


def read_private(folder: Path, weights_hash: str, sizes: Mapping[str, tuple[int, int]]) -> PrivateSampler | None:
    """The sampler of private parts in a checkpoint's folder; None if there is none.

    Parameters
    ----------
    folder, weights_hash
        See :func:`read`.
    sizes : mapping of str to tuple
        Modality -> shared and private dimensions of the model.

    Raises
    ------
    StorageError
        As :func:`read`, and if it is of other modalities or dimensions.
    """
    path = folder / FILE
    found = _contents(path, weights_hash)
    if found is None or "private" not in found[1]:
        return None
    state, metadata = found
    sampler = _made(path, lambda: PRIVATE_SAMPLERS[metadata["private"]].of_state(
        {key.removeprefix(PRIVATE): value for key, value in state.items() if key.startswith(PRIVATE)}))
    if sampler.sizes() != dict(sizes):
        raise StorageError(f"{path}: expected private parts of {dict(sizes)}, got {sampler.sizes()}")
    return sampler


def _contents(path: Path, weights_hash: str) -> tuple[dict[str, Tensor], dict[str, str]] | None:
    """Tensors and metadata of a file of these weights; None if there is none."""
    if not path.is_file():
        return None
    state, metadata = read_tensors_and_metadata(path)
    if metadata.get("format") != FORMAT:
        raise StorageError(f"{path}: expected format {FORMAT}, got {metadata.get('format')!r}")
    if metadata.get("weights") != weights_hash:
        raise StorageError(f"{path}: it was fitted for other weights than those beside it")
    return widened(state), metadata


def _made(path: Path, make: Callable[[], T]) -> T:
    """What a state is of; raises StorageError for what is not one."""
    try:
        return make()
    except (UnknownName, KeyError, ValueError, RuntimeError, IndexError, ImportError) as error:
        raise StorageError(f"{path}: not the state of a sampler ({error})") from error
