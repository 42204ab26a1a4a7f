"""Types of arguments that several commands take."""

from __future__ import annotations

import argparse

from bvae.training.settings import SEEDS


def seed(text: str) -> int:
    """A seed of random numbers from the command line."""
    value = int(text)
    if not 0 <= value < SEEDS:
        raise argparse.ArgumentTypeError(f"expected an integer from 0 to {SEEDS - 1}, got {text}")
    return value


def positive(text: str) -> int:
    """A positive integer from the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text}")
    return value
