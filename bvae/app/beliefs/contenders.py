"""The contenders of a comparison: which there may be, and what each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bvae.aggregators import naming
from bvae.app.beliefs.item_beliefs import ItemBeliefs, arrays
from bvae.plots import posterior as posterior_plots

FEWEST, MOST = 2, 6
FIRST_MODELS = ("mvae", "mmvae", "wb-vae-tc")
FIRST_RULES = ("poe", "moe", "wasserstein")


@dataclass(frozen=True)
class Contender:
    """One column of the comparison.

    Attributes
    ----------
    key : str
        Registered name of the aggregator, or name of the checkpoint.
    title, short : str
        For a person; both differ between contenders.
    scene : ItemBeliefs
    plane : posterior_plots.Plane
        Of its latent space.
    """

    key: str
    title: str
    short: str
    scene: ItemBeliefs
    plane: posterior_plots.Plane

    @property
    def loc(self) -> np.ndarray:
        """(M, D)."""
        return self.scene.loc[:, 0].numpy()

    @property
    def scale(self) -> np.ndarray:
        """(M, D)."""
        return self.scene.scale[:, 0].numpy()

    @property
    def observed(self) -> list[bool]:
        """M."""
        return self.scene.present[:, 0].tolist()

    @property
    def width(self) -> float:
        """Mean standard deviation of the joint posterior."""
        return float(np.sqrt(arrays(self.scene.posterior, self.scene.rule_name, "").variance).mean())


def first_models(trained: Sequence[str]) -> list[str]:
    """The models that are compared at first, of those that are there."""
    return [name for name in FIRST_MODELS if name in trained] or list(trained[:3])


def contender(key: str, model_label: str, now: ItemBeliefs, one_model: bool, plane_name: str) -> Contender:
    """A column of Compare.

    Parameters
    ----------
    key, model_label : str
        See `Contender.key`, and the checkpoint's name for a person.
    now : ItemBeliefs
    one_model : bool
        Whether the contenders are rules on one model's experts.
    plane_name : str
        "dims" or "pca".
    """
    loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
    plane = (posterior_plots.dimension_plane(loc, scale) if plane_name == "dims" else
             posterior_plots.principal_plane(loc))
    if one_model:
        return Contender(key, naming.title(key), naming.short(key), now, plane)
    return Contender(key, f"{model_label}: {naming.short(now.rule_name)}", model_label, now, plane)


def allowed(picked: Sequence[str], options: Sequence[str], first: Sequence[str]) -> tuple[list[str], str]:
    """Two to six of the options, and a sentence if that is not what was picked.

    Parameters
    ----------
    picked : sequence of str
    options : sequence of str
        In the order in which they are shown.
    first : sequence of str
        What fills up a choice of fewer than two.
    """
    chosen = [o for o in options if o in picked]
    if len(chosen) > MOST:
        return chosen[:MOST], f"At most {MOST} fit side by side: the first {MOST} of those chosen are shown."
    if len(chosen) >= FEWEST or len(options) < FEWEST:
        return chosen or list(options[:1]), ""
    filled = {*chosen, *[o for o in [*first, *options] if o not in chosen][: FEWEST - len(chosen)]}
    return [o for o in options if o in filled], f"A comparison needs at least {FEWEST}: one was added."
