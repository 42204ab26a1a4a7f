/* Where a belief on the line has its hills. */

import { densityGrid } from "./densities.mjs";
import { isGaussian } from "./results.mjs";

const SMALLEST = 0.05; // share of the mass below which a hill counts to its neighbour

/* The hills of an aggregate on the line from left to right, [{x: top, share: of the mass}, ...]. */
export function peaks(result) {
  if (isGaussian(result)) return [{ x: result.means[0][0], share: 1 }];
  const { x, log, nx, wx } = densityGrid(result);
  const hills = [];
  let mass = 0;
  let top = 0;
  for (let i = 0; i < nx; i++) {
    mass += Math.exp(log[i]) * wx[i];
    if (log[i] > log[top]) top = i;
    const valley = i > 0 && i < nx - 1 && log[i] <= log[i - 1] && log[i] < log[i + 1];
    if (!valley && i < nx - 1) continue;
    hills.push({ x: x[top], height: log[top], mass });
    [mass, top] = [0, Math.min(i + 1, nx - 1)];
  }
  return merged(hills);
}

/* Small hills joined to their higher neighbour, shares of a sum of 1. */
function merged(hills) {
  const total = hills.reduce((sum, hill) => sum + hill.mass, 0);
  const kept = hills.slice();
  for (;;) {
    const least = kept.reduce((best, hill, i) => (hill.mass < kept[best].mass ? i : best), 0);
    if (kept.length < 2 || kept[least].mass >= SMALLEST * total) break;
    const [left, right] = [kept[least - 1], kept[least + 1]];
    const other = !right || (left && left.height >= right.height) ? left : right;
    other.mass += kept[least].mass;
    kept.splice(least, 1);
  }
  return kept.map(({ x, mass }) => ({ x, share: mass / total }));
}
