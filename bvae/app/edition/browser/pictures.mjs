/* What an item shows in one view, and what a decoder makes of a point: pictures, texts, rows of columns. */

import { paintImage, paintSquares, readColumns, readText } from "../../components/live/browser/pictures.mjs";

export function element(tag, properties = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/* An item's picture out of a sheet, or its text. `k`: its place among the carried items; alt: "" where what is around
   it says it. */
export function tile(view, k, alt) {
  if (!view.present[k]) return element("span", { className: "bvae-frame absent", textContent: "missing" });
  if (!view.sheet) return element("span", { className: "text-tile", textContent: view.texts[k] });
  const { file, columns, size: [wide, high], count } = view.sheet;
  const rows = Math.ceil(count / columns);
  const said = alt ? { role: "img", "aria-label": alt } : { "aria-hidden": "true" };
  const node = element("span", { className: "sheet-tile", ...said });
  node.style.backgroundImage = `url("${file}")`;
  node.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
  node.style.backgroundPosition = `${columns > 1 ? (100 * (k % columns)) / (columns - 1) : 0}% ${
    rows > 1 ? (100 * Math.floor(k / columns)) / (rows - 1) : 0}%`;
  node.style.aspectRatio = `${wide} / ${high}`;
  return node;
}

const drawable = ({ kind, shape }) => kind === "image" && shape.length === 3 && [1, 3, 4].includes(shape[0]);

/* A place for what is decoded of one modality, as model.json describes it: {node, show(values)}.

   usual: of many columns the mean and the deviation of each cell, as the items have them; they are squares then. */
export function place(modality, alt, usual) {
  if (usual) {
    const side = Math.ceil(Math.sqrt(usual.mean.length));
    const canvas = element("canvas", { className: "decoded", role: "img", "aria-label": alt, width: side,
      height: Math.ceil(usual.mean.length / side) });
    return { node: canvas, show: (values) => paintSquares(canvas, values, usual) };
  }
  if (drawable(modality)) {
    const [, height, width] = modality.shape;
    const canvas = element("canvas", { className: "decoded", role: "img", "aria-label": alt, width, height });
    return { node: canvas, show: (values) => paintImage(canvas, values, modality.shape) };
  }
  const node = element("span", { className: "text-tile" });
  const said = (values) => {
    const { kind, shape, alphabet, columns } = modality;
    if (kind === "text" && alphabet) return readText(values, shape, alphabet).trim();
    if (columns) return readColumns(values, columns);
    const [low, high] = [Math.min(...values), Math.max(...values)].map((v) => v.toPrecision(3));
    return `${values.length} numbers from ${low} to ${high}`;
  };
  return { node, show: (values) => {
    node.textContent = said(values) || "(blank)";
  } };
}
