/* Where labels stand in many random scenes, measured without the grid that places them. */

import { OUTLINE_MASSES, outlines } from "../../bvae/app/components/playground/browser/aggregates.mjs";
import { ellipsePoints, pictureSize } from "../../bvae/app/components/playground/browser/shapes.mjs";
import { findPlaces, textWidth } from "../../bvae/app/components/playground/browser/places.mjs";
import { aggregate, RULES } from "../../bvae/app/components/playground/browser/rules.mjs";
import { drawable } from "../../bvae/app/components/playground/browser/results.mjs";
import { covarianceOf } from "../../bvae/app/components/playground/browser/matrices.mjs";

/* Numbers in (0, 1) from a seed. */
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
}

/* Whether the segment p-q touches the box [x0, y0, x1, y1]. */
function meets([px, py], [qx, qy], [x0, y0, x1, y1]) {
  if (Math.max(px, qx) < x0 || Math.min(px, qx) > x1 || Math.max(py, qy) < y0 || Math.min(py, qy) > y1) return false;
  const side = (x, y) => Math.sign((qx - px) * (y - py) - (qy - py) * (x - px));
  const sides = new Set([side(x0, y0), side(x1, y0), side(x0, y1), side(x1, y1)]);
  return sides.size > 1 || sides.has(0); // 0: a point, inside
}

function lineMeets(points, closed, box) {
  const n = points.length / 2;
  for (let i = 0; i < (closed ? n : n - 1); i++) {
    const j = (i + 1) % n;
    if (meets([points[2 * i], points[2 * i + 1]], [points[2 * j], points[2 * j + 1]], box)) return true;
  }
  return false;
}

function distanceTo(lines, closed, [x0, y0, x1, y1]) {
  for (let grown = 0; grown < 400; grown++) {
    const box = [x0 - grown, y0 - grown, x1 + grown, y1 + grown];
    if (lines.some((points) => lineMeets(points, closed, box))) return grown;
  }
  return Infinity;
}

/* What is wrong with the places of one frame: sentences. */
function faults(labels, places) {
  const found = [];
  const boxes = places.map((p) => p && [p.cx - p.w / 2, p.cy - p.h / 2, p.cx + p.w / 2, p.cy + p.h / 2]);
  labels.forEach(({ key, lines, closed }, i) => {
    if (!boxes[i]) return;
    labels.forEach((other, k) => {
      if (k === i) return;
      if (other.lines.flat().some((points) => lineMeets(points, other.closed, boxes[i]))) {
        found.push(`${key} lies on a line of ${other.key}`);
      }
      if (!boxes[k]) return;
      const [a, b] = [boxes[i], boxes[k]];
      if (k > i && a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]) found.push(`${key} lies on ${other.key}`);
      const { leader } = places[i];
      if (leader && meets(leader.slice(0, 2), leader.slice(2), b)) found.push(`${key}'s leader crosses ${other.key}`);
    });
    const { leader } = places[i];
    if (leader) {
      const [x, y] = leader.slice(2);
      if (distanceTo(lines.flat(), closed, [x, y, x, y]) > 1) found.push(`${key}'s leader does not end on its line`);
    } else if (distanceTo(lines.flat(), closed, boxes[i]) > 6) found.push(`${key} is away from its line`);
  });
  return found;
}

function frameOf(size, experts, weights, rules) {
  const grids = new Map();
  const labels = rules.map((rule) => [rule, drawable(aggregate(rule, experts, weights, { alpha: 0.5, rho: 0.5 }))])
    .filter(([, result]) => result)
    .map(([key, result]) => (
      { key, w: textWidth(key), lines: outlines(size, result, OUTLINE_MASSES, grids), closed: true }));
  labels.push({ key: "prior", w: textWidth("prior", 11), lines: [[ellipsePoints(size, [0, 0], [1, 0, 1], 1, 72)]],
    closed: true });
  const soft = experts.flatMap(({ mean, cov }) => [1, 2].map((radius) => ellipsePoints(size, mean, cov, radius, 48)));
  const markers = experts.map(({ mean: [x, y] }) => (
    { cx: size.width / 2 + x * size.unit, cy: size.height / 2 - y * size.unit, w: 17, h: 17 }));
  return { labels, soft, markers };
}

/* {labels, missing, faults, leaps}: over scenes with `count` rules in a picture `width` pixels wide, each dragged for
   a few frames. `leaps`: labels that moved more than 80 pixels in a frame in which an expert moved by 3. */
export function measure({ seeds, count, width }) {
  const size = pictureSize(width);
  const out = { labels: 0, missing: 0, faults: [], leaps: 0, milliseconds: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    const draw = uniform(seed * 7919);
    const between = (low, high) => low + (high - low) * draw();
    const experts = Array.from({ length: 2 + Math.floor(4 * draw()) }, () => ({
      mean: [between(-3.5, 3.5), between(-2.5, 2.5)], present: draw() > 0.15,
      cov: covarianceOf(between(0, Math.PI), [between(0.2, 1.3), between(0.2, 1.3)]),
    }));
    const rules = Object.keys(RULES).map((rule) => [draw(), rule]).sort((a, b) => a[0] - b[0])
      .slice(0, count).map(([, rule]) => rule);
    const before = new Map();
    let last = null;
    for (let frame = 0; frame < 6; frame++) {
      experts[0].mean[0] += 3 / size.unit;
      const { labels, soft, markers } = frameOf(size, experts, experts.map(() => 1), rules);
      const start = performance.now();
      const places = findPlaces(size, labels, soft, markers, before);
      out.milliseconds += performance.now() - start;
      out.labels += labels.length;
      out.missing += places.filter((place) => !place).length;
      out.faults.push(...faults(labels, places).map((text) => `scene ${seed}, frame ${frame}: ${text}`));
      if (last?.length === places.length) {
        const leap = (p, q) => p && q && Math.hypot(p.cx - q.cx, p.cy - q.cy) > 80;
        out.leaps += places.filter((place, i) => leap(place, last[i])).length;
      }
      last = places;
    }
  }
  out.milliseconds /= seeds * 6;
  return out;
}
