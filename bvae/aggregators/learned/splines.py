"""Neural spline flows, which the package zuko brings: an extra."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from bvae.registry import MissingPackage


def spline_flow(
    asked_by: str, dim: int, context: int = 0, *, transforms: int, hidden: Sequence[int], bins: int
) -> Any:
    """An untrained flow over D dimensions, given C numbers.

    Each coupling changes half of the dimensions in one pass, so that it is as fast to draw from as to ask. Raises
    MissingPackage that says who asked and how to get zuko.

    References
    ----------
    Durkan, Bekasov, Murray, Papamakarios: *Neural Spline Flows*, NeurIPS 2019. Implementation: zuko.
    """
    try:
        import zuko
    except ImportError as error:
        raise MissingPackage(f"{asked_by}: needs the package zuko: pip install 'bvae[flows]'") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zuko.flows.NSF(dim, context, bins=bins, transforms=transforms, hidden_features=tuple(hidden),
                              passes=min(2, dim))
