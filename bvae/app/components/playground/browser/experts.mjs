/* Drawing what goes in: the experts, and the prior. */

import { expertStyle } from "./appearance.mjs";
import { ellipse, ellipsePoints, markerPath, toPixels } from "./shapes.mjs";
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

/* The same ellipses as lines, for what keeps away from them. */
export function expertLines({ size }, experts) {
  return experts.flatMap(({ mean, cov }) => [1, 2].map((radius) => ellipsePoints(size, mean, cov, radius, 48)));
}

/* Marker at a place in pixels; its letter is placed with the other names, see labels.mjs. */
export function drawMarker(state, layers, m, x, y, present) {
  const { color, marker } = expertStyle(state, m);
  const { theme } = state;
  layers.markers.get(`${m}/shape`, "path", {
    d: markerPath(marker, 7), transform: `translate(${compact(x)} ${compact(y)})`, fill: present ? color : theme.paper,
    stroke: present ? theme.paper : color, "stroke-width": 1.6, opacity: present ? 1 : 0.7,
  });
}

/* The circle of the prior N(0, I). Returns what its label needs. */
export function drawPriorCircle({ scene, size, theme }, layers) {
  const { X, Y } = toPixels(size);
  layers.prior.get("one", "circle", {
    cx: X(0), cy: Y(0), r: size.unit, fill: "none", stroke: theme.hair, "stroke-width": scene.prior ? 1.6 : 1,
  });
  const circle = ellipsePoints(size, [0, 0], [1, 0, 1], 1, 72);
  return { key: "prior", text: "prior", color: theme.faint, lines: [[circle]], closed: true, size: 11 };
}
