"""What a person chooses on Generate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from bvae.aggregators import Aggregator
from bvae.app.generate import first, script
from bvae.app.generate.tasks import (
    BARE_PRIOR,
    DRAW,
    DRAW_OR_WRITE,
    DRAWN,
    EDIT,
    ITEMS,
    TASKS,
    TRANSLATE,
    WEIGHTS,
    WRITE,
)
from bvae.app.state import control
from bvae.app.widgets import choose, tiles
from bvae.app.widgets.choose import Choice, ModelState
from bvae.data import MultimodalDataset

SECOND_ITEM = 700


def tasks(about: Choice) -> list[str]:
    """What one can do with a data set: one edits rows of tables, and draws or writes what can be drawn or typed."""
    tables = tiles.has_tables(about.data)
    left_out = {DRAW_OR_WRITE} if tables and not kinds(about) else set() if tables else {EDIT}
    return [task for task in TASKS if task not in left_out]


def views(about: Choice) -> list[str]:
    """Names of the model's views."""
    return about.views


def kinds(about: Choice) -> list[str]:
    """Whether one can draw, and type."""
    return [DRAW] * bool(about.data.takes_drawings) + [WRITE] * bool(about.data.takes_text)


def drawn_as(about: Choice) -> list[str]:
    """Views as which a drawing can enter."""
    return [v for v in about.views if v in about.data.takes_drawings]


def drawn_from(about: Choice) -> list[str]:
    """From what z can be drawn where nothing is observed: a model without a sampler has the prior alone."""
    return [BARE_PRIOR] if about.loaded.model.sampler is None else list(DRAWN)


def first_text(data: MultimodalDataset) -> str:
    """The text of the first item, in the field at first; nothing where no view can be typed."""
    if not data.takes_text:
        return ""
    view = data.takes_text[0]
    return data.read_text(data.subset([choose.first_item(len(data))])[view])[0].strip(f" {data.text_padding}")


@dataclass(frozen=True, kw_only=True)
class Generate(ModelState):
    """A task, with what each of them needs.

    Attributes
    ----------
    task : str
    rule : str
        Registered name, or `choose.AS_TRAINED`.
    item, second : int
    num_samples, seed : int
    sources, targets : tuple of str
        Views that are translated, and into which.
    given : tuple of str
        Views of a row that are filled in.
    kind, view, centre, text
        Whether one draws or types; as which view the drawing enters, and whether it is centred; what is typed.
    path, start, end, noise
        Between what one goes; the two views; whether z is a sample of every posterior, or its mean.
    drawn : str
        From what an invention's z is drawn, of `DRAWN`. The page holds it in the address itself, see
        `inventing.choose_drawn`.
    """

    BESIDE: ClassVar = {**ModelState.BESIDE, "model": replace(
        choose.MODEL, first=lambda about: first.first_model(about.data_name))}

    task: str = control(TRANSLATE, options=tasks, stays=True)
    rule: str = choose.rule_or_trained()
    item: int = choose.item()
    num_samples: int = choose.samples(3)
    seed: int = choose.seed()
    sources: tuple[str, ...] = control(lambda about: tuple(about.views[: max(1, len(about.views) // 2)]), "from",
                                       options=views)
    targets: tuple[str, ...] = control(lambda about: tuple(about.views), "to", options=views)
    given: tuple[str, ...] = control(lambda about: tuple(about.views), "filled", options=views)
    kind: str = control(lambda about: next(iter(kinds(about)), None), "input", options=kinds)
    view: str = control(lambda about: next(iter(drawn_as(about)), None), "as", options=drawn_as)
    centre: bool = control(True)
    text: str = control(lambda about: first_text(about.data))
    path: str = control(ITEMS, options=(ITEMS, WEIGHTS))
    second: int = choose.item(lambda total: min(SECOND_ITEM, total - 1), "item2")
    start: str = control(lambda about: about.views[0], "view1", options=views)
    end: str = control(lambda about: about.views[min(1, len(about.views) - 1)], "view2", options=views)
    noise: bool = control(False)
    drawn: str = control(lambda about: drawn_from(about)[0], options=drawn_from, called=DRAWN.get, bound=False)

    def script(self, rule: Aggregator, data: MultimodalDataset, drawing: str = "", row: Sequence[str] = ()) -> str:
        """Python that gives the same; `drawing` is the one on the canvas, as links hold it, `row` what is done to one.
        """
        return script.of(self, rule, data, drawing, row)
