"""A folder of sounds named by id: WAV, FLAC, OGG, by soundfile (the optional extra "sound")."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bvae.data.base import DataError
from bvae.data.own.sounds import BANDS, RATE, frames_of, samples_of, spectrogram
from bvae.data.own.tables import MAX_CELLS, MIB, Views, check_size, told
from bvae.io.storage import write_atomically

SUFFIXES = (".wav", ".flac", ".ogg")
MAX_SOUND = 256 * MIB
LONGEST = 4.0
"""Seconds that are kept of each sound, unless more are asked for."""
MOST_SECONDS = 60.0
RATES = (1_000, 768_000)


def sounds_in(folder: Path) -> list[Path]:
    """Sound files right in a folder, by name; nothing that lies elsewhere and is linked there."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file() and not p.is_symlink())


def read_sounds(folder: Path, frames: int | None = None, seconds: float | None = None) -> Views:
    """All sounds of a folder as log-mel spectrograms of one size, see `bvae.data.own.sounds`.

    Parameters
    ----------
    folder : Path
        A sound's id is its file's name without the suffix. Several channels become their mean.
    frames : int, optional
        Windows of a spectrogram, as a model knows them.
    seconds : float, optional
        What is kept of each sound; by default the commonest length, at most :data:`LONGEST`. Shorter ones are filled up
        with silence.

    Returns
    -------
    Views
        One part "" of (N, 1, BANDS, frames) floats in [0, 1].

    Raises
    ------
    DataError
        For a folder without sounds, and for a file that cannot be read; it names the file.
    """
    module = soundfile(folder.name)
    files = sounds_in(folder)
    if not files:
        raise DataError(f"{folder.name}: expected sounds ({', '.join(SUFFIXES)}), got none")
    ids = [p.stem for p in files]
    if len(set(ids)) < len(ids):
        double = next(i for i in ids if ids.count(i) > 1)
        raise DataError(f"{folder.name}: expected one sound an id, got several files named {double!r}")
    if seconds is not None and not 0 < seconds <= MOST_SECONDS:
        raise DataError(f"{folder.name}: seconds: expected more than 0 and at most {MOST_SECONDS:g}, got {seconds:g}")
    lengths = []
    for path in files:
        check_size(path, MAX_SOUND)
        facts = _tried(folder, path, module.info)
        if facts.frames < 1 or not RATES[0] <= facts.samplerate <= RATES[1] or not 1 <= facts.channels <= 64:
            raise DataError(f"{folder.name}/{path.name}: expected a sound, got {facts.frames:,} samples of "
                            f"{facts.channels} channels at {facts.samplerate:,} Hz")
        lengths.append(facts.frames / facts.samplerate)
    if frames is None:
        common = statistics.mode(round(v, 2) for v in lengths)
        frames = frames_of(max(1, round(RATE * (seconds or min(LONGEST, max(common, 0.1))))))
    if len(files) * BANDS * frames > MAX_CELLS:
        raise DataError(f"{folder.name}: expected at most {MAX_CELLS:,} numbers, got {len(files):,} sounds of {BANDS} "
                        f"bands and {frames:,} windows; ask for fewer seconds")
    kept = samples_of(frames) / RATE
    notes = []
    if cut := sum(v > kept + 0.02 for v in lengths):
        notes.append(f"{folder.name}: {cut:,} of {len(files):,} sounds are longer than {kept:.2f} s and are cut there; "
                     "seconds = ... keeps more")
    if short := sum(v < kept - 0.02 for v in lengths):
        notes.append(f"{folder.name}: {short:,} of {len(files):,} sounds are shorter than {kept:.2f} s and are filled "
                     "up with silence")
    out = np.empty((len(files), 1, BANDS, frames), np.float32)
    for k, path in enumerate(files):
        out[k] = spectrogram(torch.from_numpy(_tried(folder, path, lambda p: one(module, p, kept))), frames).numpy()
    return Views(arrays={"": out}, ids={"": ids}, notes=notes)


def one(module: Any, path: str, seconds: float) -> np.ndarray:
    """The beginning of a sound: (T,) float32 samples in [-1, 1] at :data:`RATE`."""
    from scipy.signal import resample_poly

    with module.SoundFile(path) as file:
        rate = file.samplerate
        values = file.read(math.ceil((seconds + 0.1) * rate), dtype="float32", always_2d=True).mean(1)
    if not len(values) or not np.isfinite(values).all():
        raise ValueError("no samples, or samples that are no numbers")
    if rate != RATE:
        common = math.gcd(rate, RATE)
        values = resample_poly(values, RATE // common, rate // common)
    return np.clip(values, -1, 1).astype(np.float32)


def write_sound(path: Path, sound: torch.Tensor) -> None:
    """Write samples in [-1, 1] as a 16-bit WAV; whole or not at all."""
    module = soundfile(path.name)
    write_atomically(path, lambda place: module.write(str(place), sound.numpy(), RATE, format="WAV", subtype="PCM_16"))


def soundfile(where: str) -> Any:
    """The package soundfile. Raises DataError, which says how to install it, if it is not there."""
    try:
        import soundfile as module
    except (ModuleNotFoundError, OSError) as error:  # OSError: its library is not there
        raise DataError(f"{where}: sounds need soundfile: pip install 'bvae[sound]'") from error
    return module


def _tried(folder: Path, path: Path, read: Any) -> Any:
    try:
        return read(str(path))
    except Exception as error:  # soundfile raises errors of many kinds for damaged files
        raise DataError(f"{folder.name}/{path.name}: expected a sound, got a file that cannot be read "
                        f"({type(error).__name__}: {told(error).replace(str(path), path.name)}); save it again, or "
                        "leave it out") from error
