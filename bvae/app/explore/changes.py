"""What happened: Explore's picture of before the last change beside that of now, in sentences. Widgets at the end."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from bvae.app.beliefs.tampering import DAMAGE_NAMES, Tampering, sayable
from bvae.data import MultimodalDataset
from bvae.plots.posterior import Aggregate

KEY = "explore_before"
"""In the session's state."""
STAYS = 0.05
"""A joint belief that moved by less than this share of its own reach stayed where it was."""
AS_WIDE = 0.03
"""A width that changed by less than this share is the same."""


class Snapshot(NamedTuple):
    """What one chose, and what came of it.

    Attributes
    ----------
    present, weights : tuple
        Of every view.
    tampered : tuple of Tampering
    rule : str
        Its name for a person.
    by_lot : bool
        See `item_beliefs.build`.
    joint : Aggregate
        The joint belief that is drawn.
    judged : dict of str to Tensor
        View -> (num_classes,): what the judges see in its pictures, mean over the draws; empty where nothing is decoded
        or judged.
    """

    present: tuple[bool, ...]
    weights: tuple[float, ...]
    tampered: tuple[Tampering, ...]
    rule: str
    by_lot: bool
    joint: Aggregate
    judged: Mapping[str, Tensor]

    @property
    def chosen(self) -> tuple[Hashable, ...]:
        """What one chose."""
        return self[:5]


def remembered(of: Hashable, now: Snapshot, first: Callable[[], Snapshot | None]) -> Snapshot | None:
    """What there was before the last change; None if nothing was changed.

    Parameters
    ----------
    of : hashable
        What the picture is of: the model, the item.
    now : Snapshot
    first : callable
        () -> what counts as before where nothing is remembered.
    """
    known = st.session_state.get(KEY)
    if known is None or known[0] != of:
        known = (of, first(), now)
    before = known[1] if known[2].chosen == now.chosen else known[2]
    st.session_state[KEY] = (of, before, now)
    return before


def named(class_name: str) -> str:
    """A class in a sentence."""
    return f"a {class_name}" if class_name.isdigit() else f"“{class_name}”"


