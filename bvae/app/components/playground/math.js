/* Aggregates of Gaussians with full covariance in one or two dimensions. Pure functions: no page, no state.

   A symmetric matrix is packed: [v] in one dimension, [xx, xy, yy] in two. The number of entries tells the dimension.
   Formulas and their limits (a weight of zero, nobody present) are those of bvae.aggregators. */

const TINY = 1e-300;
const LOG_2PI = Math.log(2 * Math.PI);
const SCALE_MIN = 0.1;
const SCALE_MAX = 3;
const MEAN_LIMIT = [4.9, 3.9];

/* --- symmetric matrices ------------------------------------------------------------------------------------------ */

function identity(d) {
  return d === 1 ? [1] : [1, 0, 1];
}

function plus(a, b) {
  return a.map((value, i) => value + b[i]);
}

function scaled(a, factor) {
  return a.map((value) => value * factor);
}

function determinant(a) {
  return a.length === 1 ? a[0] : a[0] * a[2] - a[1] * a[1];
}

function trace(a) {
  return a.length === 1 ? a[0] : a[0] + a[2];
}

function inverse(a) {
  const det = Math.max(determinant(a), TINY);
  return a.length === 1 ? [1 / det] : [a[2] / det, -a[1] / det, a[0] / det];
}

function times(a, v) {
  return a.length === 1 ? [a[0] * v[0]] : [a[0] * v[0] + a[1] * v[1], a[1] * v[0] + a[2] * v[1]];
}

function outer(v) {
  return v.length === 1 ? [v[0] * v[0]] : [v[0] * v[0], v[0] * v[1], v[1] * v[1]];
}

/* v^T a v */
function quadratic(a, v) {
  return a.length === 1 ? a[0] * v[0] * v[0] : a[0] * v[0] * v[0] + 2 * a[1] * v[0] * v[1] + a[2] * v[1] * v[1];
}

/* x y x, symmetric again */
function sandwich(x, y) {
  if (x.length === 1) return [x[0] * x[0] * y[0]];
  const [a, b, c] = x;
  const [p, q, r] = y;
  const left = [a * p + b * q, a * q + b * r, b * p + c * q, b * q + c * r];
  return [left[0] * a + left[1] * b, left[0] * b + left[1] * c, left[2] * b + left[3] * c];
}

function square(a) {
  return sandwich(a, identity(a.length === 1 ? 1 : 2));
}

/* The symmetric positive root: (A + sqrt(det A) I) / sqrt(tr A + 2 sqrt(det A)) in two dimensions. */
function sqrtm2(a) {
  if (a.length === 1) return [Math.sqrt(Math.max(a[0], 0))];
  const s = Math.sqrt(Math.max(determinant(a), 0));
  const t = Math.sqrt(Math.max(trace(a) + 2 * s, TINY));
  return [(a[0] + s) / t, a[1] / t, (a[2] + s) / t];
}

/* X # Y, the midpoint between two covariances: in two dimensions proportional to X / sqrt(det X) + Y / sqrt(det Y). */
function geometricMean(x, y) {
  if (x.length === 1) return [Math.sqrt(x[0] * y[0])];
  const a = Math.sqrt(Math.max(determinant(x), TINY));
  const b = Math.sqrt(Math.max(determinant(y), TINY));
  const sum = plus(scaled(x, 1 / a), scaled(y, 1 / b));
  return scaled(sum, Math.sqrt((a * b) / Math.max(determinant(sum), TINY)));
}

/* Standard deviations along the principal axes, longer first, and the angle of the longer one. */
function axesOf(cov) {
  if (cov.length === 1) return { theta: 0, lengths: [Math.sqrt(Math.max(cov[0], 0)), 0] };
  const half = (cov[0] + cov[2]) / 2;
  const gap = Math.hypot((cov[0] - cov[2]) / 2, cov[1]);
  const theta = gap < 1e-12 * Math.max(half, 1) ? 0 : 0.5 * Math.atan2(2 * cov[1], cov[0] - cov[2]);
  return { theta, lengths: [Math.sqrt(Math.max(half + gap, 0)), Math.sqrt(Math.max(half - gap, 0))] };
}

function covarianceOf(theta, lengths) {
  const c = Math.cos(theta);
  const s = Math.sin(theta);
  const [p, q] = [lengths[0] ** 2, lengths[1] ** 2];
  const xy = (p - q) * c * s;
  return [p * c * c + q * s * s, Math.abs(xy) < 1e-9 ? 0 : xy, p * s * s + q * c * c];
}

/* --- one Gaussian, mixtures -------------------------------------------------------------------------------------- */

