"""The saved state of a training that is not finished: ``training.safetensors``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from bvae.io.storage import DIGEST, read_tensors_and_metadata
from bvae.training.checkpoint import STATE, CheckpointError

__all__ = ["STATE", "STATE_FORMAT", "read_state"]

STATE_FORMAT = "2"


def read_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Any]]:
    """Tensors, progress ("step", "seconds", "history", ...) and settings of a saved state.

    Raises
    ------
    StorageError
        If it is missing, damaged (its digest is checked), or of another format.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: nothing to resume; start without --resume")
    tensors, metadata = read_tensors_and_metadata(path)
    if metadata.get("format") != STATE_FORMAT or DIGEST not in metadata:
        raise CheckpointError(f"{path}: expected a state of format {STATE_FORMAT} with its digest, got format "
                              f"{metadata.get('format', '1')}; start again with --overwrite")
    try:
        return tensors, json.loads(metadata["progress"]), json.loads(metadata["settings"])
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: damaged ({error})") from error
