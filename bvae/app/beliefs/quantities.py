"""What a number of a belief is, apart from what it is called: everything finds numbers by this, and nothing by words.

The words are put on where a table is drawn, see `bvae.app.beliefs.wording`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Unit(Enum):
    """In what a number is measured."""

    LATENT = auto()
    """Units of the latent space."""
    NATS = auto()
    RATIO = auto()
    """Of two lengths in the latent space."""
    PROBABILITY = auto()
    """A probability, or a share of things that are counted: 0 to 1."""


class Better(Enum):
    """Which of two values of a number is the better one, where one is."""

    HIGHER = auto()
    LOWER = auto()


class Quantity(Enum):
    """One kind of number.

    Attributes
    ----------
    unit : Unit
    better : Better or None
        None where neither is: wide is not wrong, and near is not right.
    """

    WIDTH = "width", Unit.LATENT
    """Standard deviation, mean over the latent dimensions."""
    RELATIVE_WIDTH = "relative width", Unit.RATIO
    """Width over the mean width of the observed experts."""
    ENTROPY = "entropy", Unit.NATS
    ENTROPY_ERROR = "error of the entropy", Unit.NATS
    DISAGREEMENT = "disagreement", Unit.RATIO
    W2 = "wasserstein distance", Unit.LATENT
    """Of a view's posterior to the joint one."""
    KL_FROM_JOINT = "kl from the joint", Unit.NATS
    """KL(joint ‖ view)."""
    KL_TO_JOINT = "kl to the joint", Unit.NATS
    """KL(view ‖ joint)."""
    MOVED = "moved", Unit.LATENT
    """W2 between the joint posteriors of the honest views and of what was shown instead."""
    RIGHT_SHARE = "share judged right", Unit.PROBABILITY, Better.HIGHER
    RIGHT_PROBABILITY = "probability of the item's class", Unit.PROBABILITY, Better.HIGHER
    RIGHT_ERROR = "error of the probability of the item's class", Unit.PROBABILITY
    LIE_PROBABILITY = "probability of the lies' classes", Unit.PROBABILITY, Better.LOWER

    def __init__(self, identity: str, unit: Unit, better: Better | None = None) -> None:
        self.unit = unit
        self.better = better


class Of(Enum):
    """Whose a number is."""

    JOINT = auto()
    """The joint posterior's."""
    VIEW = auto()
    """One view's posterior's; of a distance, that to the joint one."""
    GENERATIONS = auto()
    """Those of one view."""
    OBSERVED_VIEWS = auto()
    """All observed ones together."""
    HIDDEN_VIEWS = auto()
    """All that were not observed together."""
    ALL_VIEWS = auto()


@dataclass(frozen=True)
class Number:
    """One number of one contender.

    Attributes
    ----------
    quantity : Quantity
    of : Of
    value : float
    contender : str
        Its key; empty where there is but one belief.
    view : str
        For `Of.VIEW` and `Of.GENERATIONS`.
    observed : bool
        Whether that view is.
    """

    quantity: Quantity
    of: Of
    value: float
    contender: str = ""
    view: str = ""
    observed: bool = True

    @property
    def row(self) -> tuple[Quantity, Of, str, bool]:
        """What it is, whatever its value and whosoever's: numbers of one row can be compared."""
        return self.quantity, self.of, self.view, self.observed
