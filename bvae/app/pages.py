"""Which pages there are, in the order of the tour: names in addresses, scripts, what the navigation says of them."""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from pathlib import Path

from bvae.training.checkpoint import is_checkout

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]


@dataclass(frozen=True)
class Page:
    """One page.

    Parameters
    ----------
    title, icon, group : str
        In the navigation.
    folder : str
        Below ``bvae/app``; ``page.py`` in it is run for every change that a visitor makes.
    help : str
        What it is for, in a sentence: in the navigation, and at the end of the page before it.
    alone : tuple of str
        Parameters of its address with which it stands without what comes after it.
    lead : str
        What one does first there, in Markdown, where the app and the static edition say the same.
    """

    title: str
    icon: str
    group: str
    folder: str
    help: str
    alone: tuple[str, ...] = ()
    lead: str = ""


UNDERSTAND, LOOK, OWN = "Understand", "Look into models", "Your own"
"""Groups of the navigation."""
PAGES = {
    "home": Page("Home", ":material/home:", UNDERSTAND, "home",
                 "The idea in one picture: several beliefs about one thing become one.",
                 lead="A trained model looks at five photographs. Each gives it a **belief**. A **rule** makes one "
                      "**joint belief** of the five, and from that comes a picture. Which one?"),
    "learn": Page("Learn", ":material/school:", UNDERSTAND, "learn",
                  "Short lessons: in each you predict before you see.", alone=("class", "room", "lesson")),
    "playground": Page("Playground", ":material/toys:", UNDERSTAND, "playground",
                       "Drag the beliefs with your own hands and watch every rule follow.",
                       lead="**Drag the dots and the rings:** every joint belief follows. Which one would you trust?"),
    "explore": Page("Explore", ":material/explore:", LOOK, "explore",
                    "A trained model and real pictures: hide a view, or make one lie, and see what becomes of the "
                    "joint belief."),
    "generate": Page("Generate", ":material/brush:", LOOK, "generate",
                     "Draw a digit or edit a row, and see it in every view; invent; walk from one item to another."),
    "latent_space": Page("Latent space", ":material/scatter_plot:", LOOK, "latent_space",
                         "All test items at once, as a map: which lie together, and where one view sees it otherwise."),
    "compare": Page("Compare", ":material/compare:", LOOK, "compare",
                    "Rules or trained models side by side: the same item, the same noise, the same axes."),
    "benchmarks": Page("Benchmarks", ":material/monitoring:", LOOK, "results",
                       "One item proves little: the numbers over all test items, and how they mislead."),
    "your_data": Page("Your data", ":material/upload_file:", OWN, "your_data",
                      "Your own tables, pictures, texts or sounds: what is in them, and what is missing. Or what your "
                      "own model believes."),
    "train": Page("Train", ":material/model_training:", OWN, "train",
                  "Train a model of your own and watch it learn: stop it, go on, come back later."),
}
"""In the order of the tour, by the name in the address; Home, the first one, has none."""


def script(name: str) -> str:
    """The file that Streamlit runs for a page: that in ``pages/`` of a checkout, else the one in the package."""
    return str(CHECKOUT / "pages" / f"{name}.py" if is_checkout() else HERE / PAGES[name].folder / "page.py")


def run(name: str) -> None:
    """Run a page's script from one in ``pages/``, compiled once."""
    runpy.run_module(f"bvae.app.{PAGES[name].folder}.page", run_name="__main__")
