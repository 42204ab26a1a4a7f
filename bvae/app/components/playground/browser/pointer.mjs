/* Dragging with mouse, pen or finger. */

import { setMean, setShape, setWidth } from "./edits.mjs";
import { HANDLE_DISTANCE } from "./handles.mjs";
import { toPixels } from "./shapes.mjs";
import { barycentric, setShares } from "./weights.mjs";

/* Let the pictures be dragged in. `actions`: see playground.mjs. */
export function listenToPointers(state, page, actions) {
  const { root, picture, triangle } = page;
  const end = (event) => {
    if (!state.drag || event.pointerId !== state.drag.pointer) return;
    state.drag = null;
    delete root.dataset.dragging;
    actions.commit();
  };
  for (const svg of [picture, triangle]) {
    svg.addEventListener("pointerdown", (event) => {
      if (!event.target.control || event.button > 0 || state.drag) return;
      delete root.dataset.input;
      const control = take(state, svg, event, svg === picture);
      event.target.setPointerCapture(event.pointerId);
      control.node.focus({ preventScroll: true });
      root.dataset.dragging = control.kind;
      event.preventDefault();
    });
    // For browsers that ignore touch-action on shapes.
    svg.addEventListener("touchstart", (event) => event.target.control && event.preventDefault(), { passive: false });
    svg.addEventListener("pointermove", (event) => {
      if (!state.drag || event.pointerId !== state.drag.pointer) return;
      move(state, event);
      actions.schedule();
    });
    svg.addEventListener("pointerup", end);
    svg.addEventListener("pointercancel", end);
    svg.addEventListener("lostpointercapture", end);
    // The browser would focus the circle under the pointer instead of the nearest one.
    svg.addEventListener("mousedown", (event) => event.target.control && event.preventDefault());
  }
  root.addEventListener("pointerdown", () => delete root.dataset.input, true);
}

/* Where an event is, in a picture's own pixels. */
function local(svg, event) {
  const box = svg.getBoundingClientRect();
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
}

/* Takes a control into the hand, state.drag: the one under the pointer, or the nearest of several. */
function take(state, svg, event, several) {
  const { scene, shapes, size, controls } = state;
  const { target } = event;
  const [x, y] = local(svg, event);
  let control = { ...target.control, x, y, node: target };
  if (several) {
    // Circles that a finger can hit overlap: take the nearest one, the mean a little sooner.
    let nearest = Infinity;
    for (const candidate of controls) {
      const distance = Math.hypot(candidate.x - x, candidate.y - y) - (candidate.kind === "mean" ? 4 : 0);
      if (distance < nearest) [nearest, control] = [distance, candidate];
    }
  }
  const drag = { ...control, svg, pointer: event.pointerId, target, dx: control.x - x, dy: control.y - y };
  if (control.kind === "weights") {
    drag.dx = Number(target.getAttribute("cx")) - x;
    drag.dy = Number(target.getAttribute("cy")) - y;
  }
  if (control.kind === "axis") {
    const own = controls.filter((other) => other.kind === "axis" && other.m === control.m);
    drag.signs = own.map((other) => other.sign);
    drag.slack = Math.max(HANDLE_DISTANCE - shapes[control.m].lengths[control.k] * size.unit, 0);
  }
  if (control.kind === "width") {
    drag.slack = Math.max(HANDLE_DISTANCE - Math.sqrt(scene.experts[control.m].cov[0]) * size.unit, 0);
  }
  state.drag = drag;
  return control;
}

/* What is in the hand follows the pointer. */
function move(state, event) {
  const { scene, size, drag } = state;
  const { X } = toPixels(size);
  const [x, y] = local(drag.svg, event);
  const [px, py] = [x + drag.dx, y + drag.dy];
  if (drag.kind === "weights") {
    setShares(state, barycentric(state.corners, [px, py]));
    return;
  }
  const expert = scene.experts[drag.m];
  const worldX = (px - size.width / 2) / size.unit;
  const worldY = (size.height / 2 - py) / size.unit;
  if (drag.kind === "mean") {
    setMean(state, drag.m, worldX, scene.view === "line" ? expert.mean[1] : worldY);
  } else if (drag.kind === "width") {
    setWidth(state, drag.m, (Math.abs(px - X(expert.mean[0])) - drag.slack) / size.unit);
  } else {
    moveAxis(state, drag.sign * (worldX - expert.mean[0]), drag.sign * (worldY - expert.mean[1]));
  }
}

/* The handle in the hand is at (vx, vy) from the mean. */
function moveAxis(state, vx, vy) {
  const { shapes, size, drag } = state;
  const lengths = shapes[drag.m].lengths.slice();
  lengths[drag.k] = Math.hypot(vx, vy) - drag.slack / size.unit;
  let theta = Math.atan2(vy, vx) - (drag.k * Math.PI) / 2;
  // Nearly along the axes is meant as along the axes: exactly uncorrelated.
  const quarter = Math.round(theta / (Math.PI / 2)) * (Math.PI / 2);
  if (Math.abs(theta - quarter) < 0.04) theta = quarter;
  setShape(state, drag.m, theta, lengths);
}
