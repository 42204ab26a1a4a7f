"""Playground: the page itself is `bvae/app/playground/page.py`."""

from bvae.app import pages

pages.run("playground")
