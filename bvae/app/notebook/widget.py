"""The live view as a widget for notebooks: Jupyter, VS Code, Colab, marimo."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import traitlets
from torch import Tensor

from bvae.app.beliefs.item_beliefs import of_experts
from bvae.app.beliefs.live_scene import live_scene
from bvae.app.components import live
from bvae.app.components.live import runtime
from bvae.app.components.playground.modules import bundle
from bvae.app.widgets.live_views import numbers
from bvae.data import MultimodalDataset
from bvae.export import description, folder, graphs
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.models.vae import MultimodalVAE
from bvae.plots import posterior as posterior_plots
from bvae.plots.posterior import Aggregate

if TYPE_CHECKING:
    from bvae.estimator import BarycentricVAE

try:
    import anywidget
except ImportError as error:
    raise ImportError("bvae.show needs the package 'anywidget': pip install 'bvae[notebook]'") from error

HERE = Path(__file__).parent
WORDS = "The joint belief's mean, decoded."
THEME = """
.bvae-live.notebook {
  --st-text-color: var(--jp-content-font-color1, var(--vscode-foreground, CanvasText));
  --st-background-color: var(--jp-layout-color1, var(--vscode-editor-background, Canvas));
}
"""
"""The notebook's own colours in place of the app's."""


@functools.cache
def script() -> str:
    """The widget's one module."""
    return bundle(HERE / "notebook.mjs")


class LiveView(anywidget.AnyWidget):
    """One item of a model: drag the weights, or a point z, and all modalities are decoded while it moves.

    Made by :func:`show`. What follows the finger is decoded in the browser; where a gesture has ended, Python decodes
    exactly, and `weights` and `z` say where that was.

    Attributes
    ----------
    weights : dict of str to float
        Of the views that are observed, the largest 1.
    z : list of float
        (L,): what is decoded.
    """

    _esm = script()
    css = traitlets.Unicode().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)
    weights = traitlets.Dict()
    z: traitlets.List[float] = traitlets.List()

    def __init__(
        self, model: MultimodalVAE, data: MultimodalDataset, item: int, observed: Sequence[bool],
    ) -> None:
        super().__init__()
        self._model, self._data, self._item, self._observed = model, data, item, list(observed)
        with torch.inference_mode():
            present = data.present_in([item])
            self._experts: UnimodalPosteriors = model.experts(data.subset([item]), present)
        self._files = exported(model, data)
        self.css = (Path(live.__file__).parent / "live.css").read_text(encoding="utf-8") + THEME
        self._number = 0
        self._believe([1.0] * len(model.modalities), None)
        self.on_msg(self._heard)

    @torch.inference_mode()
    def _believe(self, weights: list[float], z: Tensor | None) -> None:
        """Show what these weights make of the item, or this point."""
        model, experts, d = self._model, self._experts, self._model.shared_dim
        shared = UnimodalPosteriors(experts.loc[..., :d], experts.scale[..., :d], experts.present)
        now = of_experts(shared, 0, self._observed, weights, model.aggregator, model.expert_weights())
        latent = model.with_private(now.decoded, experts._replace(present=now.present))
        now = dataclasses.replace(now, latent=latent)
        loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
        plane = posterior_plots.principal_plane(loc)
        drawn = Aggregate("", "", *(v[:, 0].numpy() for v in (now.decoded.weights, now.decoded.loc, now.decoded.scale)))
        limits = posterior_plots.window(plane, loc, scale, [drawn])
        if self.shown:  # axes stay while one drags
            limits = self.shown["scene"]["plane"]["limits"]
        scene = live_scene(model, self._data, experts, now, plane, limits, weights, description.FILE,
                           f"{id(self)} {self._item}")
        at = latent.mean[0] if z is None else z
        values = {name: v[0] for name, v in model.decode(at.unsqueeze(0)).items()}
        self.weights = {name: w for name, w, seen in zip(model.modalities, weights, now.present[:, 0].tolist(),
                                                         strict=True) if seen}
        self.z = numbers(at)
        self.shown = {"scene": scene, "answer": {
            "number": self._number, "z": self.z, "judged": {}, "values": live.packed(values, model.modalities),
            "alt": "the joint belief's mean" if z is None else "the point z",
            "said": WORDS if z is None else "The point z, decoded."}}

    def _heard(self, widget: Any, message: Any, buffers: Any) -> None:
        """What the browser asks for: a file, or exact numbers. Anything else is passed over."""
        if not isinstance(message, dict):
            return
        if message.get("kind") == "file":
            name = str(message.get("name"))
            content = self._files.get(name) or runtime_file(name)
            self.send({"kind": "file", "name": name}, None if content is None else [content])
            return
        rest = message.get("rest")
        if message.get("kind") != "rest" or not isinstance(rest, dict) or not isinstance(rest.get("number"), int):
            return
        self._number = rest["number"]
        if rest.get("kind") == "weights" and isinstance(rest.get("weights"), dict):
            given = [rest["weights"].get(name, 1.0) for name in self._model.modalities]
            kept = live.vector(given, len(given), 1.0)
            if kept is not None and bool((kept >= 0).all()):
                self._believe([round(w, 4) for w in kept.tolist()], None)
        elif (z := live.vector(rest.get("z", ()), self._model.latent_dim)) is not None:
            self._believe(self.shown["scene"]["weights"], z)


