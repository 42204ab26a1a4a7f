/* What hands do on the map: draw a lasso or a box, move it, pinch, turn the wheel, point, click; and what keys do. */

const STILL = 4; // pixels that a click may move
const CLOSER = 1.5; // for a press of + or of the button
const STEP = 60; // pixels for a press of an arrow key

export function createGestures(canvas, camera, tool, act) {
  const down = new Map(); // pointer -> [left, top], in pixels of the page
  let began = null; // [left, top] of the first pointer
  let outline = []; // places of the map

  const ratio = () => canvas.width / canvas.clientWidth;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const place = ([left, top]) => [camera.toX(left * ratio()), camera.toY(top * ratio())];
  const gap = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const middle = ([a, b]) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];

  canvas.onpointerdown = (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    down.set(event.pointerId, at(event));
    began = down.size === 1 ? at(event) : null; // two fingers draw nothing
    outline = [];
    try {
      canvas.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that has gone already
    }
    act.point(null);
    if (began) act.follow(began);
  };
  canvas.onpointermove = (event) => {
    const now = at(event);
    if (down.size < 2) act.follow(now);
    if (!down.has(event.pointerId)) {
      if (event.pointerType === "mouse") act.point(now);
      return;
    }
    const before = [...down.values()].slice(0, 2);
    const last = down.get(event.pointerId);
    down.set(event.pointerId, now);
    if (down.size > 1) {
      const after = [...down.values()].slice(0, 2);
      const [from, to] = [middle(before), middle(after)];
      camera.move((to[0] - from[0]) * ratio(), (to[1] - from[1]) * ratio());
      camera.zoom(gap(after) / Math.max(gap(before), 1), to[0] * ratio(), to[1] * ratio());
      act.moved();
    } else if (tool() === "move") {
      camera.move((now[0] - last[0]) * ratio(), (now[1] - last[1]) * ratio());
      act.moved();
    } else if (began && Math.hypot(now[0] - began[0], now[1] - began[1]) > STILL) {
      if (tool() === "lasso") outline.push(...(outline.length ? [] : [place(began)]), place(now));
      else outline = [began, [now[0], began[1]], now, [began[0], now[1]]].map(place);
      act.drawn(outline);
    }
  };
  const lift = (event) => {
    if (!down.delete(event.pointerId) || !began) return;
    const now = at(event);
    if (event.type === "pointerup" && outline.length > 2) act.enclosed(outline);
    else if (event.type === "pointerup" && Math.hypot(now[0] - began[0], now[1] - began[1]) <= STILL) act.clicked(now);
    began = null;
    outline = [];
    act.drawn(outline);
  };
  canvas.onpointerup = lift;
  canvas.onpointercancel = lift;
  canvas.onpointerleave = () => act.point(null);
  // The page scrolls with the wheel, unless one moves the map, or pinches on a touchpad (which sends Ctrl).
  canvas.addEventListener("wheel", (event) => {
    if (tool() !== "move" && !event.ctrlKey) return;
    event.preventDefault();
    const [left, top] = at(event);
    const lines = event.deltaMode ? 16 : 1;
    const times = Math.exp(-Math.max(-120, Math.min(120, event.deltaY * lines)) * (event.ctrlKey ? 0.01 : 0.002));
    camera.zoom(times, left * ratio(), top * ratio());
    act.moved();
  }, { passive: false });

  const keys = {
    ArrowLeft: () => camera.move(STEP * ratio(), 0),
    ArrowRight: () => camera.move(-STEP * ratio(), 0),
    ArrowUp: () => camera.move(0, STEP * ratio()),
    ArrowDown: () => camera.move(0, -STEP * ratio()),
    "+": () => camera.zoom(CLOSER),
    "=": () => camera.zoom(CLOSER),
    "-": () => camera.zoom(1 / CLOSER),
    0: () => camera.reset(),
  };
  canvas.onkeydown = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const centre = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    if (event.key === "Enter") act.clicked(centre, Infinity);
    else if (keys[event.key]) {
      keys[event.key]();
      act.moved();
      act.point(centre, Infinity);
      act.follow(centre);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  canvas.onkeyup = (event) => event.stopPropagation(); // Streamlit has keys of its own (R, C)
  canvas.onblur = () => act.point(null);
  return { closer: () => camera.zoom(CLOSER), farther: () => camera.zoom(1 / CLOSER), whole: () => camera.reset() };
}
