/* Symmetric matrices of one or two rows, and vectors.

   A symmetric matrix is packed: [v] in one dimension, [xx, xy, yy] in two. Their number tells the dimension. */

export const TINY = 1e-300;
export const LOG_2PI = Math.log(2 * Math.PI);

export function identity(d) {
  return d === 1 ? [1] : [1, 0, 1];
}

export function plus(a, b) {
  return a.map((value, i) => value + b[i]);
}

export function scaled(a, factor) {
  return a.map((value) => value * factor);
}

export function determinant(a) {
  return a.length === 1 ? a[0] : a[0] * a[2] - a[1] * a[1];
}

export function trace(a) {
  return a.length === 1 ? a[0] : a[0] + a[2];
}

export function inverse(a) {
  const det = Math.max(determinant(a), TINY);
  return a.length === 1 ? [1 / det] : [a[2] / det, -a[1] / det, a[0] / det];
}

export function times(a, v) {
  return a.length === 1 ? [a[0] * v[0]] : [a[0] * v[0] + a[1] * v[1], a[1] * v[0] + a[2] * v[1]];
}

export function outer(v) {
  return v.length === 1 ? [v[0] * v[0]] : [v[0] * v[0], v[0] * v[1], v[1] * v[1]];
}

/* v^T a v */
export function quadratic(a, v) {
  return a.length === 1 ? a[0] * v[0] * v[0] : a[0] * v[0] * v[0] + 2 * a[1] * v[0] * v[1] + a[2] * v[1] * v[1];
}

/* x y x, symmetric again */
export function sandwich(x, y) {
  if (x.length === 1) return [x[0] * x[0] * y[0]];
  const [a, b, c] = x;
  const [p, q, r] = y;
  const left = [a * p + b * q, a * q + b * r, b * p + c * q, b * q + c * r];
  return [left[0] * a + left[1] * b, left[0] * b + left[1] * c, left[2] * b + left[3] * c];
}

export function square(a) {
  return sandwich(a, identity(a.length === 1 ? 1 : 2));
}

/* The symmetric positive root: (A + sqrt(det A) I) / sqrt(tr A + 2 sqrt(det A)) in two dimensions. */
export function sqrtm2(a) {
  if (a.length === 1) return [Math.sqrt(Math.max(a[0], 0))];
  const s = Math.sqrt(Math.max(determinant(a), 0));
  const t = Math.sqrt(Math.max(trace(a) + 2 * s, TINY));
  return [(a[0] + s) / t, a[1] / t, (a[2] + s) / t];
}

/* X # Y, the midpoint between two covariances: in two dimensions proportional to X / sqrt(det X) + Y / sqrt(det Y). */
export function geometricMean(x, y) {
  if (x.length === 1) return [Math.sqrt(x[0] * y[0])];
  const a = Math.sqrt(Math.max(determinant(x), TINY));
  const b = Math.sqrt(Math.max(determinant(y), TINY));
  const sum = plus(scaled(x, 1 / a), scaled(y, 1 / b));
  return scaled(sum, Math.sqrt((a * b) / Math.max(determinant(sum), TINY)));
}

/* Standard deviations along the principal axes, longer first, and the angle of the longer one. */
export function axesOf(cov) {
  if (cov.length === 1) return { theta: 0, lengths: [Math.sqrt(Math.max(cov[0], 0)), 0] };
  const half = (cov[0] + cov[2]) / 2;
  const gap = Math.hypot((cov[0] - cov[2]) / 2, cov[1]);
  const theta = gap < 1e-12 * Math.max(half, 1) ? 0 : 0.5 * Math.atan2(2 * cov[1], cov[0] - cov[2]);
  return { theta, lengths: [Math.sqrt(Math.max(half + gap, 0)), Math.sqrt(Math.max(half - gap, 0))] };
}

export function covarianceOf(theta, lengths) {
  const c = Math.cos(theta);
  const s = Math.sin(theta);
  const [p, q] = [lengths[0] ** 2, lengths[1] ** 2];
  const xy = (p - q) * c * s;
  return [p * c * c + q * s * s, Math.abs(xy) < 1e-9 ? 0 : xy, p * s * s + q * c * c];
}
