"""Which pages there are: names in addresses, scripts, and what the navigation says of them."""

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
    title, icon, help : str
        In the navigation.
    folder : str
        Below ``bvae/app``; ``page.py`` in it is run for every change that a visitor makes.
    """

    title: str
    icon: str
    help: str
    folder: str


PAGES = {
    "home": Page("Home", ":material/home:",
                 "The idea in one picture: three ways to combine what several experts believe.", "home"),
    "learn": Page("Learn", ":material/school:",
                  "Eight short lessons, each with a question before its answer.", "learn"),
    "playground": Page("Playground", ":material/toys:",
                       "Drag Gaussian experts in the plane and watch every barycenter follow.", "playground"),
    "explore": Page("Explore", ":material/explore:",
                    "Pick modalities and an aggregator; see the posteriors and what the model imagines.", "explore"),
    "generate": Page("Generate", ":material/brush:",
                     "Draw a digit, pick views, walk between items: what does the model make of it?", "generate"),
    "latent_space": Page("Latent space", ":material/scatter_plot:",
                         "Maps of the latent space of all test items: PCA and t-SNE.", "latent_space"),
    "compare": Page("Compare", ":material/compare:",
                    "Two to six methods or aggregators side by side on one sample, with the same noise.", "compare"),
    "your_data": Page("Your data", ":material/upload_file:",
                      "Posteriors of your own model in these views; how to add data sets, rules and methods.",
                      "your_data"),
    "train": Page("Train", ":material/model_training:",
                  "Train a model of your own: live curves and samples, stop, resume, come back.", "train"),
    "benchmarks": Page("Benchmarks", ":material/monitoring:",
                       "The numbers of all trained models, with what they mean and how they mislead.", "results"),
}
"""By the name in the address; Home, the first one, has none."""


def script(name: str) -> str:
    """The file that Streamlit runs for a page: that in ``pages/`` of a checkout, else the one in the package."""
    return str(CHECKOUT / "pages" / f"{name}.py" if is_checkout() else HERE / PAGES[name].folder / "page.py")


def run(name: str) -> None:
    """Run a page's script from one in ``pages/``, compiled once."""
    runpy.run_module(f"bvae.app.{PAGES[name].folder}.page", run_name="__main__")
