"""Checkpoints: ``<root>/<dataset>/<name>/`` with model.safetensors, config.json, metrics.json, history.csv."""

from __future__ import annotations

import csv
import math
import os
import platform
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bvae.aggregators import aggregator
from bvae.data import DATASETS, Modality
from bvae.data.own import as_typed, models_of
from bvae.io.compact import buffers_of, exact_of, widened, write_weights
from bvae.io.storage import (
    DIGEST,
    StorageError,
    check_digest,
    digest_of,
    read_json,
    read_tensors_and_metadata,
    sha256,
    write_stated,
)
from bvae.models.calibration import Calibration
from bvae.models.methods import METHODS
from bvae.models.vae import MultimodalVAE
from bvae.samplers import files as sampler_files
from bvae.training.settings import Settings
from bvae.version import __version__

FORMAT = 1
WEIGHTS, CONFIG, METRICS, HISTORY = "model.safetensors", "config.json", "metrics.json", "history.csv"
VALIDATION = "validation.csv"
CALIBRATION = "calibration.safetensors"
STATE, EVALUATION = "training.safetensors", "evaluation"
RESERVED = ("all", "classifiers", "classifiers-sharp", "records")
"""Names that no checkpoint may have: they mean something else on the command line or in a data set's folder."""


def training_seconds(config: Mapping[str, Any]) -> float:
    """What the training of a config.json or a record took, without the time in which it waited for other processes.

    By the clock, or on a CPU by the processor's time over the threads, where that is known and less.
    """
    clock = float(config["seconds"])
    if config.get("device") != "cpu" or not config.get("cpu_seconds"):
        return clock
    return min(clock, float(config["cpu_seconds"]) / max(1, int(config.get("threads", 1))))


class CheckpointError(StorageError):
    """A checkpoint is missing, damaged, or of another version; the text says which file and what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk, before its weights are read.

    Attributes
    ----------
    folder : Path
    settings : Settings
    modalities : tuple of Modality
    config : mapping
        All of config.json.
    metrics : mapping
        All of metrics.json; empty if it was not evaluated.
    """

    folder: Path
    settings: Settings
    modalities: tuple[Modality, ...]
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the folder; the method's name unless the user chose another."""
        return self.folder.name

    @property
    def hash(self) -> str:
        """SHA-256 of the weights, hexadecimal, as config.json states it."""
        return self.config["sha256"]


PACKAGE = Path(__file__).resolve().parents[1]
"""The package. In a wheel it holds a small set of trained models."""


def checkpoints_root() -> Path:
    """Where checkpoints are: $BVAE_CHECKPOINTS, else the first place of `checkpoint_places`."""
    if chosen := os.environ.get("BVAE_CHECKPOINTS"):
        return Path(chosen)
    return next((place for place in checkpoint_places() if place.is_dir()), Path("checkpoints").resolve())


def checkpoint_places() -> dict[Path, str]:
    """Where checkpoints may be -> that place in words; the first that is there counts."""
    if chosen := os.environ.get("BVAE_CHECKPOINTS"):
        return {Path(chosen): "$BVAE_CHECKPOINTS"}
    here = Path("checkpoints").resolve()
    if is_checkout():
        places = {PACKAGE.parent / "checkpoints": "this checkout"}
        places.setdefault(here, "this folder")
        return places
    return {here: "this folder", personal() / "checkpoints": "your data folder",
            PACKAGE / "checkpoints": "those that come with the package"}


def where_checkpoints_are() -> str:
    """The place of :func:`checkpoints_root` in words."""
    return next((words for place, words in checkpoint_places().items() if place.is_dir()), "nothing is there yet")


def is_checkout() -> bool:
    """Whether this package lies in a checkout of the repository, and not among installed ones."""
    return (PACKAGE.parent / "pyproject.toml").is_file()


def personal() -> Path:
    """A person's own data folder for bvae; nothing is made there before something is written."""
    import platformdirs

    return platformdirs.user_data_path("bvae", appauthor=False)