function normalLogDensity(mean, cov, point) {
  const delta = mean.map((value, i) => point[i] - value);
  return -0.5 * (quadratic(inverse(cov), delta) + Math.log(Math.max(determinant(cov), TINY)) + mean.length * LOG_2PI);
}

function mixture(parts) {
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
function logDensity(result, point) {
  const alpha = result.type === "pool" ? result.alpha : 1;
  const terms = result.weights.map(
    (w, k) => Math.log(Math.max(w, TINY)) + alpha * normalLogDensity(result.means[k], result.covs[k], point),
  );
  return logSumExp(terms) / alpha - (result.type === "pool" ? result.logZ : 0);
}

/* Mean and covariance of a result of aggregate(). */
function meanCov(result) {
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

/* --- the rules --------------------------------------------------------------------------------------------------- */

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
function karcherMean(points, weights) {
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

/* The single entry.

   rule: a name of bvae.aggregators(). experts: [{mean, cov, present}], all of dimension 1 or all of 2. weights: one per
   expert, need not sum to 1. options: {alpha, rho, prior, tolerance, size}. Returns {type: "mixture", weights, means,
   covs}, or {type: "pool", ..., mean, cov, logZ, grid}, or null where the rule has no answer. */
function aggregate(rule, experts, weights, options = {}) {
  const parts = active(experts, weights);
  const d = experts.length ? experts[0].mean.length : 2;
  const one = (gaussian) => (gaussian ? mixture([{ w: 1, ...gaussian }]) : null);
  if (!parts.length) return one({ mean: Array(d).fill(0), cov: identity(d) });
  const { alpha = 0.5, rho = 0.5, prior = false, tolerance, size } = options;
  switch (rule) {
    case "poe": return one(poe(parts, prior));
    case "geometric": return one(productOf(parts, parts.map((part) => part.w), false));
    case "moe": return mixture(parts);
    case "moment": return one(moment(parts));
    case "wasserstein": return one(wasserstein(parts, tolerance));
    case "mopoe": return subsets(parts, (members) => poe(members, prior));
    case "mwb": return subsets(parts, (members) => wasserstein(members, tolerance));
    case "hoelder": return hoelderPool(parts, alpha, size);
    case "helvae": return one(meanCov(squaredRoots(parts)));
    case "jeffreys": return one(jeffreys(parts, tolerance));
    case "fisher-rao": return one(fisherRao(parts));
    case "code": return one(code(parts, rho));
    default: return null;
  }
}

/* --- densities on a grid ----------------------------------------------------------------------------------------- */

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
function gridOver(means, covs, reach, size) {
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
function fillGrid(grid, result) {
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
function densityGrid(result, size) {
  if (result.grid) return result.grid;
  const d = result.means[0].length;
  return fillGrid(gridOver(result.means, result.covs, 4.6, size ?? (d === 1 ? [240] : [68, 56])), result);
}

function gridMoments(grid) {
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
function levelsFor(grid, masses) {
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

/* Closed lines [x0, y0, x1, y1, ...] where the log-density of the grid equals the level: marching squares. Along an
   edge the crossing is found on the log-density, which is nearly straight there for a Gaussian. */
function contours(grid, level) {
  const { x, y, nx, ny, log } = grid;
  const floor = level - 8;
  const at = (i, j) => {
    // The rim counts as outside, so that every line closes.
    if (i === 0 || j === 0 || i === nx - 1 || j === ny - 1) return floor;
    const value = log[j * nx + i];
    return value > floor ? value : floor;
  };
  // Edge ids: horizontal edge from node (i, j) to the right: 2 * node; vertical edge upwards: 2 * node + 1.
  const next = new Map();
  const link = (from, to) => next.set(from, to);
  for (let j = 0; j < ny - 1; j++) {
    for (let i = 0; i < nx - 1; i++) {
      const [a, b, c, e] = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
      const kind = (a > level ? 1 : 0) | (b > level ? 2 : 0) | (c > level ? 4 : 0) | (e > level ? 8 : 0);
      if (kind === 0 || kind === 15) continue;
      const node = j * nx + i;
      const bottom = 2 * node;
      const left = 2 * node + 1;
      const right = 2 * (node + 1) + 1;
      const upper = 2 * (node + nx);
      const joined = (kind === 5 || kind === 10) && (a + b + c + e) / 4 > level;
      switch (kind) {
        case 1: link(bottom, left); break;
        case 2: link(right, bottom); break;
        case 3: link(right, left); break;
        case 4: link(upper, right); break;
        case 6: link(upper, bottom); break;
        case 7: link(upper, left); break;
        case 8: link(left, upper); break;
        case 9: link(bottom, upper); break;
        case 11: link(right, upper); break;
        case 12: link(left, right); break;
        case 13: link(bottom, right); break;
        case 14: link(left, bottom); break;
        case 5:
          if (joined) { link(bottom, right); link(upper, left); } else { link(bottom, left); link(upper, right); }
          break;
        default:
          if (joined) { link(left, bottom); link(right, upper); } else { link(right, bottom); link(left, upper); }
      }
    }
  }
  const point = (edge, line) => {
    const node = edge >> 1;
    const i = node % nx;
    const j = (node - i) / nx;
    const here = at(i, j);
    if (edge & 1) {
      const t = (level - here) / (at(i, j + 1) - here);
      line.push(x[i], y[j] + t * (y[j + 1] - y[j]));
    } else {
      const t = (level - here) / (at(i + 1, j) - here);
      line.push(x[i] + t * (x[i + 1] - x[i]), y[j]);
    }
  };
  const lines = [];
  while (next.size) {
    const start = next.keys().next().value;
    const line = [];
    let edge = start;
    while (next.has(edge)) {
      point(edge, line);
      const to = next.get(edge);
      next.delete(edge);
      edge = to;
    }
    if (line.length >= 6) lines.push(line);
  }
  return lines;
}

/* --- samples ----------------------------------------------------------------------------------------------------- */

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
function noiseFor(n, seed = 7) {
  const values = uniforms(seed, 3 * n);
  return Array.from({ length: n }, (_, i) => [values[3 * i], values[3 * i + 1], values[3 * i + 2]]);
}

/* Draws of a result from fixed noise, so that they move smoothly with it. */
function draws(result, noise) {
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

/* --- the scene --------------------------------------------------------------------------------------------------- */

function clamp(value, low, high, fallback = low) {
  const number = Number(value);
  return Number.isFinite(number) ? Math.min(Math.max(number, low), high) : fallback;
}

/* Any covariance as one that can be drawn: standard deviations along its axes within the limits. */
function cleanCov(cov) {
  const values = Array.isArray(cov) && cov.length === 3 && cov.every(Number.isFinite) ? cov : [1, 0, 1];
  const { theta, lengths } = axesOf(values);
  if (lengths.every((s) => s >= SCALE_MIN && s <= SCALE_MAX) && values[0] * values[2] - values[1] ** 2 > 0) {
    return values.slice();
  }
  return covarianceOf(theta, lengths.map((s) => clamp(s, SCALE_MIN, SCALE_MAX)));
}

/* Any object as a scene that can be drawn; unknown keys are dropped, bad values fall back. */
function cleanScene(raw, knownRules) {
  const given = raw && typeof raw === "object" ? raw : {};
  const list = Array.isArray(given.experts) ? given.experts.slice(0, 6) : [];
  const experts = list.map((expert) => ({
    mean: [0, 1].map((i) => clamp(expert?.mean?.[i], -MEAN_LIMIT[i], MEAN_LIMIT[i], 0)),
    cov: cleanCov(expert?.cov),
    present: expert?.present !== false,
  }));
  while (experts.length < 2) experts.push({ mean: [experts.length ? 1.5 : -1.5, 0], cov: [1, 0, 1], present: true });
  const rules = (Array.isArray(given.rules) ? given.rules : []).filter((rule) => knownRules.includes(rule));
  const layers = given.layers && typeof given.layers === "object" ? given.layers : {};
  return {
    v: 1,
    experts,
    weights: experts.map((_, m) => clamp(given.weights?.[m], 0, 4, 1)),
    rules: knownRules.filter((rule) => rules.includes(rule)),
    fill: knownRules.includes(given.fill) ? given.fill : null,
    alpha: clamp(given.alpha, 0.05, 1, 0.5),
    rho: clamp(given.rho, 0, 0.95, 0.5),
    prior: given.prior === true,
    layers: {
      experts: layers.experts !== false,
      prior: layers.prior !== false,
      samples: layers.samples === true,
      path: layers.path === true,
    },
    view: given.view === "line" ? "line" : "plane",
  };
}

/* A scene with its numbers rounded to three decimals, as it is sent. */
function roundedScene(scene) {
  const round = (value) => Math.round(value * 1000) / 1000;
  return {
    v: 1,
    experts: scene.experts.map((e) => ({ mean: e.mean.map(round), cov: e.cov.map(round), present: e.present })),
    weights: scene.weights.map(round),
    rules: scene.rules.slice(),
    fill: scene.fill,
    alpha: round(scene.alpha),
    rho: round(scene.rho),
    prior: scene.prior,
    layers: { ...scene.layers },
    view: scene.view,
  };
}

export { aggregate, active, axesOf, cleanScene, clamp, contours, covarianceOf, densityGrid, determinant, draws, gridMoments, levelsFor, logDensity, meanCov, noiseFor, roundedScene, sqrtm2, SCALE_MAX, SCALE_MIN, MEAN_LIMIT };
