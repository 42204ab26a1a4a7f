"""Explore: the page itself is `bvae/app/explore/page.py`."""

from bvae.app import pages

pages.run("explore")
