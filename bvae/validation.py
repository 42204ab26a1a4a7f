"""Checks of the numbers in arguments: they can be switched off, and cost one look at the device, however many they are.

As in `torch.distributions`: ``bvae.set_validate_args(False)`` for the whole process,
``bvae.aggregator("poe", validate_args=False)`` for one rule. Shapes and types are checked always: they cost nothing.
Numbers lie on a device, and whoever asks for one waits until it has computed all that it was told before. So conditions
are collected where they are computed, and looked at together; which of them failed is asked only when one has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from bvae.switches import Changed, Switch

if TYPE_CHECKING:
    from torch import Tensor

VALIDATE_ARGS = Switch(on=True)


class NotFiniteError(ValueError):
    """An argument holds NaN or infinity: in a training, the sign of one that has diverged."""


def set_validate_args(on: bool) -> Changed:
    """Whether numbers in arguments are checked, in this process: those of models, and of rules that say nothing else.

    Without the checks, numbers that are no means, standard deviations or weights give results that are none, silently.

    Parameters
    ----------
    on : bool

    Returns
    -------
    A context manager, for ``with bvae.set_validate_args(False): ...``; without a ``with`` the change is for good.
    """
    return VALIDATE_ARGS.set(on)


class Checks:
    """Conditions on tensors that are looked at together.

    Parameters
    ----------
    on : bool, optional
        Whether anything is checked; by default what :func:`set_validate_args` says.
    """

    def __init__(self, on: bool | None = None) -> None:
        self.on = bool(VALIDATE_ARGS) if on is None else on
        self.conditions: list[tuple[Tensor, Callable[[], ValueError]]] = []

    def require(self, condition: Callable[[], Tensor], error: Callable[[], ValueError]) -> None:
        """Ask for a condition, () bool, and say which error is raised where it does not hold."""
        if self.on:
            self.conditions.append((condition(), error))

    def look(self, also: Tensor | None = None) -> bool | None:
        """The one wait for the device: raises the error of the first condition that does not hold.

        Parameters
        ----------
        also : Tensor, optional
            () bool, something else that one wants to know.

        Returns
        -------
        bool or None
            `also`; None where it is not known, because nothing is checked and asking would be a wait of its own.
        """
        if not self.on:
            return None if also is None or also.device.type != "cpu" else bool(also)
        conditions = [condition for condition, _ in self.conditions]
        if not conditions:
            return None if also is None else bool(also)
        good = torch.stack(conditions).all()
        # One number that says both.
        answer = int((good.to(torch.int8) if also is None else good.to(torch.int8) + 2 * also.to(torch.int8)).item())
        if not answer & 1:
            raise next(error() for condition, error in self.conditions if not bool(condition))
        return None if also is None else bool(answer & 2)
