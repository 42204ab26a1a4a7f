"""What several tests use; no test imports from another."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
