"""What a page of an edition is: a file here that registers itself under the name of the page of the app."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bvae.app.edition import shell
from bvae.app.edition.components import BROWSER, add_component, add_module
from bvae.app.edition.files import Files
from bvae.app.edition.models import Published
from bvae.app.pages import PAGES
from bvae.app.templates import render
from bvae.registry import Registry


@dataclass
class Edition:
    """What is being written.

    Attributes
    ----------
    files : Files
    models : sequence of Published
        In the order asked for; the first one is what pages begin with.
    names : list of str
        Pages of the app that it has, in their order.
    unsaid : list of str
        What an edition cannot show of these models, a sentence each.
    """

    files: Files
    models: Sequence[Published]
    names: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)

    def page(
        self, name: str, template: str, *, file: str = "", title: str = "", module: str = "", data: Any = None,
        components: Sequence[str] = (), **values: object,
    ) -> None:
        """Add a page with the scripts that it needs.

        Parameters
        ----------
        name : str
            Of the page of the app.
        template : str
            In ``templates/edition/``; gets `values`, ``link`` (page of the app -> its file here) and ``title``.
        file, title : str
            By default those of the page.
        module : str
            Of ``browser/``; the browser fetches what it imports at once, too.
        data
            What the module reads.
        components : sequence of str
            Of `bvae.app.edition.components.COMPONENTS`; the browser fetches them at once.
        """
        for component in components:
            add_component(self.files, component)
        ahead = [f"assets/{component}.js" for component in components]
        if module:
            ahead += add_module(self.files, BROWSER / f"{module}.mjs")[1:]
        title = title or PAGES[name].title
        body = render(f"edition/{template}", title=title, link={n: shell.address(n) for n in self.names}, pages=PAGES,
                      **values)
        self.files.add(file or shell.address(name), shell.page(
            name, self.names, title, body, module=module, data=data,
            ahead=ahead))


@dataclass(frozen=True)
class Part:
    """A page, or several.

    Attributes
    ----------
    write : callable
        Adds its files.
    possible : callable
        Whether there is something to show, of these models.
    """

    write: Callable[[Edition], None]
    possible: Callable[[Sequence[Published]], bool] = lambda models: True


PARTS: Registry[Part] = Registry("page of an edition")
