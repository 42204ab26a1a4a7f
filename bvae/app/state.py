"""State that a link carries: what a person chooses on a page, as one frozen dataclass a page.

Its fields say what there is to choose (:func:`control`): the key in the address, the value at first, the options. From
that come the arguments of the widgets (:class:`Form`), Reset, what a link states and, on most pages, the script of
Reproduce. Caches take a `loaders.ModelKey` and what they need, not the whole state: changing a plane computes nothing
anew. Widgets bind themselves to the address.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, TypeVar

import streamlit as st

from bvae.app import links
from bvae.app.router import ensure_routed
from bvae.app.templates import stylesheet
from bvae.plots import style

URL_VERSION = "1"
BIND: Final = "query-params"
FIRST_AS = {"selectbox": "index", "radio": "index", "segmented_control": "default", "pills": "default",
            "number_input": "value", "slider": "value", "select_slider": "value", "toggle": "value",
            "multiselect": "default",
            "checkbox": "value", "text_input": "value"}
"""How each of Streamlit's widgets calls the value that it has at first."""
IN_ROWS = ("pills", "segmented_control")
"""Widgets whose options go on in another row where there is no room: else some would lie beside the edge, unseen."""
BOUNDS = {"low": "min_value", "high": "max_value", "step": "step"}


def begin_page() -> None:
    """What every page does first: be routed, have the stylesheet, and put the link format's version into the URL."""
    ensure_routed()
    st.html(stylesheet(ink().paper, style.LIGHT.paper, style.DARK.paper))
    if st.query_params.get(links.VERSION) != URL_VERSION:
        st.query_params[links.VERSION] = URL_VERSION


# -- what there is to choose -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Control:
    """One thing that a person chooses on a page.

    Attributes that depend on what the page shows, such as the data set, are functions of it.

    Attributes
    ----------
    key : str
        Of the widget and in the address. With `each`, "{}" stands for the name.
    first : value, or callable
        At first and after Reset; None where there is nothing to choose.
    options : sequence, or callable, optional
        What can be chosen; of a tuple `first`, any of them.
    low, high, step : number, or callable, optional
    called : callable, optional
        option -> as the widget and the address write it.
    each : callable, optional
        -> names, such as those of the views: there is one such widget for each of them.
    stated : bool
        Whether links hold it at its first value too, which another version may change.
    stays : bool
        Whether Reset leaves it as it is.
    bound : bool
        Whether it is in the address.
    """

    key: str | Callable[[Any], str]
    first: Any
    options: Any = None
    low: Any = None
    high: Any = None
    step: Any = None
    called: Callable[[Any], str] | None = None
    each: Callable[[Any], Sequence[str]] | None = None
    stated: bool = False
    stays: bool = False
    bound: bool = True

    def now(self, attribute: str, about: Any) -> Any:
        """An attribute, where the page shows `about`."""
        value = getattr(self, attribute)
        return value(about) if callable(value) else value

    def keys(self, about: Any) -> list[str]:
        """Of its widgets."""
        key = self.now("key", about)
        return [key] if self.each is None else [key.format(name) for name in self.each(about)]

    def arguments(self, kind: str, about: Any, options: Sequence[Any] | None, first: Any) -> dict[str, Any]:
        """What a widget is given, beside key and label.

        Parameters
        ----------
        kind : str
            Name of Streamlit's widget.
        about
            What the page shows.
        options, first
            Instead of the control's own, unless None.
        """
        out: dict[str, Any] = {}
        first = self.now("first", about) if first is None else first
        if options is None:
            options = self.now("options", about)
        if options is not None:
            out["options"] = list(options)
            if self.called is not None:
                out["format_func"] = self.called
            if FIRST_AS[kind] == "index":
                first = out["options"].index(first)
            elif kind == "pills":
                out["selection_mode"] = "multi"
            elif kind == "segmented_control":
                out["required"] = True
            if kind in IN_ROWS:
                out["wrap"] = True
        out |= {name: self.now(bound, about) for bound, name in BOUNDS.items() if getattr(self, bound) is not None}
        return {FIRST_AS[kind]: list(first) if isinstance(first, tuple) else first, **out,
                **({"bind": BIND} if self.bound else {})}

    def written(self, value: Any) -> str:
        """A value as links hold it."""
        return str(value if self.called is None else self.called(value))


def control(first: Any, key: str | Callable[[Any], str] = "", **more: Any) -> Any:
    """A field of a page's state that a widget decides; see :class:`Control`. The key is the field's name by default."""
    metadata = {"control": Control(key, first, **more)}
    if callable(first) or first is None or "each" in more:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=first, metadata=metadata)


class PageState:
    """Base of the pages' states, which are frozen dataclasses with keyword arguments only.

    `BESIDE`: what is chosen without being a field of its own, such as the names of which a `ModelKey` is made.
    """

    BESIDE: ClassVar[Mapping[str, Control]] = {}

    @classmethod
    def controls(cls) -> dict[str, Control]:
        """Name of the field -> what there is to choose."""
        return {**cls.BESIDE, **{
            field.name: dataclasses.replace(c, key=c.key or field.name) for field in dataclasses.fields(cls)  # type: ignore[arg-type]
            if (c := field.metadata.get("control")) is not None}}

    @classmethod
    def firsts(cls, about: Any) -> dict[str, Any]:
        """Key of every widget -> what Reset gives it, where the page shows `about`."""
        return {key: first for c in cls.controls().values()
                if not c.stays and (first := c.now("first", about)) is not None for key in c.keys(about)}