def listed(parts: Sequence[str]) -> str:
    """"a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def done(before: Snapshot, now: Snapshot, views: Sequence[str], data: MultimodalDataset, truth: int) -> list[str]:
    """What one changed, as the beginnings of a sentence."""
    out = []
    was, is_now = ({t.view: t for t in of.tampered} for of in (before, now))
    for m, view in enumerate(views):
        if before.present[m] != now.present[m]:
            out.append(f"{view} is seen again" if now.present[m] else f"{view} is hidden")
        old, new = was.get(view), is_now.get(view)
        if old == new or not now.present[m]:
            continue
        if new is None:
            if before.present[m]:
                out.append(f"{view} shows the truth again")
            continue
        if new.lies and (old is None or not old.lies or old.item != new.item):
            other = new.shown(data)
            name = named(data.class_names[other])
            out.append(f"{view} now says {name}" if other != truth else f"{view} now shows another picture of {name}")
        elif old is not None and old.lies and not new.lies:
            out.append(f"{view} shows the truth again")
        if new.damage is not None and (old is None or (old.damage, old.strength) != (new.damage, new.strength)):
            out.append(f"{view} is damaged ({DAMAGE_NAMES.get(new.damage, new.damage)}, {new.strength:.0%})")
        elif old is not None and old.damage is not None and new.damage is None:
            out.append(f"{view} is whole again")
    counted = [(view, a, b) for m, (view, a, b) in enumerate(zip(views, before.weights, now.weights, strict=True))
               if a != b and now.present[m]]
    out += [f"{view} now weighs {b:g} instead of {a:g}" for view, a, b in counted]
    if before.rule != now.rule:
        out.append(f"{now.rule} instead of {before.rule}")
    if before.by_lot != now.by_lot:
        out.append("a group by lot instead of all views together" if now.by_lot else
                   "all views together instead of a group by lot")
    return out


def moved(before: Aggregate, now: Aggregate) -> str:
    """Whether the joint belief moved, widened or stayed."""
    far = float(np.linalg.norm(now.mean - before.mean))
    reach = float(np.sqrt(before.variance.sum()))
    wider = float(np.sqrt(now.variance).mean() / np.sqrt(before.variance).mean())
    stays = far < STAYS * reach
    dimensions = np.size(now.mean)
    everywhere = f" (in all {dimensions} dimensions)" if dimensions > 2 else ""  # a picture shows two of them
    went = "stayed where it was" if stays else f"moved by {far:.2g}{everywhere}"
    if abs(wider - 1) < AS_WIDE:
        return f"the joint belief {went} and is as wide as before"
    return f"the joint belief {went} {'but' if stays else 'and'} got {wider:.2g} times as wide"


def seen(
    judged: Mapping[str, Tensor], counts: Sequence[str], class_names: Sequence[str]
) -> tuple[int, float] | None:
    """The class that the judges see in some views and its probability; None if nobody judges."""
    there = [judged[view] for view in counts if view in judged]
    if not there:
        return None
    best = torch.stack(there).mean(0).max(dim=-1)
    return int(best.indices), float(best.values)


def pictures(before: Snapshot | None, now: Snapshot, views: Sequence[str], class_names: Sequence[str]) -> str:
    """What the pictures show, those of hidden views if there are some, else those of views that do not lie; nothing if
    nobody judges."""
    hidden = [view for view, there in zip(views, now.present, strict=True) if not there]
    lying = {t.view for t in now.tampered if t.lies}
    honest = [view for view in views if view not in lying] if not hidden else []
    counts = hidden or honest or list(views)
    found = seen(now.judged, counts, class_names)
    if found is None:
        return ""
    who = ("the hidden view" if len(hidden) == 1 else "the hidden views") if hidden else (
        "the pictures of the honest views" if lying and honest else "the pictures")
    verb = "shows" if len(hidden) == 1 else "show"
    sure = f"{named(class_names[found[0]])} ({found[1]:.0%} sure)"
    old = seen(before.judged, counts, class_names) if before is not None else None
    if old is None:
        return f"{who} {verb} {sure}"
    if old[0] == found[0]:
        return f"{who} still {verb} {sure}"
    return f"{who} now {verb} {sure} instead of {named(class_names[old[0]])}"


def sentence(
    before: Snapshot | None, now: Snapshot, views: Sequence[str], data: MultimodalDataset, truth: int
) -> str:
    """What happened; where nothing did, what there is to see. Markdown."""
    shown = pictures(before, now, views, data.class_names)
    changed = done(before, now, views, data, truth) if before is not None else []
    if before is not None and changed:
        what = listed(changed)
        return (f"**{what}:** {moved(before.joint, now.joint)}" + (f"; {shown}" if shown else "")
                + ".")
    many = sum(now.present)
    if not many:
        return "**No view is seen:** the joint belief is the prior, what is known before anything is seen" + (
            f"; {shown}." if shown else ".")
    what = (f"{many} views, {many} beliefs (filled), one joint belief (thick line)" if many > 1 else
            "One view, one belief (filled), and the joint belief (thick line)")
    return f"**{what}:** drawn from it, {shown}." if shown else f"**{what}.**"


# -- widgets ---------------------------------------------------------------------------------------------------------


def suggestion(views: Sequence[str], now: Snapshot, data: MultimodalDataset, truth: int, firsts: Mapping) -> None:
    """One thing to try, or the way back.

    Parameters
    ----------
    views : sequence of str
    now : Snapshot
    data : MultimodalDataset
    truth : int
        The item's class.
    firsts : mapping
        Key of a widget -> its first value, of those that the way back resets.
    """
    if not all(now.present) or now.tampered or len(set(now.weights)) > 1:
        st.button("Undo all", icon=":material/undo:", key="undo_all", on_click=_set, args=(dict(firsts),))
        return
    others = [k for k in sayable(data) if k != truth]
    if others:
        lie = min(others, key=lambda k: (k - truth - 4) % (max(others) + 1))  # 7 for a 3, which looks quite different
        st.button(f"Let {views[0]} say {named(data.class_names[lie])}", icon=":material/theater_comedy:", key="try_lie",
                  on_click=_set, args=({f"lie_{views[0]}": str(lie)},))


def _set(values: Mapping) -> None:
    for key, value in values.items():
        st.session_state[key] = list(value) if isinstance(value, tuple) else value
