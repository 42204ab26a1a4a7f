/* Through which places of the picture lines run: a grid of small cells, and how many of them a box touches. */

const CELL = 4; // pixels
const STEP = 1.5; // pixels between the points of a line that are looked at: fewer than a cell

/* An empty grid over a picture of this size. */
export function emptyGrid({ width, height }) {
  const [nx, ny] = [Math.ceil(width / CELL), Math.ceil(height / CELL)];
  return { nx, ny, cells: new Uint8Array(nx * ny) };
}

/* Visit points of a line [x0, y0, x1, y1, ...] so that none of its cells is missed. */
function walk(points, closed, visit) {
  const n = points.length / 2;
  for (let i = 0; i < (closed ? n : n - 1); i++) {
    const j = (i + 1) % n;
    const [x, y] = [points[2 * i], points[2 * i + 1]];
    const [dx, dy] = [points[2 * j] - x, points[2 * j + 1] - y];
    const steps = Math.min(Math.max(Math.ceil(Math.hypot(dx, dy) / STEP), 1), 2000);
    for (let k = 0; k <= steps; k++) visit(x + (dx * k) / steps, y + (dy * k) / steps);
  }
}

function cellAt({ nx, ny }, x, y) {
  const [i, j] = [Math.floor(x / CELL), Math.floor(y / CELL)];
  return i >= 0 && j >= 0 && i < nx && j < ny ? j * nx + i : -1;
}

/* Mark the cells of a line. */
export function markLine(grid, points, closed) {
  walk(points, closed, (x, y) => {
    const cell = cellAt(grid, x, y);
    if (cell >= 0) grid.cells[cell] = 1;
  });
}

/* How many looks along a segment fall on marked cells. */
export function crossings(grid, x0, y0, x1, y1) {
  let count = 0;
  walk([x0, y0, x1, y1], false, (x, y) => {
    const cell = cellAt(grid, x, y);
    if (cell >= 0 && grid.cells[cell]) count++;
  });
  return count;
}

/* How many of the grids have marked each cell. */
export function total(grids, size) {
  const all = emptyGrid(size);
  for (const { cells } of grids) {
    for (let k = 0; k < cells.length; k++) all.cells[k] += cells[k];
  }
  return all;
}

/* The cells that others than one of the grids of a total have marked, or this further grid. */
export function without(all, one, further) {
  const { nx, ny, cells } = all;
  const others = new Uint8Array(cells.length);
  for (let k = 0; k < cells.length; k++) others[k] = cells[k] > one.cells[k] || further.cells[k] ? 1 : 0;
  return { nx, ny, cells: others };
}

/* A function (cx, cy, w, h) -> marked cells that a box around (cx, cy) touches. */
export function counter({ nx, ny, cells }) {
  const sums = new Int32Array((nx + 1) * (ny + 1));
  for (let j = 0; j < ny; j++) {
    let row = 0;
    for (let i = 0; i < nx; i++) {
      row += cells[j * nx + i];
      sums[(j + 1) * (nx + 1) + i + 1] = sums[j * (nx + 1) + i + 1] + row;
    }
  }
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  return (cx, cy, w, h) => {
    const [i0, i1] = [within(Math.floor((cx - w / 2) / CELL), nx), within(Math.floor((cx + w / 2) / CELL) + 1, nx)];
    const [j0, j1] = [within(Math.floor((cy - h / 2) / CELL), ny), within(Math.floor((cy + h / 2) / CELL) + 1, ny)];
    const at = (i, j) => sums[j * (nx + 1) + i];
    return at(i1, j1) - at(i0, j1) - at(i1, j0) + at(i0, j0);
  };
}