def runs_root() -> Path:
    """Where the app trains, and where models trained in it are.

    $BVAE_RUNS, else ``runs`` beside the checkpoints, else, if those come with the package, in :func:`personal`.
    """
    if chosen := os.environ.get("BVAE_RUNS"):
        return Path(chosen)
    root = checkpoints_root()
    return personal() / "runs" if root.is_relative_to(PACKAGE) else root.parent / "runs"


def own_models() -> Path:
    """The root of the models that were trained in the app; never one that ships."""
    return runs_root() / "models"


def checkpoints(dataset: str, root: Path | None = None) -> list[str]:
    """Names of the complete checkpoints of a data set: methods in their order of registration, then others.

    Without a root, those that were trained in the app too, see :func:`own_models`.
    """
    roots = [root] if root else roots_of(dataset)
    found = {p.parent.name for r in roots for p in (r / registered(dataset)).glob(f"*/{CONFIG}")
             if (p.parent / WEIGHTS).is_file() and p.parent.name not in RESERVED and p.parent.name[0] != "."}
    return in_order(found)


def in_order(names: Iterable[str]) -> list[str]:
    """Names of models: methods in their order of registration, then others."""
    order = {name: i for i, name in enumerate(METHODS)}
    return sorted(names, key=lambda name: (order.get(name, len(order)), name))


def roots_of(dataset: str) -> list[Path]:
    """Where models of a data set may be: beside its own data, where ours are, and where the app trains."""
    beside = models_of(dataset)
    return [*([beside] if beside else []), checkpoints_root(), own_models()]


def registered(dataset: str) -> str:
    """`dataset`, if it is registered: a name that comes from outside never becomes a path before that."""
    DATASETS[dataset]
    return dataset


def build_model(modalities: tuple[Modality, ...], settings: Settings) -> MultimodalVAE:
    """An untrained model for a method and its settings."""
    method = METHODS[settings.method]
    return MultimodalVAE(
        modalities, aggregator(method.aggregator, **method.aggregator_options), settings.model_config()
    )


def save_model(folder: Path, model: MultimodalVAE, settings: Settings, facts: Mapping[str, Any]) -> None:
    """Write the weights, in half precision where that holds them, then config.json with their hash.

    Raises WeightsError, before anything is touched, for weights that cannot be saved as they were trained.

    config.json is written last: a folder with a config.json whose hash fits is complete. A kill in between leaves
    weights that the old config.json does not fit, which is said to whoever loads them; the training loop's saved state
    is still there then, and going on with it completes the checkpoint.
    """
    write_weights(folder / WEIGHTS, model.state_dict(), buffers=buffers_of(model), exact=exact_of(model))
    (folder / METRICS).unlink(missing_ok=True)
    (folder / sampler_files.FILE).unlink(missing_ok=True)
    (folder / CALIBRATION).unlink(missing_ok=True)
    config = {
        "format": FORMAT,
        "bvae": __version__,
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        **facts,
        "sha256": sha256(folder / WEIGHTS),
        "modalities": [m.as_plain() for m in model.modalities.values()],
        "settings": settings.as_dict(),
    }
    write_stated(folder / CONFIG, config)


def load_checkpoint(dataset: str, name: str, root: Path | None = None) -> Checkpoint:
    """Look a checkpoint up by name; reads config.json and metrics.json.

    Raises
    ------
    UnknownName
        If there is no such data set.
    CheckpointError
        If there is no such checkpoint, or config.json is damaged or of another format.
    """
    names = checkpoints(dataset, root)
    if root is None:  # what ships comes first
        root = next((r for r in roots_of(dataset) if name in checkpoints(dataset, r)), roots_of(dataset)[0])
    if name not in names:
        recorded = f"{name}.json" in {p.name for p in (root / dataset / "records").glob("*.json")}
        raise CheckpointError(
            f"{root / dataset}: no checkpoint {name!r} there; there are {', '.join(names) or 'none'}. "
            + ("Its figures are in the records, its weights do not ship; this trains it again: python -m bvae "
               f"checkpoints --rebuild --weights --only '{dataset}/{name}'" if recorded else
               f"Train one with: python -m bvae train {as_typed(dataset)} METHOD")
        )
    return read_checkpoint(root / dataset / name)


