/* Weights as a point of a triangle or a segment, and the path of weights that leads through it. */

import { isComputedHere } from "./results.mjs";
import { clamp } from "./scene.mjs";
import { presentIndices } from "./state.mjs";

const GHOSTS = 7;

/* Weights of three or two experts from a point in the triangle or on the segment, and back. */
export function barycentric(corners, [x, y]) {
  if (corners.length === 2) {
    const [a, b] = corners;
    const t = ((x - a[0]) * (b[0] - a[0]) + (y - a[1]) * (b[1] - a[1])) / ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2);
    return [1 - clamp(t, 0, 1), clamp(t, 0, 1)];
  }
  const [a, b, c] = corners;
  const det = (b[1] - c[1]) * (a[0] - c[0]) + (c[0] - b[0]) * (a[1] - c[1]);
  const first = ((b[1] - c[1]) * (x - c[0]) + (c[0] - b[0]) * (y - c[1])) / det;
  const second = ((c[1] - a[1]) * (x - c[0]) + (a[0] - c[0]) * (y - c[1])) / det;
  const inside = [first, second, 1 - first - second];
  if (inside.every((value) => value >= 0)) return inside;
  // Outside: the nearest point of the three sides.
  let best = null;
  for (const [i, j] of [[0, 1], [1, 2], [2, 0]]) {
    const [p, q] = barycentric([corners[i], corners[j]], [x, y]);
    const at = [0, 1].map((k) => p * corners[i][k] + q * corners[j][k]);
    const distance = Math.hypot(at[0] - x, at[1] - y);
    if (best && best.distance <= distance) continue;
    const weights = [0, 0, 0];
    weights[i] = p;
    weights[j] = q;
    best = { distance, weights };
  }
  return best.weights;
}

/* Shares of the present experts, sum 1; equal where all weights are zero. */
export function shares({ scene }, indices) {
  const total = indices.reduce((sum, m) => sum + scene.weights[m], 0);
  return indices.map((m) => (total > 0 ? scene.weights[m] / total : 1 / indices.length));
}

export function setShares(state, values) {
  const indices = presentIndices(state);
  indices.forEach((m, i) => (state.scene.weights[m] = Math.round(values[i] * indices.length * 1000) / 1000));
}

/* The point between corners whose shares are these. */
export function pointAt(corners, values) {
  return [0, 1].map((k) => values.reduce((sum, value, i) => sum + value * corners[i][k], 0));
}

/* Full weight vectors of the seven ghosts and of the edges, or null without two or three experts. */
export function pathWeights(state) {
  const { scene } = state;
  if (!scene.layers.path) return null;
  const indices = presentIndices(state);
  if (indices.length !== 2 && indices.length !== 3) return null;
  const full = (values) => {
    const weights = scene.weights.map(() => 0);
    indices.forEach((m, i) => (weights[m] = values[i]));
    return weights;
  };
  const own = shares(state, indices);
  const rest = own.slice(1).reduce((sum, value) => sum + value, 0);
  const opposite = own.slice(1).map((value) => (rest > 1e-9 ? value / rest : 1 / (own.length - 1)));
  const ghosts = [];
  for (let i = 0; i < GHOSTS; i++) {
    const t = i / (GHOSTS - 1);
    ghosts.push(full([1 - t, ...opposite.map((value) => value * t)]));
  }
  const edges = (indices.length === 3 ? [[0, 1], [1, 2], [2, 0]] : [[0, 1]]).map(([i, j]) => {
    const points = [];
    for (let k = 0; k <= 14; k++) {
      const values = indices.map(() => 0);
      values[i] = 1 - k / 14;
      values[j] = k / 14;
      points.push(full(values));
    }
    return points;
  });
  return { indices, own, ghosts, edges, rule: isComputedHere(scene.fill) ? scene.fill : "wasserstein" };
}
