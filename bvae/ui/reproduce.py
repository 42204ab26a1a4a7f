"""Python that gives the same numbers as the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bvae.aggregators import options_of

if TYPE_CHECKING:
    from bvae.ui.scene import Scene


def explore_code(
    data_name: str, model_name: str, item: int, observed: list[str], scene: Scene, num_samples: int, seed: int
) -> str:
    """A script that rebuilds the joint posterior and the generations of Explore."""
    options = "".join(f", {k}={v!r}" for k, v in options_of(scene.rule).items())
    x = "{" + ", ".join(f'"{v}": data.x["{v}"][{item}:{item + 1}]' for v in observed) + "}"
    lines = [
        "import torch",
        "import bvae",
        "",
        f'data = bvae.dataset("{data_name}", split="test")',
        f'model = bvae.load("{data_name}", "{model_name}")',
        f'rule = bvae.aggregator("{scene.rule_name}"{options})',
    ]
    if not observed:
        return "\n".join([*lines[:5], "", "# Nothing is observed: samples of the prior.",
                          f"z = torch.randn({num_samples}, 1, model.latent_dim, "
                          f"generator=torch.Generator().manual_seed({seed}))",
                          "images = model.decode(z)"])
    weights = "None" if scene.weights is None else f"torch.tensor({[round(w, 6) for w in scene.weights.tolist()]})"
    return "\n".join([
        *lines,
        f"x = {x}",
        f"weights = {weights}",
        "q = model.encode(x, aggregator=rule, weights=weights)  # the joint posterior",
        "print(q.mean, q.variance)",
        f"images = model.generate(x, num_samples={num_samples}, aggregator=rule, weights=weights,",
        f"                        generator=torch.Generator().manual_seed({seed}))",
    ])
