/* Weights as a point of a regular polygon, or of a segment, with an expert at each corner. */

/* The corners for so many experts, the first one at the top; of two, left and right. */
export function cornersOf(count, [x, y], radius) {
  if (count === 2) return [[x - radius, y], [x + radius, y]];
  return Array.from({ length: count }, (_, k) => {
    const angle = (2 * Math.PI * k) / count - Math.PI / 2;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}

const cross = ([ax, ay], [bx, by]) => ax * by - ay * bx;
const minus = (a, b) => [a[0] - b[0], a[1] - b[1]];

/* The nearest point of the segment, as its share from a to b. */
function along(a, b, p) {
  const [ab, ap] = [minus(b, a), minus(p, a)];
  return Math.min(Math.max((ab[0] * ap[0] + ab[1] * ap[1]) / (ab[0] ** 2 + ab[1] ** 2), 0), 1);
}

/* The point itself, or the nearest one of the polygon. */
export function inside(corners, p) {
  const sides = corners.length === 2 ? [[corners[0], corners[1]]] :
    corners.map((corner, k) => [corner, corners[(k + 1) % corners.length]]);
  const out = corners.length === 2 || sides.some(([a, b]) => cross(minus(b, a), minus(p, a)) < 0);
  if (!out) return p;
  const nearest = sides.map(([a, b]) => {
    const t = along(a, b, p);
    return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
  });
  return nearest.reduce((best, q) => (Math.hypot(...minus(q, p)) < Math.hypot(...minus(best, p)) ? q : best));
}

/* Weights of the corners, sum 1, of a point inside: mean value coordinates (Floater 2003), those of area in a
   triangle. At a corner it alone counts, on a side its two ends. */
export function weightsAt(corners, p) {
  const count = corners.length;
  const zeros = () => Array(count).fill(0);
  const near = corners.findIndex((corner) => Math.hypot(...minus(corner, p)) < 1e-6);
  if (near >= 0) return Object.assign(zeros(), { [near]: 1 });
  for (let k = 0; k < count; k++) {
    const next = (k + 1) % count;
    const t = along(corners[k], corners[next], p);
    const on = corners[k].map((v, axis) => v + t * (corners[next][axis] - v));
    if (count === 2 || Math.hypot(...minus(on, p)) < 1e-6) return Object.assign(zeros(), { [k]: 1 - t, [next]: t });
  }
  if (count === 3) {
    const areas = corners.map((_, k) => cross(minus(corners[(k + 1) % 3], p), minus(corners[(k + 2) % 3], p)));
    return normalised(areas);
  }
  const to = corners.map((corner) => minus(corner, p));
  const half = to.map((a, k) => {
    const b = to[(k + 1) % count];
    return Math.tan(Math.atan2(cross(a, b), a[0] * b[0] + a[1] * b[1]) / 2);
  });
  return normalised(to.map((a, k) => (half[(k + count - 1) % count] + half[k]) / Math.hypot(...a)));
}

function normalised(values) {
  const total = values.reduce((sum, v) => sum + v, 0);
  return values.map((v) => v / total);
}

/* The point between the corners whose shares are these. */
export function pointOf(corners, weights) {
  const shares = normalised(weights);
  return [0, 1].map((axis) => corners.reduce((sum, corner, k) => sum + shares[k] * corner[axis], 0));
}
