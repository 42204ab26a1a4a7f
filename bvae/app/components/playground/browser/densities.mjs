/* Densities on a grid of lines that lie denser where the mass is; no page, no state. */

import { determinant, inverse, LOG_2PI, outer, scaled, TINY } from "./matrices.mjs";

/* n lines between low and high, denser around the centres: equal steps of a smooth increasing function, so that the
   trapezoid rule in those steps stays very accurate. Returns the lines and their quadrature weights. */
function gridLines(centres, spreads, low, high, n) {
  const share = 0.65 / centres.length;
  const value = (x) => {
    let sum = (0.35 * (x - low)) / (high - low);
    for (let k = 0; k < centres.length; k++) {
      const t = (x - centres[k]) / (1.6 * spreads[k]);
      sum += (share * t) / Math.sqrt(1 + t * t) / 2;
    }
    return sum;
  };
  const slope = (x) => {
    let sum = 0.35 / (high - low);
    for (let k = 0; k < centres.length; k++) {
      const t = (x - centres[k]) / (1.6 * spreads[k]);
      const root = 1 + t * t;
      sum += share / (3.2 * spreads[k] * root * Math.sqrt(root));
    }
    return sum;
  };
  const lines = new Float64Array(n);
  const weights = new Float64Array(n);
  const start = value(low);
  const step = (value(high) - start) / (n - 1);
  let x = low;
  for (let i = 0; i < n; i++) {
    if (i > 0) {
      let [left, right] = [x, high];
      const target = start + i * step;
      x = Math.min(x + step / slope(x), high);
      for (let k = 0; k < 60; k++) {
        const error = value(x) - target;
        if (error > 0) right = x;
        else left = x;
        if (Math.abs(error) < 1e-12) break;
        const next = x - error / slope(x);
        x = next > left && next < right ? next : (left + right) / 2;
      }
    }
    lines[i] = x;
    weights[i] = (step / slope(x)) * (i === 0 || i === n - 1 ? 0.5 : 1);
  }
  return { lines, weights };
}

/* An empty grid over all the Gaussians, `reach` standard deviations wide, of size [nx] or [nx, ny]. */
export function gridOver(means, covs, reach, size) {
  const d = means[0].length;
  const axes = [];
  for (let i = 0; i < d; i++) {
    const centres = means.map((mean) => mean[i]);
    const spreads = covs.map((cov) => Math.sqrt(Math.max(cov[i === 0 ? 0 : 2], 1e-8)));
    const low = Math.min(...centres.map((c, k) => c - reach * spreads[k]));
    const high = Math.max(...centres.map((c, k) => c + reach * spreads[k]));
    // Many components that say the same would only cost time.
    const kept = centres.length <= 24 ? centres.map((_, k) => k) : sparse(centres, spreads);
    axes.push(gridLines(kept.map((k) => centres[k]), kept.map((k) => spreads[k]), low, high, size[i]));
  }
  const grid = { d, x: axes[0].lines, wx: axes[0].weights, nx: size[0], ny: 1 };
  if (d === 2) Object.assign(grid, { y: axes[1].lines, wy: axes[1].weights, ny: size[1] });
  grid.log = new Float64Array(grid.nx * grid.ny);
  return grid;
}

/* Indices of components that differ by more than a fifth of their spread. */
function sparse(centres, spreads) {
  const kept = [];
  centres.forEach((c, k) => {
    const twin = kept.some(
      (j) => Math.abs(centres[j] - c) < 0.2 * spreads[j] && Math.abs(Math.log(spreads[j] / spreads[k])) < 0.2,
    );
    if (!twin) kept.push(k);
  });
  return kept;
}

