/* A canvas of 28 x 28 cells in four grey levels. Python gets the cells as 784 digits when a stroke ends. */

const SIZE = 28;
const LEVELS = 4;
const RADIUS = 1.1; // cells of full ink around the brush's way; it fades over one more
const MOST_UNDO = 60;
const WAIT = 250; // milliseconds: strokes of one digit follow each other quickly

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function element(tag, properties = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function createDrawing(root) {
  let cells = new Uint8Array(SIZE * SIZE); // 0 to 3
  let soft = new Float32Array(SIZE * SIZE); // ink of the stroke that is being drawn
  let before = null; // the cells before that stroke
  let example = false; // the picture is not the visitor's own: the first stroke begins on an empty field
  let undo = []; // { cells, example }
  let revision = null;
  let send = () => {};
  let erasing = false;
  let last = null; // the pointer's last place, in cells
  let pointer = null;
  let timer = 0;
  const at = { row: 13, column: 13 }; // the keys' cell

  const canvas = element("canvas", { width: SIZE, height: SIZE, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const cursor = element("div", { className: "cursor" });
  const hint = element("div", { className: "hint", textContent: "draw here", "aria-hidden": "true" });
  const note = element("p", { className: "note", textContent: "An example. Begin to draw, and the field is yours." });
  const keys = element("p", {
    className: "keys", id: "draw-keys",
    textContent: "With keys: Tab to the canvas, arrows move the cell, Space inks it, Shift and an arrow draws a line, "
      + "Backspace erases, U undoes.",
  });
  const said = element("div", { className: "said", role: "status", "aria-live": "polite" });
  const paper = element("div", {
    className: "paper", tabIndex: 0, role: "application", "aria-roledescription": "drawing canvas",
    "aria-label": "Canvas of 28 by 28 cells. Draw a figure with mouse, finger or keys.",
    "aria-describedby": "draw-keys",
  }, [canvas, hint, cursor]);
  const button = (text, action) => element("button", { type: "button", textContent: text, onclick: action });
  const eraser = button("Eraser", () => {
    erasing = !erasing;
    show();
  });
  const undoButton = button("Undo", () => goBack());
  const clearButton = button("Clear", () => {
    if (!cells.some(Boolean)) return;
    empty();
    say("Cleared.");
    show();
    tell(0);
  });
  root.replaceChildren(
    paper, note, element("div", { className: "tools" }, [undoButton, clearButton, eraser]), keys, said);

  function show() {
    const picture = context.createImageData(SIZE, SIZE);
    for (let i = 0; i < cells.length; i++) {
      const grey = (cells[i] * 255) / (LEVELS - 1);
      picture.data.set([grey, grey, grey, 255], 4 * i);
    }
    context.putImageData(picture, 0, 0);
    // Whoever decodes while one draws listens: bvae/app/components/live/browser/stroke.mjs.
    window.dispatchEvent(new CustomEvent("bvae-drawing", { detail: { cells: cells.slice() } }));
    hint.hidden = cells.some(Boolean) || pointer !== null;
    cursor.style.left = `${(100 * at.column) / SIZE}%`;
    cursor.style.top = `${(100 * at.row) / SIZE}%`;
    note.hidden = !example;
    undoButton.disabled = !undo.length;
    clearButton.disabled = !cells.some(Boolean);
    eraser.setAttribute("aria-pressed", erasing);
  }

  function say(text) {
    said.textContent = text;
  }

  function remember() {
    undo.push({ cells: cells.slice(), example });
    if (undo.length > MOST_UNDO) undo.shift();
  }

  function empty() {
    remember();
    cells = new Uint8Array(SIZE * SIZE);
    example = false;
  }

  function goBack() {
    if (!undo.length) return;
    ({ cells, example } = undo.pop());
    say("Undone.");
    show();
    tell(0);
  }

  function tell(wait = WAIT) {
    clearTimeout(timer);
    const now = revision;
    timer = setTimeout(() => {
      if (now === revision) send({ digits: Array.from(cells).join(""), revision });
    }, wait);
  }

  /* Ink along the way from a to b, both [x, y] in cells. Grey levels add up within a stroke as the nearest pass. */
  function brush(a, b, erase) {
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const length = dx * dx + dy * dy;
    const reach = RADIUS + 1;
    const [low, high] = [0, 1].map((axis) => [
      clamp(Math.floor(Math.min(a[axis], b[axis]) - reach), 0, SIZE - 1),
      clamp(Math.ceil(Math.max(a[axis], b[axis]) + reach), 0, SIZE - 1),
    ]).reduce(([lows, highs], [l, h]) => [[...lows, l], [...highs, h]], [[], []]);
    for (let row = low[1]; row <= high[1]; row++) {
      for (let column = low[0]; column <= high[0]; column++) {
        const [px, py] = [column + 0.5 - a[0], row + 0.5 - a[1]];
        const along = length > 0 ? clamp((px * dx + py * dy) / length, 0, 1) : 0;
        const ink = clamp(reach - Math.hypot(px - along * dx, py - along * dy), 0, 1);
        const i = row * SIZE + column;
        soft[i] = Math.max(soft[i], ink);
        const level = Math.round(soft[i] * (LEVELS - 1));
        cells[i] = erase ? Math.min(before[i], LEVELS - 1 - level) : Math.max(before[i], level);
      }
    }
  }

  /* One undo takes back a stroke, and with the first one on an example brings the example back. */
  function beginStroke(erase) {
    if (example && !erase) empty();
    else remember();
    example = false;
    before = cells.slice();
    soft = new Float32Array(SIZE * SIZE);
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE];
  }

  paper.onpointerdown = (event) => {
    if (pointer !== null || (event.pointerType === "mouse" && event.button !== 0)) return;
    event.preventDefault();
    paper.focus({ preventScroll: true, focusVisible: false });
    pointer = event.pointerId;
    try {
      paper.setPointerCapture(pointer);
    } catch {
      // a pointer that has gone already
    }
    clearTimeout(timer);
    beginStroke(erasing);
    last = place(event);
    brush(last, last, erasing);
    show();
  };
  paper.onpointermove = (event) => {
    if (event.pointerId !== pointer) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const step of passed.length ? passed : [event]) {
      const next = place(step);
      brush(last, next, erasing);
      last = next;
    }
    show();
  };
  const lift = (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    show();
    tell();
  };
  paper.onpointerup = lift;
  paper.onpointercancel = lift;

  const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  function describe(action) {
    const level = ["empty", "light", "grey", "full"][cells[at.row * SIZE + at.column]];
    say(`${action}row ${at.row + 1}, column ${at.column + 1}, ${level}`);
  }

  const centre = () => [at.column + 0.5, at.row + 0.5];

  paper.onkeydown = (event) => {
    const arrow = ARROWS[event.key];
    const undoKey = event.key === "u" || ((event.ctrlKey || event.metaKey) && event.key === "z");
    const ink = event.key === " " || event.key === "Enter";
    const erase = event.key === "Backspace" || event.key === "Delete";
    if (!(arrow || undoKey || ink || erase) || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && !undoKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (undoKey) {
      goBack();
      return;
    }
    if (arrow) {
      const from = centre();
      at.row = clamp(at.row + arrow[0], 0, SIZE - 1);
      at.column = clamp(at.column + arrow[1], 0, SIZE - 1);
      if (event.shiftKey) {
        beginStroke(erasing);
        brush(from, centre(), erasing);
        tell(500);
      }
      describe(event.shiftKey ? (erasing ? "erased to " : "inked to ") : "");
    } else {
      beginStroke(erase || erasing);
      brush(centre(), centre(), erase || erasing);
      tell(500);
      describe(erase || erasing ? "erased: " : "inked: ");
    }
    show();
  };
  // Streamlit has keys of its own (R, C); they must not act while somebody draws.
  paper.onkeyup = (event) => event.stopPropagation();

  return {
    update(data, setStateValue) {
      send = (value) => setStateValue("drawing", value);
      if (revision === data.revision) return;
      revision = data.revision;
      clearTimeout(timer);
      cells = Uint8Array.from(data.digits, Number);
      example = data.example;
      undo = [];
      pointer = null;
      show();
    },
    destroy() {
      clearTimeout(timer);
    },
  };
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".bvae-draw");
  if (!root || !data) return undefined;
  // Kept on the element: this function runs again for every change of the data or of the theme.
  root.drawing = root.drawing ?? createDrawing(root);
  root.drawing.update(data, setStateValue);
  return () => {
    root.drawing?.destroy();
    root.drawing = null;
  };
}
