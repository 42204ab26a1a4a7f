"""`MultimodalVAE`: encoders, an aggregator, decoders. No aggregator is named here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bvae.aggregators import Aggregator
from bvae.data import Modality
from bvae.likelihoods import LIKELIHOODS, OF_KIND
from bvae.networks import NETWORKS, to_gaussian
from bvae.posterior import Posterior
from bvae.weights import ExpertWeights, parse


class UnimodalPosteriors(NamedTuple):
    """One Gaussian per modality and item.

    Attributes
    ----------
    loc, scale : Tensor
        (M, B, D) means and standard deviations; 0 and 1 where the modality is missing.
    present : Tensor
        (M, B) bool.
    """

    loc: Tensor
    scale: Tensor
    present: Tensor


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and likelihood of a model.

    Parameters
    ----------
    latent_dim : int
        D.
    width : int
        Channels of the convolutions.
    likelihood : str
        One of :data:`bvae.likelihoods.LIKELIHOODS`.
    likelihood_scale : float
        Its fixed scale, in the units of the data. The default is a normal density of 0.3, not the
        published Laplace(0.75).
    weights : str
        Weights of the experts in the joint posterior, see `bvae.weights.ExpertWeights`: "uniform", "modality",
        "dimension" or "subset" (learned), or fixed numbers.
    """

    latent_dim: int = 32
    width: int = 64
    likelihood: str = "normal"
    likelihood_scale: float = 0.3
    weights: str = "uniform"

    def __post_init__(self) -> None:
        for name in ("latent_dim", "width"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}: expected a positive integer, got {value!r}")
        if not self.likelihood_scale > 0:
            raise ValueError(f"likelihood_scale: expected a positive number, got {self.likelihood_scale!r}")
        LIKELIHOODS[self.likelihood]  # raises for an unknown name
        parse(self.weights)  # raises for anything else than weights