def read_checkpoint(folder: Path, with_metrics: bool = True) -> Checkpoint:
    """The checkpoint in a folder, wherever it is. Raises CheckpointError, see :func:`load_checkpoint`."""
    try:
        config = read_json(folder / CONFIG)
        if not isinstance(config, dict) or config.get("format") != FORMAT:
            found = config.get("format") if isinstance(config, dict) else type(config).__name__
            raise CheckpointError(f"{folder / CONFIG}: expected format {FORMAT}, got {found!r}")
        modalities = tuple(Modality.from_plain(m) for m in config["modalities"])
        settings = Settings.from_mapping(config["settings"])
        if not isinstance(config["sha256"], str):
            raise TypeError("sha256 is not a text")
        check_digest(config)
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CheckpointError(f"{folder / CONFIG}: damaged ({error})") from error
    metrics = read_metrics(folder) if with_metrics and (folder / METRICS).is_file() else {}
    if metrics.get(EVALUATION, {}).get("sha256", config["sha256"]) != config["sha256"]:
        metrics = {}  # of other weights: these were not evaluated
    return Checkpoint(folder, settings, modalities, config, metrics)


def read_metrics(folder: Path) -> dict[str, Any]:
    """What metrics.json of a folder holds. Raises CheckpointError if it is missing, damaged or of another form."""
    try:
        metrics = read_json(folder / METRICS)
        check_metrics(metrics)
    except StorageError as error:
        raise CheckpointError(str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder / METRICS}: damaged ({error}); evaluate the model again") from error
    return metrics


def check_metrics(metrics: Any) -> None:
    """Raises ValueError or another error of this kind unless it is: metric -> figure, or metric -> key -> figure."""
    from bvae.metrics import CATALOG  # here: metrics import what makes models

    if not isinstance(metrics, dict):
        raise TypeError(f"expected an object, got {type(metrics).__name__}")
    for name, value in metrics.items():
        if name == EVALUATION:
            if not isinstance(value, dict):
                raise TypeError(f"{EVALUATION} is no object")
            if DIGEST in value and value[DIGEST] != metrics_digest(metrics):
                raise ValueError("they were changed after they were written: their digest is of other figures")
            continue
        known = CATALOG.get(name)
        by_modality = known is not None and known.key == "modality"  # which may have any name
        if not is_figure(value) and not by_modality and len({key.isdigit() for key in value}) > 1:
            raise ValueError(f"{name}: its keys are {', '.join(value)}")
        for figure in [value] if is_figure(value) else value.values():
            for part in ("mean", "se"):
                if not isinstance(figure[part], (int, float)) or isinstance(figure[part], bool):
                    raise TypeError(f"{name}: {part} is not a number")


def is_figure(value: Mapping[str, Any]) -> bool:
    """Whether this is one figure, and not several by key: a modality may be called "mean" too."""
    return "mean" in value and not isinstance(value["mean"], Mapping)


def read_history(folder: Path) -> list[dict[str, float]]:
    """Rows of history.csv of a folder. Raises CheckpointError if it is missing or damaged."""
    path = folder / HISTORY
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        if not all(math.isfinite(row[key]) for row in rows for key in ("step", "loss", "reconstruction", "kl")):
            raise ValueError("a figure is not finite")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
        raise CheckpointError(f"{path}: expected a history of training ({error})") from error
    return rows


def read_validation(folder: Path) -> list[tuple[int, float]]:
    """Step and mean loss over the items that were kept from a training; nothing where none were, or it is damaged."""
    try:
        with open(folder / VALIDATION, encoding="utf-8", newline="") as file:
            found = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, KeyError, csv.Error):
        return []
    return [(step, loss) for step, loss in found if math.isfinite(loss)]


