/* The view of the line: densities of the marginals along z1. */

import { opacityOf, ruleGroup } from "./aggregates.mjs";
import { expertStyle, ruleColor, ruleLine, shortName } from "./appearance.mjs";
import { densityGrid } from "./densities.mjs";
import { draws } from "./draws.mjs";
import { drawMarker } from "./experts.mjs";
import { meanCov, normalLogDensity } from "./gaussians.mjs";
import { placeLabels } from "./labels.mjs";
import { drawable, isGaussian } from "./results.mjs";
import { aggregate } from "./rules.mjs";
import { crosses, polyline, toPixels } from "./shapes.mjs";
import { ruleOptions } from "./state.mjs";
import { compact } from "./texts.mjs";
import { pathWeights } from "./weights.mjs";

const MOST_SHOWN = 3.2;

/* Points of a Gaussian's density in pixels; a density of 1 is size.lineRise high. */
function normalCurve(size, mean, variance) {
  const { X } = toPixels(size);
  const s = Math.sqrt(variance);
  const points = [];
  for (let i = -48; i <= 48; i++) {
    const x = mean + (4.4 * s * i) / 48;
    points.push(X(x), size.base - size.lineRise * Math.exp(normalLogDensity([mean], [variance], [x])));
  }
  return points;
}

function resultCurve(size, result) {
  const { X } = toPixels(size);
  if (isGaussian(result)) return normalCurve(size, result.means[0][0], result.covs[0][0]);
  const grid = densityGrid(result);
  const points = [];
  for (let i = 0; i < grid.nx; i++) points.push(X(grid.x[i]), size.base - size.lineRise * Math.exp(grid.log[i]));
  return points;
}

function area(size, points) {
  const n = points.length;
  return polyline([points[0], size.base, ...points, points[n - 2], size.base], true);
}

/* `noise`: see draws(). */
export function drawLine(state, layers, experts, noise) {
  const { scene, size, theme, results } = state;
  const { X } = toPixels(size);
  size.lineRise = size.rise / highest(state, experts);
  const fill = scene.fill && results.get(scene.fill);
  if (fill) {
    layers.fill.get("area", "path", {
      d: area(size, resultCurve(size, fill)), fill: ruleColor(state, scene.fill),
      "fill-opacity": theme.dark ? 0.24 : 0.17, opacity: opacityOf(state, scene.fill),
    });
  }
  const prior = scene.layers.prior ? [drawPrior(state, layers)] : [];
  if (scene.layers.experts) drawExpertCurves(state, layers, experts);
  drawGhosts(state, layers, experts);
  if (scene.layers.samples && fill) {
    layers.samples.get("all", "path", {
      d: crosses(draws(fill, noise).map(([x], i) => [X(x), size.base + 5 + 11 * noise[i][2]])), fill: "none",
      stroke: ruleColor(state, scene.fill), "stroke-width": 1, "stroke-opacity": 0.6,
    });
  }
  const labels = scene.rules.filter((rule) => results.get(rule))
    .map((rule) => drawCurve(state, layers, rule, results.get(rule)));
  experts.forEach((expert, m) => drawMarker(state, layers, m, X(expert.mean[0]), size.base, expert.present));
  const soft = scene.layers.experts ? experts.map((e) => normalCurve(size, e.mean[0], e.cov[0])) : [];
  placeLabels(state, layers, [...labels, ...prior], soft, experts.map((e) => [X(e.mean[0]), size.base]));
}

/* The density of the prior N(0, 1). Returns what its label needs. */
function drawPrior({ scene, size, theme }, layers) {
  const points = normalCurve(size, 0, 1);
  layers.prior.get("curve", "path", {
    d: polyline(points), fill: "none", stroke: theme.hair, "stroke-width": scene.prior ? 1.6 : 1,
  });
  return { key: "prior", text: "prior", color: theme.faint, lines: [[upperPart(size, points)], [points]], closed: false,
    size: 11 };
}

/* The density that reaches up to the top: that of the experts; in the small form of those that are shown and of the
   joint beliefs, within limits. */
function highest({ scene, results, story }, experts) {
  const peak = (variance) => 1 / Math.sqrt(2 * Math.PI * variance);
  if (!story) return Math.max(...experts.map((e) => peak(e.cov[0])));
  const own = experts.filter((e) => e.present).map((e) => peak(e.cov[0]));
  const joint = scene.rules.map((rule) => results.get(rule)).filter((result) => result && isGaussian(result));
  return Math.min(Math.max(1, ...own, ...joint.map((result) => peak(result.covs[0][0]))), MOST_SHOWN);
}

function drawExpertCurves(state, layers, experts) {
  experts.forEach((expert, m) => {
    const { color } = expertStyle(state, m);
    const here = expert.present;
    layers.experts.get(`${m}/curve`, "path", {
      d: polyline(normalCurve(state.size, expert.mean[0], expert.cov[0])), fill: here ? color : "none",
      "fill-opacity": 0.18, stroke: color, "stroke-width": here ? 1.4 : 1.1, "stroke-opacity": here ? 0.8 : 0.45,
      "stroke-dasharray": here ? "" : "3 5",
    });
  });
}

/* Aggregates along the path of weights. */
function drawGhosts(state, layers, experts) {
  const path = pathWeights(state);
  if (!path) return;
  const coarse = ruleOptions(state, { tolerance: 1e-8, size: [80] });
  path.ghosts.forEach((weights, i) => {
    const result = drawable(aggregate(path.rule, experts, weights, coarse));
    if (!result) return;
    layers.path.get(`ghost${i}`, "path", {
      d: polyline(resultCurve(state.size, result)), fill: "none", stroke: ruleColor(state, path.rule),
      "stroke-width": 1, "stroke-opacity": 0.35,
    });
  });
}

/* The density of one aggregate. Returns what its label needs. */
function drawCurve(state, layers, rule, result) {
  const { size, theme } = state;
  const { X } = toPixels(size);
  const { mean, cov } = meanCov(result);
  const group = ruleGroup(state, layers, rule, mean, cov);
  const points = resultCurve(size, result);
  const color = ruleColor(state, rule);
  group.get("curve", "path", {
    d: polyline(points), fill: "none", ...ruleLine(state, rule), "stroke-linejoin": "round",
  });
  group.get("dot", "circle", {
    cx: compact(X(mean[0])), cy: size.base, r: 3.5, fill: color, stroke: theme.paper, "stroke-width": 1.2,
  });
  group.end();
  return {
    key: rule, text: shortName(state, rule), color, lines: [[upperPart(size, points)], [points]], closed: false,
  };
}

/* The visible part of a curve that is well above the axis: where its label stands best. */
function upperPart(size, points) {
  let top = size.base;
  for (let i = 1; i < points.length; i += 2) top = Math.min(top, points[i]);
  const limit = size.base - 0.3 * (size.base - Math.max(top, 0));
  const kept = [];
  for (let i = 0; i < points.length; i += 2) {
    if (points[i + 1] < limit && points[i + 1] > 8) kept.push(points[i], points[i + 1]);
  }
  return kept;
}
