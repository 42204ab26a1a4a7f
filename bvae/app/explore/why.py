"""Why views of one item disagree, measured on the model: what each belief alone is drawn as, and how far apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
import torch
from torch import Tensor

from bvae.app import loaders
from bvae.app.beliefs import sheet
from bvae.app.beliefs.item_beliefs import ItemBeliefs
from bvae.app.explore.changes import listed, named
from bvae.app.loaders import ModelKey
from bvae.app.widgets import images, small_table
from bvae.app.widgets.choose import label
from bvae.data import MultimodalDataset
from bvae.metrics.classifiers import Classifiers
from bvae.models.methods import METHODS
from bvae.models.objectives import OBJECTIVES

ASKING = "mvtcae"
"""The objective that asks every view's belief to be near the joint one; and a method that is trained with it."""
COMPARED = 40
"""Pictures of one class among which a view's own is looked for."""
ABOUT_AS_FAR = 0.05


class Apart(NamedTuple):
    """How far the beliefs of a model's views lie apart, means over the test items.

    Attributes
    ----------
    width : float
        Standard deviation of a view's belief.
    same, other : float
        Distance between the means of two views of one item, and of two items (of one class, if there are classes).
    within : float
        Share of latent dimensions in which one view's mean lies within two standard deviations of another's belief.
    """

    width: float
    same: float
    other: float
    within: float


@st.cache_data(max_entries=32, show_spinner=False)
def apart(key: ModelKey) -> Apart:
    """See `Apart`."""
    this, data = loaders.loaded(key), loaders.test_data(key.data_name)
    d = this.model.shared_dim
    loc, scale, there = this.experts.loc[..., :d], this.experts.scale[..., :d], this.experts.present
    partner = another_of_the_class(data)
    same, other, within = [], [], []
    for a in range(len(loc)):
        for b in range(len(loc)):
            if a == b:
                continue
            both, across = there[a] & there[b], there[a] & there[b][partner]
            same.append((loc[a] - loc[b]).norm(dim=-1)[both])
            other.append((loc[a] - loc[b][partner]).norm(dim=-1)[across])
            within.append(((loc[a] - loc[b]).abs() <= 2 * scale[a]).float().mean(-1)[both])
    return Apart(float(scale[there].mean()), *(float(torch.cat(of).mean()) for of in (same, other, within)))


def another_of_the_class(data: MultimodalDataset) -> Tensor:
    """(N,): for every item the next one of its class, of any if there are no classes."""
    partner = torch.arange(len(data))
    for k in data.y.unique().tolist() if data.labelled else [None]:
        of = partner.clone() if k is None else torch.nonzero(data.y == k).flatten()
        partner[of] = of.roll(-1)
    return partner


@st.cache_data(max_entries=32, show_spinner=False)
def own_and_other(key: ModelKey, truth: int) -> float | None:
    """How much nearer to its own picture than to another one of the class a view's belief alone is drawn.

    Mean absolute difference to another picture over that to the own one, mean over the views that are images; None
    without any.
    """
    this, data = loaders.loaded(key), loaders.test_data(key.data_name)
    of = (torch.nonzero(data.y == truth).flatten() if data.labelled else torch.arange(len(data)))[:COMPARED]
    ratios = []
    for m, (view, modality) in enumerate(this.model.modalities.items()):
        there = of[this.experts.present[m, of]]
        if modality.kind != "image" or len(there) < 2:
            continue
        with torch.inference_mode():
            drawn = this.model.decode(this.experts.loc[m, there], [view])[view]
        x = data.subset(there.tolist())[view]
        ratios.append(float((drawn - x.roll(1, 0)).abs().mean() / (drawn - x).abs().mean()))
    return float(np.mean(ratios)) if ratios else None


def title(data: MultimodalDataset, scene: ItemBeliefs, truth: int, changed: Collection[str] = ()) -> str:
    """The question. `changed`: the views that lie or are damaged."""
    many = int(scene.present.sum()) - len(changed)
    of = f"of {named(data.class_names[truth])}" if data.labelled else "of one item"
    if many < 2:
        return "What does the one view say?" if many == 1 and not changed else "What does each view alone say?"
    return f"Why do {many} {'honest ' * bool(changed)}views {of} disagree?"


