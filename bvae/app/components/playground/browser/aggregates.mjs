/* Drawing what comes out in the plane: outlines and filled contours of aggregates. */

import { ruleColor, ruleDash, ruleWidth, shortName } from "./appearance.mjs";
import { contours } from "./contours.mjs";
import { densityGrid, levelsFor } from "./densities.mjs";
import { meanCov } from "./gaussians.mjs";
import { keyedGroup } from "./nodes.mjs";
import { isGaussian } from "./results.mjs";
import { ellipse, ellipsePoints, polyline, toPixels } from "./shapes.mjs";
import { compact } from "./texts.mjs";

export const OUTLINE_MASSES = [1 - Math.exp(-0.5), 1 - Math.exp(-2)];
const FILL_MASSES = [0.97, 0.9, 0.78, 0.6, 0.4, 0.2];
const OF_BEFORE = 0.35;

/* The opacity of a rule's aggregate: less where it belongs to an earlier scene. */
export function opacityOf({ waiting }, rule) {
  return waiting.has(rule) ? OF_BEFORE : "";
}

/* The lines around the given shares of the mass, in pixels: one list of closed lines per share. */
export function outlines(size, result, masses, grids) {
  const { X, Y } = toPixels(size);
  if (isGaussian(result)) {
    return masses.map((mass) => [
      ellipsePoints(size, result.means[0], result.covs[0], Math.sqrt(-2 * Math.log(1 - mass)), 72),
    ]);
  }
  if (!grids.has(result)) grids.set(result, densityGrid(result));
  const grid = grids.get(result);
  return levelsFor(grid, masses).map((level) => contours(grid, level).map((line) => {
    for (let i = 0; i < line.length; i += 2) {
      line[i] = X(line[i]);
      line[i + 1] = Y(line[i + 1]);
    }
    return line;
  }));
}

export function drawFilledContours(state, layers, rule, result, grids) {
  const { size, theme } = state;
  const color = ruleColor(state, rule);
  outlines(size, result, FILL_MASSES, grids).forEach((lines, i) => {
    layers.fill.get(i, "path", {
      d: lines.map((line) => polyline(line, true)).join(""), fill: color, "fill-opacity": theme.dark ? 0.11 : 0.085,
      "fill-rule": "evenodd", opacity: opacityOf(state, rule),
    });
  });
}

/* The group of one rule, with its numbers as data: tests and curious people read them. */
export function ruleGroup(state, layers, rule, mean, cov) {
  const holder = layers.rules.get(rule, "g", {
    class: "rule", "data-rule": rule, "data-mean": mean.map((v) => v.toFixed(4)).join(","),
    "data-cov": cov.map((v) => v.toFixed(5)).join(","), "data-waiting": state.waiting.has(rule) ? "true" : "",
    opacity: opacityOf(state, rule),
  });
  holder.lines ??= keyedGroup(holder, "lines");
  holder.lines.begin();
  return holder.lines;
}

/* Outlines of one and two standard deviations, or of their shares of the mass. Returns what the rule's label needs. */
export function drawOutlines(state, layers, rule, result, grids) {
  const { size, theme } = state;
  const { X, Y } = toPixels(size);
  const color = ruleColor(state, rule);
  const width = ruleWidth(rule);
  const { mean, cov } = meanCov(result);
  const group = ruleGroup(state, layers, rule, mean, cov);
  const lines = outlines(size, result, OUTLINE_MASSES, grids);
  const line = {
    fill: "none", stroke: color, "stroke-dasharray": ruleDash(state, rule), "stroke-linejoin": "round",
  };
  const outer = { ...line, "stroke-width": width * 0.5, opacity: 0.75 };
  const inner = { ...line, "stroke-width": width };
  if (isGaussian(result)) {
    group.get("two", "ellipse", { ...ellipse(size, mean, cov, 2), ...outer });
    group.get("one", "ellipse", { ...ellipse(size, mean, cov, 1), ...inner });
  } else {
    const paths = lines.map((part) => part.map((points) => polyline(points, true)).join(""));
    group.get("two", "path", { d: paths[1], ...outer });
    group.get("one", "path", { d: paths[0], ...inner });
  }
  group.get("dot", "circle", {
    cx: compact(X(mean[0])), cy: compact(Y(mean[1])), r: 3.5, fill: color, stroke: theme.paper, "stroke-width": 1.2,
  });
  group.end();
  return { key: rule, text: shortName(state, rule), color, lines, closed: true };
}
