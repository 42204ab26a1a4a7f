"""What a person chooses on Latent space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bvae.app.latent_space import columns
from bvae.app.latent_space.walking import BELIEFS, POINT
from bvae.app.reproduce import opened
from bvae.app.state import control
from bvae.app.widgets import choose
from bvae.app.widgets.choose import PICKED, Choice, ModelState
from bvae.data import MultimodalDataset
from bvae.data.own.own_data import OwnData
from bvae.maps import maps
from bvae.maps.maps import EVERYTHING, JOINT

CLASS, VIEW, UNCERTAINTY, DISAGREEMENT, ATTRIBUTE = "class", "view", "uncertainty", "disagreement", "attribute"
LABEL, CELL = "label column", "column of a view"
MISFIT, VIEWS, COUNT = "misfit", "which views", "how many views"
OFF = "off"
EUCLIDEAN, W2 = "Euclidean", "W2"
PROJECTIONS = {maps.PLANE: "Plane", maps.PCA: "PCA", maps.TSNE: "t-SNE"}
NEIGHBOURS = 6
OF_THE_MAP = ("which", "projection", "coloring", "attribute", "label", "cell", "chosen", "background", "perplexity",
              "seed", "distance", "picked")
"""What stays as it was chosen while one looks at who says what."""
MAP, WALK, WHO = "map", "walk", "who"
LOOKS = {MAP: "Map", WALK: "Walk the plane", WHO: "Who says what"}
WALK_ITEM = 257
"""The item at whose joint belief a walk starts: in the models that ship, one of which all views make a clear figure."""
DRAGS = {POINT: "a point z", BELIEFS: "the views' beliefs"}


def whiches(about: Choice) -> list[str]:
    """Of which posteriors a map can be."""
    return [JOINT, *about.views, EVERYTHING]


def looks(about: Choice) -> list[str]:
    """The page's parts: the plane can be walked on where there is one, and who says what asks for several views."""
    return [MAP] + [WALK] * (about.loaded.model.shared_dim == 2) + [WHO] * (len(about.views) > 1)


def projections(about: Choice) -> list[str]:
    """What maps there are, the first one shown first: the plane itself where there are two latent dimensions."""
    return [maps.PLANE] * (about.loaded.model.shared_dim == 2) + [maps.PCA, maps.TSNE]


def colorings(which: str, data: MultimodalDataset) -> list[str]:
    """By what a map can be coloured, the usual one first."""
    first = [VIEW] * (which == EVERYTHING) + [CLASS] * data.labelled
    apart = [UNCERTAINTY, DISAGREEMENT] + [MISFIT] * (len(data.modalities) > 1)
    further = [ATTRIBUTE] * (data.attributes is not None) + [LABEL] * bool(label_columns(data))
    further += [CELL] * bool(columns.cells(data)) + [VIEWS, COUNT] * data.incomplete
    return [*first, *apart, *further]


def label_columns(data: MultimodalDataset) -> list[str]:
    """Label columns by which a map can be coloured, where there are others than that of the classes."""
    if not isinstance(data, OwnData):
        return []
    others = [name for name in columns.labels(data) if name != data.class_column]
    return others and [*others, *filter(None, [data.class_column])]