class MultimodalVAE(nn.Module):
    """A variational autoencoder for any mix of modalities.

    Parameters
    ----------
    modalities : iterable of Modality
        Their order is the axis M.
    aggregator : Aggregator
        Makes the joint posterior of the unimodal ones.
    config : ModelConfig, optional

    Examples
    --------
    >>> import bvae
    >>> photo = bvae.Modality("photo", "image", (3, 28, 28))
    >>> model = MultimodalVAE([photo], bvae.aggregator("poe"))
    >>> model.encode({"photo": torch.rand(2, 3, 28, 28)}).mean.shape
    torch.Size([2, 32])
    """

    def __init__(
        self, modalities: Iterable[Modality], aggregator: Aggregator, config: ModelConfig | None = None
    ) -> None:
        super().__init__()
        self.modalities = {m.name: m for m in modalities}
        self.aggregator = aggregator
        self.config = config or ModelConfig()
        self.encoders, self.decoders = nn.ModuleDict(), nn.ModuleDict()
        for name, m in self.modalities.items():
            encoder, decoder = NETWORKS[m.kind]
            self.encoders[name] = encoder(m.shape, self.config.latent_dim, self.config.width)
            self.decoders[name] = decoder(m.shape, self.config.latent_dim, self.config.width)
        self.expert_weights = ExpertWeights(self.config.weights, len(self.modalities), self.config.latent_dim)
        if self.config.weights in ("dimension", "subset"):  # refuse at once what the first batch would be refused
            one = torch.ones(len(self.modalities), 1, self.config.latent_dim)
            aggregator(torch.zeros_like(one), one, weights=self.expert_weights())
        self.to(memory_format=torch.channels_last)

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.config.latent_dim

    def experts(self, x: Mapping[str, Tensor], present: Tensor | None = None) -> UnimodalPosteriors:
        """Unimodal posteriors.

        Parameters
        ----------
        x : mapping of str to Tensor
            Any non-empty subset of the modalities: name -> (B, ...), see `Modality.shape`.
        present : Tensor, optional
            (M, B) bool over *all* modalities of the model: which items have them. By default every item has those in
            `x`. What `x` holds for a missing one is not read.

        Raises
        ------
        ValueError
            If a name is unknown, a shape is wrong, or `present` asks for a modality that is not in `x`.
        """
        batch = self._check(x, present)
        device = next(iter(x.values())).device
        loc = torch.zeros(len(self.modalities), batch, self.latent_dim, device=device)
        locs, scales = list(loc.unbind()), list(torch.ones_like(loc).unbind())
        seen = torch.zeros(len(self.modalities), batch, dtype=torch.bool, device=device)
        for m, name in enumerate(self.modalities):
            if name not in x:
                continue
            values, mask = x[name], None if present is None else present[m]
            if mask is not None:
                values = blank(values, mask)
            locs[m], scales[m] = to_gaussian(self.encoders[name](values))
            if mask is not None:
                locs[m] = torch.where(mask.unsqueeze(1), locs[m], 0.0)
                scales[m] = torch.where(mask.unsqueeze(1), scales[m], 1.0)
            seen[m] = True if mask is None else mask
        return UnimodalPosteriors(torch.stack(locs), torch.stack(scales), seen)

    def encode(
        self,
        x: Mapping[str, Tensor],
        aggregator: Aggregator | None = None,
        weights: Tensor | None = None,
        present: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Posterior:
        """Joint posterior of the modalities in `x`.

        Parameters
        ----------
        x, present
            See :meth:`experts`.
        aggregator : Aggregator, optional
            By default the one that the model was trained with.
        weights : Tensor, optional
            (M,) or (M, B), see `Aggregator`; by default the model's own, see `ModelConfig`.
        generator : torch.Generator, optional
            For aggregators that draw, see `Aggregator`.
        """
        return self.aggregate(self.experts(x, present), aggregator, weights, generator)

    def aggregate(
        self,
        experts: UnimodalPosteriors,
        aggregator: Aggregator | None = None,
        weights: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Posterior:
        """Joint posterior of unimodal ones. See :meth:`encode`."""
        rule = aggregator or self.aggregator
        if weights is None and (self.config.weights != "subset" or rule.takes_subset_weights):
            weights = self.expert_weights()
        return rule(experts.loc, experts.scale, experts.present, weights, generator)

    def decode(self, z: Tensor, targets: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Means of the likelihoods.

        Parameters
        ----------
        z : Tensor
            (..., D).
        targets : iterable of str, optional
            Modalities to decode; all by default.

        Returns
        -------
        dict of str to Tensor
            name -> (..., *shape of the modality).

        Raises
        ------
        ValueError
            If the last axis is not D or a target is unknown.
        """
        if z.shape[-1] != self.latent_dim:
            raise ValueError(f"z: expected shape (..., {self.latent_dim}), got {tuple(z.shape)}")
        names = list(self.modalities if targets is None else targets)
        for name in names:
            self._check_name(name)
        flat = z.reshape(-1, self.latent_dim)
        return {name: self.decoders[name](flat).unflatten(0, z.shape[:-1] or (1,)) if z.ndim > 1
                else self.decoders[name](flat)[0] for name in names}

    @torch.no_grad()
    def generate(
        self,
        x: Mapping[str, Tensor],
        targets: Iterable[str] | None = None,
        num_samples: int = 1,
        generator: torch.Generator | None = None,
        aggregator: Aggregator | None = None,
        weights: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Cross-modal generation: z ~ q(z | x_S), then the means of the targets given z.

        For mixtures over subsets q(z | x_S) is the component of S itself, as in their published evaluations; see
        `Aggregator.conditional`.

        Parameters
        ----------
        x : mapping of str to Tensor
            The observed modalities S: name -> (B, ...).
        targets : iterable of str, optional
            Modalities to generate; all by default.
        num_samples : int
        generator : torch.Generator, optional
        aggregator, weights
            See :meth:`encode`.

        Returns
        -------
        dict of str to Tensor
            name -> (num_samples, B, ...).
        """
        q = self.encode(x, (aggregator or self.aggregator).conditional(), weights)
        return self.decode(q.rsample((num_samples,), generator=generator), targets)

    def log_likelihood(
        self, x: Mapping[str, Tensor], z: Tensor, present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """log p(x_m | z) in nats for every modality in `x`.

        Parameters
        ----------
        x, present
            See :meth:`experts`.
        z : Tensor
            (B, D).

        Returns
        -------
        dict of str to Tensor
            name -> (B,); 0 where the modality is missing.
        """
        self._check(x, present)
        out = {}
        for m, (name, modality) in enumerate(self.modalities.items()):
            if name not in x:
                continue
            density = LIKELIHOODS[OF_KIND.get(modality.kind, self.config.likelihood)]
            values = x[name] if present is None else blank(x[name], present[m])
            value = density(values, self.decoders[name](z), self.config.likelihood_scale)
            out[name] = value if present is None else torch.where(present[m], value, 0.0)
        return out

    def reconstruction_error(self, x: Mapping[str, Tensor], z: Tensor, present: Tensor | None = None) -> Tensor:
        """-sum_m r_m log p(x_m | z), (B,), r_m the weights of the modalities. See :meth:`log_likelihood`."""
        values = self.log_likelihood(x, z, present)
        return -sum(self.modalities[name].weight * value for name, value in values.items())

    def _check_name(self, name: str) -> None:
        if name not in self.modalities:
            raise ValueError(f"unknown modality {name!r}; the model has {', '.join(self.modalities)}")

    def _check(self, x: Mapping[str, Tensor], present: Tensor | None) -> int:
        """The batch size of `x`. Raises ValueError if `x` or `present` is not as :meth:`experts` wants it."""
        if not x:
            raise ValueError("x: expected at least one modality, got none")
        batch = len(next(iter(x.values())))
        for name, values in x.items():
            self._check_name(name)
            shape = self.modalities[name].shape
            if values.shape != (batch, *shape) or not values.is_floating_point():
                raise ValueError(
                    f"x[{name!r}]: expected floats of shape {(batch, *shape)}, "
                    f"got {values.dtype} of {tuple(values.shape)}"
                )
        if present is not None:
            wanted = (len(self.modalities), batch)
            if present.shape != wanted or present.dtype != torch.bool:
                raise ValueError(f"present: expected bool of shape {wanted}, got {present.dtype} of {present.shape}")
            for m, name in enumerate(self.modalities):
                if name not in x and bool(present[m].any()):
                    raise ValueError(f"present: row {m} asks for {name!r}, which is not in x")
        return batch


def blank(values: Tensor, present: Tensor) -> Tensor:
    """`values` (B, ...) with 0 in the items that are missing, whatever stood there (NaN too)."""
    if present.device.type == "cpu" and bool(present.all()):  # elsewhere the question would wait for the device
        return values
    return torch.where(present.view(-1, *[1] * (values.ndim - 1)), values, 0.0)
