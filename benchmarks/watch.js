// Watches, inside the page, when numbers, pictures and plots change. Each time is that of the frame that shows it.
// Text that stands with pictures (their captions) belongs to them. Data frames are drawn on a canvas: what counts is
// when it draws a text that it has not drawn since the change, not their hidden copy, which follows later.
(() => {
  const CONTROLS = '[data-testid="stWidgetLabel"], [data-testid="stButtonGroup"], [data-testid="stSlider"], ' +
    '[data-testid="stNumberInput"], [data-testid="stSelectbox"], [data-testid="stPopover"], [data-testid="stHeader"], ' +
    'button';
  const TEXTS = '[data-testid="stMarkdownContainer"], [data-testid="stHtml"], [data-testid="stMetric"], table';
  const WAITING = '[data-testid="stStatusWidget"], [data-testid="stSkeleton"], [data-testid="stSpinner"]';
  const ofPictures = (e) => (e.closest('[data-testid="stHtml"]') ?? e).querySelector("img") !== null;
  const read = {
    numbers: () => [...document.querySelectorAll(TEXTS)].filter((e) => !e.closest(CONTROLS) && !ofPictures(e) &&
      !e.closest("canvas")).map((e) => e.textContent).join("\n"),
    pictures: () => [...document.images].map((e) => e.src).join("\n") +
      [...document.querySelectorAll(TEXTS)].filter(ofPictures).map((e) => e.textContent).join("\n"),
  };
  // Something that is drawn is there as a whole: an image that is loaded, a table, a plot, a drawing of a component.
  const PICTURES = 'img, table, .js-plotly-plot .main-svg, svg[role], canvas';
  const firstPicture = () => [...document.querySelectorAll('[data-testid="stMain"]')].flatMap((main) =>
    [...main.querySelectorAll(PICTURES), ...[...main.querySelectorAll('[data-testid="stBidiComponentIsolated"]')]
      .flatMap((e) => e.shadowRoot ? [...e.shadowRoot.querySelectorAll(PICTURES)] : [])]).some((e) =>
    e.getBoundingClientRect().width > 20 && (e.tagName !== "IMG" || (e.complete && e.naturalWidth > 0)));
  let before = {numbers: "", pictures: ""};
  let state, dirty = false;

  const changed = (part) => {
    const now = performance.now();
    state.parts[part] = {first: state.parts[part]?.first ?? now, last: now};
    state.quietSince = now;
  };
  const look = () => {
    dirty = false;
    for (const [part, value] of Object.entries(read)) {
      const now = value();
      if (now !== before[part]) {
        before[part] = now;
        changed(part);
      }
    }
    if (state?.began === 0 && !state.parts["first picture"]) {
      if (firstPicture()) changed("first picture");
      else setTimeout(lookSoon, 20);  // it may come within a component, whose inside is not observed
    }
    for (const plot of document.querySelectorAll(".js-plotly-plot")) {
      if (!plot.watched && plot.on && plot.querySelector(".main-svg")) {
        plot.watched = true;
        plot.on("plotly_afterplot", () => requestAnimationFrame(() => changed("plots")));
        changed("plots");
      }
    }
  };
  const drawn = new Map();  // canvas -> texts that it showed before the change, and those that it has drawn since
  const fillText = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    if (state && this.canvas.closest('[data-testid="stDataFrame"]')) {
      const texts = drawn.get(this.canvas) ?? {known: new Set(), recent: new Set()};
      drawn.set(this.canvas, texts);
      texts.recent.add(text);
      if (!texts.known.has(text)) {
        texts.known.add(text);
        requestAnimationFrame(() => changed("numbers"));
      }
    }
    return fillText.call(this, text, ...rest);
  };
  const watch = {
    // Start anew: `began` is when a person acted, or 0 for the beginning of the page.
    arm() {
      look();
      for (const texts of drawn.values()) {
        if (texts.recent.size) {
          Object.assign(texts, {known: texts.recent, recent: new Set()});
        }
      }
      state = {began: null, parts: {}, quietSince: performance.now()};
    },
    // Whether something has changed (of a page that opens: its first picture is there), the script has ended, every
    // plot is there, and for so many milliseconds nothing has changed any more.
    quiet(milliseconds) {
      const app = document.querySelector('[data-testid="stApp"]');
      return app?.getAttribute("data-test-script-state") === "notRunning" && !dirty &&
        Object.keys(state.parts).length > 0 && (state.began !== 0 || state.parts["first picture"]) &&
        !document.querySelector(WAITING) &&
        [...document.querySelectorAll('[data-testid="stPlotlyChart"]')].every((e) => e.querySelector(".main-svg")) &&
        performance.now() - state.quietSince > milliseconds;
    },
    report: () => ({...state, origin: performance.timeOrigin, error: !!document.querySelector(
      '[data-testid="stException"], [data-testid="stAlertContentError"]')}),
  };
  state = {began: 0, parts: {}, quietSince: 0};
  for (const kind of ["click", "keydown"]) {
    addEventListener(kind, (event) => { if (event.isTrusted && state) state.began = event.timeStamp; }, true);
  }
  const lookSoon = () => {
    if (!dirty) {
      dirty = true;
      requestAnimationFrame(look);
    }
  };
  addEventListener("load", lookSoon, true);  // of images
  new MutationObserver(lookSoon).observe(document, {subtree: true, childList: true, characterData: true, attributes: true,
    attributeFilter: ["src", "class"]});
  window.bvaeWatch = watch;
})();
