"""No internal name reaches a person: of no class, no setting, no registered thing that has a name for people."""

import dataclasses
import functools
import html
import re

import pytest
from streamlit.testing.v1.element_tree import Dataframe

from bvae.aggregators import AGGREGATORS, aggregator
from bvae.aggregators.naming import short, title
from bvae.data import DATASETS
from bvae.metrics import METRICS
from bvae.models.methods import METHODS
from bvae.models.objectives import OBJECTIVES
from bvae.training import Settings
from tests.support.pages import open_page

PAGES = [
    ("pages/learn.py", {}), ("pages/playground.py", {}), ("pages/explore.py", {}),
    ("pages/explore.py", {"model": "code-vae", "agg": "MWB"}),
    ("pages/generate.py", {"model": "code-vae"}), ("pages/generate.py", {"task": "Draw or write"}),
    ("pages/generate.py", {"task": "Interpolate", "model": "code-vae"}), ("pages/generate.py", {"task": "Invent"}),
    ("pages/latent_space.py", {"model": "code-vae"}), ("pages/compare.py", {}),
    ("pages/compare.py", {"mode": "Trained models", "models": ["CoDE-VAE", "MWB-VAE"]}),
    ("pages/your_data.py", {}), ("pages/your_data.py", {"my_item": "1"}),
    ("pages/your_data.py", {"show": "Latent space"}), ("pages/your_data.py", {"show": "Compare rules"}),
    ("pages/train.py", {}), ("pages/benchmarks.py", {}),
]
READ = ("value", "label", "help", "placeholder")


@functools.cache
def internal():
    """What is never written for people: names with a hyphen, an underscore or a bracket, and those of classes.

    One word in small letters, such as "moment" or "code", may be a word of the language.
    """
    names = {name for registry in (AGGREGATORS, METHODS, OBJECTIVES, DATASETS, METRICS) for name in registry}
    names |= {field.name for field in dataclasses.fields(Settings)}
    classes = {registry[name].__name__ for registry in (AGGREGATORS, OBJECTIVES, DATASETS) for name in registry}
    shown = {METHODS[name].title for name in METHODS} | {DATASETS[name].title for name in DATASETS}
    shown |= {says(name) for name in AGGREGATORS for says in (title, short)}
    return {n for n in names if re.search("[-_(]", n)} | {"polymnist", "mopoe", "mwb", "helvae"} | {
        n for n in classes if re.search("[a-z][A-Z]", n) and not any(n in title for title in shown)} - shown


def seen_in(text):
    """Internal names in a text, which stand neither in code nor in an address."""
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+|\S+\.(?:npz|csv|py|json|svg)\b", " ", text)
    return sorted({found for found in re.findall(r"[\w-]+", text) if found in internal()}
                  | set(re.findall(r"\bmixture\(", text)))


def texts_of(app):
    """All that a page says, control by control, but for its code."""
    stack = [app.main, app.sidebar]
    while stack:
        block = stack.pop()
        stack += list(getattr(block, "children", {}).values())
        if getattr(block, "type", "") in ("code", "latex"):
            continue
        if isinstance(block, Dataframe):
            yield from map(str, block.value.columns)
            yield from (str(v) for column in block.value for v in block.value[column] if isinstance(v, str))
            continue
        if getattr(block, "type", "") == "html":
            body = block.proto.body
            yield from (html.unescape(v) for v in re.findall('(?:alt|aria-label|title)="([^"]*)"', body))
            yield html.unescape(re.sub("<style.*?</style>|<[^>]*>", " ", body, flags=re.DOTALL))
            continue
        options = getattr(block, "options", None)  # as they are shown; the value is not
        yield from map(str, options or ())
        yield from (value for name in READ if isinstance(value := getattr(block, name, None), str)
                    and not (options and name == "value"))
        proto = getattr(block, "proto", None)
        yield from (v for v in (getattr(proto, "alt", ""), getattr(proto, "label", "")) if isinstance(v, str))


def test_what_is_internal_is_known():
    assert {"mwb-vae", "polymnist", "latent_dim", "fisher-rao"} <= internal()
    assert seen_in("Rule: mixture(code).") == ["mixture("]
    assert seen_in("trained with mwb-vae") == ["mwb-vae"]
    assert seen_in("run `bvae train polymnist mwb-vae`; MWB-VAE of PolyMNIST; latent dimension; moment") == []


@pytest.mark.parametrize(("page", "query"), [(None, {}), *PAGES])
def test_no_page_says_an_internal_name(page, query):
    app = open_page(page, **query)
    said = {name: text[:200] for text in texts_of(app) for name in seen_in(text)}
    assert said == {}


def test_a_mixture_of_any_rule_has_a_name_for_people():
    for rule in AGGREGATORS:
        if AGGREGATORS[rule].__name__ == "Mixture":
            continue
        name = f"mixture({rule})"
        aggregator(name)
        for says in (title, short):
            assert "(" not in says(name).replace("(", "", says(rule).count("("))
            assert says(rule) in says(name)


@pytest.mark.parametrize("query", [
    ("pages/generate.py", {}), ("pages/generate.py", {"task": "Draw or write"}),
    ("pages/generate.py", {"task": "Interpolate", "path": "Between two views of an item"}),
    ("pages/generate.py", {"task": "Invent"}), ("pages/train.py", {}), ("pages/your_data.py", {}),
    ("pages/your_data.py", {"my_item": "1"}), ("pages/your_data.py", {"show": "Latent space", "my_map": "t-SNE"})])
def test_controls_are_called_by_words_that_differ(query):
    app = open_page(query[0], **query[1])
    kinds = (app.selectbox, app.number_input, app.slider, app.select_slider, app.text_input, app.toggle, app.checkbox,
             app.button, app.segmented_control, app.get("button_group"))
    widgets = {w.key: w.label for kind in kinds for w in kind if getattr(w, "label", "")
               and not str(w.key).endswith("_zoom")}  # those of charts, one below each
    names = list(widgets.values())
    assert len(names) >= 4
    assert sorted(set(names)) == sorted(names)
    assert not [name for name in names if re.search("[_:`$]", name)]
