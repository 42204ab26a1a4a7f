"""Python that gives the same pictures as the Generate page."""

from __future__ import annotations

from collections.abc import Sequence

from bvae.aggregators import Aggregator, name_of, options_of
from bvae.app.beliefs.generation import FRAMES


def begin(data_name: str, model_name: str, rule: Aggregator) -> list[str]:
    """Imports, data, model, rule."""
    options = "".join(f", {k}={v!r}" for k, v in options_of(rule).items())
    return ["import torch", "import bvae", "", f'data = bvae.dataset("{data_name}", split="test")',
            f'model = bvae.load("{data_name}", "{model_name}")', f'rule = bvae.aggregator("{name_of(rule)}"{options})']


def translate(item: int, sources: Sequence[str], targets: Sequence[str], num_samples: int, seed: int) -> list[str]:
    """The matrix, and the chosen subset."""
    lines = [
        f"x = data.subset([{item}])",
        f"noise = lambda: torch.Generator().manual_seed({seed})  # the same in every row",
        "matrix = {source: model.generate({source: x[source]}, aggregator=rule, generator=noise()) for source in x}",
    ]
    if sources and targets:
        lines += [f"images = model.generate({{v: x[v] for v in {list(sources)!r}}}, targets={list(targets)!r}, "
                  f"num_samples={num_samples},", "                        aggregator=rule, generator=noise())"]
    return lines


def from_drawing(
    code: str, view: str, as_mnist: bool, targets: Sequence[str], num_samples: int, seed: int
) -> list[str]:
    """What a drawing becomes."""
    return [
        "from bvae.data import drawings",
        f'drawing = drawings.decode("{code}")',
        *(["drawing = drawings.centred(drawing)"] if as_mnist else []),
        f'x = {{"{view}": data.from_drawing(drawing, "{view}", torch.Generator().manual_seed({seed}))}}',
        *_generate(targets, num_samples, seed),
    ]


def from_text(text: str, view: str, targets: Sequence[str], num_samples: int, seed: int) -> list[str]:
    """What a typed text becomes."""
    return [f'x = {{"{view}": data.encode_text({text!r})}}', *_generate(targets, num_samples, seed)]


def _generate(targets: Sequence[str], num_samples: int, seed: int) -> list[str]:
    return [f"images = model.generate(x, targets={list(targets)!r}, num_samples={num_samples}, aggregator=rule,",
            f"                        generator=torch.Generator().manual_seed({seed}))"]


def between_items(a: int, b: int, seed: int | None) -> list[str]:
    """The geodesic."""
    return [
        "from bvae.models import interpolation",
        "start, end = (interpolation.moments(model.encode(data.subset([i]), rule.conditional())) "
        f"for i in ({a}, {b}))",
        f"path = interpolation.geodesic(start, end, interpolation.steps({FRAMES}))",
        *_decoded(seed),
    ]


def between_views(item: int, start: str, end: str, views: Sequence[str], seed: int | None) -> list[str]:
    """The weight path."""
    return [
        "from bvae.models import interpolation",
        f"experts = model.experts(data.subset([{item}]))",
        f"path = interpolation.weight_path(model, experts, {views.index(start)}, {views.index(end)}, "
        f"interpolation.steps({FRAMES}), rule)",
        *_decoded(seed),
    ]


def _decoded(seed: int | None) -> list[str]:
    if seed is None:
        return ["images = model.decode(path.mean)  # name -> (frames, ...)"]
    return [f"noise = lambda: torch.Generator().manual_seed({seed})  # the same for every frame",
            f"z = torch.cat([path.items([t]).rsample((), generator=noise()) for t in range({FRAMES})])",
            "images = model.decode(z)  # name -> (frames, ...)"]


def invent(num_samples: int, seed: int) -> list[str]:
    """Samples of the prior."""
    return [f"z = torch.randn({num_samples}, model.latent_dim, generator=torch.Generator().manual_seed({seed}))",
            "images = model.decode(z)"]
