"""The sampler of a checkpoint: fitted after its training, on the items that it was trained on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bvae import samplers
from bvae.data import MultimodalDataset, dataset
from bvae.io.storage import StorageError
from bvae.samplers import files
from bvae.samplers.private import best_private
from bvae.training.checkpoint import Checkpoint, load_weights, read_checkpoint
from bvae.training.settings import Settings
from bvae.version import __version__

SEED = 0


def training_items(settings: Settings, data_root: str | None = None) -> MultimodalDataset:
    """What a model was trained on, as it is without augmentation."""
    return dataset(settings.dataset, "train", settings.source, **({"root": data_root} if data_root else {}))


def make(checkpoint: Checkpoint, data: MultimodalDataset) -> Path:
    """Fit the best samplers to the weights as they are on disk and write them beside them.

    Parameters
    ----------
    checkpoint : Checkpoint
    data : MultimodalDataset
        See :func:`training_items`.

    Returns
    -------
    Path
        Of the file.
    """
    model = load_weights(checkpoint, with_fitted=False)
    draws = samplers.posterior_draws(model, data, seed=SEED)
    sampler = samplers.best(draws, SEED)
    return files.write(checkpoint.folder, sampler, checkpoint.hash, best_private(model, data, SEED),
                       items=len(draws.z), seed=SEED, bvae=__version__)


def state(checkpoint: Checkpoint) -> str:
    """"ready"; "missing"; "stale" if what is there is damaged or of other weights."""
    try:
        found = files.read(checkpoint.folder, checkpoint.hash, checkpoint.settings.latent_dim)
        size = (checkpoint.settings.latent_dim, checkpoint.settings.private_dim)
        sizes = dict.fromkeys((m.name for m in checkpoint.modalities), size)
        files.read_private(checkpoint.folder, checkpoint.hash, sizes)
    except StorageError:
        return "stale"
    return "missing" if found is None else "ready"


def after_training(folder: Path, data_root: str | None = None) -> str:
    """Fit the sampler of a model that has been saved, if it has none of its weights.

    A model without one invents from the prior, so that nothing that goes wrong here is a reason to lose it.

    Parameters
    ----------
    folder : Path
        Of the model.
    data_root : str, optional
        Where its data are, if not in the usual place.

    Returns
    -------
    str
        Why there is none; empty if there is one.
    """
    try:
        checkpoint = read_checkpoint(folder)
        if state(checkpoint) != "ready":
            make(checkpoint, training_items(checkpoint.settings, data_root))
    except (ValueError, OSError, RuntimeError) as error:  # bad or missing files, a full disk, numbers that fit nothing
        return f"no sampler was fitted: {error}"
    return ""


def make_missing(checkpoints: Iterable[Checkpoint], data_root: str | None = None) -> None:
    """Fit the samplers of those checkpoints that have none of their weights; prints what it does."""
    data: dict[tuple[str, str], MultimodalDataset] = {}
    for checkpoint in checkpoints:
        of = (checkpoint.settings.dataset, checkpoint.settings.source)
        label = f"{of[0]}/{checkpoint.name}"
        if state(checkpoint) == "ready":
            print(f"{label}: up to date", flush=True)
            continue
        if of not in data:
            data = {of: training_items(checkpoint.settings, data_root)}
        path = make(checkpoint, data[of])
        print(f"{label}: a sampler, {path.stat().st_size / 1e3:.1f} kB", flush=True)
