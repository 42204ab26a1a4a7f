"""Home: the page itself is `bvae/app/home/page.py`."""

from bvae.app import pages

pages.run("home")