/* Writes log q into the grid, for a mixture or a (not yet normalised) pool. */
export function fillGrid(grid, result) {
  const { d, x, y, nx, ny, log } = grid;
  const pool = result.type === "pool";
  const alpha = pool ? result.alpha : 1;
  const K = result.weights.length;
  const constants = result.weights.map((w, k) =>
    Math.log(Math.max(w, TINY)) -
    0.5 * alpha * (Math.log(Math.max(determinant(result.covs[k]), TINY)) + d * LOG_2PI));
  const precisions = result.covs.map((cov) => scaled(inverse(cov), 0.5 * alpha));
  if (pool) {
    // Far tails matter here: they are raised to 1 / alpha. So sum relative to the largest term of each node.
    const terms = new Float64Array(K);
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++) {
        let top = -Infinity;
        for (let k = 0; k < K; k++) {
          const p = precisions[k];
          const dx = x[i] - result.means[k][0];
          let q = p[0] * dx * dx;
          if (d === 2) {
            const dy = y[j] - result.means[k][1];
            q += dy * (2 * p[1] * dx + p[2] * dy);
          }
          terms[k] = constants[k] - q;
          if (terms[k] > top) top = terms[k];
        }
        let sum = 0;
        for (let k = 0; k < K; k++) sum += terms[k] - top > -36 ? Math.exp(terms[k] - top) : 0;
        log[j * nx + i] = (top + Math.log(sum)) / alpha;
      }
    }
    return grid;
  }
  const density = new Float64Array(log.length);
  for (let k = 0; k < K; k++) {
    if (result.weights[k] <= 0) continue;
    const p = precisions[k];
    const [cx, cy] = result.means[k];
    const height = Math.exp(constants[k]);
    const reach = 7 * Math.sqrt(result.covs[k][0]);
    let first = 0;
    let last = nx;
    while (first < nx && x[first] < cx - reach) first++;
    while (last > first && x[last - 1] > cx + reach) last--;
    for (let j = 0; j < ny; j++) {
      const dy = d === 2 ? y[j] - cy : 0;
      const a = d === 2 ? p[2] * dy * dy : 0;
      // Least value of the form on this row: skip the row if even that is far out.
      if (d === 2 && a - (p[1] * p[1] * dy * dy) / p[0] > 25) continue;
      const b = d === 2 ? 2 * p[1] * dy : 0;
      for (let i = first; i < last; i++) {
        const dx = x[i] - cx;
        const q = a + dx * (b + p[0] * dx);
        if (q < 25) density[j * nx + i] += height * Math.exp(-q);
      }
    }
  }
  for (let i = 0; i < log.length; i++) log[i] = Math.log(density[i] + TINY);
  return grid;
}

/* The grid of a result of aggregate() with its log-density. */
export function densityGrid(result, size) {
  if (result.grid) return result.grid;
  const d = result.means[0].length;
  return fillGrid(gridOver(result.means, result.covs, 4.6, size ?? (d === 1 ? [240] : [68, 56])), result);
}

export function gridMoments(grid) {
  const { d, x, y, wx, wy, nx, ny, log } = grid;
  let mass = 0;
  const first = [0, 0];
  const second = [0, 0, 0];
  for (let j = 0; j < ny; j++) {
    for (let i = 0; i < nx; i++) {
      const p = Math.exp(log[j * nx + i]) * wx[i] * (d === 2 ? wy[j] : 1);
      mass += p;
      first[0] += p * x[i];
      second[0] += p * x[i] * x[i];
      if (d === 2) {
        first[1] += p * y[j];
        second[1] += p * x[i] * y[j];
        second[2] += p * y[j] * y[j];
      }
    }
  }
  mass = Math.max(mass, TINY);
  const mean = first.slice(0, d).map((value) => value / mass);
  const raw = scaled(d === 2 ? second : second.slice(0, 1), 1 / mass);
  const squared = outer(mean);
  return { mass, mean, cov: raw.map((value, i) => value - squared[i]) };
}

/* Log-densities above which the given shares of the mass lie (largest densities first): one per mass. */
export function levelsFor(grid, masses) {
  const { d, wx, wy, nx, ny, log } = grid;
  let top = -Infinity;
  for (const value of log) if (value > top) top = value;
  const bins = 2400;
  const depth = 24;
  const histogram = new Float64Array(bins);
  let total = 0;
  for (let j = 0; j < ny; j++) {
    for (let i = 0; i < nx; i++) {
      const below = top - log[j * nx + i];
      const p = Math.exp(-below) * wx[i] * (d === 2 ? wy[j] : 1);
      total += p;
      if (below < depth) histogram[Math.floor((below / depth) * bins)] += p;
    }
  }
  const order = masses.map((_, i) => i).sort((a, b) => masses[a] - masses[b]);
  const levels = masses.map(() => top - depth);
  let sum = 0;
  let next = 0;
  for (let bin = 0; bin < bins && next < order.length; bin++) {
    const after = sum + histogram[bin];
    while (next < order.length && after >= masses[order[next]] * total) {
      const part = (masses[order[next]] * total - sum) / Math.max(histogram[bin], TINY);
      levels[order[next]] = top - ((bin + part) * depth) / bins;
      next++;
    }
    sum = after;
  }
  return levels;
}
