"""Benchmarks: the page itself is `bvae/app/results/page.py`."""

from bvae.app import pages

pages.run("benchmarks")
