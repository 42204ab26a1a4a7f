"""Generate: the page itself is `bvae/app/generate/page.py`."""

from bvae.app import pages

pages.run("generate")
