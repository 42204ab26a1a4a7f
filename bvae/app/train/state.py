"""What a person chooses on Train."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import bvae
from bvae.app.state import PageState, control
from bvae.app.widgets.choose import FIRST, FIRST_DATA, data_label, in_order, label
from bvae.runs import shipped
from bvae.runs.jobs import LIMITS
from bvae.training import Settings


@dataclass(frozen=True)
class About:
    """What Train offers settings for: a method on a data set."""

    data_name: str
    method: str

    @cached_property
    def usual(self) -> Settings:
        """The settings of the model that ships."""
        return shipped.settings_of(self.data_name, self.method, shipped.CHANGES.get(self.data_name, {}))


def datasets(*_: object) -> list[str]:
    """Names of all data sets, see `choose.in_order`."""
    return in_order(bvae.datasets())


@dataclass(frozen=True, kw_only=True)
class Train(PageState):
    """The settings of a run; see `Settings`.

    Attributes
    ----------
    name : str
        Of the model; empty for one that is free.
    evaluate : bool
        Whether all metrics are computed after training.
    run : str or None
        Which run is watched.
    """

    dataset: str = control(FIRST_DATA, "train_data", options=datasets, called=data_label)
    method: str = control(FIRST, "train_method", options=lambda _: bvae.methods(), called=label)
    steps: int = control(lambda about: about.usual.steps, lambda about: f"train_steps_{about.method}", low=10,
                         high=LIMITS.steps, step=100)
    name: str = control("", "train_name", bound=False)
    latent_dim: int = control(lambda about: about.usual.latent_dim, "train_d", low=1, high=LIMITS.latent_dim)
    beta: float = control(lambda about: about.usual.beta, "train_beta", low=0.0, high=20.0, step=0.5)
    learning_rate: float = control(lambda about: about.usual.learning_rate, "train_rate", low=1e-5, high=1e-1,
                                   step=1e-4)
    seed: int = control(0, "train_seed", low=0, high=9999)
    width: int = control(lambda about: about.usual.width, lambda about: f"train_width_{about.data_name}", low=4,
                         high=LIMITS.width, step=4)
    batch_size: int = control(lambda about: about.usual.batch_size, "train_batch", low=10, high=LIMITS.batch_size,
                              step=10)
    missing: float = control(0.0, "train_missing", low=0.0, high=0.9, step=0.05)
    evaluate: bool = control(False, "train_evaluate", bound=False)
    run: str | None = control(None, "train_run", stays=True)

    @property
    def settings(self) -> Settings:
        """What is to be trained."""
        return dataclasses.replace(
            About(self.dataset, self.method).usual, steps=self.steps, latent_dim=self.latent_dim,
            beta=float(self.beta), learning_rate=float(self.learning_rate), seed=self.seed, width=self.width,
            batch_size=self.batch_size, missing=float(self.missing))
