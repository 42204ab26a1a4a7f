"""Pages in Streamlit's AppTest: opened, unfolded, read, and found without errors."""

import functools
import html
import re

import pandas as pd
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.support import ROOT

TIMEOUT = 300
# Each AppTest asks every installed package for components, which takes longer than most pages do: once is enough.
manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)
FOLDS = ("reproduce", "as_table", "how_trained", "published", "the_format", "extending", "formula", "home_numbers",
         "explore_why", "explore_lot", "explore_dimensions", "explore_draws", "explore_numbers")


def opened(page=None, **query):
    """A page, by its file, or Home, as a new session finds it at an address; whatever it says."""
    app = AppTest.from_file(ROOT / "app.py", default_timeout=TIMEOUT)
    for key, value in query.items():
        app.query_params[key] = value
    if page:
        app.switch_page(page)
    return app.run()


def open_page(page=None, **query):
    """The same, without an error."""
    app = opened(page, **query)
    assert_clean(app)
    return app


def unfold(app):
    """Open what is made only when somebody opens it, until the next run."""
    for key in FOLDS:
        app.session_state[key] = True
    app.run()
    assert_clean(app)
    return app


def html_table(app, label):
    """A table that is shown as HTML, as texts."""
    shown = next(h.proto.body for h in app.get("html") if f'aria-label="{label}"' in h.proto.body)
    heads, *rows = (
        [html.unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall("<tr>(.*?)</tr>", shown))
    return pd.DataFrame(rows, columns=heads)


def all_numbers(app):
    """The table of a comparison, to the three digits that are shown."""
    table = html_table(app, "All numbers")
    for column in table.columns[2:]:
        table[column] = [float(v.replace(",", "").replace("–", "nan")) for v in table[column]]
    return table


def drawings(app):
    """What each of the pictures says that are drawn on the server, see `bvae.plots.drawing`."""
    bodies = [h.proto.body for h in app.get("html")]
    return [html.unescape(alt) for body in bodies
            for alt in re.findall('<img alt="([^"]+)"[^>]*src="data:image/svg', body)]


def assert_clean(app):
    assert not app.exception, [e.value for e in app.exception]
    assert not app.error, [e.value for e in app.error]
