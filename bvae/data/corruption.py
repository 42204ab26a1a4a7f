"""Damaged views: what a model is shown instead of the truth. Pure functions; all chance comes from a generator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

GREY = 0.5


def noise(x: Tensor, strength: float, generator: torch.Generator, blank: int = 0) -> Tensor:
    """Images with Gaussian noise: clip(x + strength * e, 0, 1), e ~ N(0, 1) for every number.

    Parameters
    ----------
    x : Tensor
        (B, C, H, W) floats in [0, 1].
    strength : float
        In [0, 1]: the standard deviation of the noise, in the units of x; 0 leaves everything as it is.
    generator : torch.Generator
    blank : int
        Not used; see :func:`misspell`.

    Returns
    -------
    Tensor
        Like `x`.

    Raises
    ------
    ValueError
        If `x` has another shape or `strength` is out of range.
    """
    _check(x, strength, 4, "images of shape (B, C, H, W)")
    return (x + strength * torch.randn(x.shape, generator=generator)).clamp(0, 1)


def occlude(x: Tensor, strength: float, generator: torch.Generator, blank: int = 0) -> Tensor:
    """Images of which a grey rectangle of the image's own form covers a share `strength`, at a place drawn for each.

    See :func:`noise` for the parameters.
    """
    _check(x, strength, 4, "images of shape (B, C, H, W)")
    covered = torch.ones(len(x), 1, 1, 1, dtype=torch.bool)
    for axis, size in ((2, x.shape[2]), (3, x.shape[3])):
        side = round(size * strength**0.5)
        start = (torch.rand(len(x), generator=generator) * (size - side + 1)).long().view(-1, 1, 1, 1)
        place = torch.arange(size).view([-1 if a == axis else 1 for a in range(4)])
        covered = covered & (place >= start) & (place < start + side)
    return torch.where(covered, torch.as_tensor(GREY, dtype=x.dtype), x)


def misspell(x: Tensor, strength: float, generator: torch.Generator, blank: int = 0) -> Tensor:
    """Texts of which each letter is replaced, with probability `strength`, by another character drawn at random.

    Parameters
    ----------
    x : Tensor
        (B, L, A) one-hot characters.
    strength : float
        In [0, 1].
    generator : torch.Generator
    blank : int
        Position of the character that fills the text up; it is neither replaced nor drawn.

    Returns
    -------
    Tensor
        (B, L, A) one-hot.

    Raises
    ------
    ValueError
        If `x` has another shape or `strength` is out of range.
    """
    _check(x, strength, 3, "texts of shape (B, L, A)")
    size = x.shape[-1]
    index = x.argmax(-1)  # (B, L)
    chosen = (index != blank) & (torch.rand(index.shape, generator=generator) < strength)
    others = [c for c in range(size) if c != blank]
    place = torch.tensor([0 if c == blank else others.index(c) for c in range(size)])[index]
    step = torch.randint(1, max(2, len(others)), index.shape, generator=generator)  # never back to the same letter
    drawn = torch.tensor(others)[(place + step) % len(others)]
    return _one_hot(torch.where(chosen, drawn, index), x)


def erase(x: Tensor, strength: float, generator: torch.Generator, blank: int = 0) -> Tensor:
    """Texts of which a run of characters, a share `strength` of all from the first letter to the last, is blank.

    See :func:`misspell` for the parameters.
    """
    _check(x, strength, 3, "texts of shape (B, L, A)")
    index = x.argmax(-1)
    first, span = _span(index != blank)
    run = (strength * span).round()
    start = first + (torch.rand(len(x), generator=generator) * (span - run + 1)).long()
    place = torch.arange(x.shape[1])
    gap = (place >= start.unsqueeze(1)) & (place < (start + run).unsqueeze(1))
    return _one_hot(torch.where(gap, blank, index), x)


def shuffle(x: Tensor, strength: float, generator: torch.Generator, blank: int = 0) -> Tensor:
    """Texts of which each letter takes part, with probability `strength`, in a change of places at random.

    See :func:`misspell` for the parameters.
    """
    _check(x, strength, 3, "texts of shape (B, L, A)")
    index = x.argmax(-1)
    chosen = (index != blank) & (torch.rand(index.shape, generator=generator) < strength)
    place = torch.arange(x.shape[1], dtype=torch.float32).expand(index.shape)
    # Those that stay come last in both orders, and so meet themselves.
    stay = place + 2 * x.shape[1]
    ordered = torch.where(chosen, place, stay).argsort(1)
    mixed = torch.where(chosen, torch.rand(index.shape, generator=generator), stay).argsort(1)
    return _one_hot(index.scatter(1, ordered, index.gather(1, mixed)), x)


DAMAGES: dict[str, dict[str, Callable[..., Tensor]]] = {
    "image": {"noise": noise, "occlude": occlude},
    "text": {"misspell": misspell, "erase": erase, "shuffle": shuffle},
}
"""Kind of a modality -> name -> function (x, strength, generator, blank)."""


def item_of_class(labels: Tensor, label: int, generator: torch.Generator) -> int:
    """An item of a class, drawn at random: what a view shows that lies.

    Parameters
    ----------
    labels : Tensor
        (N,) int64.
    label : int
    generator : torch.Generator

    Raises
    ------
    ValueError
        If no item has this class.
    """
    there = torch.nonzero(labels == label).flatten()
    if not len(there):
        raise ValueError(f"label: expected a class that some item has, got {label}")
    return int(there[torch.randint(len(there), (), generator=generator)])


def _check(x: Tensor, strength: float, axes: int, wanted: str) -> None:
    if x.ndim != axes:
        raise ValueError(f"x: expected {wanted}, got shape {tuple(x.shape)}")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength: expected a number in [0, 1], got {strength!r}")


def _span(letters: Tensor) -> tuple[Tensor, Tensor]:
    """Place of the first letter and number of characters up to the last one: (B, L) bool -> (B,), (B,)."""
    first = letters.int().argmax(1)
    last = letters.shape[1] - 1 - letters.flip(1).int().argmax(1)
    return first, torch.where(letters.any(1), last - first + 1, 0)


def _one_hot(index: Tensor, like: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(index, like.shape[-1]).to(like.dtype)
