"""What a screen reader says of a page's controls."""

from __future__ import annotations

import re
from collections import Counter

ROLES = {"button", "link", "textbox", "spinbutton", "slider", "checkbox", "switch", "radio", "combobox", "tab",
         "menuitem", "application"}


def names(page):
    """Role and name of every control, as the browser tells them to a screen reader."""
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree
            if not node.get("ignored") and node.get("role", {}).get("value") in ROLES]


def nothing(found):
    """For `waiting.eventually`: an assertion that may be asked again."""
    assert found == []
    return True


def problems(found):
    """Names that two controls share, and those that are no words."""
    twice = [f"{count} times {name}" for (_, name), count in Counter(found).items() if count > 1]
    signs = [name for _, name in found if not re.search(r"[^\W\d_]{2}", name) or re.search(r":\w+\[|material/", name)]
    return twice + signs
