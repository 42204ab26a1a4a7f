"""The commands of docs/own-data.md, run from above to below in an empty folder, and what they print put under them.

    python -m benchmarks.own_data_page --into docs/own-data.md

Blocks of ``python`` and ``sh`` are run; a block of ``text`` right below one gets what it printed. `bvae` is this
checkout's.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bvae.io.storage import write_text

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(python|sh|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOT_RUN = "pip install"
"""A block with it is shown only."""


def printed(kind: str, code: str, folder: Path) -> str:
    """What a block prints when it is run in a folder. Raises CalledProcessError if it fails."""
    bvae = f"bvae() {{ {sys.executable!r} -m bvae \"$@\" 2> stderr.txt || {{ cat stderr.txt >&2; exit 1; }}; }}\n"
    python = f"python() {{ {sys.executable!r} \"$@\"; }}\n"
    command = [sys.executable, "-W", "ignore", "-c", code] if kind == "python" else [
        "bash", "-ec", bvae + python + "set -o pipefail\n" + code]
    ran = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", env={
        **os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")})
    if ran.returncode:
        raise subprocess.CalledProcessError(ran.returncode, code, ran.stdout, ran.stderr)
    return shown(ran.stdout, folder)


def shown(said: str, folder: Path) -> str:
    """What was printed as the page shows it: without the folder's place, and without blanks at the ends of lines."""
    said = said.replace(f"{folder.resolve()}/", "").replace(f"{folder}/", "").strip("\n")
    return "".join(line.rstrip() + "\n" for line in said.split("\n"))


def filled(text: str, folder: Path, run: Callable[[str, str, Path], str] = printed) -> str:
    """The page with what its blocks print, by `printed` or by another way to run a block."""
    out, last, end = [], "", 0
    for block in BLOCK.finditer(text):
        kind, code = block.groups()
        out.append(text[end : block.start()])
        if kind == "text":
            out.append(f"```text\n{last}```" if last else block[0])
            last = ""
        else:
            out.append(block[0])
            last = run(kind, code, folder) if NOT_RUN not in code else ""
        end = block.end()
    return "".join([*out, text[end:]])


def main() -> None:
    """Run the page, and print it or put it in its place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = filled(options.into.read_text(encoding="utf-8"), Path(folder))
    write_text(options.into, text)


if __name__ == "__main__":
    main()