def metrics_digest(metrics: Mapping[str, Any]) -> str:
    """Of all figures and of the facts about the evaluation; the facts hold it."""
    facts = {key: value for key, value in metrics.get(EVALUATION, {}).items() if key != DIGEST}
    return digest_of({**metrics, EVALUATION: facts})


def load_weights(checkpoint: Checkpoint, with_fitted: bool = True) -> MultimodalVAE:
    """The model of a checkpoint, in eval mode; `with_fitted` with its samplers and its calibration, if it has them.

    One of these that is damaged or of other weights is refused with a warning: the model has the prior alone, and
    intervals of its own, then.

    Raises CheckpointError if the weights are not those of config.json.
    """
    path = checkpoint.folder / WEIGHTS
    try:
        stored, _ = read_tensors_and_metadata(path, checkpoint.hash)
    except StorageError as error:
        stopped = (checkpoint.folder / STATE).is_file()
        advice = "finish the training with --resume" if stopped else "restore the file or train again"
        if path.is_file() and sha256(path) != checkpoint.hash:
            raise CheckpointError(f"{path}: its SHA-256 is not the one in {CONFIG}; {advice}") from error
        raise CheckpointError(str(error)) from error
    try:
        model = build_model(checkpoint.modalities, checkpoint.settings)
        model.load_state_dict(widened(stored))
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: not the weights of this model ({first_line(error)})") from error
    if with_fitted:
        try:
            model.sampler = sampler_files.read(checkpoint.folder, checkpoint.hash, model.shared_dim)
            sizes = dict.fromkeys(model.modalities, (model.shared_dim, model.config.private_dim))
            model.private_sampler = sampler_files.read_private(checkpoint.folder, checkpoint.hash, sizes)
        except StorageError as error:
            warnings.warn(f"{error}; inventions are drawn from the prior. Fit it again with: python -m bvae "
                          "checkpoints --samplers", RuntimeWarning, stacklevel=2)
        try:
            model.calibration = read_calibration(checkpoint)
        except StorageError as error:
            warnings.warn(f"{error}; intervals are the model's own. Calibrate it again with: python -m bvae "
                          "checkpoints --calibrations", RuntimeWarning, stacklevel=2)
    return model.eval().requires_grad_(False)


def read_calibration(checkpoint: Checkpoint) -> Calibration | None:
    """What lies beside the weights of a checkpoint, see `bvae.training.calibrating`; None if nothing does.

    Raises StorageError if it is damaged, or of other weights or columns than those beside it.
    """
    path = checkpoint.folder / CALIBRATION
    if not path.is_file():
        return None
    factors, metadata = read_tensors_and_metadata(path)
    if metadata.get("format") != Calibration.FORMAT or metadata.get("weights") != checkpoint.hash:
        raise StorageError(f"{path}: it was found for other weights than those beside it")
    widths = {m.name: sum(c.width for c in m.columns) for m in checkpoint.modalities}
    for name, values in factors.items():
        wanted = (len(widths) + 1, widths.get(name, 0))
        fits = values.shape == wanted and values.dtype == torch.float32
        if not fits or not bool(((values > 0) & values.isfinite()).all()):
            raise StorageError(f"{path}: expected positive factors of shape {wanted} for {name!r}, got {values.dtype} "
                               f"of {tuple(values.shape)}")
    return Calibration(factors)


def first_line(error: Exception) -> str:
    """An error in one line: PyTorch lists every parameter that does not fit."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2]) + (" ..." if len(lines) > 2 else "")


def load(dataset: str, name: str, root: Path | str | None = None) -> MultimodalVAE:
    """A trained model, shipped or your own, in eval mode, on the CPU.

    Parameters
    ----------
    dataset : str
    name : str
        Name of the checkpoint: a method's name, or what ``train --name`` gave it.
    root : path, optional
        See :func:`checkpoints_root`.

    Raises
    ------
    CheckpointError
        If it is missing or damaged.
    """
    return load_weights(load_checkpoint(dataset, name, Path(root) if root else None))
