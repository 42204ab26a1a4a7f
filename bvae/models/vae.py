"""`MultimodalVAE`: encoders, an aggregator, decoders. No aggregator is named here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.aggregators import Aggregator, LearnedAggregator
from bvae.aggregators.weights import ExpertWeights
from bvae.data import Modality, MultimodalDataset
from bvae.data.checks import blank, different
from bvae.gaussians import diagonal
from bvae.gaussians.posterior import Posterior, UnimodalPosteriors
from bvae.models.calibration import Calibration
from bvae.models.config import FIXED_AUXILIARY, ModelConfig
from bvae.models.inputs import check_count, check_names, numbers, rows_of, taken, with_cells
from bvae.models.latents import CANDIDATES, PRIOR, DrawsLatents, DrawsPrivate, best_of, draw, private_part
from bvae.models.likelihoods import Likelihood, likelihood_for, name_for
from bvae.models.named_modules import NamedModules
from bvae.models.networks import NETWORKS, to_gaussian
from bvae.models.priors import BelowPrior, ConditionalPrior, ModalityPriors
from bvae.models.statistics import CELLS, of_present


class MultimodalVAE(nn.Module):
    """A variational autoencoder for any mix of modalities.

    The latent vector that everything here speaks of has L = D + M P dimensions: first the D shared ones, of which the
    aggregator makes the joint posterior, then P private ones of each modality in turn (none by default). A private part
    depends on its own modality alone; without it, it has the prior N(0, I), and is drawn by :attr:`private_sampler`.
    With `ModelConfig.conditional_prior` it is in units of p(w | z), and :meth:`complete` carries what a view says to z.

    Parameters
    ----------
    modalities : iterable of Modality
        Their order is the axis M.
    aggregator : Aggregator
        Makes the joint posterior of the unimodal ones. For a `LearnedAggregator` the model builds the network that it
        lacks; then what the encoders give is read by the network, and no posterior by itself.
    config : ModelConfig, optional

    Attributes
    ----------
    sampler : Sampler or None
        How :meth:`sample` draws z: fitted to where the items are, see `bvae.samplers.fit`. A checkpoint brings its own;
        None is the prior.
    private_sampler : PrivateSampler or None
        How the private part of a view that was not observed is drawn, see :meth:`complete`. A checkpoint brings its
        own; None is the prior.

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
        listed = list(modalities)
        different([m.name for m in listed])
        self.modalities = {m.name: m for m in listed}
        self.config = config or ModelConfig()
        self.pooling: nn.Module | None = None  # the network of a rule that has one, trained and saved with the others
        self.aggregator = aggregator
        if isinstance(aggregator, LearnedAggregator):
            self.pooling = aggregator.build(self.config.latent_dim)
            self.aggregator = aggregator.with_network(self.pooling)
        self.sampler: DrawsLatents | None = None
        self.private_sampler: DrawsPrivate | None = None
        self.calibration: Calibration | None = None
        self.encoders, self.decoders, self.likelihoods = NamedModules(), NamedModules(), NamedModules()
        for name, m in self.modalities.items():
            pair = NETWORKS[m.kind]
            own = self.config.latent_dim + self.config.private_dim
            try:
                self.encoders[name], self.decoders[name] = pair.build(
                    m.shape, own, self.config.width, m.columns)
                self.likelihoods[name] = likelihood_for(m, self.config.likelihood, self.config.likelihood_scale)
                if self.config.conditional_prior:
                    prior = ConditionalPrior(self.config.latent_dim, self.config.private_dim)
                    self.decoders[name] = BelowPrior(prior, self.decoders[name])
            except (ValueError, TypeError) as error:
                raise ValueError(f"modality {name!r}, kind {m.kind!r}, shape {m.shape}: {error}") from error
        self.expert_weights = ExpertWeights(self.config.weights, len(self.modalities), self.config.latent_dim)
        if self.config.weights in ("dimension", "subset"):  # refuse at once what the first batch would be refused
            one = torch.ones(len(self.modalities), 1, self.config.latent_dim)
            self.aggregator(torch.zeros_like(one), one, weights=self.expert_weights())
        self.priors = ModalityPriors(len(listed), self.config.latent_dim) if self.config.modality_priors else None
        self.auxiliary_scale: nn.Parameter | None = None  # (M, P), see auxiliary_scales
        if self.config.auxiliary_prior and self.config.auxiliary != "fixed":
            self.auxiliary_scale = nn.Parameter(torch.zeros(len(self.modalities), self.config.private_dim))

    @property
    def latent_dim(self) -> int:
        """L = D + M P: the length of the vectors that :meth:`decode` takes."""
        return self.config.latent_dim + len(self.modalities) * self.config.private_dim

    @property
    def shared_dim(self) -> int:
        """D."""
        return self.config.latent_dim

    def private_part(self, m: int) -> slice:
        """Where the private latents of modality number m are among the L dimensions."""
        start = self.config.latent_dim + m * self.config.private_dim
        return slice(start, start + self.config.private_dim)

    def auxiliary_scales(self) -> Tensor | None:
        """Scales of the auxiliary prior, (M, P), see `ModelConfig.auxiliary`; None without one."""
        if not self.config.auxiliary_prior:
            return None
        if self.auxiliary_scale is None:
            device = next((p.device for p in self.parameters()), None)
            return torch.full((len(self.modalities), self.config.private_dim), FIXED_AUXILIARY, device=device)
        if self.config.auxiliary == "softmax":
            return self.auxiliary_scale.softmax(1) * self.config.private_dim
        return self.auxiliary_scale.exp()

    def shared(self, q: Posterior) -> Posterior:
        """A posterior over L dimensions, restricted to the D shared ones."""
        if not self.config.private_dim:
            return q
        return Posterior(q.weights, q.loc[..., : self.shared_dim], q.scale[..., : self.shared_dim])

    def experts(self, x: Mapping[str, Tensor], present: Tensor | None = None) -> UnimodalPosteriors:
        """Unimodal posteriors.

        Parameters
        ----------
        x : mapping of str to Tensor
            Any non-empty subset of the modalities: name -> (B, ...), see `Modality.shape`. Floats; NumPy arrays,
            float64 and sparse tensors are converted.
        present : Tensor, optional
            (M, B) bool over *all* modalities of the model: which items have them. By default every item has those in
            `x`. What `x` holds for a missing one is not read. NaN is a gap in a modality with columns; of an item
            with nothing but gaps the modality is missing.

        Raises
        ------
        ValueError
            If a name is unknown, a shape is wrong, a number is not finite, or `present` asks for a modality that is
            not in `x`.
        """
        # A training run has looked at its data set, and at its loss.
        x, present, batch = taken(x, present, self.modalities, cells=not self.training)
        device = next(iter(x.values())).device
        raw: list[Tensor | None] = []
        seen: list[Tensor | None] = []  # (B,) bool, None where all items have the modality
        for name, mask in zip(self.modalities, rows_of(present, len(self.modalities)), strict=True):
            if name not in x:
                raw.append(None)
                seen.append(torch.zeros(batch, dtype=torch.bool, device=device))
                continue
            values = x[name]
            if self.modalities[name].takes_gaps and not self.training:
                mask = with_cells(values, mask)
            raw.append(self.encoders[name](values if mask is None else blank(values, mask)))
            seen.append(mask)
        nothing = next(torch.zeros_like(r) for r in raw if r is not None)
        loc, scale = to_gaussian(torch.stack([nothing if r is None else r for r in raw]))  # all at once
        if all(mask is None for mask in seen):
            there = torch.ones(len(seen), batch, dtype=torch.bool, device=device)
        else:
            everyone = torch.ones(batch, dtype=torch.bool, device=device)
            there = torch.stack([everyone if mask is None else mask for mask in seen])
            loc, scale = torch.where(there.unsqueeze(2), loc, 0.0), torch.where(there.unsqueeze(2), scale, 1.0)
        return UnimodalPosteriors(self._with_others(loc, 0.0), self._with_others(scale, 1.0), there)

    def _with_others(self, own: Tensor, fill: float) -> Tensor:
        """(M, B, D + P) -> (M, B, L): the private part at its place, the prior's number in those of the others."""
        if not self.config.private_dim:
            return own
        d, placed = self.shared_dim, []
        for m, values in enumerate(own):
            before, after = m * self.config.private_dim, self.latent_dim - self.private_part(m).stop
            placed.append(torch.cat([values[:, :d], F.pad(values[:, d:], (before, after), value=fill)], 1))
        return torch.stack(placed)

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
        if weights is None:
            weights = self.weights_for(rule)
        d, present = self.shared_dim, experts.present
        # Where all are there, rules have less to do; elsewhere than on a CPU the question would wait for the device.
        there = None if present.device.type == "cpu" and bool(present.all()) else present
        q = rule(experts.loc[..., :d], experts.scale[..., :d], there, weights, generator)
        return self.with_private(q, experts)

    def weights_for(self, rule: Aggregator) -> Tensor | None:
        """The model's own weights, or None where they are those of subsets and the rule knows nothing of subsets."""
        return self.expert_weights() if self.config.weights != "subset" or rule.takes_subset_weights else None

    def with_private(self, q: Posterior, experts: UnimodalPosteriors) -> Posterior:
        """A joint posterior of the shared dimensions (K, B, D), completed by the private parts: (K, B, L).

        Each private part is the one of its own modality's posterior, or the prior where the modality is missing. With
        a conditional prior it is what the modality says where it takes z to be; :meth:`complete` carries draws of it.
        """
        if not self.config.private_dim:
            return q
        parts = []
        for values, fill in ((experts.loc, 0.0), (experts.scale, 1.0)):
            own = [torch.where(experts.present[m].unsqueeze(1), values[m, :, self.private_part(m)], fill)
                   for m in range(len(self.modalities))]  # M of (B, P)
            parts.append(torch.cat(own, 1).to(q.loc).expand(q.num_components, -1, -1))
        return Posterior(q.weights, torch.cat([q.loc, parts[0]], -1), torch.cat([q.scale, parts[1]], -1))

    def apart(self, q: Posterior) -> Posterior:
        """A joint posterior in which a component knows private parts of those modalities alone that it is made of.

        In the others the private part is the prior there, N(0, I). This is what objectives take: a component of some
        views stands for the case in which there are only these.

        Raises
        ------
        ValueError
            For a rule of which that is not known, see `Aggregator.held`.
        """
        if not self.config.private_dim or q.num_components == 1:
            return q
        held = self.aggregator.held(len(self.modalities)).to(q.loc.device)  # (K, M)
        mine = held.repeat_interleave(self.config.private_dim, 1)  # (K, M P)
        mine = torch.cat([mine.new_ones(len(mine), self.shared_dim), mine], 1).unsqueeze(1)
        return Posterior(q.weights, torch.where(mine, q.loc, 0.0), torch.where(mine, q.scale, 1.0))

    def carried(self, m: int, z: Tensor, experts: UnimodalPosteriors) -> tuple[Tensor, Tensor]:
        """q(w_m | x_m, z), top-down: means and standard deviations (..., B, P) at shared parts (..., B, D).

        Without a conditional prior it does not depend on z. See `ConditionalPrior.carried`.
        """
        part = self.private_part(m)
        loc, scale = experts.loc[m, :, part], experts.scale[m, :, part]
        if not self.config.conditional_prior:
            return loc, scale
        prior = cast(BelowPrior, list(self.decoders.values())[m]).prior
        return prior.carried(loc, scale, experts.loc[m, :, : self.shared_dim], z)

    def top_down(self, m: int, z: Tensor, experts: UnimodalPosteriors) -> tuple[Tensor, Tensor]:
        """The private part of modality m of draws z (..., B, L) of `experts`, carried to the shared part of z with the
        same chance, (..., B, P), and KL(q(w_m | x_m, z) || p(w_m | z)) in nats, (..., B)."""
        part = self.private_part(m)
        loc, scale = self.carried(m, z[..., : self.shared_dim], experts)
        drawn = z[..., part]
        if self.config.conditional_prior:
            drawn = loc + scale * (drawn - experts.loc[m, :, part]) / experts.scale[m, :, part]
        return drawn, diagonal.kl_to_standard(loc, scale)

    def complete(
        self,
        z: Tensor,
        observed: Tensor | UnimodalPosteriors,
        private: str | DrawsPrivate | None = None,
        generator: torch.Generator | None = None,
        common: bool = False,
        candidates: int = 1,
    ) -> Tensor:
        """Draws of a posterior whose private parts of the views that were not observed are drawn given the shared ones.

        Parameters
        ----------
        z : Tensor
            (..., B, L).
        observed : Tensor or UnimodalPosteriors
            (M, B) bool: of which views the private parts stay as they are. Or the posteriors of which z was drawn: with
            a conditional prior the private parts of views that are there are carried to the shared part of z, with the
            same chance; given a mask alone they stay what their views said where each takes z to be.
        private : {"prior", "zero"} or PrivateSampler, optional
            How the others are drawn: from N(0, I), at 0, or by a sampler; by default by :attr:`private_sampler`, or
            where there is none, with a conditional prior from it, without as they stand in z.
        generator : torch.Generator, optional
        common : bool
            Take the same chance for every item of B.
        candidates : int
            How many are drawn for each view, of which the one is kept with which the view's own encoder, given what is
            decoded, finds z most probable. More than one makes views agree that are decoded from one z, at the cost of
            some variety: what is unusual is read less surely.

        Returns
        -------
        Tensor
            (..., B, L); z itself where there is nothing to be drawn.

        Raises
        ------
        ValueError
            If `private` is something else, or `candidates` no positive integer.
        """
        check_count(candidates, "candidates")
        chosen = self.private_sampler if private is None else private
        if chosen is None and self.config.conditional_prior:
            chosen = PRIOR
        if not self.config.private_dim or chosen is None:
            return z
        z = z.clone()
        shared, dim = z[..., : self.shared_dim], self.config.private_dim
        experts = observed if isinstance(observed, UnimodalPosteriors) else None
        observed = observed.present if isinstance(observed, UnimodalPosteriors) else observed
        for m, name in enumerate(self.modalities):
            part = self.private_part(m)
            if experts is not None and self.config.conditional_prior and bool(observed[m].any()):
                z[..., part] = self.top_down(m, z, experts)[0]
            if bool(observed[m].all()):
                continue
            drawn = best_of(candidates, partial(private_part, chosen, name, shared, dim, generator, common),
                            partial(self._read_back, m, name, shared))
            z[..., part] = torch.where(observed[m].unsqueeze(-1), z[..., part], drawn)
        return z

    @torch.no_grad()
    def _read_back(self, m: int, name: str, shared: Tensor, private: Tensor) -> Tensor:
        """log q_m(z | x'), (...,), of shared parts (..., D), x' decoded of them and of private parts (..., P)."""
        z = torch.cat([shared, private], -1).flatten(0, -2).to(self._device(shared))  # samplers draw on the CPU
        said = self.experts({name: self.decoders[name](z).nan_to_num()})
        d = self.shared_dim
        density = diagonal.log_prob(z[:, :d], said.loc[m, :, :d], said.scale[m, :, :d])
        return density.view(shared.shape[:-1]).to(shared.device)

    def _device(self, otherwise: Tensor) -> torch.device:
        """Where the parameters are; without any, where this tensor is."""
        return next((p.device for p in self.parameters()), otherwise.device)

    def decode(self, z: Tensor, targets: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Means of the likelihoods.

        Parameters
        ----------
        z : Tensor
            (..., L) floats; NumPy arrays and float64 are converted.
        targets : iterable of str, optional
            Modalities to decode; all by default.

        Returns
        -------
        dict of str to Tensor
            name -> (..., *shape of the modality).

        Raises
        ------
        ValueError
            If the last axis is not L or a target is unknown.
        """
        z = numbers(z, "z")
        if z.ndim == 0 or z.shape[-1] != self.latent_dim:
            raise ValueError(f"z: expected shape (..., {self.latent_dim}), got {tuple(z.shape)}")
        names = list(self.modalities if targets is None else targets)
        check_names(names, self.modalities)
        flat = z.reshape(-1, self.latent_dim)
        out = {name: self._decoded(name, flat) for name in names}
        return {name: v.unflatten(0, z.shape[:-1]) if z.ndim > 1 else v[0] for name, v in out.items()}

    def _decoded(self, name: str, z: Tensor) -> Tensor:
        """Means of one modality: (B, L) -> (B, ...). Its decoder sees the shared part and its own private part."""
        if self.config.private_dim:
            part = self.private_part(list(self.modalities).index(name))
            z = torch.cat([z[:, : self.shared_dim], z[:, part]], 1)
        return self.decoders[name](z)

    @torch.no_grad()
    def generate(
        self,
        x: Mapping[str, Tensor],
        targets: Iterable[str] | None = None,
        num_samples: int = 1,
        generator: torch.Generator | None = None,
        aggregator: Aggregator | None = None,
        weights: Tensor | None = None,
        present: Tensor | None = None,
        private: str | DrawsPrivate | None = None,
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
        present : Tensor, optional
            (M, B) bool: another S for every item, see :meth:`experts`. An item without any modality is generated from
            the prior.
        private : {"prior", "zero"} or PrivateSampler, optional
            See :meth:`complete`.

        Returns
        -------
        dict of str to Tensor
            name -> (num_samples, B, ...).
        """
        check_count(num_samples)
        experts = self.experts(x, present)
        q = self.aggregate(experts, (aggregator or self.aggregator).conditional(), weights)
        z = q.rsample((num_samples,), generator=generator)
        return self.decode(self.complete(z, experts, private, generator), targets)

    @torch.no_grad()
    def sample(
        self,
        num_samples: int = 8,
        sampler: str | DrawsLatents | None = None,
        generator: torch.Generator | None = None,
        targets: Iterable[str] | None = None,
    ) -> dict[str, Tensor]:
        """Inventions: no view goes in, one z makes all views.

        Parameters
        ----------
        num_samples : int
            S.
        sampler : str or Sampler, optional
            How z is drawn: by default as :attr:`sampler` does, fitted to where the items are; "prior" for the bare
            prior N(0, I), which is also what a model without a sampler has.
        generator : torch.Generator, optional
        targets : iterable of str, optional
            See :meth:`decode`.

        Returns
        -------
        dict of str to Tensor
            name -> (S, ...): means of the likelihoods.
        """
        return self.decode(self.sample_latents(num_samples, sampler, generator), targets)

    @torch.no_grad()
    def sample_latents(
        self, num_samples: int, sampler: str | DrawsLatents | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """The z of :meth:`sample`, (S, L). Private parts are drawn as :meth:`complete` does, the best of four; with
        the prior from it.

        Raises
        ------
        ValueError
            If `num_samples` is no positive integer, or the model has no sampler of that name.
        """
        z = draw(num_samples, self.latent_dim, self.shared_dim, self.sampler, sampler, generator)
        if sampler != PRIOR:
            nothing = torch.zeros(len(self.modalities), num_samples, dtype=torch.bool)
            z = self.complete(z, nothing, generator=generator, candidates=CANDIDATES)
        return z.to(self._device(z))

    def log_likelihood(
        self, x: Mapping[str, Tensor], z: Tensor, present: Tensor | None = None, smooth: bool = False
    ) -> dict[str, Tensor]:
        """log p(x_m | z) in nats for every modality in `x`, of the cells that are there.

        Parameters
        ----------
        x, present
            See :meth:`experts`.
        z : Tensor
            (B, L).
        smooth : bool
            Take densities that have second derivatives, see `Likelihood.smooth_log_prob`.

        Returns
        -------
        dict of str to Tensor
            name -> (B,); 0 where the modality is missing.
        """
        x, present, _ = taken(x, present, self.modalities, cells=not self.training)
        out = {}
        for name, mask in zip(self.modalities, rows_of(present, len(self.modalities)), strict=True):
            if name not in x:
                continue
            likelihood = self.likelihood(name)
            density = likelihood.smooth_log_prob if smooth else likelihood.log_prob
            value = density(x[name] if mask is None else blank(x[name], mask), self._decoded(name, z))
            out[name] = value if mask is None else torch.where(mask, value, 0.0)
        return out

    def likelihood_of(self, name: str) -> str:
        """Name of a modality's likelihood: that of its kind, its own, or the one of the model's settings."""
        return name_for(self.modalities[name], self.config.likelihood)

    def likelihood(self, name: str) -> Likelihood:
        """A modality's likelihood: density, variance and samples around what :meth:`decode` gives."""
        return cast(Likelihood, self.likelihoods[name])

    @torch.no_grad()
    def observe(self, data: MultimodalDataset) -> None:
        """Let networks and likelihoods take the statistics of a training split; once, before the training.

        What has a method ``observe(values, present)`` gets the values (n, ...) of the items that have the modality, a
        sparse view as `SparseRows`, and None, since all have it: for means and scales of the columns of tables. Others,
        such as those of pictures, have none.
        Where a split is large, that many items are read, spread evenly over it, as make `bvae.models.statistics.CELLS`.
        """
        for m, name in enumerate(self.modalities):
            decoder = self.decoders[name]
            decoder = decoder.network if isinstance(decoder, BelowPrior) else decoder
            parts: list[Any] = [part for part in (self.encoders[name], decoder) if hasattr(part, "observe")]
            if type(self.likelihood(name)).observe is not Likelihood.observe:
                parts.append(self.likelihood(name))
            if not parts:
                continue
            cells = math.prod(self.modalities[name].shape)
            some = torch.linspace(0, len(data) - 1, min(len(data), max(1000, CELLS // cells))).round().long()
            values = of_present(data.rows_of(name, some), None if data.mask is None else data.mask[m, some])
            for part in parts:
                part.observe(values, None)

    def reconstruction_error(self, x: Mapping[str, Tensor], z: Tensor, present: Tensor | None = None) -> Tensor:
        """-sum_m r_m log p(x_m | z), (B,), r_m the weights of the modalities. See :meth:`log_likelihood`."""
        values = self.log_likelihood(x, z, present)
        each = -torch.stack(list(values.values()))
        if all(self.modalities[name].weight == 1 for name in values):
            return each.sum(0)
        return (torch.tensor([[self.modalities[name].weight] for name in values], device=z.device) * each).sum(0)
