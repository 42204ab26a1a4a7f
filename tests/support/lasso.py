"""A selection on a map, by the mouse, and what the page says that it holds."""

from tests.support.waiting import box_of


def items(page):
    """What the field of selected items holds."""
    return [int(i) for i in page.get_by_label("Selected items").input_value().split(", ")]


def lasso(page, plot):
    """Draw around the middle of a map."""
    box = box_of(page, plot.locator(".nsewdrag").first)
    x, y, r = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] / 6
    page.mouse.move(x - r, y - r)
    page.mouse.down()
    for dx, dy in ((r, -r), (r, r), (-r, r), (-r, -r + 2)):
        page.mouse.move(x + dx, y + dy, steps=6)
    page.mouse.up()
