"""A set transformer over the experts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.aggregators.learned.base import LEARNED, LearnedGaussian, require_units
from bvae.aggregators.learned.sum_pooling import perceptron

NOBODY = -1e9  # instead of -infinity: of an item without any expert there would be no softmax


@LEARNED.register("self-attention")
@dataclass(frozen=True)
class SelfAttention(LearnedGaussian):
    """(mu, s) = rho(sum_m h_m), where h_1 ... h_n have looked at each other in layers of self-attention.

    Other than with `SumPooling`, what an expert adds depends on what the others say: one that contradicts them can be
    left out. Every layer is h + attention(norm(h)), then h + perceptron(norm(h)); at the end a norm, the sum and rho.
    With weights, expert m is looked at and counts n w_m times, n the number of those present.

    Parameters
    ----------
    units : int
        Of every h_m and of the hidden layers, a multiple of `heads`.
    heads, layers : int
        Of the attention.

    References
    ----------
    Hirt, Campolo, Leong, Ortega, TMLR 2024, see `SumPooling`; Lee et al., ICML 2019 (set transformer).
    """

    units: int = 128
    heads: int = 4
    layers: int = 2

    title: ClassVar[str] = "Learned self-attention"
    short: ClassVar[str] = "Self-attention"
    order: ClassVar[float] = 130
    formula: ClassVar[str] = (
        r"(\mu, \sigma) = \rho\Big(\sum_m h_m\Big), \qquad (h_1, \dots, h_M) = "
        r"\mathrm{attention}(\chi(\mu_1, \log\sigma_1), \dots, \chi(\mu_M, \log\sigma_M))"
    )

    def __post_init__(self) -> None:
        require_units("heads", self.heads)
        require_units("layers", self.layers)
        require_units("units", self.units, self.heads)

    def build(self, latent_dim: int) -> nn.Module:
        """See `LearnedAggregator.build`."""
        return _Network(2 * latent_dim, self)


class _Network(nn.Module):
    """See `LearnedAggregator`."""

    def __init__(self, features: int, of: SelfAttention) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Linear(features, of.units), nn.SiLU(), nn.Linear(of.units, of.units))
        self.layers = nn.ModuleList(_Layer(of.units, of.heads) for _ in range(of.layers))
        self.norm = nn.LayerNorm(of.units)
        self.whole = perceptron(of.units, of.units, features)

    def forward(self, features: Tensor, weights: Tensor) -> Tensor:
        h = self.each(features).transpose(0, 1)  # (B, M, U)
        weights = weights.T  # (B, M)
        there = weights > 0
        looked = torch.where(there, torch.where(there, weights, 1.0).log(), NOBODY)
        for layer in self.layers:
            h = layer(h, looked)
        out: Tensor = self.whole(torch.einsum("bm,bmu->bu", weights, self.norm(h)))
        return out


class _Layer(nn.Module):
    """Experts look at each other, then each by itself."""

    def __init__(self, units: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(units), nn.LayerNorm(units)
        # Without biases, as the reference has it: that of the keys would change nothing.
        self.questions, self.keys, self.values, self.mixed = (nn.Linear(units, units, bias=False) for _ in range(4))
        self.alone = nn.Sequential(nn.Linear(units, units), nn.SiLU(), nn.Linear(units, units))

    def forward(self, h: Tensor, looked: Tensor) -> Tensor:
        """(B, M, U), and (B, M) what is added to the logits of looking at each expert."""
        norm = self.before(h)
        q, k, v = (part(norm).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, H, M, U / H)
                   for part in (self.questions, self.keys, self.values))
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=looked[:, None, None, :])
        h = h + self.mixed(seen.transpose(1, 2).flatten(2))
        out: Tensor = h + self.alone(self.between(h))
        return out
