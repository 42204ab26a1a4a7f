/* A plane in a latent space of many dimensions: that in which some points spread most, and Gaussians seen in it. */

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const unit = (a) => {
  const length = Math.sqrt(dot(a, a));
  return length > 1e-9 ? a.map((value) => value / length) : null;
};

/* One step after the other towards the direction in which centred points spread most, at right angles to `apart`. */
function direction(points, apart) {
  const size = points[0].length;
  const without = (a) => apart.reduce((left, b) => {
    const along = dot(left, b);
    return left.map((value, i) => value - along * b[i]);
  }, a);
  const longer = (best, p) => (dot(p, p) > dot(best, best) ? p : best);
  const longest = points.map(without).reduce(longer, Array(size).fill(0));
  let found = unit(longest);
  if (!found) return null;
  for (let step = 0; step < 200; step += 1) {
    const next = Array(size).fill(0);
    for (const p of points) {
      const along = dot(p, found);
      for (let i = 0; i < size; i += 1) next[i] += along * p[i];
    }
    const made = unit(without(next));
    if (!made) break;
    const moved = Math.abs(dot(made, found));
    found = made;
    if (1 - moved < 1e-12) break;
  }
  // Of each direction the entry largest in size is positive, as in bvae.maps.projections.pca.
  const largest = found.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return largest < 0 ? found.map((value) => -value) : found;
}

/* points: at least one array of L numbers. Returns {origin, axes: [u, v]}; of two latent dimensions, these two. */
export function planeOf(points) {
  const lists = points.map((p) => Array.from(p));
  const size = lists[0].length;
  if (size <= 2) {
    const axes = [0, 1].map((k) => Array.from({ length: size }, (_, i) => Number(i === k)));
    return { origin: Array(size).fill(0), axes, own: true };
  }
  const origin = lists[0].map((_, i) => lists.reduce((sum, p) => sum + p[i], 0) / lists.length);
  const centred = lists.map((p) => p.map((value, i) => value - origin[i]));
  const axes = [];
  for (let k = 0; k < 2; k += 1) {
    let found = direction(centred, axes);
    for (let i = 0; !found && i < size; i += 1) {
      found = direction([Array.from({ length: size }, (_, j) => Number(i === j))], axes);
    }
    axes.push(found);
  }
  return { origin, axes, own: false };
}

/* Where a point of the latent space is in the plane. */
export function placeOf({ origin, axes }, point) {
  return axes.map((axis) => axis.reduce((sum, value, i) => sum + value * (point[i] - origin[i]), 0));
}

/* The point that is moved in the plane by so much: all that lies across the plane stays, private parts too. */
export function movedBy({ axes }, point, [a, b]) {
  return Float32Array.from(point, (value, i) => value + a * (axes[0][i] ?? 0) + b * (axes[1][i] ?? 0));
}

/* A Gaussian with uncorrelated dimensions, seen in the plane: {mean: [x, y], cov: [xx, xy, yy]}. */
export function shadowOf(plane, loc, scale) {
  const [u, v] = plane.axes;
  const cov = [0, 0, 0];
  for (let i = 0; i < u.length; i += 1) {
    const variance = scale[i] ** 2;
    cov[0] += u[i] * u[i] * variance;
    cov[1] += u[i] * v[i] * variance;
    cov[2] += v[i] * v[i] * variance;
  }
  return { mean: placeOf(plane, loc), cov };
}

/* Half axes and angle in radians of the ellipse of one standard deviation. */
export function ellipseOf([xx, xy, yy]) {
  const root = Math.hypot(xx - yy, 2 * xy);
  return {
    long: Math.sqrt(Math.max((xx + yy + root) / 2, 0)), short: Math.sqrt(Math.max((xx + yy - root) / 2, 0)),
    angle: Math.atan2(2 * xy, xx - yy) / 2,
  };
}
