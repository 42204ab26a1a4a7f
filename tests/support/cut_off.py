"""Controls of which a part cannot be seen, because what they stand in is too narrow."""

from tests.support.waiting import finished

CUT_OFF = """() => {
  const controls = [...document.querySelectorAll('[data-testid="stMain"] :is(button, input, [data-baseweb="select"])')];
  const shadows = [...document.querySelectorAll('*')].filter(e => e.shadowRoot).map(e => e.shadowRoot);
  for (const root of shadows) controls.push(...root.querySelectorAll('button, input'));
  const parent = e => e.parentElement ?? e.getRootNode().host;
  const out = [];
  for (const control of controls) {
    const box = control.getBoundingClientRect();
    if (box.width < 8 || box.height < 8 || getComputedStyle(control).visibility === 'hidden') continue;
    if (control.closest('.handle, [data-testid="stPopoverBody"], [data-testid="stElementToolbar"]')) continue;
    for (let around = parent(control); around; around = parent(around)) {
      const style = getComputedStyle(around);
      const outer = around.getBoundingClientRect();
      const cut = style.overflowX !== 'visible' && outer.width > 8
        && (box.right > outer.right + 1.5 || box.left < outer.left - 1.5);
      if (cut || box.right > innerWidth + 1) {
        out.push(`${control.textContent || control.ariaLabel || control.outerHTML.slice(0, 90)}: ends at `
          + `${box.right.toFixed(0)}, ${around.tagName} at ${outer.right.toFixed(0)}`);
        break;
      }
    }
  }
  return out;
}"""
WIDTHS = (1440, 1280, 1024, 390)


def nothing_is_cut_off(page):
    """Every control can be seen as wide as it is, at every width that people have."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        finished(page)
        assert page.evaluate(CUT_OFF) == [], f"at {width} px"
