/* What the live views are drawn with: the playground's nodes, and one layer for each drawing. */

import { htmlNode, keyedGroup, setText, svgNode } from "../../playground/browser/nodes.mjs";

export { htmlNode, setText, svgNode };

const layers = new WeakMap();

/* The keyed group of a drawing, the same one every time. */
export function keyed(drawing, name) {
  if (!layers.has(drawing)) layers.set(drawing, keyedGroup(drawing, name));
  return layers.get(drawing);
}
