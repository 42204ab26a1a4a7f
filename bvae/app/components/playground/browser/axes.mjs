/* Grid lines, ticks and names of the axes. */

import { toPixels } from "./shapes.mjs";
import { compact } from "./texts.mjs";

/* In the small form the pictures below the line stand for its numbers. */
export function drawAxes({ scene, size, theme, story }, layers) {
  const { X, Y } = toPixels(size);
  const { width, height } = size;
  const plane = scene.view === "plane";
  const text = {
    "font-size": 11, fill: theme.faint, stroke: theme.paper, "stroke-width": 3, "paint-order": "stroke",
  };
  const tick = (i) => String(i).replace("-", "−");
  const [lastX, lastY] = [Math.floor(size.halfX), Math.floor(size.halfY)];
  if (!plane) layers.grid.get("base", "line", { x1: 0, x2: width, y1: size.base, y2: size.base, stroke: theme.axis });
  if (story) return;
  const line = (i) => ({ stroke: i === 0 ? theme.axis : theme.grid, "stroke-width": 1 });
  const bottom = plane ? height - 7 : size.base + 34;
  for (let i = -lastX; i <= lastX; i++) {
    const x = compact(X(i));
    layers.grid.get(`x${i}`, "line", { x1: x, x2: x, y1: 0, y2: plane ? height : size.base, ...line(i) });
  }
  for (let i = -lastY; plane && i <= lastY; i++) {
    const y = compact(Y(i));
    layers.grid.get(`y${i}`, "line", { x1: 0, x2: width, y1: y, y2: y, ...line(i) });
  }
  for (let i = -lastX; i <= lastX; i++) {
    const x = compact(X(i));
    if (x < 26 || x > width - 26) continue;
    layers.ticks.get(`x${i}`, "text", { x, y: bottom, "text-anchor": "middle", ...text }).textContent = tick(i);
  }
  for (let i = -lastY; plane && i <= lastY; i++) {
    const y = compact(Y(i));
    if (y < 24 || y > height - 24) continue;
    layers.ticks.get(`y${i}`, "text", { x: 7, y: y + 4, ...text }).textContent = tick(i);
  }
  const name = { ...text, "font-style": "italic", "font-size": 13 };
  if (plane) layers.ticks.get("z2", "text", { x: 7, y: 17, ...name }).textContent = "z₂";
  layers.ticks.get("z1", "text", { x: width - 8, y: bottom, "text-anchor": "end", ...name }).textContent = "z₁";
}
