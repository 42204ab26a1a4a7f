"""What a person chooses on Compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bvae.aggregators import options_of
from bvae.app.beliefs import contenders
from bvae.app.beliefs.contenders import Contender
from bvae.app.compare.lie import ANOTHER, LIES, classes_of
from bvae.app.reproduce import opened
from bvae.app.state import PageState, control
from bvae.app.widgets import choose
from bvae.data import MultimodalDataset
from bvae.maps.maps import PERPLEXITIES

RULES, MODELS = "aggregators", "models"
MODES = {RULES: "Rules", MODELS: "Trained models"}
SIDE, NUMBERS, MAPS, FOOL = "side", "numbers", "maps", "fool"
PARTS = {SIDE: "Side by side", NUMBERS: "All numbers", MAPS: "All items", FOOL: "Fool the rules"}
OF_MAPS = ("map", "perplexity", "map_seed", "picked", "changed")
"""Keys of what is chosen among the maps."""
PROJECTIONS = {"pca": "PCA", "tsne": "t-SNE"}


@dataclass(frozen=True)
class About:
    """What Compare shows: a data set, and the names of its trained models."""

    data_name: str
    data: MultimodalDataset
    trained: Sequence[str]

    @property
    def views(self) -> list[str]:
        """Names of the modalities."""
        return list(self.data.modalities)

    @property
    def class_names(self) -> list[str]:
        """Of the items; one name for all where they have no classes."""
        return list(self.data.class_names) if self.data.labelled else ["items"]


@dataclass(frozen=True, kw_only=True)
class Compare(PageState):
    """Contenders on one sample, with the same noise.

    Attributes
    ----------
    data_name : str
    part : str
        Which of `PARTS` is shown.
    mode : str
        `RULES` or `MODELS`: what the contenders are.
    item, num_samples, seed : int
    plane : str
        See `choose.PLANES`.
    rules, models : tuple of str
        The contenders, as they are switched on.
    on : tuple of str
        Views that are switched on.
    all_views : bool
        Whether generations of all views are shown, not of the hidden ones alone.
    projection, perplexity, map_seed
        Of the maps.
    liar, lie, shows : str
        Of the game: the view that lies, which of `LIES` it tells, and the class that it shows.
    much : float
        Of the damage.
    """

    BESIDE: ClassVar = {"data": choose.DATA, "model": choose.MODEL, "picked": choose.PICKED}

    data_name: str
    part: str = control(SIDE, options=tuple(PARTS), called=PARTS.__getitem__)
    mode: str = control(RULES, options=tuple(MODES), called=MODES.__getitem__)
    item: int = choose.item()
    plane: str = choose.plane()
    num_samples: int = choose.samples(4)
    seed: int = choose.seed()
    rules: tuple[str, ...] = control(contenders.FIRST_RULES, "compared", options=choose.rules, called=choose.rule_label)
    models: tuple[str, ...] = control(lambda about: tuple(contenders.first_models(about.trained)),
                                      options=lambda about: about.trained, called=choose.label)
    on: tuple[str, ...] = control(lambda about: tuple(about.views[:-1] or about.views), "views",
                                  options=lambda about: about.views)
    all_views: bool = control(False)
    projection: str = control("pca", "map", options=tuple(PROJECTIONS), called=PROJECTIONS.__getitem__)
    perplexity: int = control(30, options=PERPLEXITIES)
    map_seed: int = control(0, low=0, high=99)
    liar: str = control(lambda about: about.views[0], options=lambda about: about.views)
    lie: str = control(ANOTHER, options=tuple(LIES), called=LIES.__getitem__)
    shows: str = control(lambda about: next(iter(classes_of(about.data)), None),
                         options=lambda about: classes_of(about.data))
    much: float = control(0.7, low=0.0, high=1.0, step=0.1)

    @property
    def of_rules(self) -> bool:
        """Whether the contenders are rules on one model's experts."""
        return self.mode == RULES

    def script(self, contenders: Sequence[Contender], models: Sequence[str], data: MultimodalDataset) -> str:
        """Python that gives the joint posteriors, distances and generations.

        Parameters
        ----------
        contenders : sequence of Contender
        models : sequence of str
            Name of the checkpoint of each.
        data : MultimodalDataset
        """
        on = [v for v in data.modalities if v in self.on]
        x = "{" + ", ".join(f'"{v}": data.x["{v}"][{self.item}:{self.item + 1}]' for v in on) + "}"
        lines = ["import torch", "import bvae", "from bvae.aggregators.comparison import distances, entropy",
                 *opened(self.data_name),
                 f'data = bvae.dataset("{self.data_name}", split="test")', f"x = {x}  # what is observed",
                 "joint, images = {}, {}"]
        if len(set(models)) == 1:
            lines.append(f'model = bvae.load("{self.data_name}", "{models[0]}")')
        if self.of_rules:
            rules = ", ".join(f'"{c.scene.rule_name}": {dict(options_of(c.scene.rule))!r}' for c in contenders)
            rows = [f"name, options in {{{rules}}}.items():", "    rule = bvae.aggregator(name, **options)",
                    "    weights = torch.full((len(model.modalities),), 1 / len(model.modalities))"]
        else:
            rows = [f"name in {list(models)!r}:", f'    model = bvae.load("{self.data_name}", name)',
                    "    rule, weights = model.aggregator, None"]
        lines += ["for " + rows[0], *rows[1:]]
        noise = f"torch.Generator().manual_seed({self.seed})"
        if on:
            lines += [
                "    q = joint[name] = model.shared(model.encode(x, aggregator=rule, weights=weights))",
                f"    images[name] = model.generate(x, num_samples={self.num_samples}, aggregator=rule, "
                "weights=weights,",
                f"                                  generator={noise})",
            ]
        else:
            lines += [
                "    # Nothing is observed: the joint posterior is the prior.",
                "    prior = torch.zeros(1, model.latent_dim)",
                "    q = joint[name] = model.shared(bvae.Posterior.gaussian(prior, prior + 1))",
                f"    z = torch.randn({self.num_samples}, 1, model.latent_dim, generator={noise})",
                "    images[name] = model.decode(z)",
            ]
        return "\n".join([
            *lines,
            f"    experts = model.experts(data.subset(slice({self.item}, {self.item + 1})))",
            "    loc, scale = (v[..., : model.shared_dim] for v in (experts.loc, experts.scale))",
            "    far = distances(loc, scale, q)",
            "    print(name, q.variance.sqrt().mean().item(), entropy(q).value.item(), "
            "far.wasserstein2[:, 0].tolist())",
        ])
