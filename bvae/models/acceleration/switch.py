"""Whether the layers of this folder compute in their own way, or as `torch.nn` does."""

from __future__ import annotations

from bvae.switches import Changed, Switch

ENABLED = Switch(on=True)


def set_enabled(on: bool) -> Changed:
    """Whether accelerated layers compute in their own way from now on, in this process; off, they do as `torch.nn`.

    Parameters
    ----------
    on : bool

    Returns
    -------
    A context manager, for ``with set_enabled(False): ...``; without a ``with`` the change is for good.
    """
    return ENABLED.set(on)


def is_enabled() -> bool:
    """See :func:`set_enabled`."""
    return bool(ENABLED)
