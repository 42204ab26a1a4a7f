"""Curves of a training: loss, reconstruction and divergence by step, and the loss of items that are kept from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from bvae.plots import style

# A line each: name, column, row of the figure, dash, position of its colour.
LINES = (("loss", "loss", 1, "solid", 0), ("reconstruction", "reconstruction", 1, "dash", 1),
         ("KL divergence", "kl", 2, "solid", 2))
KEPT = "loss of items kept from it"
KEPT_COLOR = 3


def training_figure(
    history: Sequence[Mapping[str, float]], ink: style.Ink, steps: int | None = None, height: int = 380,
    validation: Sequence[tuple[int, float]] = (),
) -> go.Figure:
    """Loss and its reconstruction term above, the KL term below, over the same steps.

    Parameters
    ----------
    history : sequence of mapping
        Rows with "step", "loss", "reconstruction", "kl", in nats per item.
    ink : style.Ink
    steps : int, optional
        Where training will end; the axis goes so far once a quarter of it is done.
    height : int
        Pixels.
    validation : sequence of (int, float)
        Step and loss over the items that are kept from the training; the best one is marked.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.62, 0.38], vertical_spacing=0.07)
    x = [row["step"] for row in history]
    for name, column, row, dash, k in LINES:
        figure.add_scatter(
            x=x, y=[r[column] for r in history], mode="lines+markers" if len(x) < 40 else "lines", name=name,
            line={"color": style.color(k), "width": 2, "dash": dash}, row=row, col=1,
            marker={"size": 5, "symbol": style.marker(k), "color": style.color(k)},
            hovertemplate="step %{x:,}: %{y:.4g}<extra>" + name + "</extra>")
    _add_kept(figure, validation, row=1, col=1)
    style.layout(figure, ink, height)
    if k := beyond(history):
        shown = [r[c] for r in history[k:] for c in ("loss", "reconstruction")]
        shown += [loss for step, loss in validation if step >= history[k]["step"]]
        room = 0.06 * (max(shown) - min(shown)) or 1.0
        figure.update_yaxes(range=[min(shown) - room, max(shown) + room], row=1, col=1)
    figure.update_yaxes(title="nats per item", row=1, col=1)
    figure.update_yaxes(title="KL, nats", row=2, col=1, rangemode="tozero")
    figure.update_xaxes(title="step", row=2, col=1)
    if steps:
        figure.update_xaxes(range=[0, min(steps, 4 * x[-1]) if x else steps])
    figure.update_layout(legend={"y": -0.24})
    return figure


def _add_kept(figure: go.Figure, validation: Sequence[tuple[int, float]], **place: int) -> None:
    """The loss of items that are kept from the training, and a ring about its best."""
    if not validation:
        return
    color = style.color(KEPT_COLOR)
    figure.add_scatter(
        x=[step for step, _ in validation], y=[loss for _, loss in validation], mode="lines+markers", name=KEPT,
        line={"color": color, "width": 2, "dash": "dot"},
        marker={"size": 5, "symbol": style.marker(KEPT_COLOR), "color": color},
        hovertemplate="step %{x:,}: %{y:.4g}<extra>" + KEPT + "</extra>", **place)
    best = min(validation, key=lambda pair: pair[1])
    figure.add_scatter(
        x=[best[0]], y=[best[1]], mode="markers", name="its best: the state that is kept",
        marker={"size": 13, "symbol": "circle-open", "color": color, "line": {"width": 3}},
        hovertemplate="step %{x:,}: %{y:.4g}<extra>the state that is kept</extra>", **place)


def loss_figure(
    history: Sequence[Mapping[str, float]], ink: style.Ink, height: int = 300,
    validation: Sequence[tuple[int, float]] = (),
) -> go.Figure:
    """The loss and its reconstruction term on one pair of axes, and the loss of items kept: drawn without a script."""
    shown = history[beyond(history):]
    figure = go.Figure()
    for name, column, _, dash, k in LINES[:2]:
        figure.add_scatter(x=[row["step"] for row in shown], y=[row[column] for row in shown], mode="lines", name=name,
                           line={"color": style.color(k), "width": 2, "dash": dash})
    _add_kept(figure, [pair for pair in validation if not shown or pair[0] >= shown[0]["step"]])
    style.layout(figure, ink, height)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="nats per item")
    return figure


def beyond(history: Sequence[Mapping[str, float]]) -> int:
    """How many of the first rows the picture leaves out above: the first losses are many times the later ones."""
    return len(history) // 10 if len(history) >= 20 else 0


def spoken(history: Sequence[Mapping[str, float]], validation: Sequence[tuple[int, float]] = ()) -> str:
    """What the curves say, for those who do not see them."""
    if not history:
        return "No step has been recorded yet."
    first, last = history[0], history[-1]
    said = ", ".join(f"{name} from {first[column]:.4g} to {last[column]:.4g}" for name, column, *_ in LINES)
    if validation:
        step, loss = min(validation, key=lambda pair: pair[1])
        said += f"; the {KEPT} is lowest at step {step:,}, {loss:.4g}; all in"
    return f"Training up to step {last['step']:,.0f}: {said} nats per item."
