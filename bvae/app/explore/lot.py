"""Why pictures are drawn from all views together, not from a group by lot as a mixture over groups would have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st
import torch
from torch import Tensor

from bvae.aggregators import naming
from bvae.app.beliefs import item_beliefs, sheet
from bvae.app.beliefs.belief_charts import Limits, plane_numbers
from bvae.app.beliefs.item_beliefs import ItemBeliefs
from bvae.app.explore import walk
from bvae.app.explore.changes import named
from bvae.app.state import Form, ink
from bvae.app.widgets import charts, images
from bvae.data import MultimodalDataset
from bvae.metrics.classifiers import Classifiers
from bvae.models.vae import MultimodalVAE
from bvae.plots import posterior as posterior_plots

TOGETHER, LOT = "together", "lot"
DRAWN_FROM = {TOGETHER: "all views together", LOT: "a group by lot"}
"""What is decoded where the rule is a mixture over groups of views -> for a person."""
SHOWN = 6
JUDGED = 60
"""Draws whose pictures are judged."""


def has_groups(scene: ItemBeliefs) -> bool:
    """Whether the rule is a mixture over groups of views, and there is more than one."""
    return scene.inside != scene.rule_name and scene.posterior.num_components > 1 and int(scene.present.sum()) > 1


def choose(form: Form, scene: ItemBeliefs) -> None:
    """The control, where it means something; else what was chosen is kept."""
    if has_groups(scene):
        form.ask(st.segmented_control, "drawn_from", "Draw from")
    else:
        form.keep("drawn_from")


def said(scene: ItemBeliefs) -> str:
    """Which belief the thick line is, where the rule keeps several; "" where there is one."""
    if not has_groups(scene) or scene.decoded is scene.posterior:
        return ""
    groups, seen = int((scene.posterior.weights[:, 0] > 0).sum()), int(scene.present.sum())
    return (f"{naming.short(scene.rule_name)} keeps a belief for each of {groups} groups of views. The thick line is "
            f"the belief of all {seen} together, from which the draws are made; the numbers below measure the "
            f"mixture of all {groups}.")


class Way(NamedTuple):
    """One way of drawing, on one item.

    Attributes
    ----------
    values : dict of str to Tensor
        View -> (S, ...): the first pictures.
    groups : list of tuple of str
        The views of the groups that they come from.
    right : float or None
        Probability of the item's class, mean over views and many draws; None if nobody judges.
    wrong : float or None
        Share of pictures in which the judges see another class.
    """

    values: dict[str, Tensor]
    groups: list[tuple[str, ...]]
    right: float | None
    wrong: float | None


@torch.inference_mode()
def way(
    model: MultimodalVAE, scene: ItemBeliefs, views: Sequence[str], seed: int, judges: Classifiers | None, truth: int
) -> Way:
    """See `Way`."""
    drawn = item_beliefs.draw(scene, JUDGED, seed)
    values = model.decode(drawn.z)
    members = walk.members_of_components(scene, views)
    everybody = tuple(v for v, there in zip(views, scene.present[:, 0].tolist(), strict=True) if there)
    groups = [members[int(k)] if scene.decoded is scene.posterior else everybody for k in drawn.component[:SHOWN]]
    right = wrong = None
    if judges is not None and (found := list(judges.probabilities(values).values())):
        p = torch.stack(found)  # (V, S, classes)
        right, wrong = float(p[..., truth].mean()), float((p.argmax(-1) != truth).float().mean())
    return Way({view: of[:SHOWN] for view, of in values.items()}, groups, right, wrong)


def show(
    model: MultimodalVAE, together: ItemBeliefs, by_lot: ItemBeliefs, views: Sequence[str], data: MultimodalDataset,
    truth: int, seed: int, judges: Classifiers | None, plane: posterior_plots.Plane, limits: Limits,
) -> None:
    """The answer, with the joint belief whole and pictures drawn in both ways.

    Parameters
    ----------
    model : MultimodalVAE
    together, by_lot : ItemBeliefs
        The same item, see `item_beliefs.build`.
    views : sequence of str
    data : MultimodalDataset
    truth, seed : int
    judges : Classifiers or None
    plane, limits
        Of the picture above.
    """
    weights = by_lot.posterior.weights[:, 0].tolist()
    groups, seen = sum(w > 0 for w in weights), int(by_lot.present.sum())
    alone = sum(w for w, of in zip(weights, walk.members_of_components(by_lot, views), strict=True) if len(of) == 1)
    ways = [way(model, scene, views, seed, judges, truth) for scene in (together, by_lot)]
    st.markdown(
        f"This rule keeps one belief for every group of the {seen} views that are seen: {groups} groups, from one view "
        "alone to all together. **In training, models with such a rule draw a group by lot** (Learn, lesson 6): so "
        f"they also learn what to do when views are missing. **Here all {seen} are there.** A group by lot would leave "
        f"some of them unheard: in {alone:.0%} of the draws all but one. So the pictures come from the group of all, "
        "as in the published evaluations of these models.")
    if ways[0].right is not None and ways[1].right is not None:
        name = named(data.class_names[truth]) if data.labelled else "the truth"
        st.markdown(f"Measured on this item, {JUDGED} draws each: from all together the judges see {name} with "
                    f"p = **{ways[0].right:.2f}** ({ways[0].wrong:.0%} of the pictures look like something else), by "
                    f"lot with p = **{ways[1].right:.2f}** ({ways[1].wrong:.0%}).")
    left, right = st.columns([1, 1.6], gap="large")
    loc, scale = by_lot.loc[:, 0].numpy(), by_lot.scale[:, 0].numpy()
    aggregates = together.drawn()
    observed = by_lot.present[:, 0].tolist()
    figure = posterior_plots.plane_figure(plane, views, loc, scale, observed, aggregates, ink(), height=420,
                                          limits=limits)
    charts.show_lines(
        figure, "groups_chart", f"The joint belief of all {groups} groups as contours with a dot for each group, and "
        "the belief of all views together, on the axes of the picture above.",
        lambda: plane_numbers(plane, views, loc, scale, observed, aggregates, None), "groups", place=left,
        caption="Means and standard deviations along both axes of the plane.")
    view = views[0]
    for title, one in zip(DRAWN_FROM.values(), ways, strict=True):
        right.markdown(f"**{title[0].upper()}{title[1:]}** ({view})")
        right.html(sheet.table(
            f"{view}, {title}", [str(s + 1) for s in range(len(one.groups))], [""],
            [[sheet.picture(images.content(data, view, value), f"{view}, {title}, draw {s + 1}, from {', '.join(of)}")
              + sheet.said("all" if len(of) == seen else " ".join(of))
              for s, (value, of) in enumerate(zip(one.values[view], one.groups, strict=True))]], side=10))
    right.caption("Under each picture: the group from which it was drawn. The same noise in both rows. With the "
                  "control *Draw from* above, the whole page draws either way.")
