/* Names in the picture: of rules beside their lines, of experts beside their markers, of the prior. */

import { expertStyle } from "./appearance.mjs";
import { handlePlaces } from "./handles.mjs";
import { findPlaces, HEIGHT, letterPlace, textWidth } from "./places.mjs";
import { waitingNote } from "./results.mjs";
import { compact } from "./texts.mjs";

const HALO = { "stroke-linejoin": "round", "paint-order": "stroke" };

/* Draws them all.

   labels   [{key, text, color, lines, closed, size}], see findPlaces(); size of the letters, 13 by default
   soft     lines of the experts
   markers  [[x, y], ...] of the experts */
export function placeLabels(state, layers, labels, soft, markers) {
  const taken = markers.map(([cx, cy]) => ({ cx, cy, w: 17, h: 17 }));
  const knobs = handlePlaces(state).map(({ x, y }) => ({ cx: x, cy: y, w: 13, h: 13 }));
  markers.forEach((marker, m) => {
    const place = letterPlace(marker, [...taken, ...knobs]);
    taken.push(place);
    drawLetter(state, layers, m, place);
  });
  const named = labels.filter(({ lines }) => lines.flat().some((points) => points.length))
    .map((label) => ({ ...label, w: textWidth(label.text, label.size) }));
  const note = waitingNote(state);
  if (note) taken.push(drawWaitingNote(state, layers, note));
  findPlaces(state.size, named, soft, [...taken, ...knobs], state.labelPlaces)
    .forEach((place, i) => place && drawLabel(state, layers, named[i], place));
}

function drawLetter(state, layers, m, { cx, cy }) {
  const { theme, scene } = state;
  layers.markers.get(`${m}/letter`, "text", {
    x: compact(cx), y: compact(cy + 5), "text-anchor": "middle", "font-size": 14, "font-weight": 700, fill: theme.ink,
    opacity: scene.experts[m].present ? 1 : 0.5, stroke: theme.paper, "stroke-width": 3.5, ...HALO,
  }).textContent = expertStyle(state, m).name;
}

function drawLabel({ theme, waiting }, layers, { key, text, color, size = 13 }, { cx, cy, leader }) {
  if (leader) {
    const [x1, y1, x2, y2] = leader.map(compact);
    layers.labels.get(`${key}/line`, "line", {
      class: "leader", "data-of": key, x1, y1, x2, y2, stroke: color, "stroke-width": 1.2,
    });
    layers.labels.get(`${key}/end`, "circle", { cx: x2, cy: y2, r: 2.4, fill: color });
  }
  layers.labels.get(key, "text", {
    class: "name", "data-of": key, x: compact(cx), y: compact(cy + size * 0.35), "text-anchor": "middle",
    "font-size": size, "font-weight": 600, fill: color, stroke: theme.paper, "stroke-width": 3.5, ...HALO,
    opacity: waiting.has(key) ? 0.5 : "",
  }).textContent = text;
}

/* What is said while Python computes; returns the box that it takes. */
function drawWaitingNote({ size, theme }, layers, text) {
  layers.labels.get("waiting", "text", {
    class: "waiting", x: compact(size.width / 2), y: 18, "text-anchor": "middle", "font-size": 12.5, fill: theme.ink,
    stroke: theme.paper, "stroke-width": 4, ...HALO,
  }).textContent = text;
  return { cx: size.width / 2, cy: 14, w: textWidth(text, 12.5), h: HEIGHT + 4 };
}
