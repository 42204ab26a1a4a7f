/* The aggregation rules: Gaussian experts with full covariance in one or two dimensions in, their aggregate out.

   Formulas and their limits (a weight of zero, nobody present) are those of bvae.aggregators. */

import { fillGrid, gridMoments, gridOver } from "./densities.mjs";
import { meanCov, mixture } from "./gaussians.mjs";
import { karcherMean } from "./half-plane.mjs";
import {
  determinant, geometricMean, identity, inverse, outer, plus, quadratic, sandwich, scaled, sqrtm2, square, times,
  trace,
} from "./matrices.mjs";

/* Who takes part: present experts of positive weight, weights normalised to sum 1. */
function active(experts, weights) {
  const parts = [];
  experts.forEach((expert, m) => {
    const w = weights && weights.length ? Number(weights[m]) : 1;
    if (expert.present !== false && w > 0 && Number.isFinite(w)) parts.push({ w, mean: expert.mean, cov: expert.cov });
  });
  const total = parts.reduce((sum, part) => sum + part.w, 0);
  return parts.map((part) => ({ ...part, w: part.w / total }));
}

/* Normalised product of powers, with N(0, I) as one more factor where asked. */
function productOf(parts, exponents, prior) {
  const d = parts[0].mean.length;
  let precision = scaled(identity(d), prior ? 1 : 0);
  let shift = Array(d).fill(0);
  parts.forEach((part, m) => {
    const own = scaled(inverse(part.cov), exponents[m]);
    precision = plus(precision, own);
    shift = plus(shift, times(own, part.mean));
  });
  const cov = inverse(precision);
  return { mean: times(cov, shift), cov };
}

function poe(parts, prior) {
  const total = parts.reduce((sum, part) => sum + part.w, 0);
  return productOf(parts, parts.map((part) => (parts.length * part.w) / total), prior);
}

/* Fixed point of the Bures-Wasserstein barycenter. */
function wasserstein(parts, tolerance = 1e-12) {
  const total = parts.reduce((sum, part) => sum + part.w, 0);
  const d = parts[0].mean.length;
  let mean = Array(d).fill(0);
  let root = scaled(identity(d), 0);
  parts.forEach((part) => {
    mean = plus(mean, scaled(part.mean, part.w / total));
    root = plus(root, scaled(sqrtm2(part.cov), part.w / total));
  });
  if (parts.length === 1) return { mean: parts[0].mean.slice(), cov: parts[0].cov.slice() };
  let cov = square(root);
  if (d === 1) return { mean, cov };
  for (let i = 0; i < 200; i++) {
    const s = sqrtm2(cov);
    let inner = scaled(identity(d), 0);
    for (const part of parts) inner = plus(inner, scaled(sqrtm2(sandwich(s, part.cov)), part.w / total));
    const next = sandwich(inverse(s), square(inner));
    const change = Math.max(...next.map((value, k) => Math.abs(value - cov[k])));
    cov = next;
    if (change < tolerance * trace(cov)) break;
  }
  return { mean, cov };
}

function moment(parts) {
  return meanCov(mixture(parts));
}

/* A rule inside every non-empty subset; a subset weighs the geometric mean of its members' weights. */
function subsets(parts, inside) {
  const result = [];
  for (let bits = 1; bits < 1 << parts.length; bits++) {
    const members = parts.filter((_, m) => bits & (1 << m));
    const logs = members.reduce((sum, part) => sum + Math.log(part.w), 0);
    result.push({ ...inside(members), w: Math.exp(logs / members.length) });
  }
  return mixture(result);
}

/* (sum_m w_m sqrt(q_m))^2 as the Gaussian mixture that it is. */
function squaredRoots(parts) {
  const result = [];
  parts.forEach((a, i) => {
    result.push({ w: a.w * a.w, mean: a.mean, cov: a.cov });
    for (const b of parts.slice(i + 1)) {
      const middle = scaled(plus(a.cov, b.cov), 0.5);
      const delta = a.mean.map((value, k) => value - b.mean[k]);
      const overlap =
        ((determinant(a.cov) * determinant(b.cov)) ** 0.25 / Math.sqrt(determinant(middle))) *
        Math.exp(-quadratic(inverse(middle), delta) / 8);
      result.push({ w: 2 * a.w * b.w * overlap, ...productOf([a, b], [0.5, 0.5], false) });
    }
  });
  return mixture(result);
}

function jeffreys(parts, tolerance = 1e-13) {
  const d = parts[0].mean.length;
  let a = scaled(identity(d), 0);
  let b = Array(d).fill(0);
  let c = Array(d).fill(0);
  for (const part of parts) {
    const precision = scaled(inverse(part.cov), part.w);
    a = plus(a, precision);
    b = plus(b, times(precision, part.mean));
    c = plus(c, scaled(part.mean, part.w));
  }
  let mean = c;
  let cov = identity(d);
  for (let i = 0; i < 300; i++) {
    let spread = scaled(identity(d), 0);
    for (const part of parts) {
      const delta = mean.map((value, k) => value - part.mean[k]);
      spread = plus(spread, scaled(plus(part.cov, outer(delta)), part.w));
    }
    const nextCov = geometricMean(inverse(a), spread);
    const precision = inverse(nextCov);
    const nextMean = times(inverse(plus(precision, a)), plus(times(precision, c), b));
    const change = Math.max(
      ...nextMean.map((value, k) => Math.abs(value - mean[k])),
      ...nextCov.map((value, k) => Math.abs(value - cov[k])),
    );
    mean = nextMean;
    cov = nextCov;
    if (change < tolerance * Math.max(trace(cov), ...mean.map(Math.abs))) break;
  }
  return { mean, cov };
}

