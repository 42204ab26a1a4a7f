/* Samples from noise that stays the same, so that they move smoothly with a distribution. */

import { plus, sqrtm2, times, TINY } from "./matrices.mjs";

/* Uniform numbers in (0, 1) from a seed: the same for everyone (mulberry32). */
function uniforms(seed, n) {
  const values = new Float64Array(n);
  let state = seed >>> 0;
  for (let i = 0; i < n; i++) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    values[i] = (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  }
  return values;
}

/* Fixed noise for n draws: [u, v, w] uniform each. */
export function noiseFor(n, seed = 7) {
  const values = uniforms(seed, 3 * n);
  return Array.from({ length: n }, (_, i) => [values[3 * i], values[3 * i + 1], values[3 * i + 2]]);
}

/* Draws of a result from fixed noise, so that they move smoothly with it. */
export function draws(result, noise) {
  if (result.type === "pool") return gridDraws(result.grid, noise);
  const d = result.means[0].length;
  const roots = result.covs.map(sqrtm2);
  return noise.map(([u, v, w]) => {
    let k = 0;
    let rest = u;
    while (k < result.weights.length - 1 && rest > result.weights[k]) rest -= result.weights[k++];
    const radius = Math.sqrt(-2 * Math.log(v));
    const z = [radius * Math.cos(2 * Math.PI * w), radius * Math.sin(2 * Math.PI * w)].slice(0, d);
    return plus(result.means[k], times(roots[k], z));
  });
}

/* Where a cumulative sum reaches the target: index and the share of that cell. */
function invert(cumulative, target) {
  let [low, high] = [0, cumulative.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] < target) low = middle + 1;
    else high = middle;
  }
  const before = low ? cumulative[low - 1] : 0;
  return [low, (target - before) / Math.max(cumulative[low] - before, TINY)];
}

/* Inverse of the cumulative distribution over the cells: first x, then y given x. */
function gridDraws(grid, noise) {
  const { d, x, y, wx, wy, nx, ny, log } = grid;
  const columns = Array.from({ length: nx }, () => new Float64Array(ny));
  const marginal = new Float64Array(nx);
  for (let i = 0; i < nx; i++) {
    let sum = 0;
    for (let j = 0; j < ny; j++) {
      sum += Math.exp(log[j * nx + i]) * (d === 2 ? wy[j] : 1);
      columns[i][j] = sum;
    }
    marginal[i] = (i ? marginal[i - 1] : 0) + sum * wx[i];
  }
  const between = (lines, i, t) => {
    const left = i > 0 ? (lines[i - 1] + lines[i]) / 2 : lines[0];
    const right = i < lines.length - 1 ? (lines[i] + lines[i + 1]) / 2 : lines[i];
    return left + t * (right - left);
  };
  return noise.map(([u, v]) => {
    const [i, t] = invert(marginal, u * marginal[nx - 1]);
    if (d === 1) return [between(x, i, t)];
    const [j, s] = invert(columns[i], v * columns[i][ny - 1]);
    return [between(x, i, t), between(y, j, s)];
  });
}
