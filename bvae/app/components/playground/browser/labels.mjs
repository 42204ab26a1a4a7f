/* One label next to each line. */

import { handlePlaces } from "./handles.mjs";
import { waitingNote } from "./results.mjs";
import { compact } from "./texts.mjs";

const HEIGHT = 16;

/* Labels of lines [{rule, text, color, points, closed}] that keep away from markers [x, y, width, height]. */
export function placeLabels(state, layers, list, markers) {
  const placed = [];
  const obstacles = markers.map(([x, y, w, h]) => [x, y, w, h, 60]);
  for (const { x, y } of handlePlaces(state)) obstacles.push([x, y, 8, 8, 30]);
  for (const label of list) {
    if (!label.points.length) continue;
    const best = bestPlace(state, label, list, placed, obstacles);
    placed.push([best.cx, best.cy, best.w, HEIGHT]);
    state.labelPlaces.set(label.rule, best.offset);
    drawLabel(state, layers, label, best);
  }
  drawWaitingNote(state, layers);
}

/* Of many candidates the cheapest, where covering another label costs most and leaving the place of the last frame a
   little, so that labels stay calm while one drags. */
function bestPlace(state, { rule, text, points, closed }, list, placed, obstacles) {
  const [w, h] = [text.length * 6.9 + 6, HEIGHT];
  const n = points.length / 2;
  let [mx, my] = [0, 0];
  for (let i = 0; i < n; i++) {
    mx += points[2 * i] / n;
    my += points[2 * i + 1] / n;
  }
  const before = state.labelPlaces.get(rule);
  let best = null;
  for (let ring = 0; ring < 4; ring++) {
    for (let i = 0; i < n; i++) {
      const [px, py] = [points[2 * i], points[2 * i + 1]];
      let [nx, ny] = [px - mx, py - my];
      if (!closed) ny = Math.min(ny, -0.3 * Math.abs(nx)) - 6;
      const length = Math.hypot(nx, ny) || 1;
      nx /= length;
      ny /= length;
      const gap = 6 + 20 * ring;
      const cx = px + nx * (gap + (Math.abs(nx) * w) / 2 + (Math.abs(ny) * h) / 2);
      const cy = py + ny * (gap + (Math.abs(nx) * w) / 2 * 0.2 + (Math.abs(ny) * h) / 2);
      let cost = 9 * ring + costOfPlace(state.size, cx, cy, w, h, placed, obstacles);
      if (best && cost >= best.cost) continue;
      cost += costOfCover(list, cx, cy, w, h);
      const offset = [cx - mx, cy - my];
      if (before) cost += Math.min(Math.hypot(offset[0] - before[0], offset[1] - before[1]) * 0.15, 12);
      if (!best || cost < best.cost) best = { cost, cx, cy, px, py, ring, w, offset };
    }
  }
  return best;
}

/* For leaving the picture, and for lying on other labels, markers and handles. */
function costOfPlace(size, cx, cy, w, h, placed, obstacles) {
  let cost = 0;
  const outX = Math.max(w / 2 + 4 - cx, cx + w / 2 + 4 - size.width);
  const out = Math.max(outX, h / 2 + 4 - cy, cy + h / 2 + 20 - size.height);
  if (out > 0) cost += 400 + out;
  for (const [ox, oy, ow, oh] of placed) {
    const dx = (w + ow) / 2 + 2 - Math.abs(cx - ox);
    const dy = (h + oh) / 2 - Math.abs(cy - oy);
    if (dx > 0 && dy > 0) cost += 200 + dx * dy;
  }
  for (const [ox, oy, ow, oh, price] of obstacles) {
    if ((w + ow) / 2 > Math.abs(cx - ox) && (h + oh) / 2 > Math.abs(cy - oy)) cost += price;
  }
  return cost;
}

/* For lying on lines. */
function costOfCover(list, cx, cy, w, h) {
  let cost = 0;
  for (const { points } of list) {
    for (let k = 0; k < points.length; k += 2) {
      if (Math.abs(points[k] - cx) < w / 2 && Math.abs(points[k + 1] - cy) < h / 2) cost += 7;
    }
  }
  return cost;
}

function drawLabel({ theme, waiting }, layers, { rule, text, color }, { cx, cy, px, py, ring }) {
  if (ring > 0) {
    layers.labels.get(`${rule}/line`, "line", {
      x1: compact(px), y1: compact(py), x2: compact(cx), y2: compact(cy), stroke: color, "stroke-width": 1,
      "stroke-opacity": 0.6,
    });
  }
  layers.labels.get(rule, "text", {
    x: compact(cx), y: compact(cy + 4.5), "text-anchor": "middle", "font-size": 13, "font-weight": 600, fill: color,
    stroke: theme.paper, "stroke-width": 4, "stroke-linejoin": "round", "paint-order": "stroke",
    opacity: waiting.has(rule) ? 0.5 : "",
  }).textContent = text;
}

function drawWaitingNote(state, layers) {
  const text = waitingNote(state);
  if (!text) return;
  const { size, theme } = state;
  layers.labels.get("waiting", "text", {
    class: "waiting", x: compact(size.width / 2), y: 18, "text-anchor": "middle", "font-size": 12.5, fill: theme.ink,
    stroke: theme.paper, "stroke-width": 4, "stroke-linejoin": "round", "paint-order": "stroke",
  }).textContent = text;
}