/* Consensus of dependent experts; the correlation rho between every two experts' errors. */
function code(parts, rho) {
  const n = parts.length;
  const d = parts[0].mean.length;
  const k = rho / (1 + (n - 1) * rho);
  let precision = scaled(identity(d), 0);
  let shift = Array(d).fill(0);
  let roots = scaled(identity(d), 0);
  let rootMeans = Array(d).fill(0);
  for (const part of parts) {
    const root = scaled(inverse(sqrtm2(part.cov)), Math.sqrt(n * part.w));
    precision = plus(precision, square(root));
    shift = plus(shift, times(square(root), part.mean));
    roots = plus(roots, root);
    rootMeans = plus(rootMeans, times(root, part.mean));
  }
  precision = scaled(plus(precision, scaled(square(roots), -k)), 1 / (1 - rho));
  shift = scaled(plus(shift, scaled(times(roots, rootMeans), -k)), 1 / (1 - rho));
  const cov = inverse(precision);
  return { mean: times(cov, shift), cov };
}

/* Along every axis on its own; null where an expert is correlated: there is no such product of half-planes then. */
function fisherRao(parts) {
  const d = parts[0].mean.length;
  if (d === 2 && parts.some((part) => Math.abs(part.cov[1]) >= 1e-9)) return null;
  const weights = parts.map((part) => part.w);
  const axes = [];
  for (let i = 0; i < d; i++) {
    const points = parts.map((p) => [p.mean[i] / Math.SQRT2, Math.sqrt(p.cov[i === 0 ? 0 : 2])]);
    axes.push(karcherMean(points, weights));
  }
  const variances = axes.map((axis) => axis[1] ** 2);
  return { mean: axes.map((axis) => axis[0] * Math.SQRT2), cov: d === 1 ? variances : [variances[0], 0, variances[1]] };
}

/* Hoelder pool q ~ (sum w q^alpha)^(1/alpha). Normaliser, mean and covariance by quadrature on its own grid. */
function hoelderPool(parts, alpha, size) {
  if (alpha >= 1 || parts.length === 1) return mixture(parts);
  const result = { type: "pool", alpha, weights: [], means: [], covs: [], logZ: 0 };
  for (const part of parts) {
    result.weights.push(part.w);
    result.means.push(part.mean);
    result.covs.push(part.cov);
  }
  const d = parts[0].mean.length;
  // The mass may sit between the experts: the grid is also fine where products of them are.
  const between = squaredRoots(parts);
  const geometric = productOf(parts, parts.map((part) => part.w), false);
  result.grid = gridOver(
    [...between.means, geometric.mean], [...between.covs, geometric.cov], 6.5, size ?? (d === 1 ? [240] : [72, 64]),
  );
  fillGrid(result.grid, result);
  const { mass, mean, cov } = gridMoments(result.grid);
  result.logZ = Math.log(mass);
  for (let i = 0; i < result.grid.log.length; i++) result.grid.log[i] -= result.logZ;
  result.mean = mean;
  result.cov = cov;
  return result;
}

const one = (gaussian) => (gaussian ? mixture([{ w: 1, ...gaussian }]) : null);

/* By the names of bvae.aggregators(). Python knows these names (TWINS in scenes.py) and computes all others itself. */
export const RULES = {
  poe: (parts, { prior }) => one(poe(parts, prior)),
  geometric: (parts) => one(productOf(parts, parts.map((part) => part.w), false)),
  moe: (parts) => mixture(parts),
  moment: (parts) => one(moment(parts)),
  wasserstein: (parts, { tolerance }) => one(wasserstein(parts, tolerance)),
  mopoe: (parts, { prior }) => subsets(parts, (members) => poe(members, prior)),
  mwb: (parts, { tolerance }) => subsets(parts, (members) => wasserstein(members, tolerance)),
  hoelder: (parts, { alpha, size }) => hoelderPool(parts, alpha, size),
  helvae: (parts) => one(meanCov(squaredRoots(parts))),
  jeffreys: (parts, { tolerance }) => one(jeffreys(parts, tolerance)),
  "fisher-rao": (parts) => one(fisherRao(parts)),
  code: (parts, { rho }) => one(code(parts, rho)),
};

/* The single entry.

   rule: a name in RULES. experts: [{mean, cov, present}], all of dimension 1 or all of 2. weights: one per expert, need
   not sum to 1. options: {alpha, rho, prior, tolerance, size}. Returns {type: "mixture", weights, means, covs}, or
   {type: "pool", ..., mean, cov, logZ, grid}, or null where the rule has no answer. */
export function aggregate(rule, experts, weights, options = {}) {
  const parts = active(experts, weights);
  const d = experts.length ? experts[0].mean.length : 2;
  if (!Object.hasOwn(RULES, rule)) return null;
  if (!parts.length) return one({ mean: Array(d).fill(0), cov: identity(d) });
  return RULES[rule](parts, { alpha: 0.5, rho: 0.5, prior: false, ...options });
}
