"""Compare: the page itself is `bvae/app/compare/page.py`."""

from bvae.app import pages

pages.run("compare")
