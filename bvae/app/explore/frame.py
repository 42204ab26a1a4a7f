"""The axes of Explore's picture: they stay while one changes things, until one asks for others."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from bvae.app.beliefs.belief_charts import NUM_DIMENSIONS, Limits
from bvae.app.beliefs.item_beliefs import ItemBeliefs
from bvae.plots import posterior as posterior_plots
from bvae.plots.posterior import Aggregate, Plane

KEY = "explore_frame"
"""In the session's state."""


@dataclass(frozen=True)
class Frame:
    """Axes.

    Attributes
    ----------
    plane : Plane
    limits : tuple of tuple of float
        Of both axes of the plane.
    dimensions : ndarray
        Latent dimensions in which the experts disagreed most when the axes were chosen, most first.
    """

    plane: Plane
    limits: Limits
    dimensions: np.ndarray

    def same(self, other: Frame) -> bool:
        """Whether another one looks the same."""
        return (np.array_equal(self.plane.axes, other.plane.axes) and np.allclose(self.plane.origin, other.plane.origin)
                and np.allclose(self.limits, other.limits) and np.array_equal(self.dimensions, other.dimensions))


def fitting(scene: ItemBeliefs, plane_name: str, joint: Aggregate) -> Frame:
    """The axes that suit what there is now.

    Parameters
    ----------
    scene : ItemBeliefs
    plane_name : str
        See `choose.PLANES`.
    joint : Aggregate
        The joint belief that is drawn.
    """
    loc, scale = scene.loc[:, 0].numpy(), scene.scale[:, 0].numpy()
    plane = (posterior_plots.dimension_plane(loc, scale) if plane_name == "dims" else
             posterior_plots.principal_plane(loc))
    return Frame(plane, posterior_plots.window(plane, loc, scale, [joint]),
                 posterior_plots.most_disagreed(loc, scale, NUM_DIMENSIONS))


def held(of: Hashable, now: Frame) -> Frame:
    """The axes of before if they are of the same thing, else those of now, which then stay.

    Parameters
    ----------
    of : hashable
        What the picture is of: the model, the item, the kind of plane.
    now : Frame
        See :func:`fitting`.
    """
    known = st.session_state.get(KEY)
    if known is None or known[0] != of:
        st.session_state[KEY] = known = (of, now)
    return known[1]


def outside(frame: Frame, views: Sequence[str], scene: ItemBeliefs, joint: Aggregate) -> list[str]:
    """What of the picture lies beyond its edge: observed views by their names, and the joint belief."""
    means = [(view, loc) for view, loc, there in zip(views, scene.loc[:, 0].numpy(), scene.present[:, 0].tolist(),
                                                     strict=True) if there]
    low, high = (np.array([axis[end] for axis in frame.limits]) for end in (0, 1))
    return [name for name, mean in [*means, ("the joint belief", joint.mean)]
            if ((point := frame.plane.point(mean)) < low).any() or (point > high).any()]


def button(frame: Frame, now: Frame, beyond: Sequence[str]) -> None:
    """"Fit the picture", where other axes would suit better, and what lies outside of it."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button("Fit the picture", icon=":material/fit_screen:", type="tertiary", key="fit", on_click=_forget,
                  disabled=frame.same(now), help="The axes stay while you change things. This chooses those that suit "
                                                 "what is there now.")
        if beyond:
            st.caption(f"Beyond the edge of the picture: {', '.join(beyond)}.")


def _forget() -> None:
    st.session_state.pop(KEY, None)