def exported(model: MultimodalVAE, data: MultimodalDataset) -> dict[str, bytes]:
    """The decoders as ONNX, and what a browser has to know of the model: name of a file -> its content."""
    graphs.check_installed()
    with tempfile.TemporaryDirectory() as made:
        letters = folder.alphabets(model, lambda: data)
        folder.fill(Path(made), model, letters, {"name": data.name}, lambda line: None, ("decoder",))
        return {path.name: path.read_bytes() for path in Path(made).iterdir()}


def runtime_file(name: str) -> bytes | None:
    """What executes models, compressed; None where it has not been fetched, and for any other name."""
    there = runtime.folder()
    known = {f"{file}.gz" for file in runtime.FILES}
    return (there / name).read_bytes() if there is not None and name in known and (there / name).is_file() else None


def show(
    model: MultimodalVAE | BarycentricVAE, data: Any, item: int | str = 0, views: Sequence[str] | None = None,
) -> LiveView:
    """What a model believes of an item, live in a notebook: drag the weights or a point, and all modalities follow.

    ``import bvae; bvae.show(bvae.load("polymnist", "mwb-vae"), bvae.dataset("polymnist", "test"))``

    Parameters
    ----------
    model : MultimodalVAE or BarycentricVAE
        The latter fitted.
    data : MultimodalDataset
        Of the same modalities; for a `BarycentricVAE` what its `transform` takes.
    item : int or str
        Its position, or its id where the items have ids.
    views : sequence of str, optional
        Which of them are observed; by default all that the item has.

    Returns
    -------
    LiveView
        A widget (`anywidget`): the last line of a cell shows it. Its `weights` and `z` follow the hand.

    Raises
    ------
    ImportError
        Without the package anywidget: ``pip install 'bvae[notebook]'``.
    TypeError, ValueError
        If these are no model and its data, there is no such item or view, or the item has none of the views.
    """
    from bvae.estimator import BarycentricVAE

    if isinstance(model, BarycentricVAE):
        data, model = model.as_dataset(data), model.model_
    if not isinstance(model, MultimodalVAE):
        raise TypeError(f"model: expected a MultimodalVAE or a fitted BarycentricVAE, got {type(model).__name__}")
    if not isinstance(data, MultimodalDataset):
        raise TypeError(f"data: expected a data set, as bvae.dataset and bvae.from_arrays give it, "
                        f"got {type(data).__name__}")
    known = {m.name: (m.kind, m.shape) for m in model.modalities.values()}
    if known != {m.name: (m.kind, m.shape) for m in data.modalities.values()}:
        raise ValueError(f"data: expected the modalities of the model ({', '.join(known)}), got "
                         f"{', '.join(data.modalities)}")
    row = place_of(data, item)
    strange = [view for view in views or () if view not in known]
    if strange:
        raise ValueError(f"views: expected some of {', '.join(known)}, got {strange[0]!r}")
    observed = [views is None or name in views for name in known]
    if not any(seen and data.has(name, row) for name, seen in zip(known, observed, strict=True)):
        raise ValueError(f"views: expected one that {data.called(row)} has")
    return LiveView(model, data, row, observed)


def place_of(data: MultimodalDataset, item: int | str) -> int:
    """The position of an item that is named by its position or by its id."""
    if isinstance(item, str):
        ids = list(getattr(data, "ids", ()))
        if item not in ids:
            raise ValueError(f"item: expected a position, or an id of the data, got {item!r}")
        return ids.index(item)
    if not 0 <= item < len(data):
        raise ValueError(f"item: expected 0 to {len(data) - 1}, got {item}")
    return item
