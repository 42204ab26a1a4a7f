"""What a scene of the playground is: ``scene.schema.json``, read. The browser reads the same file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "scene.schema.json").read_text(encoding="utf-8"))
FIELDS: dict[str, Any] = SCHEMA["properties"]
EXPERT: dict[str, Any] = FIELDS["experts"]["items"]["properties"]
SCALE: dict[str, Any] = SCHEMA["$defs"]["scale"]
VERSION: int = FIELDS["v"]["const"]
FEWEST, MOST = FIELDS["experts"]["minItems"], FIELDS["experts"]["maxItems"]
NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:MOST]
LAYERS: dict[str, bool] = {name: field["default"] for name, field in FIELDS["layers"]["properties"].items()}


def default(name: str) -> Any:
    """What a field of a scene is where nothing else is said."""
    return FIELDS[name]["default"]


def limits(field: dict[str, Any]) -> tuple[float, float]:
    """The least and the greatest number that a field takes."""
    return field["minimum"], field["maximum"]