@dataclass(frozen=True, kw_only=True)
class LatentSpace(ModelState):
    """A map of all test items, a walk on the plane of a model of two latent dimensions, or who says what.

    Attributes
    ----------
    look : str
        `MAP`, `WALK` or `WHO`.
    which : str
        Of which posteriors: `JOINT`, a view, or `EVERYTHING`.
    projection, perplexity, seed
        How they are laid into a plane; the last two for t-SNE.
    coloring : str
    attribute, label, cell : str or None
        By which attribute, label column or column of a view it is coloured, if it is by one.
    chosen : tuple of str
        The classes, or words of the column, that have colours; () for the largest ones.
    background : str
        The view whose decoder draws behind the plane, or `OFF`.
    distance : str
        `EUCLIDEAN` or `W2`.
    focus : int or None
        The one that is looked at closely.
    drag : str
        What one walks with: `POINT` or `BELIEFS`.
    item : int
        Whose beliefs are dragged.
    rule : str
        Registered name of the rule that makes one of them, or `choose.AS_TRAINED`.
    seen : tuple of str
        Views that are switched on.
    classes : bool
        Whether the plane is coloured by what a classifier sees at every place.
    """

    BESIDE: ClassVar = {**ModelState.BESIDE, "picked": PICKED}

    look: str = control(MAP, options=looks, called=LOOKS.__getitem__, stays=True)
    which: str = control(JOINT, options=whiches, called=lambda which: {JOINT: "all views"}.get(which, which))
    projection: str = control(lambda about: projections(about)[0], "map", options=projections,
                              called=PROJECTIONS.__getitem__)
    coloring: str = control(lambda about: colorings(JOINT, about.data)[0], "color")
    attribute: str | None = control(lambda about: (about.data.attribute_names or [None])[0],
                                    options=lambda about: about.data.attribute_names,
                                    called=lambda attribute: attribute.replace("_", " ").lower())
    label: str | None = control(lambda about: next(iter(label_columns(about.data)), None), "label_column",
                                options=lambda about: label_columns(about.data))
    cell: str | None = control(lambda about: next(iter(columns.cells(about.data)), None), "cell_column",
                               options=lambda about: columns.cells(about.data))
    chosen: tuple[str, ...] = control((), "coloured", options=lambda about: about.data.class_names)
    perplexity: int = control(30, options=maps.PERPLEXITIES)
    seed: int = control(0, "map_seed", low=0, high=99)
    background: str = control(lambda about: about.views[0], options=lambda about: [*about.views, OFF])
    distance: str = control(EUCLIDEAN, options=(EUCLIDEAN, W2))
    focus: int | None = control(None, stays=True)
    drag: str = control(POINT, options=(POINT, BELIEFS), called=DRAGS.__getitem__)
    item: int = choose.item(lambda total: min(WALK_ITEM, total - 1))
    rule: str = choose.rule_or_trained()
    seen: tuple[str, ...] = control(lambda about: tuple(about.views), "views", options=lambda about: about.views)
    classes: bool = control(False)

    @property
    def of(self) -> str | None:
        """The attribute or column that the map is coloured by; None where it is by none."""
        return {ATTRIBUTE: self.attribute, LABEL: self.label, CELL: self.cell}.get(self.coloring)

    @property
    def rule_name(self) -> str | None:
        """Registered name of the rule; None for the model's own."""
        return None if self.rule == choose.AS_TRAINED else self.rule

    @property
    def wasserstein(self) -> bool:
        """Whether neighbours are found by W2 between the posteriors."""
        return self.distance == W2

    @property
    def file_name(self) -> str:
        """What files of the map's data set, model and posteriors are called."""
        return f"{self.shown.data_name}_{self.shown.model_name}_{self.which}"

    def script(self, cloud: str) -> str:
        """Python that gives the same coordinates, and the neighbours of `focus` in one of the clouds."""
        how = f'"{self.projection}"' + (f", perplexity={self.perplexity}, seed={self.seed}"
                                        if self.projection == maps.TSNE else "")
        lines = ["import bvae", "from bvae.maps import maps", *opened(self.shown.data_name),
                 f'data = bvae.dataset("{self.shown.data_name}", split="test")',
                 f'model = bvae.load("{self.shown.data_name}", "{self.shown.model_name}")',
                 f'found = maps.posteriors(model, data, "{self.which}")  # of each point: item, cloud, loc, scale',
                 f"points = maps.coordinates(found.loc, {how})  # (P, 2)"]
        if self.which == EVERYTHING:
            lines += ["from bvae.maps.modality_gap import modality_gap",
                      "views = [found.of(name) for name in model.modalities]",
                      "gap = modality_gap([view.loc for view in views], [view.item for view in views])"]
        of = f'maps.posteriors(model, data, "{cloud}")' if self.which != cloud else "found"
        return "\n".join([
            *lines, f"near = maps.nearest({of}, {self.focus}, {NEIGHBOURS}, wasserstein={self.wasserstein})"])

    def command(self) -> str:
        """The command line that writes the same map."""
        return (f"python -m bvae maps {self.shown.data_name} {self.shown.model_name} --of {self.which} "
                f"--map {self.projection}" + (f" --perplexity {self.perplexity} --seed {self.seed}"
                                              if self.projection == maps.TSNE else "") + " --to map.csv")

    def who_script(self, decoded: int, most: int) -> str:
        """Python that says who says what: `decoded` items are decoded, of `most` items the misfit is printed."""
        return "\n".join([
            "import torch", "import bvae", "from bvae.metrics.base import all_experts",
            "from bvae.metrics.contributions import contributions", "from bvae.metrics.misfit import misfit",
            *opened(self.shown.data_name),
            f'data = bvae.dataset("{self.shown.data_name}", split="test")',
            f'model = bvae.load("{self.shown.data_name}", "{self.shown.model_name}")',
            "with torch.inference_mode():",
            "    experts = all_experts(model, data)",
            f"    found = contributions(model, data, {decoded}, experts)",
            "fits = misfit(experts, model.shared_dim)",
            "print(dict(zip(model.modalities, found.shares.tolist())))  # of the joint belief",
            "print(found.explained)  # (D, M), R2 that is lost without a dimension",
            f"for item in fits.worst({most}):",
            "    print(data.called(item), fits.of_view[:, item].tolist())"])

    def who_command(self, decoded: int) -> str:
        """The command line that writes it."""
        return (f"python -m bvae contributions {self.shown.data_name} {self.shown.model_name} --most {decoded} "
                "--to who.csv")
