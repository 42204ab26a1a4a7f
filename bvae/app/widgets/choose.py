"""The two choices that every page about a trained model begins with."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import streamlit as st
from streamlit.errors import StreamlitAPIException

import bvae
from bvae.aggregators import name_of, naming
from bvae.app import links, loaders, pages
from bvae.app.loaders import ModelKey
from bvae.app.state import BIND, Control, Form, PageState, control
from bvae.data import DATASETS, DataError, MultimodalDataset
from bvae.data.own.own_data import OwnData
from bvae.data.own.registering import FOLDERS
from bvae.data.uploads import PosteriorSet
from bvae.io.storage import StorageError
from bvae.models.methods import title_of
from bvae.models.vae import MultimodalVAE

FIRST = "mwb-vae"
FIRST_DATA = "polymnist"
FIRST_ITEM = 342
SEVERAL = ("models", "methods")  # keys of widgets in which several models are chosen


@dataclass(frozen=True)
class Choice:
    """The trained model that a page shows, ready to use."""

    loaded: loaders.Loaded

    @property
    def key(self) -> ModelKey:
        """Which it is."""
        return self.loaded.key

    @property
    def data_name(self) -> str:
        """Of its data set."""
        return self.key.data_name

    @property
    def data(self) -> MultimodalDataset:
        """The test split of its data set."""
        return loaders.test_data(self.data_name)

    @property
    def views(self) -> list[str]:
        """Names of its modalities."""
        return list(self.loaded.model.modalities)


def label(model_name: str) -> str:
    """A checkpoint's name for a person, as links hold it: the method's title, or the name that the user gave."""
    return title_of(model_name)


def data_label(data_name: str) -> str:
    """A data set's name for a person, as links hold it."""
    return DATASETS[data_name].title or data_name


def first_item(total: int) -> int:
    """The item that is shown at first, of so many."""
    return min(FIRST_ITEM, total - 1)


def nearest_whole(data: MultimodalDataset | PosteriorSet, wanted: int) -> int:
    """The item nearest to this one among those that have the most views; itself where no item lacks one, or where
    posteriors are all that is there."""
    if isinstance(data, PosteriorSet) or not data.incomplete:
        return wanted
    views = data.present.sum(0)
    most = (views == views.max()).nonzero().flatten()
    return int(most[(most - wanted).abs().argmin()])


def item(first: Callable[[int], int] = first_item, key: str = "item") -> Any:
    """A field for the number of a test item: at first, what `first` says of so many, see :func:`nearest_whole`."""
    return control(lambda about: nearest_whole(about.data, first(len(about.data))), key,
                   low=0, high=lambda about: len(about.data) - 1,
                   stated=key == "item")


def seed() -> Any:
    """A field for the seed of the noise."""
    return control(0, low=0, high=9999, stated=True)


def samples(first: int) -> Any:
    """A field for how many samples are drawn."""
    return control(first, "n", low=1, high=8)


PLANES = {"dims": "Most disagreeing dimensions", "pca": "PCA"}
"""In which plane posteriors are drawn -> for a person."""
RULE = "agg"
"""Key of the box for a rule to aggregate with."""
AS_TRAINED = "as-trained"
"""For a rule: the one that the model was trained with."""
OWN_RULE = "the model's own rule"
"""What it is called for a person, see :func:`own_rule`."""
FOR_A_NETWORK = ("This model's own rule is a network that was trained with it. What its encoders give is meant for "
                 "that network: to other rules it means little.")
"""What is said of a model whose rule does not keep one expert as it is."""
FORMER_OWN_RULE = "as trained"
"""How links that were made before call it, with the rule's name behind it."""


def plane(key: str = "plane") -> Any:
    """A field for the plane in which posteriors are drawn."""
    return control("dims", key, options=tuple(PLANES), called=PLANES.__getitem__)


def rules(*_: Any) -> list[str]:
    """Names of all rules, in the order in which they are offered."""
    return naming.ordered(bvae.aggregators())


def rule_label(rule_name: str) -> str:
    """A rule's name for a person, as links hold it."""
    return naming.short(rule_name)


def own_rule(rule_name: str) -> str:
    """The rule that a model was trained with, for a person."""
    return f"{OWN_RULE} ({rule_label(rule_name)})"


def rule_or_trained() -> Any:
    """A field for a rule to aggregate with, the model's own at first."""
    return control(AS_TRAINED, RULE, options=lambda _: [AS_TRAINED, *rules()])


