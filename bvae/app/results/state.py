"""What a person chooses on Benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bvae.app.state import PageState, control
from bvae.app.widgets.choose import DATA, label
from bvae.metrics import CATALOG

TEST_ITEMS, SEEDS = "test items", "seeds"


def pair_of(names: Sequence[str]) -> list[str]:
    """Which two of some checkpoints are compared at first: the mixtures over subsets, if both are there."""
    likely = [name for name in ("mwb-vae", "mopoe-vae") if name in names]
    return [*likely, *(name for name in names if name not in likely)][:2]


@dataclass(frozen=True)
class About:
    """What Benchmarks shows: a data set, the checkpoints that were evaluated, and the figures that are curves."""

    data_name: str
    names: Sequence[str]
    curves: Sequence[str]

    def paired(self, place: int) -> str | None:
        """The first (0) or the second (1) of the two that are compared at first."""
        return dict(enumerate(pair_of(self.names))).get(place)


def names(about: About) -> Sequence[str]:
    """Of the checkpoints that were evaluated."""
    return about.names


@dataclass(frozen=True, kw_only=True)
class Benchmarks(PageState):
    """Which figures are shown, of which checkpoints.

    Attributes
    ----------
    data_name : str
    methods : tuple of str
    highlight : str
        The checkpoint that keeps its colour where many are drawn.
    curve : str
        Key of the figure in the catalogue.
    bars : str
        Over what the error bars are: `TEST_ITEMS` or `SEEDS`.
    missing : int
        Percent of modalities that were missing in training.
    first, second : str
        The two that are compared.
    """

    BESIDE: ClassVar = {"data": DATA}

    data_name: str
    methods: tuple[str, ...] = control(lambda about: tuple(about.names), options=names, called=label)
    highlight: str | None = control(lambda about: about.paired(0), options=names, called=label)
    curve: str = control(lambda about: about.curves[0], options=lambda about: about.curves,
                         called=lambda key: CATALOG[key].title)
    bars: str = control(TEST_ITEMS, options=(TEST_ITEMS, SEEDS))
    missing: int = control(0, options=(0,), called=lambda percent: f"{percent} percent")
    first: str | None = control(lambda about: about.paired(0), options=names, called=label)
    second: str | None = control(lambda about: about.paired(1), options=names, called=label)

    def script(self) -> str:
        """Python that prints the figure of the models, from their metrics.json and the records."""
        return "\n".join([
            "from bvae.evaluation.records import results",
            "from bvae.metrics import written",
            "",
            f'known = results("{self.data_name}")  # models, and records of those of which no weights ship',
            "figures = {}  # model -> number of observed views -> mean, se",
            f"for name in {list(self.methods)!r}:",
            f'    figures[name] = known[name].metrics.get("{self.curve}", {{}})',
            "    print(name, known[name].hash[:12], {views: written(v) for views, v in figures[name].items()})",
        ])
