/* A point z, or the views' beliefs, dragged over the map of a plane; pictures follow as fast as they are decoded. */

import { createCourier } from "./courier.mjs";
import { createDecoder } from "./decoder.mjs";
import { element } from "./elements.mjs";
import { createMap } from "./map.mjs";
import { createPictures } from "./pictures.mjs";
import { createPreview } from "./preview.mjs";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STEP = 0.008; // of the map's width, for a press of an arrow key; five times as far with Shift
const REST = 350; // milliseconds after the last key, until a gesture counts as ended
const DOUBLINGS = [-2, 6]; // how much narrower and wider a belief can be made, as powers of two

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function createWalk(root) {
  let stage = null;
  let position = null;
  let answer = { joint: [], rows: [], said: "" };
  let chosen = 0; // the belief whose width the slider changes
  let dragged = null; // { pointer, handle, off }
  let timer = 0;
  let frame = 0;
  let send = () => {};

  const map = createMap();
  const pictures = createPictures();
  const preview = createPreview();
  const decoder = createDecoder();
  const courier = createCourier((question) => send(question));
  const said = element("p", { className: "said" });
  const live = element("div", { className: "heard", role: "status", "aria-live": "polite" });
  const width = element("input", { type: "range", min: DOUBLINGS[0], max: DOUBLINGS[1], step: 0.25 });
  const widthText = element("span");
  const widths = element("label", { className: "widths" }, [widthText, width]);
  const again = element("button", { type: "button", textContent: "Start again", className: "again" });
  const keys = element("p", { className: "keys" });
  const side = element("div", { className: "side" }, [
    pictures.root, said, element("div", { className: "tools" }, [widths, again]), keys, live]);
  root.replaceChildren(map.field, side);
  let handles = [];

  const ofBeliefs = () => stage.mode === "beliefs";
  const belief = (m) => position.beliefs[m] ?? [...stage.views[m].mean, 1];
  const where = (k) => (ofBeliefs() ? belief(k).slice(0, 2) : position.z);
  const told = (z) => z.map((v) => v.toFixed(2)).join(", ");

  function put(k, place) {
    const inside = place.map((v, axis) => clamp(v, ...stage.limits[axis]));
    if (ofBeliefs()) position.beliefs[k] = [...inside, belief(k)[2]];
    else position.z = inside;
  }

  function ask(rests = false) {
    courier.ask({ revision: stage.revision, rests, ...structuredClone(position) });
  }

  function changed(rests = false) {
    ask(rests);
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      draw();
      if (!ofBeliefs() && courier.busy) sketch();
    });
  }

  /* Pictures before the server's: decoded here, or until that can be done, between those of the map. */
  async function sketch() {
    const z = position.z;
    if (!decoder.ready) {
      pictures.sketch((canvas, m) => preview.draw(canvas, m, map.share(z)));
    } else {
      const seen = await decoder.look(z);
      if (!courier.busy || position.z !== z) return; // it has moved on, or the server was quicker
      pictures.sketch(seen.draw, seen.text);
    }
    root.dataset.sketched = told(z);
  }

  function draw() {
    handles.forEach(({ node, k }) => {
      const [left, top] = map.share(where(k));
      node.style.left = `${100 * left}%`;
      node.style.top = `${100 * top}%`;
      const name = ofBeliefs() ? `belief of ${stage.views[k].name}` : "point z";
      node.setAttribute("aria-label", `${name}, at ${told(where(k))}. Arrow keys move it.`);
      node.classList.toggle("chosen", ofBeliefs() && k === chosen);
    });
    map.outline(ofBeliefs() ? stage.views.map((view, m) => ({ ...view, m })).filter((view) => view.there).map((view) => {
      const [x, y, times] = belief(view.m);
      return { name: view.name, color: view.color, mean: [x, y], scale: view.scale.map((s) => s * times) };
    }) : [], ofBeliefs() ? answer.joint : []);
    widths.hidden = !ofBeliefs() || !handles.length;
    if (!widths.hidden) {
      const times = belief(chosen)[2];
      width.value = Math.log2(times);
      const sentence = times === 1 ? "as wide as its encoder said" : `${times.toPrecision(3) * 1} times as wide`;
      widthText.textContent = `Belief of ${stage.views[chosen].name}: ${sentence}`;
      width.setAttribute("aria-label", `Width of the belief of ${stage.views[chosen].name}`);
      width.setAttribute("aria-valuetext", sentence);
    }
    root.dataset.z = told(position.z);
  }

  function reply() {
    pictures.show(answer.rows, stage.views);
    said.textContent = answer.said;
    if (answer.rests) live.textContent = answer.said;
    if (!courier.busy) pictures.settle();
    root.dataset.number = answer.number;
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(() => ask(true), REST);
  }

  function grab(event, handle) {
    if (dragged || (event.pointerType === "mouse" && event.button !== 0)) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = map.at(event);
    const at = where(handle.k);
    const on = event.currentTarget !== map.field; // the place where a handle is held stays under the pointer
    dragged = { pointer: event.pointerId, handle, off: on ? [at[0] - x, at[1] - y] : [0, 0] };
    chosen = ofBeliefs() ? handle.k : chosen;
    handle.node.focus({ preventScroll: true, focusVisible: false });
    try {
      map.field.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that has gone already
    }
    if (!on) put(handle.k, [x, y]);
    changed();
  }

  map.field.onpointerdown = (event) => {
    if (!ofBeliefs()) grab(event, handles[0]);
  };
  map.field.onpointermove = (event) => {
    if (!dragged || event.pointerId !== dragged.pointer) return;
    const [x, y] = map.at(event);
    put(dragged.handle.k, [x + dragged.off[0], y + dragged.off[1]]);
    changed();
  };
  const lift = (event) => {
    if (!dragged || event.pointerId !== dragged.pointer) return;
    dragged = null;
    changed(true);
  };
  map.field.onpointerup = lift;
  map.field.onpointercancel = lift;
  // Streamlit has keys of its own (R, C); they must not act while somebody walks.
  root.onkeyup = (event) => event.stopPropagation();

  function build() {
    handles.forEach(({ node }) => node.remove());
    const whose = ofBeliefs() ? stage.views.flatMap((view, m) => (view.there ? [m] : [])) : [0];
    handles = whose.map((k) => {
      const node = element("button", { type: "button", className: "handle" });
      if (ofBeliefs()) node.style.setProperty("--own", stage.views[k].color);
      const handle = { node, k };
      node.onpointerdown = (event) => grab(event, handle);
      node.onfocus = () => {
        chosen = ofBeliefs() ? k : chosen;
        draw();
      };
      node.onkeydown = (event) => {
        const arrow = ARROWS[event.key];
        if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        event.stopPropagation();
        const far = STEP * (event.shiftKey ? 5 : 1) * (stage.limits[0][1] - stage.limits[0][0]);
        put(k, where(k).map((v, axis) => v + far * arrow[axis]));
        changed();
        later();
      };
      return handle;
    });
    if (!whose.includes(chosen)) chosen = whose[0] ?? 0;
    map.field.append(...handles.map(({ node }) => node));
    map.field.classList.toggle("roams", !ofBeliefs());
    map.field.setAttribute("role", "group");
    map.field.setAttribute("aria-label", stage.alt);
    keys.textContent = ofBeliefs()
      ? "Drag a belief by its dot. With keys: Tab to a dot, arrows move it, Shift moves it further."
      : "Drag anywhere on the map. With keys: Tab to the point, arrows move it, Shift moves it further.";
  }

  width.oninput = () => {
    const [x, y] = belief(chosen);
    position.beliefs[chosen] = [x, y, 2 ** Number(width.value)];
    changed();
    later();
  };
  again.onclick = () => {
    position = { z: [...stage.start.z], beliefs: stage.views.map(() => null) };
    changed(true);
  };

  return {
    update(data, setStateValue) {
      send = (question) => setStateValue("query", question);
      if (data.stage && JSON.stringify(data.stage) !== root.known) {
        root.known = JSON.stringify(data.stage);
        const adopts = data.stage.place !== stage?.place;
        stage = data.stage;
        if (adopts && !dragged) position = structuredClone(stage.position);
        map.show(stage);
        preview.take(stage.sheets, stage.cells);
        decoder.take(ofBeliefs() ? null : stage.live);
        build();
      }
      if (!stage) { // the map was sent to a page that has gone since
        send({ revision: "", number: 0, rests: false, z: [0, 0], beliefs: [] });
        return;
      }
      courier.answered(data.answer.number);
      answer = data.answer;
      reply();
      draw();
    },
    destroy() {
      courier.stop();
      decoder.stop();
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    },
  };
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".bvae-walk");
  if (!root || !data) return undefined;
  // Kept on the element: this function runs again for every change of the data or of the theme.
  root.walk = root.walk ?? createWalk(root);
  root.walk.update(data, setStateValue);
  return () => {
    root.walk?.destroy();
    root.walk = null;
  };
}