def show(
    loaded: loaders.Loaded, scene: ItemBeliefs, latents: Tensor, shown: dict[str, Tensor], data: MultimodalDataset,
    truth: int, judges: Classifiers | None, changed: Collection[str] = (),
) -> None:
    """The answer: pictures of what every belief alone is drawn as, and what is measured on the test items.

    Parameters
    ----------
    loaded : Loaded
    scene : ItemBeliefs
    latents : Tensor
        (M, L): means of the views' posteriors, private parts included.
    shown : dict of str to Tensor
        Observed view -> (1, ...).
    data : MultimodalDataset
    truth : int
    judges : Classifiers or None
    changed : collection of str
        The views that lie or are damaged: they are shown, and left out of what is counted.
    """
    views = list(loaded.model.modalities)
    there = [m for m in range(len(views)) if bool(scene.present[m, 0])]
    if not there:
        st.markdown("No view is seen, so there is no belief that could disagree.")
        return
    with torch.inference_mode():
        values = loaded.model.decode(latents[there])
    p = judges.probabilities(values) if judges is not None else {}
    pictures, words = st.columns([1.15, 1], gap="large")
    with pictures:
        st.markdown("**What each view's belief alone is drawn as**")
        cells = []
        for s, m in enumerate(there):
            line = [sheet.picture(images.content(data, views[m], shown[views[m]][0]), f"{views[m]} as it was seen")]
            for view in views:
                verdict = data.class_names[int(p[view][s].argmax())] if view in p else ""
                line.append(sheet.picture(images.content(data, view, values[view][s]),
                                          f"{view}, drawn from the belief of {views[m]} alone")
                            + (sheet.said(verdict) if verdict else ""))
            cells.append(line)
        st.html(sheet.table("Each view's belief alone, drawn by all decoders", ["it saw", *views],
                            [sheet.head(views[m], m) for m in there], cells))
        if p:
            st.caption("Under each picture: what the judges of real views see in it.")
    with words:
        honest = [m for m in there if views[m] not in changed]
        rows = [s for s, m in enumerate(there) if m in honest]
        if changed:
            st.markdown(f"What is counted here is without {listed(sorted(changed))}, which "
                        f"{'does' if len(changed) == 1 else 'do'} not show the truth now.")
        st.markdown("\n\n".join(reasons(loaded, scene, data, truth, {
            v: q[rows].argmax(-1) for v, q in p.items() if rows}, honest)))
        far = apart(loaded.key)
        st.html(small_table.table(distances(far, data), "How far beliefs lie apart"))
        st.caption("Means over all test items, in units of the latent space.")
        others(loaded.key, far)


def distances(far: Apart, data: MultimodalDataset) -> pd.DataFrame:
    """The numbers of the answer."""
    of = "two items of one class" if data.labelled else "two items"
    return pd.DataFrame({"mean over the test items": ["width of a view's belief (σ)", "between two views of one item",
                                                      f"between two views of {of}"],
                         "distance": [far.width, far.same, far.other]})


def reasons(
    loaded: loaders.Loaded, scene: ItemBeliefs, data: MultimodalDataset, truth: int, verdicts: dict[str, Tensor],
    honest: Sequence[int],
) -> list[str]:
    """The reasons in order, each a Markdown paragraph with its numbers.

    Parameters
    ----------
    loaded, scene, data, truth
        See :func:`show`.
    verdicts : dict of str to Tensor
        View -> (S,): of the pictures from every belief alone, the class that the judges see; empty without judges.
    honest : sequence of int
        Which views are counted.
    """
    loc, scale = (v[list(honest), 0] for v in (scene.loc, scene.scale))
    far, out = apart(loaded.key), []
    if len(loc) > 1:
        gaps = torch.stack([(a - b).abs().max() for i, a in enumerate(loc) for b in loc[:i]])
        out.append(f"The beliefs of this item's views lie up to **{float(gaps.max() / scale.mean()):.0f} of their own "
                   "widths** apart in a single dimension. They aren't broken:")
    if verdicts:
        all_of = torch.cat(list(verdicts.values()))
        name = named(data.class_names[truth])
        out.append(f"1. **They agree about what it is more than about where it lies.** Drawn from one belief alone, "
                   f"{int((all_of == truth).sum())} of {len(all_of)} pictures look like {name} to the judges.")
    ratio = own_and_other(loaded.key, truth)
    about = f" ({ratio:.1f} times as near to its own picture as to another one)" if ratio is not None else ""
    alike = abs(far.same / far.other - 1) < ABOUT_AS_FAR
    kind = "two items of the same class" if data.labelled else "two different items"
    out.append(f"2. **A belief tells which picture was seen**, its handwriting, colours and place{about}. " + (
        f"{data.story} So for the model two views of one item are no nearer than two views of {kind}: {far.same:.1f} "
        f"and {far.other:.1f}." if alike else
        f"Two views of one item lie {far.same:.1f} apart, two views of {kind} {far.other:.1f}: what the views share "
        "draws them together, what each has for itself keeps them apart."))
    out.append(f"3. **Each is sure of its own picture only.** Its width is {far.width:.2f}, because all that it shows "
               "pins it down; it leaves no room for what the other views show. If it did, their beliefs would lie "
               f"within two widths in 95 % of the dimensions. They do in **{far.within:.0%}**: such experts are called "
               "overconfident.")
    if not asks(loaded):
        out.append("4. **Training doesn't ask them to agree.** It asks that pictures drawn from the joint belief be "
                   "right and that beliefs stay near the prior; nothing is lost when views lie apart, as long as the "
                   "decoders know the places.")
    else:
        out.append("4. **Training asks them to agree** in this method: it draws the beliefs of one item towards each "
                   "other.")
    return out


def asks(loaded: loaders.Loaded) -> bool:
    """Whether the model's training asks the beliefs of one item to be near each other."""
    return OBJECTIVES[METHODS[loaded.checkpoint.settings.method].objective].asks_to_agree


def others(key: ModelKey, far: Apart) -> None:
    """On demand: the same numbers of a method whose training does ask."""
    if key.model_name == ASKING or ASKING not in loaders.trained(key.data_name):
        return
    if st.button(f"Compare with {label(ASKING)}, whose training does ask", key="why_compare"):
        there = apart(loaders.load_model(key.data_name, ASKING).key)
        st.markdown(f"With {label(ASKING)} the views' beliefs have a width of {there.width:.2f} instead of "
                    f"{far.width:.2f}, and lie within two widths of each other in **{there.within:.0%}** of the "
                    f"dimensions instead of {far.within:.0%}.")
