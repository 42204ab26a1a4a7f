/* The handles at the experts' ellipses, or at their curves. */

import { expertStyle } from "./appearance.mjs";
import { MEAN_LIMIT, SCALE_MAX, SCALE_MIN } from "./scene.mjs";
import { toPixels } from "./shapes.mjs";
import { compact, fixed2 } from "./texts.mjs";

export const HANDLE_DISTANCE = 30; // pixels: below that, a handle could not be told from the mean

/* Where the handles are: [{kind, m, k, sign, x, y}], in pixels. */
export function handlePlaces(state) {
  const { scene } = state;
  if (scene.view === "line") return scene.experts.map((expert, m) => widthPlace(state, expert, m));
  return scene.layers.experts ? scene.experts.flatMap((expert, m) => axisPlaces(state, expert, m)) : [];
}

function widthPlace({ size, drag }, expert, m) {
  const { X } = toPixels(size);
  const s = Math.sqrt(expert.cov[0]);
  let sign = drag && drag.kind === "width" && drag.m === m ? drag.sign : 1;
  if (!drag && X(expert.mean[0] + s) > size.width - 14) sign = -1;
  const x = X(expert.mean[0]) + sign * Math.max(s * size.unit, HANDLE_DISTANCE);
  const y = size.base - (size.lineRise ?? 0) * Math.exp(-0.5) / (s * Math.sqrt(2 * Math.PI));
  return { kind: "width", m, k: 0, sign, x, y };
}

function axisPlaces({ size, shapes, drag }, expert, m) {
  const { X, Y } = toPixels(size);
  const { theta, lengths } = shapes[m];
  const outside = (x, y) => x < 12 || x > size.width - 12 || y < 12 || y > size.height - 12;
  return [0, 1].map((k) => {
    const angle = theta + (k * Math.PI) / 2;
    const reach = Math.max(lengths[k] * size.unit, HANDLE_DISTANCE);
    const [dx, dy] = [reach * Math.cos(angle), -reach * Math.sin(angle)];
    const [mx, my] = [X(expert.mean[0]), Y(expert.mean[1])];
    // The end that can be reached; the one in the hand stays.
    let sign = outside(mx + dx, my + dy) && !outside(mx - dx, my - dy) ? -1 : 1;
    if (drag && drag.kind === "axis" && drag.m === m) sign = drag.signs[k];
    return { kind: "axis", m, k, sign, x: mx + sign * dx, y: my + sign * dy };
  });
}

/* Draws them all and says in state.controls what can be taken where. */
export function drawHandles(state, layers) {
  const { scene, size } = state;
  const { X, Y } = toPixels(size);
  const radius = matchMedia("(pointer: coarse)").matches ? 22 : 17;
  const places = handlePlaces(state);
  const line = scene.view === "line";
  state.controls = [];
  const hit = (id, x, y, control, attributes) => {
    const node = layers.handles.get(id, "circle", {
      class: "hit", cx: compact(x), cy: compact(y), r: radius, fill: "transparent", tabindex: 0, role: "slider",
      ...attributes, "data-control": id,
    });
    node.control = control;
    state.controls.push({ ...control, x, y, node });
  };
  scene.experts.forEach((expert, m) => {
    const [mx, my] = [X(expert.mean[0]), line ? size.base : Y(expert.mean[1])];
    const own = places.filter((place) => place.m === m);
    for (const place of own) drawKnob(state, layers, expert, place, mx, my);
    hit(`${m}/mean`, mx, my, { kind: "mean", m }, spokenMean(state, expert, m));
    for (const place of own) {
      hit(`${m}/${line ? "width" : `axis${place.k + 1}`}`, place.x, place.y, place, spokenAxis(state, expert, place));
    }
  });
}

function drawKnob(state, layers, expert, { m, k, x, y }, mx, my) {
  const { scene, theme } = state;
  const { color } = expertStyle(state, m);
  layers.handles.get(`${m}/${k}/stem`, "line", {
    x1: compact(mx), y1: compact(scene.view === "line" ? y : my), x2: compact(x), y2: compact(y), stroke: color,
    "stroke-width": 1, "stroke-opacity": expert.present ? 0.55 : 0.3, "pointer-events": "none",
  });
  layers.handles.get(`${m}/${k}/knob`, "circle", {
    cx: compact(x), cy: compact(y), r: 5, fill: theme.paper, stroke: color, "stroke-width": 2,
    "stroke-opacity": expert.present ? 1 : 0.5, "pointer-events": "none",
  });
}

/* What a screen reader says of a slider. */
function spoken(label, low, high, now, text) {
  return {
    "aria-label": label, "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": now.toFixed(2),
    "aria-valuetext": text,
  };
}

function spokenMean(state, { mean }, m) {
  const [z1, z2] = mean.map(fixed2);
  const text = state.scene.view === "line" ? `z1 ${z1}` : `z1 ${z1}, z2 ${z2}`;
  return spoken(`Expert ${expertStyle(state, m).name} mean`, -MEAN_LIMIT[0], MEAN_LIMIT[0], mean[0], text);
}

function spokenAxis(state, { cov }, { m, k }) {
  const { name } = expertStyle(state, m);
  if (state.scene.view === "line") {
    const s = Math.sqrt(cov[0]);
    return spoken(`Expert ${name}: width`, SCALE_MIN, SCALE_MAX, s, fixed2(s));
  }
  const { theta, lengths } = state.shapes[m];
  const degrees = (((theta * 180) / Math.PI + 90 * k) % 180 + 180) % 180;
  const text = `length ${fixed2(lengths[k])}, angle ${Math.round(degrees)} degrees`;
  const label = `Expert ${name}: length and direction of its ${k ? "second" : "first"} axis`;
  return spoken(label, SCALE_MIN, SCALE_MAX, lengths[k], text);
}
