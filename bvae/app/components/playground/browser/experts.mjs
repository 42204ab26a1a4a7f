/* Drawing what goes in: the experts, and the prior. */

import { expertStyle } from "./appearance.mjs";
import { ellipse, markerPath, toPixels } from "./shapes.mjs";
import { compact } from "./texts.mjs";

/* Ellipses of one and two standard deviations. */
export function drawExpertEllipses(state, layers, experts) {
  const { size, theme } = state;
  experts.forEach((expert, m) => {
    const { color } = expertStyle(state, m);
    const here = expert.present;
    const rings = [[2, theme.dark ? 0.11 : 0.07, 0.45, 1], [1, theme.dark ? 0.22 : 0.15, 0.95, 1.6]];
    rings.forEach(([radius, fillOpacity, opacity, width]) => {
      layers.experts.get(`${m}/${radius}`, "ellipse", {
        ...ellipse(size, expert.mean, expert.cov, radius), fill: here ? color : "none", "fill-opacity": fillOpacity,
        stroke: color, "stroke-opacity": here ? opacity : 0.45, "stroke-width": here ? width : 1.2,
        "stroke-dasharray": here ? "" : "3 5",
      });
    });
  });
}

/* Marker and letter at a place in pixels. */
export function drawMarker(state, layers, m, x, y, present) {
  const { color, marker, name } = expertStyle(state, m);
  const { theme } = state;
  const at = `translate(${compact(x)} ${compact(y)})`;
  layers.markers.get(`${m}/shape`, "path", {
    d: markerPath(marker, 7), transform: at, fill: present ? color : theme.paper,
    stroke: present ? theme.paper : color,
    "stroke-width": 1.6, opacity: present ? 1 : 0.7,
  });
  layers.markers.get(`${m}/letter`, "text", {
    x: compact(x + 11), y: compact(y - 8), "font-size": 14, "font-weight": 700, fill: theme.ink,
    opacity: present ? 1 : 0.5, stroke: theme.paper, "stroke-width": 3.5, "paint-order": "stroke",
  }).textContent = name;
}

/* The circle of the prior N(0, I). */
export function drawPriorCircle({ scene, size, theme }, layers) {
  const { X, Y } = toPixels(size);
  layers.prior.get("one", "circle", {
    cx: X(0), cy: Y(0), r: size.unit, fill: "none", stroke: theme.hair, "stroke-width": scene.prior ? 1.6 : 1,
  });
  layers.prior.get("text", "text", {
    x: compact(X(0)), y: compact(Y(-1) + 12), "text-anchor": "middle", "font-size": 10.5, fill: theme.faint,
    stroke: theme.paper, "stroke-width": 3, "paint-order": "stroke",
  }).textContent = "prior";
}
