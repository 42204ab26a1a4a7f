"""What the Generate page shows: decoded z, what the judges see in them, how far they are from the data. No widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bvae.aggregators import Aggregator
from bvae.gaussians.posterior import Posterior, UnimodalPosteriors
from bvae.maps.latent_distance import PLACES, Closeness, LatentCloud
from bvae.metrics.classifiers import Classifiers
from bvae.models import interpolation
from bvae.models.imputation import common_draws
from bvae.models.latents import PRIOR
from bvae.models.vae import MultimodalVAE

MARKS = ("●", "◐", "○")
FRAMES, IN_STRIP = 25, 3  # frames of an animation; every third of them is in the strip


@dataclass(frozen=True)
class Generated:
    """S decoded latent vectors.

    Attributes
    ----------
    values : dict of str to Tensor
        name -> (S, ...): means of the likelihoods.
    closeness : Closeness
        Of each z to the data.
    classes : dict of str to Tensor
        name -> (S, num_classes) probabilities; empty without judges.
    """

    values: dict[str, Tensor]
    closeness: Closeness
    classes: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.closeness.ratio)

    def judged(self, name: str, s: int) -> tuple[int, float] | None:
        """The most probable class of one generation and its probability."""
        if name not in self.classes:
            return None
        best = self.classes[name][s].max(dim=-1)
        return int(best.indices), float(best.values)

    def agreement(self, s: int) -> int | None:
        """The class in which all modalities of sample s agree; None if they do not, or if there are no judges."""
        seen = {int(p[s].argmax()) for p in self.classes.values()}
        return seen.pop() if len(seen) == 1 else None


@dataclass(frozen=True)
class Studio:
    """A model with all that is needed to generate with it and to judge the result.

    Attributes
    ----------
    model : MultimodalVAE
    cloud : LatentCloud
    judges : Classifiers or None
    rule : Aggregator
        Makes the joint posterior.
    """

    model: MultimodalVAE
    cloud: LatentCloud
    judges: Classifiers | None
    rule: Aggregator

    def posterior(self, x: Mapping[str, Tensor]) -> Posterior:
        """q(z | x) of one item, (K, 1, L), as `MultimodalVAE.generate` takes it."""
        with torch.inference_mode():
            return self.model.encode(x, self.rule.conditional())

    def decode(self, z: Tensor, targets: Sequence[str] | None = None, without: Sequence[int] = ()) -> Generated:
        """Decode z (S, L); `without` are the test items that z was made of."""
        with torch.inference_mode():
            values = self.model.decode(z, targets)
            close = self.cloud.closeness(z[:, : self.model.shared_dim], without)
            return Generated(values, close, self.judges.probabilities(values) if self.judges is not None else {})

    def translate(
        self, x: Mapping[str, Tensor], targets: Sequence[str] | None = None, num_samples: int = 1, seed: int = 0,
        without: Sequence[int] = (),
    ) -> Generated:
        """The targets from one item's modalities: the same numbers as `MultimodalVAE.generate`."""
        generator = torch.Generator().manual_seed(seed)
        with torch.inference_mode():
            experts = self.model.experts(x)
            z = self.model.aggregate(experts, self.rule.conditional()).rsample((num_samples,), generator=generator)
            z = self.model.complete(z, experts, generator=generator)[:, 0]
        return self.decode(z, targets, without)

    def common(self, x: Mapping[str, Tensor], num_samples: int, seed: int) -> Tensor:
        """Draws of q(z | x) of one item, (S, L), with the chance of `bvae.models.imputation.impute`."""
        with torch.inference_mode():
            generator = torch.Generator().manual_seed(seed)
            return common_draws(self.model, x, None, num_samples, generator, self.rule)[:, 0]

    def matrix(self, x: Mapping[str, Tensor], seed: int, without: Sequence[int]) -> dict[str, Generated]:
        """Every modality alone as the source of all: source -> one sample, with the same noise in every row."""
        return {name: self.translate({name: values}, None, 1, seed, without) for name, values in x.items()}

    def of_prior(self, count: int, seed: int) -> Tensor:
        """z ~ N(0, I), (count, L)."""
        return self.model.sample_latents(count, PRIOR, torch.Generator().manual_seed(seed))

    def of_sampler(self, count: int, seed: int) -> Tensor:
        """Draws of the model's own sampler, (count, L): the same z as of `MultimodalVAE.sample`."""
        return self.model.sample_latents(count, None, torch.Generator().manual_seed(seed))

    def of_items(self, experts: UnimodalPosteriors, items: Sequence[int], seed: int) -> Tensor:
        """A draw of the joint posterior of each of some items, all their modalities seen, as :meth:`posterior` makes
        it: (S, L)."""
        with torch.inference_mode():
            some = UnimodalPosteriors(*(v[:, list(items)] for v in experts))
            generator = torch.Generator().manual_seed(seed)
            z = self.model.aggregate(some, self.rule.conditional()).rsample((), generator=generator)
            return self.model.complete(z, some, generator=generator)

    def near(self, z: Tensor, count: int) -> Tensor:
        """(S, count) the items whose z lie nearest, the nearest one first."""
        return self.cloud.nearest(z[:, : self.model.shared_dim], count)

    def between_items(self, a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> Posterior:
        """The Wasserstein geodesic between the joint posteriors of two items, T = `FRAMES`."""
        start, end = (interpolation.moments(self.posterior(x)) for x in (a, b))
        return interpolation.geodesic(start, end, interpolation.steps(FRAMES))

    def between_views(self, x: Mapping[str, Tensor], start: str, end: str) -> Posterior:
        """The weight moves from one modality of an item to another, T = `FRAMES`."""
        names = list(self.model.modalities)
        with torch.inference_mode():
            experts: UnimodalPosteriors = self.model.experts(x)
            return interpolation.weight_path(self.model, experts, names.index(start), names.index(end),
                                             interpolation.steps(FRAMES), self.rule)

    def along(self, path: Posterior, seed: int | None, without: Sequence[int], seen: Sequence[str]) -> Generated:
        """The path's means decoded; with a seed, a sample of each posterior with the same noise everywhere, completed
        by private parts of the views that are not among those `seen` along the whole path."""
        if seed is None:
            return self.decode(path.mean, None, without)
        observed, z = torch.tensor([[view in seen] for view in self.model.modalities]), []
        for t in range(path.loc.shape[1]):
            generator = torch.Generator().manual_seed(seed)
            drawn = path.items([t]).rsample((), generator=generator)
            z.append(self.model.complete(drawn, observed, generator=generator))
        return self.decode(torch.cat(z), None, without)


def mark(closeness: Closeness, s: int) -> str:
    """How far one z lies from the data, as short as under a picture: "● 1.02×"."""
    return f"{MARKS[int(closeness.place[s])]} {ratio(closeness, s)}"


def ratio(closeness: Closeness, s: int) -> str:
    """As "1.02×"."""
    return f"{float(closeness.ratio[s]):.2f}×"


def spoken(closeness: Closeness, s: int) -> str:
    """The same in words."""
    return f"{PLACES[int(closeness.place[s])]}, {ratio(closeness, s)}"


def count_places(generated: Sequence[Generated]) -> list[int]:
    """How many z lie in each of :data:`bvae.maps.latent_distance.PLACES`."""
    return torch.bincount(torch.cat([g.closeness.place for g in generated]), minlength=len(PLACES)).tolist()


def rows(
    generated: Generated, names: Sequence[str], class_names: Sequence[str], numbered: bool = True, **more: Any
) -> list[dict[str, Any]]:
    """One row of a table for each sample and target.

    Parameters
    ----------
    generated : Generated
    names : sequence of str
        The targets.
    class_names : sequence of str
    numbered : bool
        Whether a column counts the samples.
    **more
        Further columns that come first: one value for all, or a list of one for each sample.
    """
    out = []
    for s in range(len(generated)):
        for name in names:
            judged = generated.judged(name, s)
            out.append({
                **{k: v[s] if isinstance(v, list) else v for k, v in more.items()},
                **({"sample": s} if numbered else {}), "target": name,
                "judged class": class_names[judged[0]] if judged else None,
                "probability": judged[1] if judged else None,
                "distance of z to the data": float(generated.closeness.ratio[s]),
                "neighbours": int(generated.closeness.neighbours[s]),
                "place": PLACES[int(generated.closeness.place[s])],
            })
    return out
