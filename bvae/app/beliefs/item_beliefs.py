"""What Explore shows of one item, computed once per run: posteriors, distances, generations. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bvae.aggregators import Aggregator, aggregator, name_of, naming
from bvae.aggregators.comparison import Distances, affordable_samples, distances
from bvae.app.loaders import Loaded
from bvae.app.templates import render
from bvae.gaussians.posterior import Posterior, UnimodalPosteriors
from bvae.metrics.classifiers import Classifiers
from bvae.models.vae import MultimodalVAE
from bvae.plots.posterior import Aggregate


@dataclass(frozen=True)
class ItemBeliefs:
    """One item seen through some of its modalities.

    Attributes
    ----------
    loc, scale : Tensor
        (M, 1, D) unimodal posteriors of all modalities, observed or not, in the shared dimensions.
    present : Tensor
        (M, 1) bool: observed.
    weights : Tensor or None
        (M,), sum 1; None is uniform.
    used : Tensor or None
        What the rule was given as weights: `weights`, or the model's own.
    rule : Aggregator
    rule_name : str
    posterior : Posterior
        The joint posterior.
    decoded : Posterior
        What is sampled and decoded: the joint posterior, or its component of all observed modalities, see
        `Aggregator.conditional`.
    latent : Posterior
        `decoded` with the private parts, if the model has some.
    model : MultimodalVAE or None
        Which completes draws by private parts of what is not observed; None where no model is behind the experts.
    experts : UnimodalPosteriors or None
        (M, 1, L): what `latent` was made of.
    """

    loc: Tensor
    scale: Tensor
    present: Tensor
    weights: Tensor | None
    used: Tensor | None
    rule: Aggregator
    rule_name: str
    posterior: Posterior
    decoded: Posterior
    latent: Posterior
    model: MultimodalVAE | None = None
    experts: UnimodalPosteriors | None = None

    def drawn(self) -> list[Aggregate]:
        """The joint posterior and, where it is another one, what is decoded, for the figures."""
        first = arrays(self.posterior, self.rule_name, naming.title(self.rule_name))
        if self.decoded is self.posterior or not bool(self.present.any()):
            return [first]
        return [first, arrays(self.decoded, self.inside, "all observed views together (drawn from)")]

    def alone(self) -> Aggregate:
        """What is decoded, as the only joint belief of a figure."""
        if self.decoded is self.posterior or not bool(self.present.any()):
            return self.drawn()[0]
        return arrays(self.decoded, self.inside, f"joint belief: {naming.title(self.inside)}")

    @property
    def inside(self) -> str:
        """Name of the rule that joins the views of one group; `rule_name` where the rule knows no groups."""
        return name_of(self.rule.conditional())

    def distances(self) -> Distances:
        """Of every expert to the joint posterior."""
        return distances(self.loc, self.scale, self.posterior, affordable_samples(self.posterior))


class Draw(NamedTuple):
    """S samples of z and the chance in them, z = loc[k] + scale[k] * noise of `ItemBeliefs.latent`, but for the private
    parts that `MultimodalVAE.complete` draws or carries.

    Attributes
    ----------
    z, noise : Tensor
        (S, L).
    component : Tensor
        (S,): k.
    """

    z: Tensor
    noise: Tensor
    component: Tensor


def draw(scene: ItemBeliefs, num_samples: int, seed: int) -> Draw:
    """What is decoded, as `MultimodalVAE.generate` draws it; where nothing is observed, of the bare prior.

    The same seed gives the same noise for every aggregator.
    """
    generator = torch.Generator().manual_seed(seed)
    noise, index = scene.latent.chance(num_samples, generator)
    noise, index = noise[:, 0], index[:, 0]
    z = scene.latent.loc[index, 0] + scene.latent.scale[index, 0] * noise
    if scene.model is not None and scene.experts is not None and bool(scene.present.any()):
        with torch.inference_mode():
            z = scene.model.complete(z.unsqueeze(1), scene.experts, generator=generator)[:, 0]
    return Draw(z, noise, index)


def experts_of(loaded: Loaded, item: int, replaced: Mapping[str, Tensor] | None = None) -> UnimodalPosteriors:
    """Unimodal posteriors (M, 1, L) of one test item; `replaced`: other contents (1, ...) of some of its views."""
    own = UnimodalPosteriors(*(values[:, item : item + 1] for values in loaded.experts))
    if not replaced:
        return own
    with torch.inference_mode():
        other = loaded.model.experts(replaced)
    there = other.present.unsqueeze(-1)
    return UnimodalPosteriors(torch.where(there, other.loc, own.loc), torch.where(there, other.scale, own.scale),
                              own.present | other.present)


def build(
    loaded: Loaded, item: int, observed: list[bool], weights: list[float], rule_name: str | None,
    replaced: Mapping[str, Tensor] | None = None, by_lot: bool = False,
) -> ItemBeliefs:
    """The scene of one test item.

    Parameters
    ----------
    loaded : Loaded
    item : int
        Position in the test split.
    observed : list of bool
    weights : list of float
        Non-negative, in any unit; all 0, or all the same, means uniform.
    rule_name : str or None
        Another aggregator on the same unimodal posteriors; None for the one that the model was trained with.
    replaced : mapping of str to Tensor, optional
        What the model is shown instead of some of the item's views: name -> (1, ...).
    by_lot : bool
        Whether the whole joint posterior is decoded also where it is a mixture over groups of views: every draw comes
        from a group that is drawn first.
    """
    model, experts = loaded.model, experts_of(loaded, item, replaced)
    shared = UnimodalPosteriors(experts.loc[..., : model.shared_dim], experts.scale[..., : model.shared_dim],
                                experts.present)
    now = of_experts(shared, 0, observed, weights, aggregator(rule_name) if rule_name else model.aggregator,
                     None if rule_name else model.expert_weights(), by_lot)
    experts = experts._replace(present=now.present)
    return replace(now, latent=model.with_private(now.decoded, experts), model=model, experts=experts)


def of_experts(
    experts: UnimodalPosteriors, item: int, observed: list[bool], weights: list[float], rule: Aggregator,
    own: Tensor | None = None, by_lot: bool = False,
) -> ItemBeliefs:
    """The scene of one item of any unimodal posteriors, with or without a model behind them; see :func:`build`.

    Parameters
    ----------
    experts : UnimodalPosteriors
        (M, N, D). A modality that the item lacks is not observed, whatever `observed` says.
    rule : Aggregator
    own : Tensor, optional
        Weights to use if `weights` are all the same, see `MultimodalVAE.expert_weights`.
    by_lot : bool
        See :func:`build`.
    """
    loc, scale, there = (values[:, item : item + 1] for values in experts)
    present = torch.tensor(observed).unsqueeze(1) & there
    total = sum(w for w, seen in zip(weights, present[:, 0].tolist(), strict=True) if seen)
    share = torch.tensor(weights, dtype=loc.dtype) / sum(weights) if total > 0 and len(set(weights)) > 1 else None
    used = own.detach() if share is None and own is not None else share
    q = rule(loc, scale, present, used)
    conditional = rule.conditional()
    of_subsets = used is not None and len(used) != len(loc)  # a single subset has no use for weights of all of them
    decoded = q if conditional is rule or by_lot else conditional(loc, scale, present, None if of_subsets else used)
    return ItemBeliefs(loc, scale, present, share, used, rule, name_of(rule), q, decoded, decoded)


def other(scene: ItemBeliefs, rule_name: str) -> Aggregate:
    """Another rule on the same experts, for an overlay."""
    q = aggregator(rule_name)(scene.loc, scene.scale, scene.present, scene.weights)
    return arrays(q, rule_name, naming.title(rule_name))


def arrays(q: Posterior, rule: str, label: str) -> Aggregate:
    """The first item of a posterior, for the figures."""
    return Aggregate(rule, label, q.weights[:, 0].numpy(), q.loc[:, 0].numpy(), q.scale[:, 0].numpy())


@torch.inference_mode()
def imagine(
    loaded: Loaded, scene: ItemBeliefs, num_samples: int, seed: int, judges: Classifiers | None,
    class_names: Sequence[str] = (),
) -> tuple[np.ndarray, dict[str, Tensor], dict[str, list[str]]]:
    """Samples of z, their images, and what the judges see in them, by the names of the classes.

    Returns
    -------
    z : ndarray
        (S, D). The same seed gives the same noise for every aggregator.
    images : dict of str to Tensor
        name -> (S, C, H, W).
    captions : dict of str to list of str
        name -> S texts such as "7 .93"; empty without judges.
    """
    z = draw(scene, num_samples, seed).z
    images = loaded.model.decode(z)
    captions: dict[str, list[str]] = {}
    if judges is not None:
        for name, p in judges.probabilities(images).items():
            best = p.max(dim=-1)
            captions[name] = [
                render("judged", name=class_names[k], p=v)
                for k, v in zip(best.indices.tolist(), best.values.tolist(), strict=True)
            ]
    return z[:, : loaded.model.shared_dim].numpy(), images, captions
