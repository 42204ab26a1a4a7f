"""Python that gives the same pictures as the Generate page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvae.aggregators import Aggregator
from bvae.app.beliefs.generation import FRAMES
from bvae.app.generate.tasks import BARE_PRIOR, DRAW, EDIT, INTERPOLATE, INVENT, ITEMS, TRANSLATE
from bvae.app.reproduce import made, opened
from bvae.data import MultimodalDataset

if TYPE_CHECKING:
    from bvae.app.generate.state import Generate


def of(
    state: Generate, rule: Aggregator, data: MultimodalDataset, drawing: str = "", row: Sequence[str] = ()
) -> str:
    """What the page shows, as a script; `drawing` is the one on the canvas, as links hold it, `row` what is done to
    one."""
    lines = ["import torch", "import bvae", *opened(state.shown.data_name),
             f'data = bvae.dataset("{state.shown.data_name}", split="test")',
             f'model = bvae.load("{state.shown.data_name}", "{state.shown.model_name}")',
             f"rule = {made(rule)}"]
    if state.task == TRANSLATE:
        lines += _translate(state, data)
    elif state.task == EDIT:
        lines += row
    elif state.task == INTERPOLATE:
        lines += _between_items(state, data) if state.path == ITEMS else _between_views(state, data)
    elif state.task == INVENT:
        lines += _invented(state)
    else:
        lines += _from_drawing(state, data, drawing) if state.kind == DRAW else _from_text(state, data)
    return "\n".join(lines)


def _translate(state: Generate, data: MultimodalDataset) -> list[str]:
    """The matrix, and the chosen subset."""
    sources = [v for v in data.of_item(state.item) if v in state.sources]
    targets = [v for v in data.modalities if v in state.targets]
    lines = [
        f"x = data.subset([{state.item}])",
        f"noise = lambda: torch.Generator().manual_seed({state.seed})  # the same in every row",
        "matrix = {source: model.generate({source: x[source]}, aggregator=rule, generator=noise()) for source in x}",
    ]
    if sources and targets:
        lines += [f"images = model.generate({{v: x[v] for v in {sources!r}}}, targets={targets!r}, "
                  f"num_samples={state.num_samples},", "                        aggregator=rule, generator=noise())"]
    return lines


def _invented(state: Generate) -> list[str]:
    """Draws of the model's sampler, or of the prior."""
    chance = f"generator=torch.Generator().manual_seed({state.seed})"
    if state.drawn == BARE_PRIOR:
        return [f"z = torch.randn({state.num_samples}, model.latent_dim, {chance})", "images = model.decode(z)"]
    return [f"images = model.sample({state.num_samples}, {chance})  # z is drawn by model.sampler"]


def _from_drawing(state: Generate, data: MultimodalDataset, drawing: str) -> list[str]:
    """What a drawing becomes."""
    return [
        "from bvae.data import drawings",
        f'drawing = drawings.decode("{drawing}")',
        *(["drawing = drawings.centred(drawing)"] if state.centre else []),
        f'x = {{"{state.view}": data.from_drawing(drawing, "{state.view}", torch.Generator()'
        f".manual_seed({state.seed}))}}",
        *_generate(state, data),
    ]


def _from_text(state: Generate, data: MultimodalDataset) -> list[str]:
    """What a typed text becomes."""
    return [f'x = {{"{data.takes_text[0]}": data.encode_text({state.text!r})}}', *_generate(state, data)]


def _generate(state: Generate, data: MultimodalDataset) -> list[str]:
    return [f"images = model.generate(x, targets={list(data.modalities)!r}, num_samples={state.num_samples}, "
            "aggregator=rule,", f"                        generator=torch.Generator().manual_seed({state.seed}))"]


def _between_items(state: Generate, data: MultimodalDataset) -> list[str]:
    """The geodesic."""
    return [
        "from bvae.models import interpolation",
        "start, end = (interpolation.moments(model.encode(data.subset([i]), rule.conditional())) "
        f"for i in ({state.item}, {state.second}))",
        f"path = interpolation.geodesic(start, end, interpolation.steps({FRAMES}))",
        *_decoded(state, [v for v in data.of_item(state.item) if v in data.of_item(state.second)]),
    ]


def _between_views(state: Generate, data: MultimodalDataset) -> list[str]:
    """The weight path."""
    views = list(data.modalities)
    return [
        "from bvae.models import interpolation",
        f"experts = model.experts(data.subset([{state.item}]))",
        f"path = interpolation.weight_path(model, experts, {views.index(state.start)}, {views.index(state.end)}, "
        f"interpolation.steps({FRAMES}), rule)",
        *_decoded(state, [state.start, state.end]),
    ]


def _decoded(state: Generate, seen: Sequence[str]) -> list[str]:
    if not state.noise:
        return ["images = model.decode(path.mean)  # name -> (frames, ...)"]
    return [f"observed, z = torch.tensor([[view in {list(seen)!r}] for view in model.modalities]), []",
            f"for t in range({FRAMES}):",
            f"    noise = torch.Generator().manual_seed({state.seed})  # the same for every frame",
            "    drawn = path.items([t]).rsample((), generator=noise)",
            "    z.append(model.complete(drawn, observed, generator=noise))",
            "images = model.decode(torch.cat(z))  # name -> (frames, ...)"]
