"""The calibration of a checkpoint: found after its training, on the items that were kept from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from bvae.data import MultimodalDataset
from bvae.data.columns import places
from bvae.data.own.own_data import OwnData
from bvae.io.storage import StorageError, read_tensors_and_metadata, write_tensors
from bvae.models.calibration import Calibration
from bvae.models.imputation import impute
from bvae.models.vae import MultimodalVAE
from bvae.training.checkpoint import CALIBRATION, Checkpoint, load_weights, read_checkpoint
from bvae.training.settings import Settings
from bvae.training.validation import held_out

LEVEL, NORMAL = 0.9, 1.6449
"""The share that intervals should hold, and the standard deviations within which a normal density has it."""
ITEMS, CELLS = 1000, 2**22
"""Items that are looked at, at most, and cells, unless those of 100 items are more."""
DRAWS = 32
GAPS = 0.2
"""Share of the cells of a view that are hidden to see how gaps are filled."""
WORTH = 50
"""Items whose word counts as much as what all views, or all columns, say together,"""
FEW = 5
"""and whose word on a view counts as much as the model's own."""
SMALLEST, GREATEST = 0.2, 10.0


def numbers_of(model: MultimodalVAE) -> dict[str, Tensor]:
    """Views with real numbers -> (P,) bool: which of their cells are such."""
    out = {}
    for name, modality in model.modalities.items():
        mask = torch.zeros(sum(c.width for c in modality.columns), dtype=torch.bool)
        for column, at in zip(modality.columns, places(modality.columns), strict=True):
            mask[at] = column.type == "number"
        if bool(mask.any()):
            out[name] = mask
    return out


