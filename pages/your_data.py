"""Your data: the page itself is `bvae/app/your_data/page.py`."""

from bvae.app import pages

pages.run("your_data")
