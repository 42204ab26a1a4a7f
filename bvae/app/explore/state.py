"""What a person chooses on Explore."""

from __future__ import annotations

from dataclasses import dataclass

from bvae.app.beliefs.item_beliefs import ItemBeliefs
from bvae.app.explore.lot import DRAWN_FROM, LOT, TOGETHER
from bvae.app.explore.observed import DAMAGED, HONEST, NOTHING, Observed, classes
from bvae.app.explore.walk import ANSWER, LABELS, MOST_DISAGREED, STEPS
from bvae.app.reproduce import made, opened
from bvae.app.state import control
from bvae.app.widgets import choose
from bvae.app.widgets.choose import Choice, ModelState
from bvae.data import MultimodalDataset


def views(about: Choice) -> list[str]:
    """Names of the model's views."""
    return about.views


@dataclass(frozen=True, kw_only=True)
class Explore(ModelState):
    """One item, some of its views, an aggregator.

    Attributes
    ----------
    rule : str
        Registered name, or `choose.AS_TRAINED`.
    item : int
    plane : str
        See `choose.PLANES`.
    also : tuple of str
        Rules that are drawn besides.
    num_samples, seed : int
    drawn_from : str
        Of a rule that is a mixture over groups of views: what is decoded, see `lot.DRAWN_FROM`.
    step : str
        Of the walk.
    dimension : str
        Whose numbers the walk shows: one's number, or `MOST_DISAGREED`.
    coping : bool
        Whether one wants to see how every rule fares with these views.
    on : tuple of str
        Views that are switched on.
    weights, lies, damages, strengths : tuple
        Of every view: its weight, the class that it shows, what damages it, and how much.
    """

    item: int = choose.item()
    on: tuple[str, ...] = control(lambda about: tuple(about.views), "views", options=views)
    rule: str = choose.rule_or_trained()
    plane: str = choose.plane()
    also: tuple[str, ...] = control((), options=choose.rules, called=choose.rule_label)
    num_samples: int = choose.samples(4)
    seed: int = choose.seed()
    drawn_from: str = control(TOGETHER, "decode", options=tuple(DRAWN_FROM), called=DRAWN_FROM.__getitem__)
    step: str = control(ANSWER, options=STEPS, called=LABELS.__getitem__)
    dimension: str = control(MOST_DISAGREED, "dim", options=lambda about: [
        MOST_DISAGREED, *map(str, range(about.loaded.model.shared_dim))])
    coping: bool = control(False)
    weights: tuple[float, ...] = control(1.0, "w_{}", each=views, low=0.0, high=4.0, step=0.05)
    lies: tuple[str, ...] = control(HONEST, "lie_{}", each=views, options=lambda about: [HONEST, *classes(about.data)])
    damages: tuple[str, ...] = control(NOTHING, "how_{}", each=views, options=(NOTHING, *DAMAGED))
    strengths: tuple[float, ...] = control(0.5, "much_{}", each=views, low=0.05, high=1.0, step=0.05)

    @property
    def rule_name(self) -> str | None:
        """Registered name of the rule; None for the model's own."""
        return None if self.rule == choose.AS_TRAINED else self.rule

    @property
    def by_lot(self) -> bool:
        """See `item_beliefs.build`."""
        return self.drawn_from == LOT

    def script(self, scene: ItemBeliefs, seen: Observed, data: MultimodalDataset) -> str:
        """Python that rebuilds the joint posterior and the generations, lies and damage included."""
        x = "{" + ", ".join(f'"{v}": data.x["{v}"][{self.item}:{self.item + 1}]' for v in seen.on) + "}"
        lines = [
            "import torch",
            "import bvae",
            *(["from bvae.data import corruption"] if any(t.damage is not None for t in seen.tampered) else []),
            "from bvae.aggregators.comparison import affordable_samples, distances",
            *opened(self.shown.data_name),
            f'data = bvae.dataset("{self.shown.data_name}", split="test")',
            f'model = bvae.load("{self.shown.data_name}", "{self.shown.model_name}")',
            f"rule = {made(scene.rule)}",
        ]
        if not seen.on:
            return "\n".join([*(line for line in lines[:-1] if "comparison" not in line), "",
                              "# Nothing is observed: samples of the prior.",
                              f"z = torch.randn({self.num_samples}, 1, model.latent_dim, "
                              f"generator=torch.Generator().manual_seed({self.seed}))",
                              "images = model.decode(z)",
                              "print({name: values.mean().item() for name, values in images.items()})"])
        weights = "None" if scene.weights is None else (
            f"torch.tensor({[round(w, 6) for w in scene.weights.tolist()]})")
        return "\n".join([
            *lines,
            f"x = {x}",
            *(line for t in seen.tampered for line in t.code(data)),
            f"weights = {weights}",
            "q = model.encode(x, aggregator=rule, weights=weights)  # the joint posterior",
            "print(q.mean, q.variance)",
            f"experts = model.experts({{**data.subset([{self.item}]), **x}})  # those that are not observed have "
            "distances too",
            "loc, scale = (v[..., : model.shared_dim] for v in (experts.loc, experts.scale))",
            "joint = model.shared(q)",
            "far = distances(loc, scale, joint, affordable_samples(joint))",
            "for m, name in enumerate(model.modalities):",
            "    print(name, *(d[m].item() for d in (far.wasserstein2, far.kl_from_aggregate, far.kl_to_aggregate)))",
            *(self.by_lot_lines() if scene.decoded is scene.posterior and scene.inside != scene.rule_name else [
                f"images = model.generate(x, num_samples={self.num_samples}, aggregator=rule, weights=weights,",
                f"                        generator=torch.Generator().manual_seed({self.seed}))"]),
        ])

    def by_lot_lines(self) -> list[str]:
        """Python that draws from the whole joint posterior."""
        return ["# each draw from a group of views by lot",
                f"noise = torch.Generator().manual_seed({self.seed})",
                f"z = q.rsample(({self.num_samples},), generator=noise)",
                "images = model.decode(model.complete(z, model.experts(x), generator=noise))"]
