"""The pages in docs/: each is in the navigation, links lead somewhere, and every method has one of its own."""

import re
import tomllib

import markdown
import pytest
from math_core import LatexError

from bvae.aggregators import aggregator
from bvae.models.methods import METHODS
from bvae.models.objectives import OBJECTIVES
from tests.support import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
METHOD_PAGES = [page for page in sorted((DOCS / "methods").glob("*.md")) if page.name != "index.md"]
ROW = re.compile(r"^\| `([\w-]+)` \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
SECTIONS = ["Generative story", "Joint posterior", "Objective", "Symbols", "How ours differs from the published one",
            "When to use it", "How to train it", "Reference"]


def text_of(page):
    return page.read_text(encoding="utf-8")


def told(page):
    """What a page says that its methods are: name -> (aggregator, objective, settings), as it writes them."""
    return {name: rest for name, *rest in ROW.findall(text_of(page).split("## ")[0])}


def options(values):
    return ", ".join(f"`{key}={value!r}`" for key, value in values.items()).replace("'", '"')


def test_every_method_has_one_page_and_every_page_methods():
    named = [name for page in METHOD_PAGES for name in told(page)]
    assert sorted(named) == sorted(METHODS)
    for page in METHOD_PAGES:
        assert page.stem in told(page)
        assert f"({page.name})" in text_of(DOCS / "methods" / "index.md")


@pytest.mark.parametrize("page", METHOD_PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_the_method_is_in_the_code(page):
    text = " ".join(text_of(page).split())
    assert re.findall(r"^## (.+)$", text_of(page), re.MULTILINE) == SECTIONS
    assert "The advantages are:" in text
    assert "The *limitations* are:" in text
    for name, (rule, objective, settings) in told(page).items():
        method = METHODS[name]
        assert rule == f"`{method.aggregator}`" + (
            f" with {options(method.aggregator_options)}" if method.aggregator_options else "")
        aggregator(method.aggregator, **method.aggregator_options)
        assert objective == f"`{method.objective}`" + (
            f" with {options(method.objective_options)}" if method.objective_options else "")
        assert method.objective in OBJECTIVES
        assert settings == (options(method.settings) or "none")
        assert " ".join(method.differs.split()) in text


@pytest.mark.parametrize("page", METHOD_PAGES, ids=lambda page: page.stem)
def test_the_aggregators_and_files_that_a_page_names_exist(page):
    text = text_of(page)
    for name, keywords in re.findall(r'bvae\.aggregator\("([^"]+)"(?:, (\w+=[\w.]+))?\)', text):
        aggregator(name, **({keywords.split("=")[0]: float(keywords.split("=")[1])} if keywords else {}))
    for name in re.findall(r"`(mixture\([\w-]+\))`", text):
        aggregator(name)
    for path in re.findall(r"`(?:in )?((?:bvae|examples)/[\w/]+\.(?:py|ipynb))`", text):
        assert (ROOT / path).is_file(), path


def test_every_page_is_in_the_navigation():
    def pages(entries):
        for entry in entries:
            yield from pages(next(iter(entry.values()))) if isinstance(entry, dict) else [entry]

    configuration = tomllib.loads(text_of(ROOT / "zensical.toml"))
    assert sorted(pages(configuration["project"]["nav"])) == sorted(p.relative_to(DOCS).as_posix() for p in PAGES)


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *PAGES], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.split("#")[0]).exists(), target


def test_the_picture_of_the_architecture_is_what_the_linter_holds_and_every_folder_has_its_paragraph():
    layers = re.search(r"^layers =\n((?:    .+\n)+)", text_of(ROOT / ".importlinter"), re.MULTILINE)[1].split()
    names = [layer.removeprefix("bvae.") for layer in layers if layer != "|"]
    assert re.findall(r">bvae/(\w+)</text>", text_of(DOCS / "architecture.svg")) == [
        name for name in names if (ROOT / "bvae" / name).is_dir()]  # single modules, below all, are not in the picture
    text = text_of(DOCS / "architecture.md")
    for folder in (ROOT / "bvae").iterdir():
        if (folder / "__init__.py").is_file():
            assert f"**`bvae/{folder.name}" in text, folder.name


def test_formulas_become_mathml_and_roles_names():
    def written(text):
        return markdown.markdown(text, extensions=["pymdownx.arithmatex", "docs.formulas"],
                                 extension_configs={"pymdownx.arithmatex": {"generic": True}})

    assert re.fullmatch(r"<p>of <math><msub><mi>q</mi><mi>m</mi></msub></math> and <code>train</code></p>",
                        written("of $q_m$ and :func:`train`"))
    assert '<math display="block">' in written("$$\nq \\sim p\n$$")
    assert "<math" not in written("`$q$` costs 5 $ and 6 $")
    with pytest.raises(LatexError):
        written(r"$\nosuchcommand$")
