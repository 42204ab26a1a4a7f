/* A square to drag something in, by mouse, pen, finger or arrow keys. Places are shares of its side, from the top left. */

import { htmlNode, svgNode } from "../../playground/browser/nodes.mjs";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const [STEP, FAR] = [0.02, 5]; // of the side, for a press of a key; so many times as far with Shift
const REST = 350; // milliseconds after the last key, until a gesture counts as ended
export const SIDE = 240; // of the drawing's own units

/* moved(place, ended): called for every step of a gesture, and when it has ended. */
export function createPad({ className, height = SIDE, label, moved }) {
  const drawing = svgNode("svg", { viewBox: `0 0 ${SIDE} ${height}`, "aria-hidden": "true" });
  const handle = htmlNode("button", { type: "button", className: "handle" });
  const field = htmlNode("div", { className: `pad ${className}`, role: "group", "aria-label": label });
  field.style.aspectRatio = `${SIDE} / ${height}`;
  field.append(drawing, handle);
  let place = [SIDE / 2, height / 2];
  let held = null; // { pointer, off }
  let timer = 0;

  const at = (event) => {
    const box = field.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * height];
  };

  field.onpointerdown = (event) => {
    if (held || (event.pointerType === "mouse" && event.button !== 0) || event.target.closest(".goal")) return;
    event.preventDefault();
    const [x, y] = at(event);
    const on = event.target === handle; // the place where it is held stays under the pointer
    held = { pointer: event.pointerId, off: on ? [place[0] - x, place[1] - y] : [0, 0] };
    handle.focus({ preventScroll: true, focusVisible: false });
    try {
      field.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that has gone already
    }
    if (!on) moved([x, y], false);
  };
  field.onpointermove = (event) => {
    if (held?.pointer !== event.pointerId) return;
    const [x, y] = at(event);
    moved([x + held.off[0], y + held.off[1]], false);
  };
  const lift = (event) => {
    if (held?.pointer !== event.pointerId) return;
    held = null;
    moved(place, true);
  };
  field.onpointerup = lift;
  field.onpointercancel = lift;
  handle.onkeydown = (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const far = STEP * SIDE * (event.shiftKey ? FAR : 1);
    moved([place[0] + far * arrow[0], place[1] + far * arrow[1]], false);
    clearTimeout(timer);
    timer = setTimeout(() => moved(place, true), REST);
  };
  handle.onkeyup = (event) => event.stopPropagation(); // Streamlit has keys of its own

  return {
    field, drawing, handle,
    get busy() {
      return held !== null;
    },
    /* Where the handle stands, and what it is called. */
    put([x, y], name) {
      place = [x, y];
      handle.style.left = `${(100 * x) / SIDE}%`;
      handle.style.top = `${(100 * y) / height}%`;
      handle.setAttribute("aria-label", name);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
