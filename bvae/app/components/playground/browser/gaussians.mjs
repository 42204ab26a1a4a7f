/* One Gaussian, mixtures of them and pools: log-density, mean and covariance. */

import { determinant, identity, inverse, LOG_2PI, outer, plus, quadratic, scaled, TINY } from "./matrices.mjs";

export function normalLogDensity(mean, cov, point) {
  const delta = mean.map((value, i) => point[i] - value);
  return -0.5 * (quadratic(inverse(cov), delta) + Math.log(Math.max(determinant(cov), TINY)) + mean.length * LOG_2PI);
}

export function mixture(parts) {
  const total = parts.reduce((sum, part) => sum + part.w, 0) || 1;
  return {
    type: "mixture",
    weights: parts.map((part) => part.w / total),
    means: parts.map((part) => part.mean),
    covs: parts.map((part) => part.cov),
  };
}

function logSumExp(values) {
  const top = Math.max(...values);
  if (top === -Infinity) return top;
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
}

/* log q(point) of a result of aggregate(). */
export function logDensity(result, point) {
  const alpha = result.type === "pool" ? result.alpha : 1;
  const terms = result.weights.map(
    (w, k) => Math.log(Math.max(w, TINY)) + alpha * normalLogDensity(result.means[k], result.covs[k], point),
  );
  return logSumExp(terms) / alpha - (result.type === "pool" ? result.logZ : 0);
}

/* Mean and covariance of a result of aggregate(). */
export function meanCov(result) {
  if (result.type === "pool") return { mean: result.mean, cov: result.cov };
  const d = result.means[0].length;
  let mean = Array(d).fill(0);
  result.weights.forEach((w, k) => (mean = plus(mean, scaled(result.means[k], w))));
  let cov = scaled(identity(d), 0);
  result.weights.forEach((w, k) => {
    const delta = result.means[k].map((value, i) => value - mean[i]);
    cov = plus(cov, scaled(plus(result.covs[k], outer(delta)), w));
  });
  return { mean, cov };
}
