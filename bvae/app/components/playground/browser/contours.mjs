/* Lines of equal density: marching squares. */

/* Closed lines [x0, y0, x1, y1, ...] where the log-density of the grid equals the level: marching squares. Along an
   edge the crossing is found on the log-density, which is nearly straight there for a Gaussian. */
export function contours(grid, level) {
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
