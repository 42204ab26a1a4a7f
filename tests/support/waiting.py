"""How tests wait: for what they assert, never for a time that should be enough.

Whoever opens a page here is watched (`watch`): its requests to run the script are counted, and so are the runs that the
server has finished, so that "nothing is under way" is known and not guessed. All limits are generous: they end a test
that hangs, on a machine that is busy with other things too.
"""

from __future__ import annotations

import contextlib
import time
import weakref

from playwright.sync_api import Error, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

TIMEOUT = 60_000  # milliseconds
FIGURE = ".js-plotly-plot .main-svg, .bvae-table td, img[src^='data:image/svg'], .picture .rule, .bvae-presence"
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
DONE = f"""async () => {{
    const twoFrames = {TWO_FRAMES};
    const done = () => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning"
        && document.querySelector('[data-testid="stMain"] [data-testid="stElementContainer"]')
        && !document.querySelector('[data-testid="stStatusWidget"], [data-testid="stAppSkeleton"]')
        && !document.querySelector('[data-testid="stSkeleton"]')  // a control whose code has not come yet
        && !document.querySelector('[data-stale="true"]')
        && document.fonts.status === "loaded" && [...document.images].every(image => image.complete);
    for (let look = 0; look < 5; look++) {{
        if (!done()) return false;
        await twoFrames();
    }}
    return true;
}}"""
FOLDS_OPEN_AT_ONCE = """
const animate = Element.prototype.animate;
Element.prototype.animate = function (frames, timing) {
    return animate.call(this, frames, this.matches("details") ? {...timing, duration: 0} : timing);
};"""
SMALL = 100_000  # bytes: messages that begin or end a run are small, those that hold pictures need no reading
WATCHED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

expect.set_options(timeout=TIMEOUT)


class Traffic:
    """What one page has asked of the server, and whether all of it has been answered.

    `requests` counts what a person's actions have sent; a page that refreshes itself is not counted.
    """

    def __init__(self):
        self.requests = 0
        self._waiting = False
        self._begun = False
        self._opened = False

    def sent(self, payload):
        """A request for a run begins a wait."""
        message = BackMsg.FromString(payload)
        if message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun:
            self.requests += 1
            self._waiting, self._begun = True, False

    def received(self, payload):
        """A run that began after the last request and has ended answers it."""
        if len(payload) > SMALL:
            return
        kind = ForwardMsg.FromString(payload).WhichOneof("type")
        if kind == "new_session":
            self._begun = True
        elif kind == "script_finished" and self._begun:
            self._waiting, self._opened = False, True

    @property
    def answered(self):
        """The page was opened, and no request is without its answer."""
        return self._opened and not self._waiting

    def connected(self, socket):
        """A new page, or one that connects again: what an older connection asked is void."""
        if "/_stcore/stream" not in socket.url:
            return
        self._waiting = False
        socket.on("framesent", lambda payload: self.sent(payload) if isinstance(payload, bytes) else None)
        socket.on("framereceived", lambda payload: self.received(payload) if isinstance(payload, bytes) else None)


def watch(page):
    """Count this page's requests and answers from now on."""
    WATCHED[page] = traffic = Traffic()
    page.on("websocket", traffic.connected)


def watch_all(browser):
    """Let every page of this browser be watched, also those that tests open themselves, with this patience.

    Streamlit's folds take half a second to open. Meanwhile what is in them stands still, cut off: a click scrolls it
    into the part that is to be seen, from where it moves between press and release, and is lost. Here they open at
    once.
    """
    opened = browser.new_context

    def new_context(**options):
        context = opened(**options)
        context.set_default_timeout(TIMEOUT)
        context.add_init_script(FOLDS_OPEN_AT_ONCE)
        context.on("page", watch)
        return context

    browser.new_context = new_context


def traffic(page):
    """What this page has asked of the server, a `Traffic`."""
    return WATCHED[page]


def eventually(function, *, within=TIMEOUT / 1000, page=None):
    """The first true value of a function of nothing, asked again and again; AssertionError with its last value.

    Give the `page` whose state the function reads, so that the browser's events are heard meanwhile. An AssertionError
    in the function, or a part of the page that was replaced while it was read, counts as "not yet".
    """
    end = time.monotonic() + within
    last = None
    while True:
        with contextlib.suppress(Error):
            try:
                last = function()
            except AssertionError as error:
                last = error
            else:
                if last:
                    return last
        if time.monotonic() > end:
            if isinstance(last, AssertionError):
                raise last
            raise AssertionError(f"not within {within:.0f} s; the last value was {last!r}")
        if page is None:
            time.sleep(0.05)
        else:
            page.evaluate(TWO_FRAMES)


def steady(page, function, times=5):
    """A value once it has stayed the same over so many looks, each two frames after the last."""
    seen = []

    def same():
        seen.append(function())
        page.evaluate(TWO_FRAMES)
        return len(seen) >= times and all(value == seen[-1] for value in seen[-times:])

    eventually(same, page=page)
    return seen[-1]


def frames(page):
    """The browser has drawn what has happened so far."""
    page.evaluate(TWO_FRAMES)


def box_of(page, locator):
    """Where an element is once it stands still: x, y, width, height in pixels."""
    locator.scroll_into_view_if_needed()
    return steady(page, locator.bounding_box)


def finished(page):
    """Every run that was asked for has ended and its page is drawn, with its pictures."""
    page.wait_for_selector('[data-testid="stApp"]')

    def done():
        """At five looks, each two frames after the last, and nothing was asked meanwhile."""
        watched = WATCHED.get(page)
        before = watched and watched.requests
        drawn = page.evaluate(DONE)
        return drawn and (watched is None or (watched.answered and watched.requests == before))

    eventually(done, page=page)


def settled(page):
    """The page is finished, its figures are drawn, and nothing has gone wrong."""
    page.wait_for_selector(FIGURE)
    finished(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


@contextlib.contextmanager
def asked(page):
    """What is done inside reaches the server, which has answered it afterwards."""
    before = traffic(page).requests
    yield
    eventually(lambda: traffic(page).requests > before, page=page)
    finished(page)


def generated(page, other_than=None):
    """The generated pictures, as their data, of a page that is finished; with `other_than` once they are others."""
    def pictures():
        finished(page)
        now = page.evaluate("() => [...document.querySelectorAll('img[alt*=\"generated\"]')].map(image => image.src)")
        return now if now != other_than else None

    return eventually(pictures, page=page)


def fits(page):
    """Nothing scrolls sideways."""
    finished(page)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
