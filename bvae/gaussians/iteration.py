"""Fixed points of batches, by iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

STALLED, NEARLY = 8, 1e-9  # see :func:`iterate`


class Convergence(NamedTuple):
    """How an iteration ended.

    Attributes
    ----------
    iterations : int
        Of the whole batch, until its slowest item was done or the limit was reached.
    residual : Tensor
        (B,) relative change in the last step.
    converged : Tensor
        (B,) bool.
    """

    iterations: int
    residual: Tensor
    converged: Tensor


def iterate(
    step: Callable[[Tensor], Tensor], start: Tensor, tolerance: float, max_iterations: int, size: Tensor | None = None
) -> tuple[Tensor, Convergence]:
    """Repeat ``now = step(now)`` on a batch (B, ...) until its change, relative to `size` (B,), is small.

    `size` is the norm of `now` by default. An item that has stopped coming closer below 1e-9 counts as converged: that
    is rounding. Returns the last `now` and how the iteration ended.
    """
    now, count = start, 0
    stalled = torch.zeros(start.shape[:1], dtype=torch.int64, device=start.device)
    done = stalled > 0
    best = residual = torch.full(start.shape[:1], torch.inf, dtype=start.dtype, device=start.device)
    for count in range(1, max_iterations + 1):  # noqa: B007
        following = step(now)
        with torch.no_grad():
            change = (following - now).flatten(1).norm(dim=1)
            scale = now.flatten(1).norm(dim=1) if size is None else size
            residual = change / scale.clamp_min(torch.finfo(now.dtype).tiny)
            # Rounding sets a floor: an item that no longer comes closer after having come close is done.
            best, stalled = torch.minimum(best, residual), torch.where(residual < 0.95 * best, 0, stalled + 1)
            done = (residual <= tolerance) | ((stalled >= STALLED) & (residual <= NEARLY))
        now = following
        if bool(done.all()):
            break
    return now, Convergence(count, residual, done)