State = TypeVar("State", bound=PageState)


class Form(Generic[State]):
    """The widgets of a page, asked one by one where they stand, and its state from their answers.

    Parameters
    ----------
    kind : type
        The page's state.
    about
        What the page shows: what first values and options depend on. It may be set later, when it is known.
    """

    def __init__(self, kind: type[State], about: Any = None) -> None:
        self.kind, self.about, self.controls = kind, about, kind.controls()
        self._answers: dict[str, Any] = {}

    def ask(
        self, widget: Callable[..., Any], name: str, label: str, of: str | None = None,
        options: Sequence[Any] | None = None, first: Any = None, **more: Any,
    ) -> Any:
        """Show the widget of a field.

        Parameters
        ----------
        widget : callable
            Streamlit's, such as `st.slider` or `column.slider`.
        name : str
            Of the field.
        label : str
        of : str, optional
            Which of several, see `Control.each`.
        options, first : optional
            Where they depend on more than what the page shows: instead of what the field says.
        **more
            To the widget.

        Returns
        -------
        value
            What is chosen now.
        """
        c, key = self.controls[name], self.key(name, of)
        arguments = c.arguments(widget.__name__, self.about, options, first)
        if options is not None or callable(c.options):
            given = arguments[FIRST_AS[widget.__name__]]
            keep_offered(key, arguments["options"], arguments["options"][given] if "index" in arguments else given)
        arguments |= more
        wanted = links.asked(key) if c.bound else []
        value = widget(label, key=key, **arguments)
        if wanted:
            called = arguments.get("format_func", str)
            values = value if isinstance(value, list) else [value]
            links.compare(label, wanted, [(called(v), c.written(v), str(v)) for v in values])
        return self._answered(name, of, value)

    def keep(self, name: str, of: str | None = None) -> None:
        """Instead of showing a widget for now: it keeps what was chosen, which Streamlit would forget."""
        if (key := self.key(name, of)) in st.session_state:
            st.session_state[key] = self._answered(name, of, st.session_state[key])

    def follow(self, before: Any, *names: str) -> None:
        """Before widgets whose first values depend on what the page is about: those that still had that of `before`,
        what it was about, get that of what it is about now; what a person changed stays."""
        for name in names:
            c, key = self.controls[name], self.key(name)
            if st.session_state.get(key) == c.now("first", before):
                st.session_state[key] = c.now("first", self.about)

    def key(self, name: str, of: str | None = None) -> str:
        """Of a field's widget."""
        return self.controls[name].now("key", self.about).format(of)

    def _answered(self, name: str, of: str | None, value: Any) -> Any:
        held = tuple(value) if isinstance(value, list) else value
        if of is None:
            self._answers[name] = held
        else:
            self._answers.setdefault(name, {})[of] = held
        return value

    def state(self, **more: Any) -> State:
        """The answers; what was not asked is as at first. `more`: fields that no widget of this form decides."""
        asked = [name for name in self.controls if name not in more and name not in self.kind.BESIDE]
        return self.kind(**{name: self.answer(name) for name in asked}, **more)

    def answer(self, name: str) -> Any:
        """What is chosen for a field; as at first if it was not asked. Of several widgets, one answer for each."""
        c, first = self.controls[name], self.controls[name].now("first", self.about)
        if c.each is None:
            return self._answers.get(name, first)
        given = self._answers.get(name, {})
        return tuple(given.get(each, first) for each in c.each(self.about))

    def stated(self) -> Iterator[tuple[str, str]]:
        """What links hold in any case: key and value of what the page shows now."""
        for c in self.controls.values():
            if c.stated and (key := c.now("key", self.about)) in st.session_state:
                yield key, c.written(st.session_state[key])

    def reset_button(self, forgets: Sequence[str] = (), opens: Any = None) -> None:
        """A button for :func:`reset`; `forgets`: keys of what else is given up; `opens`: what it is about then."""
        firsts = self.kind.firsts(self.about) | ({} if opens is None else self.kind.firsts(opens))
        st.button("Reset everything", icon=":material/restart_alt:", on_click=reset, args=(firsts, forgets),
                  key="reset_everything")


def reset(firsts: Mapping[str, Any], forgets: Sequence[str] = ()) -> None:
    """Give the named widgets these values at the next run, and so take them out of the address.

    Forgetting a widget is not enough: without a value of its own, a bound widget takes that of the address again. Those
    that the page has not shown yet stay as they are: the options of others may be different ones.
    """
    for key, value in firsts.items():
        if key in st.session_state:
            st.session_state[key] = list(value) if isinstance(value, tuple) else value
    forget(*forgets)


def forget(*keys: str) -> None:
    """Let the named widgets have their first values at the next run."""
    for key in keys:
        st.session_state.pop(key, None)


def keep_offered(key: str, options: Sequence[Any], first: Any) -> None:
    """Before a widget whose options depend on another one: replace a value that is offered no more, in the link too."""
    held = st.session_state.get(key)
    if isinstance(held, list):
        if held and not set(held) & set(options):
            forget(key)
    elif key in st.session_state and held not in options:
        st.session_state[key] = first


def ink():
    """Colours for the theme that the viewer has on."""
    try:
        return style.DARK if st.context.theme.type == "dark" else style.LIGHT
    except AttributeError:  # outside a browser
        return style.LIGHT
