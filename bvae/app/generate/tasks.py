"""What one can do on Generate, by the words that links hold."""

from __future__ import annotations

TRANSLATE, DRAW_OR_WRITE, EDIT, INTERPOLATE, INVENT = TASKS = (
    "Translate", "Draw or write", "Edit a row", "Interpolate", "Invent")
DRAW, WRITE = "Draw", "Type a text"
ITEMS, WEIGHTS = "Between two items", "Between two views of an item"
