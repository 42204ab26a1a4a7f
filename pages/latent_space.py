"""Latent space: the page itself is `bvae/app/latent_space/page.py`."""

from bvae.app import pages

pages.run("latent_space")
