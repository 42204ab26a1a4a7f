"""Python that gives the picture at a place of the plane."""

from __future__ import annotations

from bvae.aggregators import options_of
from bvae.app.components.plane_walk import Position
from bvae.app.latent_space.state import LatentSpace
from bvae.app.latent_space.walking import BELIEFS, MOST_ROWS, Walk


def of(walk: Walk, state: LatentSpace, position: Position) -> str:
    """The script; `pictures` in it are what the page shows, one for each place in `places`."""
    key = state.shown
    head = ["import torch", "import bvae", "", f'model = bvae.load("{key.data_name}", "{key.model_name}")']
    if walk.mode == BELIEFS:
        options = "".join(f", {k}={v!r}" for k, v in options_of(walk.rule).items())
        moved = []
        for m, belief in enumerate(position.beliefs):
            if belief is not None:
                x, y = belief.mean
                moved.append(f"loc[{m}, 0] = torch.tensor([{x:.6g}, {y:.6g}])  # {walk.views[m]}, as it was moved")
                if belief.width != 1:
                    moved.append(f"scale[{m}, 0] *= {belief.width:.6g}")
        rule = "model.aggregator" if state.rule_name is None else f'bvae.aggregator("{walk.rule_name}"{options})'
        weights = ", model.expert_weights()" if walk.own is not None and len(walk.own) == len(walk.views) else ""
        off = [m for m, on in enumerate(walk.observed) if not on]
        places = [
            f'data = bvae.dataset("{key.data_name}", split="test")',
            f"experts = model.experts(data.subset([{walk.item}]))",
            "loc, scale, present = experts.loc[..., :2].detach().clone(), experts.scale[..., :2].detach().clone(), "
            "experts.present.clone()", *moved, *([f"present[{off}] = False"] if off else []), f"rule = {rule}",
            f"q = rule.conditional()(loc, scale, present{weights})  # what is decoded of the joint belief",
            "heaviest = q.weights[:, 0].argsort(descending=True, stable=True).tolist()",
            f"parts = [k for k in heaviest if q.weights[k, 0] > 0][:{MOST_ROWS}]",
            "places = q.loc[sorted(parts), 0]  # (R, 2)"]
    else:
        places = [f"places = torch.tensor([[{position.z[0]:.6g}, {position.z[1]:.6g}]])  # (1, 2)"]
    return "\n".join([*head, *places, "z = torch.zeros(len(places), model.latent_dim)", "z[:, :2] = places",
                      "with torch.inference_mode():", "    pictures = model.decode(z)",
                      "print({name: values.mean().item() for name, values in pictures.items()})"])
