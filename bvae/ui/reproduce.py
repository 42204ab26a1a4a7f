"""Python that gives the same numbers as the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvae.aggregators import options_of

if TYPE_CHECKING:
    from bvae.data import MultimodalDataset
    from bvae.ui.scene import Scene
    from bvae.ui.tampering import Tampering


def explore_code(
    data_name: str, model_name: str, item: int, observed: list[str], scene: Scene, num_samples: int, seed: int,
    data: MultimodalDataset, tampered: Sequence[Tampering] = (),
) -> str:
    """A script that rebuilds the joint posterior and the generations of Explore, lies and damage included."""
    options = "".join(f", {k}={v!r}" for k, v in options_of(scene.rule).items())
    x = "{" + ", ".join(f'"{v}": data.x["{v}"][{item}:{item + 1}]' for v in observed) + "}"
    lines = [
        "import torch",
        "import bvae",
        *(["from bvae import corruption"] if any(t.damage is not None for t in tampered) else []),
        "",
        f'data = bvae.dataset("{data_name}", split="test")',
        f'model = bvae.load("{data_name}", "{model_name}")',
        f'rule = bvae.aggregator("{scene.rule_name}"{options})',
    ]
    if not observed:
        return "\n".join([*lines[:-1], "", "# Nothing is observed: samples of the prior.",
                          f"z = torch.randn({num_samples}, 1, model.latent_dim, "
                          f"generator=torch.Generator().manual_seed({seed}))",
                          "images = model.decode(z)"])
    weights = "None" if scene.weights is None else f"torch.tensor({[round(w, 6) for w in scene.weights.tolist()]})"
    return "\n".join([
        *lines,
        f"x = {x}",
        *(line for t in tampered for line in t.code(data)),
        f"weights = {weights}",
        "q = model.encode(x, aggregator=rule, weights=weights)  # the joint posterior",
        "print(q.mean, q.variance)",
        f"images = model.generate(x, num_samples={num_samples}, aggregator=rule, weights=weights,",
        f"                        generator=torch.Generator().manual_seed({seed}))",
    ])
