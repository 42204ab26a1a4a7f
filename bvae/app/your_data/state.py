"""What a person chooses on Your data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bvae.app.beliefs import contenders
from bvae.app.state import PageState, control
from bvae.app.widgets import choose, images
from bvae.data.uploads import PosteriorSet
from bvae.maps.maps import PERPLEXITIES

ITEMS, BELIEFS = "items", "beliefs"
BRINGS = {ITEMS: "Tables, pictures, texts, sounds", BELIEFS: "Beliefs of a model of yours"}
EXAMPLES = ("penguins", "mfeat", "breast-cancer", "simulated-cells")
"""Data sets of ours that stand for what a person may bring; the first one is shown until she does."""
POSTERIOR, MAP, COMPARISON = "posterior", "map", "comparison"
PARTS = {POSTERIOR: "One item's beliefs", MAP: "Latent space", COMPARISON: "Compare rules"}
JOINT, CLOUDS = "all modalities", "each modality alone"
"""Of which posteriors a map is, beside the views: no view is called so, for their names have no spaces."""
WHICH = {JOINT: "all views", CLOUDS: "each view alone"}
PROJECTIONS = {"pca": "PCA", "tsne": "t-SNE"}
COLORINGS = {"view": "view", "class": "class"}
OLDER = {"part": {"One item's posteriors": PARTS[POSTERIOR], "Compare aggregators": PARTS[COMPARISON]},
         "coloring": {"modality": COLORINGS["view"]}, "which": WHICH}
"""Field -> what older links hold -> what they hold now."""
MAP_ITEMS, CLOUD_ITEMS = 500, 300


@dataclass(frozen=True)
class Own:
    """The file that is shown.

    Parameters
    ----------
    data : PosteriorSet
    is_example : bool
        Whether it is ours, for want of an upload.
    """

    data: PosteriorSet
    is_example: bool

    @property
    def views(self) -> list[str]:
        """Names of the modalities."""
        return list(self.data.modalities)

    def called(self, i: int) -> str:
        """An item's name as plain text."""
        told = self.of_class(i)
        return f"item {i}" + (f", {told}" if told else "")

    def of_class(self, i: int) -> str:
        """An item's class in words; empty without labels."""
        return f"class {self.data.label(i)}" if self.data.classes else ""

    def content(self, view: str, i: int) -> Any:
        """What stands for one modality of an item: its thumbnail, or its name."""
        picture = self.data.thumbnail(view, i)
        there = bool(self.data.experts.present[self.views.index(view), i])
        return picture if picture is not None else view if there else None

    def pictures(self, i: int) -> str:
        """All modalities of an item in one line, as HTML."""
        return images.of_item(self.called(i), int(self.data.y[i]), {v: self.content(v, i) for v in self.views})


def views(own: Own) -> list[str]:
    """Names of the file's modalities."""
    return own.views


@dataclass(frozen=True, kw_only=True)
class Bring(PageState):
    """What is shown of what a person may bring: her files are not in it.

    Attributes
    ----------
    brings : str
        One of :data:`BRINGS`.
    shown : str
        An example, or a data set that is kept on this computer.
    """

    brings: str = control(ITEMS, "bring", options=tuple(BRINGS), called=BRINGS.__getitem__, stays=True)
    shown: str = control(EXAMPLES[0], "bring_data", options=lambda names: names, called=choose.data_label)