@torch.no_grad()
def fit(model: MultimodalVAE, data: MultimodalDataset, seed: int = 0) -> Calibration | None:
    """Hide views and cells of known items, and count how far off the model is, see `Calibration`.

    Of every item random sets of 0 to M - 1 views are shown, and once all of them with every fifth cell hidden. What
    one column says with few items is drawn to what all columns of its view say, and that to what is said for all
    numbers of observed views.

    Parameters
    ----------
    model : MultimodalVAE
        Its own calibration is not used.
    data : MultimodalDataset
        Items that the weights were not trained on. Where they served to stop a training early the factors are a
        little too small.
    seed : int
        Of what is hidden, and of the draws.

    Returns
    -------
    Calibration or None
        None without a view of real numbers.
    """
    masks, names = numbers_of(model), list(model.modalities)
    if not masks:
        return None
    width = sum(len(mask) for mask in masks.values())
    most = min(len(data), ITEMS, max(100, CELLS // (width * len(names))))
    some = torch.linspace(0, len(data) - 1, most).round().long()
    x, present = data.subset(some), data.present[:, some]
    generator = torch.Generator().manual_seed(seed)
    off: dict[str, list[Tensor]] = {name: [] for name in masks}  # one (n, P) each row of the factors, NaN where unknown

    def compare(shown: Mapping[str, Tensor], seen: Tensor, asked: Mapping[str, Tensor]) -> None:
        found = impute(model, shown, seen, DRAWS, 0, generator, list(masks), calibrated=False)
        for name, mask in masks.items():
            error = (x[name] - found[name].mean).abs() / found[name].scale
            known = asked[name] & mask & error.isfinite()
            off[name].append(torch.where(known, error, torch.nan))

    for k in range(len(names)):
        turn = torch.rand(present.shape, generator=generator).masked_fill(~present, 2.0)
        seen = (turn.argsort(0).argsort(0) < k) & present
        enough = seen.sum(0) == k
        compare(x, seen, {n: (present[names.index(n)] & ~seen[names.index(n)] & enough)[:, None] for n in masks})
    hidden = {n: torch.rand(x[n].shape, generator=generator) < GAPS for n in masks}
    compare({n: v.masked_fill(hidden[n], torch.nan) if n in hidden else v for n, v in x.items()}, present,
            {n: hidden[n] & present[names.index(n)][:, None] for n in masks})
    return Calibration({name: factors_of(rows).masked_fill(~masks[name], 1.0) for name, rows in off.items()})


def factors_of(rows: list[Tensor]) -> Tensor:
    """From |x - mean| / sd, (n, P) each, NaN where unknown: the factors, (rows, P)."""
    base = drawn_to(torch.zeros(()), torch.cat(rows), FEW)
    out = []
    for errors in rows:
        row = drawn_to(base, errors)
        out.append(torch.stack([drawn_to(row, column[:, None]) for column in errors.T]))
    return torch.stack(out).exp().clamp(SMALLEST, GREATEST)


def drawn_to(before: Tensor, errors: Tensor, worth: int = WORTH) -> Tensor:
    """Logarithm of the factor that errors (n, P) ask for, drawn to `before`, the more the fewer items there are."""
    items = int((~errors.isnan()).any(1).sum())
    known = errors[~errors.isnan()]
    if not items:
        return before
    level = min(1.0, LEVEL * (1 + 1 / items))
    asked = (known.double().quantile(level) if len(known) < 2**24 else known[:2**24].double().quantile(level)) / NORMAL
    share = items / (items + worth)
    return share * asked.clamp(SMALLEST, GREATEST).log().float() + (1 - share) * before


def kept_items(settings: Settings, data_root: str | None = None) -> MultimodalDataset | None:
    """The items that a model was not trained on, of its training split; None where all were trained on."""
    from bvae.training.sampling import training_items

    if not settings.validation:
        return None
    data = training_items(settings, data_root)
    return held_out(data, settings.validation)[1] if isinstance(data, OwnData) else None


def write(folder: Path, calibration: Calibration, weights_hash: str) -> Path:
    """Write a calibration beside the weights that it was found for; returns the path of the file."""
    write_tensors(folder / CALIBRATION, {n: f.contiguous() for n, f in calibration.factors.items()},
                  {"format": Calibration.FORMAT, "weights": weights_hash})
    return folder / CALIBRATION


def state(checkpoint: Checkpoint) -> str:
    """"ready"; "none" where there are no items or no numbers to calibrate with; "missing"; "stale" if what is there is
    damaged or of other weights."""
    if not checkpoint.settings.validation or not any(
            c.type == "number" for m in checkpoint.modalities for c in m.columns):
        return "none"
    if not (checkpoint.folder / CALIBRATION).is_file():
        return "missing"
    try:
        _, metadata = read_tensors_and_metadata(checkpoint.folder / CALIBRATION)
    except StorageError:
        return "stale"
    return "ready" if metadata.get("weights") == checkpoint.hash else "stale"


def make(checkpoint: Checkpoint, data_root: str | None = None) -> Path | None:
    """Calibrate the weights as they are on disk and write it beside them; None where there is nothing to do so with."""
    kept = kept_items(checkpoint.settings, data_root)
    found = None if kept is None else fit(load_weights(checkpoint, with_fitted=False), kept)
    return None if found is None else write(checkpoint.folder, found, checkpoint.hash)


def after_training(folder: Path, data_root: str | None = None) -> str:
    """Calibrate a model that has been saved, if it has no calibration of its weights.

    Returns why there is none where there should be one; empty otherwise: nothing that goes wrong here is a reason to
    lose the model.
    """
    try:
        checkpoint = read_checkpoint(folder)
        if state(checkpoint) in ("missing", "stale"):
            make(checkpoint, data_root)
    except (ValueError, OSError, RuntimeError) as error:  # bad or missing files, a full disk, numbers that fit nothing
        return f"intervals were not calibrated: {error}"
    return ""


def make_missing(checkpoints: Iterable[Checkpoint], data_root: str | None = None) -> None:
    """Calibrate those checkpoints that can be and are not; prints what it does."""
    for checkpoint in checkpoints:
        if state(checkpoint) in ("missing", "stale") and (path := make(checkpoint, data_root)):
            print(f"{checkpoint.settings.dataset}/{checkpoint.name}: calibrated, {path.stat().st_size / 1e3:.1f} kB",
                  flush=True)
