"""What latent dimensions are called wherever a person reads of them: z1, z2, ..., as factors are elsewhere."""

from __future__ import annotations


def z_name(k: int) -> str:
    """The dimension at position k, from 0: "z1" is the first."""
    return f"z{int(k) + 1}"


def axis_title(k: int) -> str:
    """The same as an axis is called: "latent dimension z1"."""
    return f"latent dimension {z_name(k)}"
