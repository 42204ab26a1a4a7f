/* One layer for each drawing of a live view. */

import { keyedGroup } from "../../playground/browser/nodes.mjs";

const layers = new WeakMap();

/* The keyed group of a drawing, the same one every time. */
export function keyed(drawing, name) {
  if (!layers.has(drawing)) layers.set(drawing, keyedGroup(drawing, name));
  return layers.get(drawing);
}
