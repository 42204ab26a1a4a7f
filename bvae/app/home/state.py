"""What a person chooses on Home."""

from __future__ import annotations

from dataclasses import dataclass

from bvae.app.state import PageState, control
from bvae.app.widgets.choose import rule_label

RULES = ("poe", "moe", "wasserstein")


@dataclass(frozen=True, kw_only=True)
class Home(PageState):
    """The text expert, and the joint beliefs that are drawn.

    Attributes
    ----------
    place, width : float
        Its mean and standard deviation.
    rules : tuple of str
    """

    place: float = control(2.5, low=-4.0, high=4.0, step=0.1)
    width: float = control(0.7, low=0.2, high=2.5, step=0.1)
    rules: tuple[str, ...] = control(RULES, options=RULES, called=rule_label)

    @property
    def loc(self) -> list[float]:
        """Means of all experts: image, sound, text."""
        return [-1.5, -0.8, self.place]

    @property
    def scale(self) -> list[float]:
        """Their standard deviations."""
        return [0.8, 0.5, self.width]

    def script(self) -> str:
        """Python that prints mean and standard deviation of the joint beliefs."""
        return "\n".join([
            "import torch",
            "import bvae",
            "",
            f"loc = torch.tensor({[round(v, 6) for v in self.loc]}).view(-1, 1, 1)  # (M, B, D): image, sound, text",
            f"scale = torch.tensor({[round(v, 6) for v in self.scale]}).view(-1, 1, 1)",
            "joint = {}",
            f"for name in {list(RULES)!r}:",
            "    q = bvae.aggregator(name)(loc, scale)",
            "    joint[name] = (q.mean.item(), q.variance.sqrt().item())",
            '    print(f"{name}: mean {joint[name][0]:.2f}, standard deviation {joint[name][1]:.2f}")',
        ])
