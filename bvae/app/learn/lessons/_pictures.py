"""Pictures of Gaussians that several lessons draw. All numbers come from the aggregators."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from bvae.aggregators import aggregator, naming
from bvae.app.components.playground import scenes
from bvae.app.learn.lessons._base import Picture
from bvae.gaussians.posterior import FullPosterior, Posterior
from bvae.metrics.posteriors import cumulative
from bvae.plots import style
from bvae.plots.lessons import rule_curves
from bvae.plots.posterior import Aggregate, density_figure

LIMITS = (-6.0, 6.0)


def line(*experts: tuple[float, float], rules: Sequence[str] = (), absent: Sequence[int] = ()) -> scenes.Scene:
    """A scene of the playground on a line: experts by mean and σ."""
    drawn = [scenes.expert(m, 0.0, s, s, present=k not in absent) for k, (m, s) in enumerate(experts)]
    return scenes.plain(drawn, rules=list(rules), fill=None, view="line")


def joint(scene: scenes.Scene, rule: str) -> FullPosterior:
    """The joint belief of a scene by one rule."""
    return _joint(json.dumps(scene, sort_keys=True), rule)


@functools.lru_cache(maxsize=256)
def _joint(text: str, rule: str) -> FullPosterior:
    scene = json.loads(text)
    return aggregator(rule, **scenes.options(scene, rule)).full(*scenes.tensors(scene))


def diagonal(q: FullPosterior) -> Posterior:
    """The marginals along the axes."""
    return Posterior(q.weights, q.loc, q.covariance.diagonal(dim1=-2, dim2=-1).sqrt())


def signed(value: float) -> str:
    """Three significant digits with a real minus sign."""
    return f"{value:.3g}".replace("-", "−")


def mean_of(scene: scenes.Scene, rule: str) -> float:
    """Mean along the line."""
    return joint(scene, rule).mean[0, 0].item()


def width_of(scene: scenes.Scene, rule: str) -> float:
    """σ along the line, of the whole distribution."""
    return joint(scene, rule).total_covariance[0, 0, 0].sqrt().item()


def share_within(scene: scenes.Scene, rule: str, centre: float, reach: float) -> float:
    """How much of the joint belief lies within `reach` of a place on the line."""
    q = diagonal(joint(scene, rule))
    ends = torch.tensor([[centre - reach], [centre + reach]], dtype=q.loc.dtype)
    low, high = (cumulative(q, end.unsqueeze(0)).item() for end in ends)
    return high - low


def humps(scene: scenes.Scene, rule: str) -> list[float]:
    """Places on the line where the joint belief's density has a maximum."""
    places = torch.linspace(*LIMITS, 2401, dtype=torch.float64)
    q = diagonal(joint(scene, rule))
    density = q.log_prob(places.view(-1, 1, 1))[:, 0].exp()
    inside = density[1:-1]
    top = (inside > density[:-2]) & (inside > density[2:]) & (inside > 1e-3 * density.max())
    return places[1:-1][top].tolist()


def transported_width(*experts: tuple[float, float]) -> float:
    """σ of the heap in the middle when sand is carried: every grain goes to the mean of the experts' quantiles.

    On a line this is the best plan (Villani, *Topics in Optimal Transportation*, 2003, section 2.2): another way to the
    Wasserstein barycenter than the rule's own formula. Experts by mean and σ.
    """
    grains = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    standard = torch.special.ndtri(grains)
    return torch.stack([m + s * standard for m, s in experts]).mean(0).std().item()


def relative_height(mean: float, scale: float, place: float) -> float:
    """Density of a Gaussian at a place, as a share of its peak."""
    q = Posterior.gaussian(torch.tensor([[mean]]), torch.tensor([[scale]]))
    at, peak = (q.log_prob(torch.tensor([[v]])) for v in (place, mean))
    return (at - peak).exp().item()


