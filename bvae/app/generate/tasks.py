"""What one can do on Generate, by the words that links hold."""

from __future__ import annotations

TRANSLATE, DRAW_OR_WRITE, INTERPOLATE, INVENT = TASKS = ("Translate", "Draw or write", "Interpolate", "Invent")
WHERE_ITEMS_ARE, BARE_PRIOR = "items", "prior"
DRAWN = {WHERE_ITEMS_ARE: "Where items are", BARE_PRIOR: "The bare prior"}
"""From what an invention's z is drawn -> for a person, and in links."""
DRAW, WRITE = "Draw", "Type a text"
ITEMS, WEIGHTS = "Between two items", "Between two views of an item"
