"""Readers of tables and pictures: one type of file is one module that registers itself by suffix."""

from __future__ import annotations

import sys

from bvae.registry import import_submodules

import_submodules(sys.modules[__name__])
