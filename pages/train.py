"""Train: the page itself is `bvae/app/train/page.py`."""

from bvae.app import pages

pages.run("train")
