"""Sounds as pictures and back: log-mel spectrograms in [0, 1], and Griffin-Lim's way to something one can hear.

All that is needed for the way back are the constants here and the shape of a spectrogram.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

RATE = 16_000
"""Samples a second; sounds of another rate are brought to it."""
WINDOW, HOP = 1024, 256
"""Samples of a window (64 ms), and from one to the next (16 ms)."""
BANDS = 64
LOWEST, HIGHEST = 40.0, RATE / 2
"""Hertz of the mel bands' ends."""
DECIBELS = 80.0
"""Range of a spectrogram: 1 is the power of a sine of full scale, 0 is this much below, or silence."""
FULL = (WINDOW / 4) ** 2
"""Power of a sine of full scale in its bin, for a Hann window: the square of the window's sum over two."""
ROUNDS, MOMENTUM = 60, 0.99
"""Of Griffin and Lim's iteration, with Perraudin's momentum."""


def mel(hertz: Tensor) -> Tensor:
    """O'Shaughnessy's scale: 2595 log10(1 + f / 700)."""
    return 2595.0 * torch.log10(1.0 + hertz / 700.0)


def filter_bank(bands: int = BANDS) -> Tensor:
    """Triangles over the bins of a spectrum, equally spaced on the mel scale, of height 1: (bands, WINDOW / 2 + 1).

    A band that is narrower than the distance of two bins takes from its two neighbours by how near they are.
    """
    low, high = (float(mel(torch.tensor(f))) for f in (LOWEST, HIGHEST))
    ends = torch.linspace(low, high, bands + 2, dtype=torch.float64)
    centres = 700.0 * (10.0 ** (ends / 2595.0) - 1.0)
    bins = torch.linspace(0, RATE / 2, WINDOW // 2 + 1, dtype=torch.float64)
    width = torch.tensor(RATE / WINDOW, dtype=torch.float64)
    below = torch.maximum(centres[1:-1] - centres[:-2], width).unsqueeze(1)
    above = torch.maximum(centres[2:] - centres[1:-1], width).unsqueeze(1)
    distance = bins - centres[1:-1].unsqueeze(1)  # (bands, bins)
    return torch.where(distance < 0, 1 + distance / below, 1 - distance / above).clamp_min(0).float()


def frames_of(samples: int) -> int:
    """How many windows a sound of so many samples has."""
    return math.ceil(samples / HOP) + 1


def samples_of(frames: int) -> int:
    """The samples of a sound of so many windows."""
    return (frames - 1) * HOP


def spectrogram(sound: Tensor, frames: int) -> Tensor:
    """A sound as a picture: samples in [-1, 1], (T,) -> (1, BANDS, frames) in [0, 1], low bands first.

    It is cut, or filled up with silence, to `frames` windows.
    """
    wanted = samples_of(frames)
    sound = torch.nn.functional.pad(sound[:wanted], (0, wanted - min(len(sound), wanted)))
    power = _spectrum(sound).abs().square()  # (bins, frames)
    bands = filter_bank() @ power / FULL
    return (1.0 + 10.0 * torch.log10(bands.clamp_min(1e-12)) / DECIBELS).clamp(0, 1).unsqueeze(0)


def heard(picture: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A sound whose spectrogram is near a picture, by Griffin and Lim (1984): (1, BANDS, frames) -> (T,) in [-1, 1].

    The powers of the bins are found by multiplicative updates (non-negative least squares), the phases by iteration
    from random ones.

    References
    ----------
    Griffin & Lim, IEEE Trans. ASSP 1984; Perraudin, Balazs & Søndergaard, WASPAA 2013.
    """
    level = picture[0].clamp(0, 1)
    bands = torch.where(level > 0, FULL * 10.0 ** ((level - 1.0) * DECIBELS / 10.0), 0.0)
    bank = filter_bank(len(bands))
    power = bank.T @ bands  # (bins, frames)
    for _ in range(50):
        power = power * (bank.T @ bands) / (bank.T @ (bank @ power)).clamp_min(1e-12)
    magnitude = power.clamp_min(0).sqrt()
    turn = torch.rand(magnitude.shape, generator=generator) * 2 * math.pi
    phase = torch.polar(torch.ones_like(magnitude), turn)
    before = torch.zeros_like(phase)
    length = samples_of(level.shape[1])
    for _ in range(ROUNDS):
        rebuilt = _spectrum(_inverse(magnitude * phase, length))
        ahead = rebuilt - MOMENTUM / (1 + MOMENTUM) * before
        before = rebuilt
        phase = ahead / ahead.abs().clamp_min(1e-12)
    return _inverse(magnitude * phase, length).clamp(-1, 1)


def _spectrum(sound: Tensor) -> Tensor:
    return torch.stft(sound, WINDOW, HOP, window=torch.hann_window(WINDOW), pad_mode="constant", return_complex=True)


def _inverse(spectrum: Tensor, length: int) -> Tensor:
    return torch.istft(spectrum, WINDOW, HOP, window=torch.hann_window(WINDOW), length=length)
