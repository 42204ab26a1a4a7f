/* From the scene's plane to pixels, and the shapes that are drawn there. */

import { axesOf } from "./matrices.mjs";
import { compact } from "./texts.mjs";

const [LEAST_HEIGHT, MOST_HEIGHT, ELSEWHERE] = [340, 580, 272]; // pixels

/* Where a point (x, y) of the plane is in a picture of this size, in pixels. */
export function toPixels(size) {
  return { X: (x) => size.width / 2 + x * size.unit, Y: (y) => size.height / 2 - y * size.unit };
}

/* The size of the picture in the small form, which shows the line alone. */
export function smallSize(boxWidth) {
  const width = Math.max(Math.floor(boxWidth), 200);
  const height = Math.round(Math.min(Math.max(width * 0.5, 220), 300));
  const unit = width / 10.4;
  return { width, height, unit, halfX: 5.2, halfY: height / unit / 2, base: height - 24, rise: height - 24 - 34 };
}

/* The size of the picture in a box of this width and a window of this height, of which it leaves room for what stands
   above and for the legend. On the line, densities stand on `base` and may rise by `rise`. */
export function pictureSize(boxWidth, windowHeight = Infinity) {
  const width = Math.max(Math.floor(boxWidth), 200);
  const room = Math.max(windowHeight - ELSEWHERE, LEAST_HEIGHT);
  const height = Math.round(width < 560 ? width * 0.98 : Math.min(width * 0.8, MOST_HEIGHT, room));
  const unit = Math.min(width / 10.4, height / 8.4);
  return {
    width, height, unit, halfX: width / unit / 2, halfY: height / unit / 2, base: height - 46, rise: height - 46 - 54,
  };
}

/* Path of a marker, named as Plotly names it, about `r` pixels in radius. */
export function markerPath(name, r) {
  const polygon = (points) => `M${points.map(([x, y]) => `${compact(x * r)},${compact(y * r)}`).join("L")}Z`;
  switch (name) {
    case "square": return polygon([[-0.88, -0.88], [0.88, -0.88], [0.88, 0.88], [-0.88, 0.88]]);
    case "diamond": return polygon([[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]]);
    case "triangle-up": return polygon([[0, -1.2], [1.1, 0.8], [-1.1, 0.8]]);
    case "x": {
      const [a, b] = [0.35, 1.05];
      return polygon([
        [0, -a], [b - a, -b], [b, a - b], [a, 0], [b, b - a], [b - a, b], [0, a], [a - b, b], [-b, b - a], [-a, 0],
        [-b, a - b], [a - b, -b],
      ]);
    }
    case "star": {
      const points = [];
      for (let i = 0; i < 10; i++) {
        const [angle, size] = [(i * Math.PI) / 5, i % 2 ? 0.58 : 1.35];
        points.push([size * Math.sin(angle), -size * Math.cos(angle)]);
      }
      return polygon(points);
    }
    default: return `M${-r},0A${r},${r} 0 1 0 ${r},0A${r},${r} 0 1 0 ${-r},0Z`;
  }
}

export function polyline(points, close) {
  let d = "";
  for (let i = 0; i < points.length; i += 2) d += `${i ? "L" : "M"}${compact(points[i])},${compact(points[i + 1])}`;
  return close && d ? `${d}Z` : d;
}


/* Attributes of the ellipse `radius` standard deviations around a mean. */
export function ellipse(size, mean, cov, radius) {
  const { X, Y } = toPixels(size);
  const { theta, lengths } = axesOf(cov);
  const [x, y] = [compact(X(mean[0])), compact(Y(mean[1]))];
  return {
    cx: x, cy: y, rx: compact(lengths[0] * radius * size.unit), ry: compact(lengths[1] * radius * size.unit),
    transform: `rotate(${compact((-theta * 180) / Math.PI)} ${x} ${y})`,
  };
}

/* The same line as points [x0, y0, x1, y1, ...] in pixels. */
export function ellipsePoints(size, mean, cov, radius, n) {
  const { X, Y } = toPixels(size);
  const { theta, lengths } = axesOf(cov);
  const points = [];
  for (let i = 0; i < n; i++) {
    const angle = (2 * Math.PI * i) / n;
    const [p, q] = [lengths[0] * radius * Math.cos(angle), lengths[1] * radius * Math.sin(angle)];
    points.push(
      X(mean[0] + p * Math.cos(theta) - q * Math.sin(theta)), Y(mean[1] + p * Math.sin(theta) + q * Math.cos(theta)),
    );
  }
  return points;
}

/* At most n points of a line, evenly chosen. */
export function thinned(points, n) {
  const count = points.length / 2;
  if (count <= n) return points;
  const kept = [];
  for (let k = 0; k < n; k++) {
    const i = Math.floor((k * count) / n);
    kept.push(points[2 * i], points[2 * i + 1]);
  }
  return kept;
}

/* Small crosses at points [x, y] in pixels. */
export function crosses(points) {
  const r = 3;
  return points.map(([x, y]) =>
    `M${compact(x) - r},${compact(y) - r}l${2 * r},${2 * r}m0,${-2 * r}l${-2 * r},${2 * r}`).join("");
}
