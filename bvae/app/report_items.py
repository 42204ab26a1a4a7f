"""Items in a report: each view as it is and as the model has it, one of them hidden, with how unsure the model is.

It knows no Streamlit: the command line writes reports too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bvae.app.beliefs import columns
from bvae.app.widgets import images, tiles
from bvae.data.own import OwnData
from bvae.maps.maps import spread
from bvae.models.imputation import common_draws
from bvae.models.vae import MultimodalVAE
from bvae.plots import style

SHOWN = 3
"""Items."""
SEED = 0


def chosen(data: OwnData) -> list[tuple[int, str]]:
    """Items of which the most views are there, from all over the data, each with a view to hide; "" for the only one.

    The views take turns.
    """
    views = data.present.sum(0)
    whole = (views == views.max()).nonzero()[:, 0]
    picked = whole[torch.from_numpy(spread(len(whole), min(SHOWN, len(whole))))].tolist()
    out = []
    for k, item in enumerate(picked):
        there = [v for v in data.modalities if data.has(v, item)]
        out.append((item, there[k % len(there)] if len(there) > 1 else ""))
    return out


@torch.inference_mode()
def shown(model: MultimodalVAE, data: OwnData, item: int, hidden: str) -> dict[str, Any]:
    """One item for the template: its tables as bars, its pictures and texts.

    Parameters
    ----------
    model : MultimodalVAE
    data : OwnData
        Items that were not trained on.
    item : int
    hidden : str
        The view that the model does not see, and imputes; "" for none.
    """
    whole = data.of_item(item)
    x = {view: values for view, values in whole.items() if view != hidden}
    generator = torch.Generator().manual_seed(SEED)
    z = common_draws(model, x, None, columns.DRAWS, generator)[:, 0]
    found = columns.of_draws(model, data, z, x, {view: values[0] for view, values in whole.items()})
    states = {view: columns.state(all_of, view in x, lies=False) for view, all_of in found.items()}
    others = []
    for view, means in model.decode(z, [v for v, m in data.modalities.items() if not m.columns]).items():
        scale = (model.likelihood(view).variance(means).mean(0) + means.var(0, correction=0)).sqrt()
        others.append(_pictured(data, view, whole.get(view), means.mean(0), scale, view == hidden))
    return {"name": data.ids[item], "hidden": hidden, "others": others,
            "tables": columns.html(data, found, states) if found else ""}


def _pictured(
    data: OwnData, view: str, true: Tensor | None, mean: Tensor, scale: Tensor, hidden: bool
) -> dict[str, Any]:
    """A picture or a text: as it is, as the model has it, and how unsure it is of that."""
    color = style.color(list(data.modalities).index(view))
    before, after = (None if value is None else images.content(data, view, value)
                     for value in (None if true is None else true[0], mean))
    unsure: Tensor | str
    if isinstance(after, Tensor):
        unsure = scale / scale.max().clamp(min=1e-9)
    else:
        unsure = f"sure of its letters: {float(mean.amax(-1).mean()):.0%}" if mean.ndim == 2 else ""
    said = "true, hidden" if hidden else "not there" if true is None else "seen"
    parts = [(said, before), ("imputed" if hidden or true is None else "rebuilt", after),
             ("where it is unsure" if isinstance(unsure, Tensor) else "", unsure)]
    return {"name": view, "color": color, "parts": [
        {"said": head, "alt": f"{view}, {head}", "uri": images.data_uri(value) if isinstance(value, Tensor) else "",
         "text": value if isinstance(value, str) else ""} for head, value in parts if value is not None]}


def every(model: MultimodalVAE, data: OwnData) -> dict[str, Any]:
    """What the template needs of some items; nothing of data without any."""
    picked = chosen(data) if len(data) else []
    return {"items": [shown(model, data, item, hidden) for item, hidden in picked], "note": tiles.note(data)}
