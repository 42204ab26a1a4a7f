/* The same with the arrow keys. */

import { setMean, setShape, setWidth } from "./edits.mjs";
import { presentIndices } from "./state.mjs";
import { barycentric, pointAt, setShares, shares } from "./weights.mjs";

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/* Let the handles be moved by keys. `actions`: see playground.mjs. */
export function listenToKeys(state, { root, picture, triangle }, actions) {
  for (const svg of [picture, triangle]) {
    svg.addEventListener("keydown", (event) => {
      const { control } = event.target;
      const direction = DIRECTIONS[event.key];
      if (!control || !direction || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation(); // nothing behind the picture moves along
      step(state, control, direction, event.shiftKey);
      actions.schedule();
      actions.commitSoon();
    });
  }
  root.addEventListener("keydown", () => (root.dataset.input = "keys"), true);
}

function step(state, control, [dx, dy], far) {
  const { scene, shapes } = state;
  if (control.kind === "mean") {
    const length = far ? 0.5 : 0.1;
    const mean = scene.experts[control.m].mean;
    setMean(state, control.m, mean[0] + length * dx, scene.view === "line" ? mean[1] : mean[1] + length * dy);
  } else if (control.kind === "width") {
    setWidth(state, control.m, Math.sqrt(scene.experts[control.m].cov[0]) + 0.05 * (dx + dy));
  } else if (control.kind === "axis") {
    const { theta, lengths } = shapes[control.m];
    const next = lengths.slice();
    next[control.k] += 0.05 * dy;
    // Left turns the way that left turns on a wheel: counter-clockwise.
    setShape(state, control.m, theta - (dx * 5 * Math.PI) / 180, next);
  } else {
    const length = far ? 25 : 8;
    const indices = presentIndices(state);
    const at = pointAt(state.corners, shares(state, indices));
    const along = indices.length === 2 ? (dx + dy) * length : dx * length;
    setShares(state, barycentric(state.corners, [at[0] + along, indices.length === 2 ? at[1] : at[1] - dy * length]));
  }
}
