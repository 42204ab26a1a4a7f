"""The training loop, its settings, and checkpoints. Knows no model by name.

The loop itself is in :mod:`bvae.training.loop`, which is not imported here: loading a model needs no trainer.
"""

from bvae.training.checkpoint import (
    Checkpoint,
    CheckpointError,
    build_model,
    checkpoints,
    checkpoints_root,
    load,
    load_checkpoint,
    load_weights,
)
from bvae.training.settings import Settings

__all__ = [
    "Checkpoint", "CheckpointError", "Settings", "build_model", "checkpoints", "checkpoints_root", "load",
    "load_checkpoint", "load_weights",
]
