"""Files of an edition: collected, measured, written whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bvae.version import __version__

MANIFEST = "edition.json"
FORMAT = 1
NAME = re.compile(r"(?:[a-z0-9][a-z0-9._-]*/)*[a-z0-9.][a-z0-9_-][a-z0-9._-]*", re.IGNORECASE)
LEVEL = 6
"""Of gzip: what static hosts use."""


class Files:
    """Names, with / between folders, and contents; a name is taken once.

    Examples
    --------
    >>> files = Files()
    >>> files.add("index.html", "<!doctype html>")
    >>> files.sizes()["index.html"]["bytes"]
    15
    """

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def add(self, name: str, content: str | bytes) -> None:
        """Enter a file. Raises ValueError for a name that is taken, or that would lie outside of the folder."""
        if not NAME.fullmatch(name) or name == MANIFEST:
            raise ValueError(f"name: expected one such as models/a/b.bin, got {name!r}")
        if name in self._contents:
            raise ValueError(f"name: {name!r} is taken")
        self._contents[name] = content.encode() if isinstance(content, str) else bytes(content)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._contents))

    def __contains__(self, name: object) -> bool:
        return name in self._contents

    def __getitem__(self, name: str) -> bytes:
        return self._contents[name]

    def sizes(self) -> dict[str, dict[str, Any]]:
        """Of each file its bytes, its bytes after gzip (or as it is, where that is less), and its SHA-256."""
        return {name: {"bytes": len(content), "wire": min(len(content), len(gzip.compress(content, LEVEL, mtime=0))),
                       "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in sorted(self._contents.items())}

    def write(self, folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Put all files into a folder, in place of an earlier edition there.

        Parameters
        ----------
        folder : Path
            A new folder, an empty one, or one with an earlier edition.
        facts : mapping
            What the manifest says besides the files.

        Returns
        -------
        dict
            The manifest: ``{"format", "bvae", **facts, "bytes", "wire", "files"}``, the last one of :meth:`sizes`.

        Raises
        ------
        ValueError
            If the folder holds anything else, or is none.
        """
        check_target(folder)
        sizes = self.sizes()
        manifest = {"format": FORMAT, "bvae": __version__, **facts,
                    "bytes": sum(s["bytes"] for s in sizes.values()), "wire": sum(s["wire"] for s in sizes.values()),
                    "files": sizes}
        folder = folder.resolve()
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
        try:
            for name, content in self._contents.items():
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8", newline="\n")
            fresh.chmod(0o755)
            before = None
            if folder.exists():
                before = folder.with_name(f"{fresh.name}.before")
                folder.rename(before)
            fresh.rename(folder)
            if before is not None:
                shutil.rmtree(before)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return manifest


def check_target(folder: Path) -> None:
    """Raise ValueError unless an edition may be written there: nothing of anybody else's is overwritten."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f"folder: expected a folder, got the file {folder}")
    if any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise ValueError(f"folder: expected a new folder, an empty one, or an earlier edition, got {folder}, which "
                         "holds other files")
