"""What a person chooses on the Playground beside the scene, which is a value of its own: the component holds it."""

from __future__ import annotations

from dataclasses import dataclass

from bvae.app.state import PageState, control

ALL = "all experts"


@dataclass(frozen=True, kw_only=True)
class Playground(PageState):
    """Which of a scene's numbers are shown; neither is in the address.

    Attributes
    ----------
    to : str
        Divergences to one expert, or to `ALL`.
    formula : str or None
        The rule whose formula is shown.
    """

    to: str = control(ALL, "playground_to", bound=False)
    formula: str | None = control(lambda scene: next(iter(scene["rules"]), None), "playground_formula",
                                  options=lambda scene: scene["rules"], bound=False)