def arrays(scene: scenes.Scene, rule: str) -> Aggregate:
    """For the figures."""
    q = diagonal(joint(scene, rule))
    return Aggregate(rule, naming.title(rule), q.weights[:, 0].numpy(), q.loc[:, 0].numpy(), q.scale[:, 0].numpy())


def picture(scene: scenes.Scene, ink: style.Ink, caption: str = "", rules: Sequence[str] | None = None,
            limits: tuple[float, float] = LIMITS, takeaway: str = "") -> Picture:
    """Experts that are present as filled curves, joint beliefs as lines."""
    rules = scene["rules"] if rules is None else rules
    here = [k for k, e in enumerate(scene["experts"]) if e["present"]]
    loc = np.array([e["mean"][0] for e in scene["experts"]])
    scale = np.array([e["cov"][0] ** 0.5 for e in scene["experts"]])
    figure = density_figure([scenes.NAMES[k] for k in range(len(loc))], loc, scale,
                            [arrays(scene, r) for r in rules], ink, limits)
    for k in sorted(set(range(len(loc))) - set(here)):
        figure.data[k].update(visible="legendonly")
    for k in here:  # each expert's letter on its own top
        figure.add_annotation(x=loc[k], y=max(figure.data[k].y), text=scenes.NAMES[k], showarrow=False, yshift=9,
                              font={"size": 13, "color": ink.aggregate})
    figure.update_yaxes(range=[0, 1.06 * figure.layout.yaxis.range[1]])  # room for a letter on the highest of all
    rows = [{"belief": f"expert {scenes.NAMES[k]}", "mean": loc[k], "σ": scale[k]} for k in here]
    rows += [{"belief": naming.title(r), "mean": mean_of(scene, r), "σ": width_of(scene, r)} for r in rules]
    table = pd.DataFrame(rows)
    said = "; ".join(f"{r['belief']}: mean {r['mean']:.2f}, standard deviation {r['σ']:.2f}" for r in rows)
    return Picture(f"{takeaway} Curves on a line. {said}.".strip(), (figure,), table=table, caption=caption)


def curves(x: Sequence[float], values: Mapping[str, Sequence[float]], ink: style.Ink, titles: tuple[str, str],
           takeaway: str, caption: str = "", reference: tuple[float, str] | None = None,
           limits: tuple[float, float] | None = None) -> Picture:
    """A value of every rule against something."""
    table = pd.DataFrame({titles[0]: list(x), **{naming.title(r): list(v) for r, v in values.items()}})
    names = {r: (naming.title(r), naming.short(r)) for r in values}
    figure = rule_curves(x, values, names, ink, titles, reference, limits)
    return Picture(takeaway, (figure,), table=table, caption=caption)


def copies(rule: str, most: int, scale: float = 1.0) -> list[float]:
    """σ of the joint belief of 1 to `most` experts that all say the same."""
    return [aggregator(rule)(torch.zeros(m, 1, 1), torch.full((m, 1, 1), scale)).variance.sqrt().item()
            for m in range(1, most + 1)]


@functools.lru_cache(maxsize=64)
def coverage_with_shared_errors(rule: str, num_experts: int, shared: float, draws: int = 20_000,
                                seed: int = 0) -> float:
    """How often the central 90 percent interval of a joint belief holds the truth.

    The truth is 0. Every expert is calibrated by itself: it errs by a standard normal amount and says σ = 1. The
    errors of any two experts have the correlation `shared`.
    """
    generator = torch.Generator().manual_seed(seed)
    common = torch.randn(1, draws, 1, generator=generator)
    own = torch.randn(num_experts, draws, 1, generator=generator)
    loc = shared**0.5 * common + (1 - shared) ** 0.5 * own  # (M, B, 1)
    q = aggregator(rule)(loc, torch.ones_like(loc))
    u = cumulative(q, torch.zeros(draws, 1))
    return ((u - 0.5).abs() <= 0.45).double().mean().item()
