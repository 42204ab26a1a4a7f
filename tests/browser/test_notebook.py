"""`bvae.show` in a browser, with this test as the notebook between its two halves."""

import base64
import json

import pytest

import bvae
from bvae.app.components.live import runtime
from tests.support.serving import PATIENCE, WIDTHS, watched
from tests.support.waiting import box_of, eventually, frames

ADDRESS = "http://localhost/notebook"
STAGE = ".bvae-live .stage"
PAGE = """<!doctype html><html lang="en"><title>Notebook</title><h3>A cell</h3><main></main>
<script type="module">
const script = new Blob([await said("esm")], { type: "text/javascript" });
const { default: widget } = await import(URL.createObjectURL(script));
const state = JSON.parse(await said("state"));
const listeners = new Map();
const fire = (name, ...given) => (listeners.get(name) ?? []).forEach((listener) => listener(...given));
const model = {
  get: (name) => state[name],
  on: (name, listener) => listeners.set(name, [...(listeners.get(name) ?? []), listener]),
  off: (name) => listeners.delete(name),
  async send(message) {
    const { sent, shown } = JSON.parse(await heard(JSON.stringify(message)));
    for (const [content, buffers] of sent) {
      fire("msg:custom", content, buffers.map((text) => new DataView(
        Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer)));
    }
    if (JSON.stringify(shown) === JSON.stringify(state.shown)) return;
    state.shown = shown;
    fire("change:shown");
  },
};
const { render } = await widget();
window.leave = render({ model, el: document.querySelector("main") });
</script>"""


@pytest.fixture(scope="module")
def view():
    pytest.importorskip("anywidget", reason="pip install 'bvae[notebook]'")
    try:
        runtime.fetch(node=False)
    except runtime.NoRuntime as error:
        pytest.skip(str(error))
    return bvae.show(bvae.load("polymnist", "mwb-vae"), bvae.dataset("polymnist", "test"), item=3)


def test_a_cell_decodes_under_the_finger_and_python_where_it_rests(chromium, view, monkeypatch):
    sent = []
    monkeypatch.setattr(view, "send", lambda content, buffers=None: sent.append(
        (content, [base64.b64encode(b).decode() for b in buffers or ()])))

    def heard(text):
        sent.clear()
        view._handle_custom_msg(json.loads(text), [])
        return json.dumps({"sent": sent, "shown": view.shown})

    given = {"esm": view._esm, "state": json.dumps({"css": view.css, "shown": view.shown})}
    with watched(chromium, *WIDTHS["desktop"]) as page:
        page.expose_function("heard", heard)
        page.expose_function("said", lambda name: given[name])
        page.route(ADDRESS, lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        page.goto(ADDRESS)
        page.wait_for_selector(f"{STAGE}[data-ready=true]", timeout=PATIENCE * 1000)
        stage = page.locator(STAGE)
        for pad, number in (("plane", "1"), ("balance", "2")):
            before = list(view.z)
            handle = page.locator(f"{STAGE} .{pad} .handle")
            box = box_of(page, handle)
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            page.mouse.move(x, y)
            page.mouse.down()
            for step in range(1, 7):
                page.mouse.move(x + 8 * step, y - 6 * step)
                frames(page)
            page.mouse.up()
            page.wait_for_selector(f"{STAGE}[data-answered='{number}']")
            assert view.z != before
            eventually(lambda: float(stage.get_attribute("data-difference")) <= 1.0, page=page)
        assert 0 <= min(view.weights.values()) < max(view.weights.values()) == 1
        page.evaluate("leave()")
