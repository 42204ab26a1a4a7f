"""Learn: the page itself is `bvae/app/learn/page.py`."""

from bvae.app import pages

pages.run("learn")
