/* A map of very many points, painted by the processor: moved, enlarged, pointed at, and selected from. */

import { createCamera } from "./camera.mjs";
import { itemsOf, nearest, unpacked, within } from "./cloud.mjs";
import { createGestures } from "./gestures.mjs";
import { createPainter } from "./painting.mjs";
import { paintAbove, paintGround } from "./scenery.mjs";

const REACH = 10; // pixels around the pointer in which a point is found
const KEYS = "With keys: arrows move the map, + and - change its size, 0 shows all of it, Enter selects the point "
  + "nearest to its middle. Items can be selected by number above the map, too.";
const TOOLS = [
  ["lasso", "Lasso", "Draw around points to select them; a click selects one"],
  ["box", "Box", "Draw a box around points to select them"],
  ["move", "Move", "Drag the map; the wheel makes it larger"],
];

function element(tag, properties = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/* Names come a moment later: they are compressed. Without them, items are called by their numbers. */
async function named(cloud) {
  try {
    cloud.names = await cloud.inflate();
  } catch {
    cloud.names = null;
  }
}

function createMap(root) {
  let header = null;
  let cloud = null;
  let picture = null; // behind the points
  let picked = new Set();
  let outline = [];
  let tool = "lasso";
  let frame = 0;
  let bytes = null;
  let send = () => {};
  let tell = () => {};

  const canvas = element("canvas", { tabIndex: 0, role: "application" });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const camera = createCamera();
  const painter = createPainter();
  const card = element("div", { className: "card", hidden: true });
  const hint = element("p", { className: "hint", textContent: KEYS });
  const heard = element("div", { className: "hint", role: "status" });
  const bar = element("div", { className: "bar" });
  const tools = element("div", { className: "tools", role: "group", "aria-label": "Tools of the map" });
  const titles = element("p", { className: "titles" });
  const field = element("div", { className: "field" }, [canvas, card]);
  root.replaceChildren(tools, bar, field, titles, hint, heard);
  hint.id = `bvae-map-${Math.random().toString(36).slice(2)}`;
  canvas.setAttribute("aria-describedby", hint.id);

  function looks() {
    const style = getComputedStyle(root);
    return { paper: style.getPropertyValue("--st-background-color") || "#fff", text: style.color, font: "sans-serif",
      muted: header.ink.muted, grid: header.ink.grid };
  }

  function paint() {
    frame = 0;
    if (!cloud || !canvas.clientWidth) return;
    const began = performance.now();
    const ratio = canvas.width / canvas.clientWidth;
    const now = looks();
    paintGround(context, camera, header, picture, now, ratio);
    painter.paint(context, camera, cloud, header, picked, ratio);
    paintAbove(context, camera, header, now, outline, ratio);
    root.dataset.frameMs = (performance.now() - began).toFixed(2);
    root.dataset.painted = header.revision;
    root.dataset.view = [camera.x, camera.y, camera.closer].map((v) => v.toPrecision(5)).join(" ");
  }
  const repaint = () => {
    frame = frame || requestAnimationFrame(paint);
  };

  function told(i) {
    const numbers = ["uncertainty", "disagreement"].map((name) => `${name} ${Number(cloud[name][i].toPrecision(3))}`);
    return [cloud.names?.[i] ?? `item ${cloud.item[i]}`, numbers.join(", ")];
  }

  /* The card of the point nearest to a place of the page's pixels; null takes it away. */
  function point(place, reach = REACH) {
    const ratio = canvas.width / canvas.clientWidth;
    const i = place && cloud ? nearest(cloud, camera, ...place.map((v) => v * ratio), reach * ratio) : -1;
    card.hidden = i < 0;
    if (i < 0) return;
    const [name, numbers] = told(i);
    card.replaceChildren(element("strong", { textContent: name }), element("br"), numbers);
    const [left, top] = [camera.left(cloud.x[i]) / ratio, camera.top(cloud.y[i]) / ratio];
    const aside = left > canvas.clientWidth / 2;
    card.style.left = aside ? "" : `${left + 12}px`;
    card.style.right = aside ? `${canvas.clientWidth - left + 12}px` : "";
    card.style.top = `${Math.max(4, Math.min(top - 14, canvas.clientHeight - 56))}px`;
    if (reach === Infinity) heard.textContent = `Nearest to the middle: ${name}, ${numbers}`;
  }

  function choose(points) {
    const items = itemsOf(cloud, points, header.most);
    if (!items.length) return;
    picked = new Set(items);
    heard.textContent = items.length > 1 ? `${items.length} items selected` : `${told(points[0])[0]} selected`;
    root.dataset.picked = picked.size;
    repaint();
    send(items);
  }

  const act = {
    point,
    /* Where a pointer is, or the middle where keys move the map, in places of the map; the static edition asks. */
    follow(place) {
      if (!cloud || !header.follows) return;
      const [left, top] = place.map((v) => (v * canvas.width) / canvas.clientWidth);
      tell([camera.toX(left), camera.toY(top)]);
    },
    moved: repaint,
    drawn(places) {
      outline = places;
      repaint();
    },
    enclosed: (places) => choose(within(cloud, places)),
    clicked(place, reach = REACH) {
      const ratio = canvas.width / canvas.clientWidth;
      const i = nearest(cloud, camera, ...place.map((v) => v * ratio), reach * ratio);
      if (i >= 0) choose([i]);
    },
  };
  const moves = createGestures(canvas, camera, () => tool, act);

  const button = (text, title, onclick) => element("button", { type: "button", textContent: text, title, onclick });
  const buttons = TOOLS.map(([name, text, title]) => button(text, title, () => {
    tool = name;
    show();
  }));
  const steps = [["−", "Smaller", moves.farther], ["+", "Larger", moves.closer],
    ["Whole map", "Show all points", moves.whole]];
  tools.append(...buttons, ...steps.map(([text, title, move]) => {
    const made = button(text, title, () => {
      move();
      repaint();
    });
    made.setAttribute("aria-label", text === "Whole map" ? text : title);
    return made;
  }), button("Save", "Save the map as a PNG", () => canvas.toBlob((blob) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: `${header.file}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  })));

  function show() {
    buttons.forEach((one, k) => one.setAttribute("aria-pressed", TOOLS[k][0] === tool));
    canvas.dataset.tool = tool;
  }

  function describe() {
    canvas.setAttribute("aria-label", header.alt);
    titles.textContent = header.titles[0] ? `→ ${header.titles[0]}   ↑ ${header.titles[1]}` : "";
    titles.hidden = !header.titles[0];
    bar.hidden = !header.bar;
    if (!header.bar) return;
    const shades = element("div", { className: "shades" });
    shades.style.background = `linear-gradient(to right, ${header.colors.slice(0, -1).join(", ")})`;
    bar.replaceChildren(element("span", { textContent: header.bar.title }), element("span", {
      textContent: header.bar.low }), shades, element("span", { textContent: header.bar.high }));
  }

  function fit() {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * ratio));
    if (!width || (width === canvas.width && height === canvas.height)) return;
    [canvas.width, canvas.height] = [width, height];
    camera.size(width, height);
    repaint();
  }
  const watch = new ResizeObserver(fit);
  watch.observe(canvas);
  show();

  return {
    update(data, setStateValue) {
      tell = (place) => setStateValue("pointed", place);
      send = (items) => setStateValue("picked", { items, at: Date.now() }); // the same items again are news, too
      if (data === bytes) {
        repaint(); // in another theme, perhaps
        return;
      }
      bytes = data;
      const known = header;
      const next = unpacked(data);
      header = next.header;
      if (known?.revision !== header.revision) {
        cloud = next.cloud;
        named(cloud);
      }
      picked = new Set(header.picked);
      root.dataset.picked = picked.size;
      fit();
      camera.hold(header.window);
      if (known?.window.toString() !== header.window.toString()) camera.reset();
      const behind = header.behind?.uri;
      if (behind !== known?.behind?.uri) {
        picture = null;
        if (behind) {
          const image = new Image();
          image.src = behind;
          image.decode().then(() => {
            picture = image;
            repaint();
          }, () => {});
        }
      }
      describe();
      repaint();
    },
    destroy() {
      cancelAnimationFrame(frame);
      watch.disconnect();
    },
  };
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".bvae-map");
  if (!root || !data) return undefined;
  // Kept on the element: this function runs again for every change of the data or of the theme.
  root.map = root.map ?? createMap(root);
  root.map.update(data, setStateValue);
  return () => {
    root.map?.destroy();
    root.map = null;
  };
}
