/* What decoders give, as one sees it: pictures, texts, and columns in words or as squares. */

import { htmlNode, setText } from "../../playground/browser/nodes.mjs";

const FEW = 4; // columns that are written out; more are squares
const SURE = 0.995; // a word that is at least as probable stands alone
const SHORT = 12; // characters: shown large
const [LOW, MIDDLE, HIGH, GAP] = [[33, 102, 171], [247, 247, 242], [217, 94, 13], [158, 163, 168]];

/* (C, H, W) floats in [0, 1] into a canvas of W x H. */
export function paintImage(canvas, values, [channels, height, width]) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  const size = width * height;
  const [g, b] = channels >= 3 ? [size, 2 * size] : [0, 0];
  for (let i = 0; i < size; i++) {
    picture.data[4 * i] = Math.round(255 * values[i]); // clamped by the array itself
    picture.data[4 * i + 1] = Math.round(255 * values[i + g]);
    picture.data[4 * i + 2] = Math.round(255 * values[i + b]);
    picture.data[4 * i + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

/* The most probable character at every place. */
export function readText(values, [places, letters], alphabet) {
  let text = "";
  for (let i = 0; i < places; i++) {
    let best = 0;
    for (let k = 1; k < letters; k++) if (values[i * letters + k] > values[i * letters + best]) best = k;
    text += alphabet[best] ?? "";
  }
  return text;
}

function written(value) {
  if (Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

/* One item's few columns in words: a number, or the most probable word with its probability. */
export function readColumns(values, columns) {
  let at = 0;
  return columns.map(({ name, type, categories = [] }) => {
    const width = type === "category" ? categories.length : 1;
    const cells = Array.from(values.slice(at, at + width));
    at += width;
    const called = name.replaceAll("_", " ");
    if (type === "number" || type === "count" || cells.some(Number.isNaN)) return `${called} ${written(cells[0])}`;
    const words = categories.length ? categories : ["0", "1"];
    const shares = type === "binary" ? [1 - cells[0], cells[0]] : cells;
    const best = shares.indexOf(Math.max(...shares));
    const p = shares[best] >= SURE ? "" : ` ${Math.round(100 * shares[best])}%`;
    return `${called} ${words[best]}${p}`;
  }).join(", ");
}

/* Many cells as a picture of one square each: orange above the usual value, blue below. */
export function paintSquares(canvas, values, { mean, deviation }) {
  const width = Math.ceil(Math.sqrt(values.length));
  const height = Math.ceil(values.length / width);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  picture.data.fill(255);
  values.forEach((value, i) => {
    const part = Math.min(Math.max((value - mean[i]) / deviation[i] / 2, -1), 1);
    const towards = part < 0 ? LOW : HIGH;
    const color = Number.isNaN(part) ? GAP : MIDDLE.map((v, k) => v + (towards[k] - v) * Math.abs(part));
    picture.data.set(color, 4 * i);
  });
  context.putImageData(picture, 0, 0);
}

/* A tile for every view. views: [{name, title, color, kind, shape, alphabet, columns, usual}]. */
export function createPictures(views) {
  const tiles = views.map((view) => {
    const drawn = view.kind === "image" || (view.columns?.length ?? 0) > FEW;
    const node = drawn ? htmlNode("canvas", { width: 1, height: 1, role: "img" }) :
      htmlNode("div", { className: "words", role: "img" });
    const square = htmlNode("span", { textContent: "■ ", "aria-hidden": "true" });
    square.style.color = view.color;
    const said = htmlNode("span", { className: "seen" });
    const figure = htmlNode("figure", {}, [
      htmlNode("figcaption", {}, [square, view.name, said]), htmlNode("div", { className: "tile" }, [node])]);
    return { view, node, figure, said };
  });
  const root = htmlNode("div", { className: "tiles" }, tiles.map(({ figure }) => figure));
  root.style.setProperty("--count", Math.min(views.length, 5));
  return {
    root,

    /* values: {name: Float32Array}; what is not in it stays. how: what one who cannot see is told. */
    show(values, how) {
      for (const { view, node } of tiles) {
        const own = values[view.name];
        if (!own) continue;
        const label = `${view.name}, ${how}`;
        if (view.kind === "image") paintImage(node, own, view.shape);
        else if (node.tagName === "CANVAS") paintSquares(node, own, view.usual);
        else {
          const text = view.kind === "text" ? readText(own, view.shape, view.alphabet) :
            view.columns?.length ? readColumns(own, view.columns) : `${own.length} numbers`;
          setText(node, text.length > SHORT ? text.trim() : text);
          node.classList.toggle("long", text.length > SHORT);
          node.setAttribute("aria-label", `${label}: ${text.trim()}`);
          continue;
        }
        node.setAttribute("aria-label", label);
      }
    },

    /* A word under some of the pictures, such as what judges see: {name: text}. */
    caption(texts) {
      for (const { view, said } of tiles) setText(said, texts[view.name] ? ` ${texts[view.name]}` : "");
    },
  };
}
