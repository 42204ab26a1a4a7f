"""Writes a static edition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from bvae.app.edition import parts, shell
from bvae.app.edition.components import BROWSER
from bvae.app.edition.files import Files, check_target
from bvae.app.edition.models import Published
from bvae.app.edition.parts import PARTS, Edition

WIRE, DISK = 10_000_000, 30_000_000
"""Bytes that an edition of three methods on PolyMNIST may have: compressed by gzip, all files together, and on disk."""


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes
    ----------
    manifest : dict
        See `Files.write`.
    unsaid : list of str
        What could not be shown, a sentence each.
    """

    manifest: dict[str, Any]
    unsaid: list[str]


def collect(models: Sequence[Published]) -> Edition:
    """All files of an edition, not yet on disk."""
    edition = Edition(Files(), models, parts.possible(models))
    edition.files.add("assets/edition.css", shell.stylesheet())
    edition.files.add("assets/opened.js", (BROWSER / "opened.js").read_text(encoding="utf-8"))
    edition.files.add("assets/icon.png", (resources.files("bvae.app") / "icon.png").read_bytes())
    edition.files.add(".nojekyll", "")
    for name in edition.names:
        PARTS[name].write(edition)
    return edition


def publish(folder: Path, models: Sequence[Published]) -> Written:
    """Write a static edition of some models.

    Parameters
    ----------
    folder : Path
        A new folder, an empty one, or one with an earlier edition, which is replaced.
    models : sequence of Published
        See `bvae.app.edition.models.open_model`; none leaves the pages that need no model.

    Raises
    ------
    ValueError
        If the folder holds anything else.
    """
    check_target(folder)
    edition = collect(models)
    facts = {"models": [{"data": m.data.name, "model": m.checkpoint.name, "weights": m.checkpoint.hash,
                         "items": len(m.items)} for m in models],
             "pages": [shell.address(name) for name in edition.names]}
    return Written(edition.files.write(folder, facts), edition.unsaid)
