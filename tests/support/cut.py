"""What of a page is cut off: controls, their words, columns of tables."""

from __future__ import annotations

WIDTHS = {"desktop": (1440, 1000), "projector": (1280, 720), "tablet": (1024, 768), "phone": (390, 844)}

FIND = r"""(columns) => {
  const LABEL = 'label, [data-testid="stWidgetLabel"]';
  const CONTROL = `button, a[href], input, textarea, th, [role="slider"], [role="tab"], [role="radio"], ${LABEL}`;
  const SCROLLERS = '.bvae-small, .bvae-table, .bvae-sheet';
  const LONG = '.bvae-long';  // heads and names stay, and a shadow says that there is more
  const roots = [...document.querySelectorAll(
    '[data-testid="stMain"], [data-testid="stPopoverBody"], [data-testid="stHeader"]')];
  const found = new Set();
  const keyOf = (element) => element.closest('[class*="st-key-"]')?.className.match(/st-key-([\w-]+)/)?.[1] ?? "";
  const named = (element) => {
    const key = keyOf(element);
    const text = (element.getAttribute("aria-label") || element.textContent || element.value || "").trim().slice(0, 60);
    return `${element.tagName.toLowerCase()}${key ? " in " + key : ""}: ${text}`;
  };
  const words = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element.querySelector("p") ?? element);
    return range.getBoundingClientRect();
  };
  const shown = (element) => {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    return element.getClientRects().length && style.visibility !== "hidden" && box.width > 2 && box.height > 2
      && !element.closest('[aria-hidden="true"], [inert], .katex, .modebar') && !/rect\(/.test(style.clip);
  };
  for (const root of roots) {
    for (const element of root.querySelectorAll(CONTROL)) {
      if (!shown(element)) continue;
      if (element.type === "range") continue;  // unseen, below what is drawn of a slider
      const box = element.matches(LABEL) ? words(element) : element.getBoundingClientRect();
      let scrolls = false;
      for (let up = element.parentElement; up && up !== document.body; up = up.parentElement) {
        const style = getComputedStyle(up);
        const edge = up.getBoundingClientRect();
        if (style.scrollSnapType !== "none") { scrolls = true; break; }  // swiped, its neighbour peeks in
        if (up.matches(SCROLLERS) || up.matches("pre, code, .dvn-scroller")) { scrolls = true; break; }
        if (style.overflowX !== "visible" && (box.right > edge.right + 2 || box.left < edge.left - 2)
            && edge.width > 2 && style.textOverflow !== "ellipsis") {
          found.add(`${named(element)} is cut by what is around it`);
        }
      }
      const beside = box.right > innerWidth + 1 || box.left < -1;
      if (!scrolls && beside) found.add(`${named(element)} is beside the screen`);
      for (const part of [element, ...element.querySelectorAll("*")]) {
        const style = getComputedStyle(part);
        const cuts = style.textOverflow === "ellipsis" || part.tagName === "INPUT";
        if (cuts && style.overflowX !== "visible" && part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0
            && shown(part) && !part.placeholder) {
          found.add(`${named(element)} loses its end`);
        }
      }
    }
    if (columns) {
      for (const table of root.querySelectorAll(SCROLLERS)) {
        if (table.scrollWidth > table.clientWidth + 1 && !table.matches(LONG)) {
          const name = table.querySelector("table")?.getAttribute("aria-label") ?? "";
          found.add(`the table ${name} has columns beside its edge`);
        }
      }
      for (const table of root.querySelectorAll(".dvn-scroller")) {
        if (table.scrollWidth > table.clientWidth + 2) {
          found.add(`the numbers in ${keyOf(table)} have columns beside their edge`);
        }
      }
    }
  }
  return [...found];
}"""


def cut(page, columns=True):
    """All that is cut off on a page that is drawn, one line each; with `columns` also columns that one scrolls to."""
    return page.evaluate(FIND, columns)
