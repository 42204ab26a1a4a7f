"""What a person chooses on Train."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import bvae
from bvae.app import loaders
from bvae.app.state import PageState, control
from bvae.app.widgets.choose import FIRST, FIRST_DATA, data_label, in_order, label
from bvae.data import DATASETS
from bvae.data.own import OwnData
from bvae.runs import shipped
from bvae.runs.limits import LIMITS
from bvae.training import Settings

TIMES: dict[str, float | None] = {
    "30 seconds": 30, "2 minutes": 120, "5 minutes": 300, "15 minutes": 900, "1 hour": 3600,
    "as long as it needs": None}
"""For a training on tables, or on what a person brought -> seconds."""


@dataclass(frozen=True)
class About:
    """What Train offers settings for: a method on a data set."""

    data_name: str
    method: str

    @property
    def own(self) -> bool:
        """Whether settings follow from the data: from tables, and from what a person brought."""
        return issubclass(DATASETS[self.data_name], OwnData)

    @cached_property
    def usual(self) -> Settings:
        """Those with which the model that ships is made; those that follow from the data where none does.

        Raises DataError if the data cannot be read.
        """
        if self.own:
            return Settings.for_method(self.data_name, self.method, **loaders.sizing(self.data_name).settings)
        return shipped.settings_of(self.data_name, self.method, shipped.CHANGES.get(self.data_name, {}))


OPENS = About(FIRST_DATA, FIRST)


def datasets(*_: object) -> list[str]:
    """Names of all data sets, see `choose.in_order`."""
    return in_order(bvae.datasets())


def by_data(key: str) -> Callable[[About], str]:
    """Key of a widget that has a value of its own for each data set whose settings follow from it."""
    return lambda about: f"{key}_{about.data_name}" if about.own else key


@dataclass(frozen=True, kw_only=True)
class Train(PageState):
    """The settings of a run; see `Settings`.

    Attributes
    ----------
    name : str
        Of the model; empty for one that is free.
    time : str
        One of :data:`TIMES`, for own data.
    evaluate : bool
        Whether all metrics are computed after training.
    run : str or None
        Which run is watched.
    """

    dataset: str = control(FIRST_DATA, "train_data", options=datasets, called=data_label)
    method: str = control(FIRST, "train_method", options=lambda _: bvae.methods(), called=label)
    time: str = control("2 minutes", "train_time", options=tuple(TIMES))
    steps: int = control(lambda about: about.usual.steps,
                         lambda about: f"train_steps_{about.data_name if about.own else about.method}", low=10,
                         high=LIMITS.steps, step=100)
    name: str = control("", "train_name", bound=False)
    latent_dim: int = control(lambda about: about.usual.latent_dim, by_data("train_d"), low=1, high=LIMITS.latent_dim)
    beta: float = control(lambda about: about.usual.beta, by_data("train_beta"), low=0.0, high=20.0,
                          step=lambda about: 0.1 if about.own else 0.5)
    learning_rate: float = control(lambda about: about.usual.learning_rate, by_data("train_rate"), low=1e-5, high=1e-1,
                                   step=1e-4)
    seed: int = control(0, "train_seed", low=0, high=9999)
    width: int = control(lambda about: about.usual.width, lambda about: f"train_width_{about.data_name}", low=4,
                         high=LIMITS.width, step=4)
    batch_size: int = control(lambda about: about.usual.batch_size, by_data("train_batch"),
                              low=lambda about: 1 if about.own else 10, high=LIMITS.batch_size,
                              step=lambda about: 8 if about.own else 10)
    missing: float = control(0.0, "train_missing", low=0.0, high=0.9, step=0.05)
    evaluate: bool = control(lambda about: about.own, by_data("train_evaluate"), bound=False)
    run: str | None = control(None, "train_run", stays=True)

    @property
    def settings(self) -> Settings:
        """What is to be trained."""
        return dataclasses.replace(
            About(self.dataset, self.method).usual, steps=self.steps, latent_dim=self.latent_dim,
            beta=float(self.beta), learning_rate=float(self.learning_rate), seed=self.seed, width=self.width,
            batch_size=self.batch_size, missing=float(self.missing))

    @property
    def seconds(self) -> float | None:
        """That the training may take; None for as long as it needs."""
        return TIMES[self.time] if About(self.dataset, self.method).own else None