@dataclass(frozen=True, kw_only=True)
class YourData(PageState):
    """What is shown of a file of posteriors.

    Attributes
    ----------
    part : str
        Which of the page's three parts.
    is_example : bool
        Whether the file is ours.
    item : int
    rule : str
        That makes the joint posterior.
    plane : str
        See `choose.PLANES`.
    on : tuple of str
        Views that are switched on.
    weights : tuple of float
        Of every view.
    which, projection, perplexity, map_seed, coloring
        Of the map.
    rules : tuple of str
        That are compared.
    """

    BESIDE: ClassVar = {"picked": choose.PICKED}

    is_example: bool
    part: str = control(POSTERIOR, "show", options=tuple(PARTS), called=PARTS.__getitem__, stays=True)
    item: int = choose.item(lambda _: 0, "my_item")
    rule: str = control("wasserstein", "my_rule", options=choose.rules, called=choose.rule_label)
    plane: str = choose.plane("my_plane")
    on: tuple[str, ...] = control(lambda own: tuple(own.views), "my_views", options=views)
    weights: tuple[float, ...] = control(1.0, "my_w_{}", each=views, low=0.0, high=4.0, step=0.25)
    which: str = control(JOINT, "my_which", options=lambda own: [JOINT, *own.views, CLOUDS],
                         called=lambda which: WHICH.get(which, which))
    projection: str = control("pca", "my_map", options=tuple(PROJECTIONS), called=PROJECTIONS.__getitem__)
    perplexity: int = control(30, "my_perplexity", options=PERPLEXITIES)
    map_seed: int = control(0, "my_map_seed", low=0, high=99)
    coloring: str = control("view", "my_color", options=tuple(COLORINGS), called=COLORINGS.__getitem__)
    rules: tuple[str, ...] = control(contenders.FIRST_RULES, "my_rules", options=choose.rules, called=choose.rule_label)

    def observed(self, views: Sequence[str]) -> list[bool]:
        """Which modalities are switched on."""
        return [view in self.on for view in views]

    def script(self, rules: Sequence[str], views: Sequence[str], weights: Sequence[float] | None = None) -> str:
        """Python that gives the joint posteriors of the item by some rules; `weights` None is uniform."""
        share = f"torch.tensor({[round(w, 6) for w in weights]})" if weights else "None"
        return "\n".join([
            "from pathlib import Path",
            "import torch",
            "import bvae",
            "from bvae.data import uploads",
            "from bvae.aggregators.comparison import distances, entropy",
            "",
            *self._read(),
            f"loc, scale, there = (v[:, {self.item}:{self.item + 1}] for v in data.experts)",
            f"present = torch.tensor({self.observed(views)!r}).unsqueeze(1) & there",
            f"weights = {share}",
            "joint = {}",
            f"for name in {list(rules)!r}:",
            "    q = joint[name] = bvae.aggregator(name)(loc, scale, present, weights)",
            "    far = distances(loc, scale, q)",
            "    print(name, q.variance.sqrt().mean().item(), entropy(q).value.item(), "
            "far.wasserstein2[:, 0].tolist())",
        ])

    def _read(self) -> list[str]:
        """The line that reads the file."""
        file = "example.npz" if self.is_example else "YOUR_FILE.npz"
        return [f'data = uploads.read(Path("{file}").read_bytes())  # ' + (
            "the page's download button gives this file" if self.is_example else
            "the file that you uploaded, .npz or .safetensors")]

    def map_script(self, views: Sequence[str], flat: bool) -> str:
        """Python that gives the coordinates of the map; `flat`: the latent space has two dimensions."""
        most = CLOUD_ITEMS if self.which == CLOUDS else MAP_ITEMS
        if self.which == JOINT:
            means = [
                f"items = spread(len(data), min(len(data), {most}))",
                "loc, scale, present = (v[:, items] for v in data.experts)",
                f'means = means_of(bvae.aggregator("{self.rule}").conditional(), loc, scale, present).numpy()',
            ]
        else:
            chosen = [views.index(self.which)] if self.which in views else list(range(len(views)))
            means = [
                "parts = []",
                f"for m in {chosen}:  # {', '.join(views[m] for m in chosen)}",
                "    there = data.experts.present[m].nonzero().squeeze(1)",
                f"    there = there[spread(len(there), min(len(there), {most}))] if len(there) else there",
                "    parts.append(data.experts.loc[m, there])",
                "means = torch.cat(parts).numpy()",
            ]
        points = f"points = tsne(means, perplexity={self.perplexity}, seed={self.map_seed})" \
            if self.projection == "tsne" else "points = means" if flat else "points, shares = pca(means)"
        return "\n".join([
            "from pathlib import Path", "import torch", "import bvae", "from bvae.data import uploads",
            "from bvae.aggregators.comparison import means_of", "from bvae.maps.maps import spread",
            "from bvae.maps.projections import pca, tsne", "",
            *self._read(), *means, points, "print(points)"])