def choose_rule(form: Form, place: Any, model: MultimodalVAE, help: str) -> str:
    """The box for :func:`rule_or_trained`."""
    own = own_rule(name_of(model.aggregator))
    if st.query_params.get(RULE, "").startswith(FORMER_OWN_RULE):
        rewrite(RULE, own, AS_TRAINED)
    if not model.aggregator.keeps_one:
        help += f" {FOR_A_NETWORK}"
    return form.ask(place.selectbox, "rule", "Rule", help=help,
                    format_func=lambda r: own if r == AS_TRAINED else rule_label(r))


def accept_names(key: str, names: Sequence[str], called: Callable[[str], str]) -> None:
    """Before a bound widget: let links give names of checkpoints and data sets as well as what a person reads.

    A bound widget knows its options as `called` writes them, and would take another spelling out of the address: what
    links held before names were written out, and what the command line calls things. It is written anew in the
    address, with which the run begins again.
    """
    given = st.query_params.get_all(key)
    options = {called(name) for name in names}
    if all(value in options or value not in names for value in given):
        return
    known = [called(value) if value in names and value not in options else value for value in given]
    values = [name for name in names if called(name) in known]
    rewrite(key, known, values if key in SEVERAL else values[0])


def rewrite(key: str, texts: str | list[str], value: Any) -> None:
    """Let the address hold other texts for a widget that is still to come, and begin the run again with them."""
    try:
        st.query_params[key] = texts
    except StreamlitAPIException:  # the widget of the page that one came from still has the parameter
        st.session_state[key] = value
    else:
        st.rerun()


def data_box(place, names: Sequence[str], key: str = "data") -> str:
    """The box in which a data set is chosen."""
    accept_names(key, names, data_label)
    return _box(place, "Data set", names, key, data_label)


def _box(place: Any, label: str, names: Sequence[str], key: str, called: Callable[[str], str], index: int = 0) -> str:
    """A box with names, in the address too; what a link asks for and is not among them is said."""
    wanted = links.asked(key)
    name: str = place.selectbox(label, names, index=index, key=key, bind=BIND, format_func=called)
    links.compare(label, wanted, [(called(name), name)])
    return name


def in_order(names: Iterable[str]) -> list[str]:
    """Names of data sets: those of pictures first, then those of tables."""
    return sorted(names, key=lambda name: (issubclass(DATASETS[name], OwnData), name != FIRST_DATA))


def ready() -> list[str]:
    """Data sets with a trained model, and the one that is asked for without any; all if none has one."""
    asked = {st.query_params.get("data"), st.session_state.get("data")}
    every = in_order(bvae.datasets())
    having = [name for name in every if loaders.trained(name)]
    return having + [n for n in every if n not in having and (not having or not asked.isdisjoint((n, data_label(n))))]


def choose_data(place) -> tuple[str, list[str]]:
    """The data set and the names of its trained models; stops the page with what to do if there is none."""
    data_name = data_box(place, ready())
    names = loaders.trained(data_name)
    if not names:
        command = shlex.join(["python", "-m", "bvae", "train", str(FOLDERS.get(data_name, data_name)), FIRST])
        st.info(f"No model of {data_label(data_name)} is trained yet. Train one with `{command}`, or on the page "
                "Train.")
        st.page_link(pages.script("train"), label=f"Train a model of {data_label(data_name)}",
                     icon=":material/model_training:", query_params={"train_data": data_label(data_name)})
        st.stop()
    for key in ("model", *SEVERAL):
        accept_names(key, names, label)
    return data_name, names


def first_model(data_name: str) -> str:
    """The model that is chosen at first, of a data set that has some."""
    names = loaders.trained(data_name)
    return FIRST if FIRST in names else names[0]


DATA = Control("data", None, called=data_label, stated=True, stays=True)
MODEL = Control("model", lambda about: first_model(about.data_name), called=label, stated=True)

PICKED = Control("picked", "")
"""Items that are selected in maps, as in the field of `bvae.app.beliefs.selection.selection`."""


@dataclass(frozen=True, kw_only=True)
class ModelState(PageState):
    """State of a page about one trained model, see :func:`choose_model`."""

    BESIDE: ClassVar = {"data": DATA, "model": MODEL}

    shown: ModelKey


def choose_model(data_place, model_place, first: Callable[[str], str] = first_model) -> Choice:
    """Select boxes for the data set and the method; stops the page with what to do if nothing is trained or readable.

    Parameters
    ----------
    data_place, model_place : Streamlit containers
        Where the two boxes go.
    first : callable
        Name of a data set -> the model that is chosen at first.
    """
    data_name, names = choose_data(data_place)
    model_name = _box(model_place, "Method", names, "model", label, names.index(first(data_name)))
    try:
        return Choice(loaders.load_model(data_name, model_name))
    except StorageError as error:
        st.error(f"This model cannot be read: {error}", icon=":material/error:")
    except DataError as error:
        st.error(f"The data of this model cannot be read: {error}", icon=":material/error:")
    st.stop()
