"""What one can do on Generate, by the words that links hold."""

from __future__ import annotations

WHERE_ITEMS_ARE, BARE_PRIOR = "items", "prior"
DRAWN = {WHERE_ITEMS_ARE: "Where items are", BARE_PRIOR: "The bare prior"}
"""From what an invention's z is drawn -> for a person, and in links."""
TRANSLATE, DRAW_OR_WRITE, EDIT, INTERPOLATE, INVENT = TASKS = (
    "Translate", "Draw or write", "Edit a row", "Interpolate", "Invent")
DRAW, WRITE = "Draw", "Type a text"
ITEMS, WEIGHTS = "Between two items", "Between two views of an item"
