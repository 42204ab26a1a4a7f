/* The hyperbolic half-plane of Gaussians in one dimension under Fisher and Rao's metric, and its weighted mean. */

import { inverse, outer, plus, scaled, times } from "./matrices.mjs";

/* Distance and logarithm in the hyperbolic half-plane, seen from a base point moved to (0, 1). */
function hyperbolicLog(base, point) {
  const u = (point[0] - base[0]) / base[1];
  const v = point[1] / base[1];
  const distance = 2 * Math.asinh(Math.sqrt((u * u + (v - 1) * (v - 1)) / (4 * v)));
  const ratio = distance < 1e-9 ? 1 : distance / Math.sinh(distance);
  return { distance, log: [(ratio * u) / v, (ratio * (u * u + (v - 1) * (v + 1))) / (2 * v)] };
}

function hyperbolicExp(base, [a, b]) {
  const r = Math.hypot(a, b);
  if (r === 0) return base;
  const v = 1 / (Math.cosh(r) - (Math.sinh(r) * b) / r);
  return [base[0] + (base[1] * v * Math.sinh(r) * a) / r, base[1] * v];
}

/* Weighted Karcher mean of points (x, y) in the hyperbolic half-plane, by Newton's method on the manifold. */
export function karcherMean(points, weights) {
  const objective = (base) => points.reduce((sum, p, m) => sum + weights[m] * hyperbolicLog(base, p).distance ** 2, 0);
  let base = [0, 0];
  points.forEach((p, m) => (base = [base[0] + weights[m] * p[0], base[1] + weights[m] * Math.log(p[1])]));
  base = [base[0], Math.exp(base[1])];
  let value = objective(base);
  for (let i = 0; i < 100; i++) {
    let gradient = [0, 0];
    let hessian = [0, 0, 0];
    points.forEach((p, m) => {
      const { distance, log } = hyperbolicLog(base, p);
      const size = Math.hypot(...log);
      const along = size < 1e-12 ? [0, 0, 0] : outer(scaled(log, 1 / size));
      const across = distance < 1e-6 ? 1 : distance / Math.tanh(distance);
      gradient = plus(gradient, scaled(log, weights[m]));
      hessian = plus(hessian, scaled(plus(scaled(along, 1 - across), scaled([1, 0, 1], across)), weights[m]));
    });
    let step = times(inverse(hessian), gradient);
    let next = hyperbolicExp(base, step);
    let nextValue = objective(next);
    for (let halvings = 0; nextValue > value * (1 + 1e-14) + 1e-300 && halvings < 40; halvings++) {
      step = scaled(step, 0.5);
      next = hyperbolicExp(base, step);
      nextValue = objective(next);
    }
    base = next;
    value = nextValue;
    if (Math.hypot(...step) < 1e-13) break;
  }
  return base;
}
