/* The view of the plane. */

import { drawFilledContours, drawOutlines } from "./aggregates.mjs";
import { ruleColor } from "./appearance.mjs";
import { draws } from "./draws.mjs";
import { drawExpertEllipses, drawMarker, drawPriorCircle, expertLines } from "./experts.mjs";
import { meanCov } from "./gaussians.mjs";
import { placeLabels } from "./labels.mjs";
import { drawable } from "./results.mjs";
import { aggregate } from "./rules.mjs";
import { crosses, ellipse, polyline, toPixels } from "./shapes.mjs";
import { ruleOptions } from "./state.mjs";
import { compact } from "./texts.mjs";
import { pathWeights } from "./weights.mjs";

/* `noise`: see draws(). */
export function drawPlane(state, layers, experts, noise) {
  const { scene, size, results } = state;
  const { X, Y } = toPixels(size);
  const grids = new Map();
  const fill = scene.fill && results.get(scene.fill);
  if (fill) drawFilledContours(state, layers, scene.fill, fill, grids);
  const prior = scene.layers.prior ? [drawPriorCircle(state, layers)] : [];
  if (scene.layers.experts) drawExpertEllipses(state, layers, experts);
  drawPath(state, layers, experts);
  if (scene.layers.samples && fill) {
    layers.samples.get("all", "path", {
      d: crosses(draws(fill, noise).map(([x, y]) => [X(x), Y(y)])), fill: "none",
      stroke: ruleColor(state, scene.fill), "stroke-width": 1, "stroke-opacity": 0.7,
    });
  }
  const labels = scene.rules.filter((rule) => results.get(rule))
    .map((rule) => drawOutlines(state, layers, rule, results.get(rule), grids));
  experts.forEach((expert, m) => drawMarker(state, layers, m, X(expert.mean[0]), Y(expert.mean[1]), expert.present));
  const soft = scene.layers.experts ? expertLines(state, experts) : [];
  placeLabels(state, layers, [...labels, ...prior], soft, experts.map((e) => [X(e.mean[0]), Y(e.mean[1])]));
}

/* Aggregates along the path of weights, and the lines on which their means move along the triangle's edges. */
function drawPath(state, layers, experts) {
  const { size } = state;
  const { X, Y } = toPixels(size);
  const path = pathWeights(state);
  if (!path) return;
  const color = ruleColor(state, path.rule);
  const coarse = ruleOptions(state, { tolerance: 1e-8, size: [30, 26] });
  const moments = (weights) => {
    const result = drawable(aggregate(path.rule, experts, weights, coarse));
    return result && meanCov(result);
  };
  path.edges.forEach((edge, i) => {
    const points = [];
    for (const weights of edge) {
      const found = moments(weights);
      if (found) points.push(X(found.mean[0]), Y(found.mean[1]));
    }
    layers.path.get(`edge${i}`, "path", {
      d: polyline(points), fill: "none", stroke: color, "stroke-width": 1.3, "stroke-opacity": 0.55,
    });
  });
  path.ghosts.forEach((weights, i) => {
    const found = moments(weights);
    if (!found) return;
    layers.path.get(`ghost${i}`, "ellipse", {
      ...ellipse(size, found.mean, found.cov, 1), fill: color, "fill-opacity": 0.03, stroke: color, "stroke-width": 1,
      "stroke-opacity": 0.4,
    });
    layers.path.get(`ghostdot${i}`, "circle", {
      cx: compact(X(found.mean[0])), cy: compact(Y(found.mean[1])), r: 2, fill: color, "fill-opacity": 0.6,
    });
  });
}
