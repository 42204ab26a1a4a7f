"""Find a Chromium for the browser tests, or get one: ``python -m tests.support.chromium``.

An installed one first; else Playwright's own; else, for root on Debian, the package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable() -> str | None:
    """Path of an installed Chromium or Chrome, or of Playwright's own; None if there is none."""
    if chosen := os.environ.get("BVAE_CHROMIUM"):
        return chosen
    for name in NAMES:
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.is_file() else None


def main() -> int:
    """Make sure that there is one."""
    if found := executable():
        print(f"browser tests use {found}")
        return 0
    attempts = [[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        attempts += [["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]]
    for command in attempts:
        print("$", " ".join(command), flush=True)
        subprocess.run(command, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        if executable():
            return main()
    print("no Chromium was found and none could be installed; set BVAE_CHROMIUM to one", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
