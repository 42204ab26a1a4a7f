/* Explore under the finger: drag the weights, or a point in the plane, and every view is decoded while it moves.

   Python's pictures are there first and last: it recomputes when a gesture has ended, and what it gives replaces what was
   decoded here, from which it differs by less than the stated tolerance. */

import { htmlNode, setText } from "../../playground/browser/nodes.mjs";
import { keyed } from "./elements.mjs";
import { moments } from "./aggregation.mjs";
import { createFrames } from "./frames.mjs";
import { besides } from "./names.mjs";
import { SIDE, createPad } from "./pad.mjs";
import { createPictures } from "./pictures.mjs";
import { cornersOf, inside, pointOf, weightsAt } from "./polygon.mjs";
import { difference, unpacked } from "./answers.mjs";

const GRID = 20; // steps of a weight of 1: Python's sliders have the same
const GLIDE = 900; // milliseconds from one place to another
const [MIDDLE, RADIUS] = [[SIDE / 2, SIDE / 2], 84];

const told = (values) => values.map((v) => v.toFixed(2)).join(", ");

export function create(root, { openModel }) {
  let scene = null;
  let model = null;
  let weights = [];
  let corner = MIDDLE; // where the weights' handle stands
  let z = null; // Float32Array(L): what is decoded
  let shown = null; // the joint belief of these weights, {mean, scale}, or null where only Python knows it
  let live = null; // {z, values}: what was decoded here last
  let number = 0;
  let glide = null;
  let newest = null; // a scene that came while somebody was dragging
  let send = () => {};
  let pictures = null;
  let ends = true;

  const status = htmlNode("p", { className: "said" });
  const heard = htmlNode("div", { className: "heard", role: "status", "aria-live": "polite" });
  const place = htmlNode("div", { className: "place" });
  const goals = htmlNode("div", { className: "goals", role: "group", "aria-label": "Glide to" });
  const balance = createPad({ className: "balance", label: "Weights of the views", moved: moveWeights });
  const plane = createPad({ className: "plane", label: "Plane of the latent space", moved: movePoint });
  const weightsBox = htmlNode("div", { className: "box" }, [
    htmlNode("h4", { textContent: "Drag the weights" }), balance.field]);
  const planeBox = htmlNode("div", { className: "box" }, [
    htmlNode("h4", { textContent: "Drag the point z" }), plane.field]);
  root.replaceChildren(place, htmlNode("div", { className: "pads" }, [weightsBox, planeBox]), goals, heard);

  const frames = createFrames(async () => {
    draw();
    if (!model || !z) return;
    const now = z;
    const values = await model.decode(now, 1);
    live = { z: now, values };
    if (!ends) {
      pictures.show(values, "decoded where you are");
      pictures.caption({});
      setText(status, "Decoded in your browser while it moves.");
    }
    root.dataset.z = told(Array.from(now.slice(0, 2)));
    root.dataset.frames = frames.times.length + 1;
  });

  const there = () => scene.views.flatMap((view, m) => (view.loc ? [m] : []));
  const corners = () => cornersOf(there().length, MIDDLE, RADIUS);

  /* The joint belief of the weights, or null. Where all weigh the same, the model's own weights count. */
  function joint() {
    if (!model) return null;
    const alike = weights.every((w) => w === weights[0]);
    const q = model.aggregate(scene.rule, scene.views.map((v) => v.loc), scene.views.map((v) => v.scale),
      alike ? scene.own ?? weights : weights);
    return q && moments(q);
  }

  function onPlane(vector) {
    return scene.plane.axes.map((axis) => axis.reduce((sum, v, d) => sum + v * (vector[d] - scene.plane.origin[d]), 0));
  }

  const toPad = ([x, y]) => {
    const [[x0, x1], [y0, y1]] = scene.plane.limits;
    return [((x - x0) / (x1 - x0)) * SIDE, ((y1 - y) / (y1 - y0)) * SIDE];
  };
  const fromPad = ([x, y]) => {
    const [[x0, x1], [y0, y1]] = scene.plane.limits;
    return [x0 + (x / SIDE) * (x1 - x0), y1 - (y / SIDE) * (y1 - y0)];
  };

  function begins() {
    ends = false;
    cancelAnimationFrame(glide);
  }

  function moveWeights(to, ended) {
    begins();
    corner = inside(corners(), to);
    const shares = weightsAt(corners(), corner);
    const top = Math.max(...shares);
    there().forEach((m, k) => (weights[m] = Math.round((GRID * shares[k]) / top) / GRID));
    shown = joint();
    if (shown) z = shown.mean;
    frames.ask();
    if (!ended) return;
    rest({ kind: "weights", weights: Object.fromEntries(there().map((m) => [scene.views[m].name, weights[m]])) });
  }

  function movePoint(to, ended) {
    begins();
    const wanted = fromPad(to.map((v) => Math.min(Math.max(v, 0), SIDE)));
    const now = onPlane(z);
    z = z.slice(); // the rest of z stays as it is: it moves along the plane
    scene.plane.axes.forEach((axis, i) => axis.forEach((v, d) => (z[d] += v * (wanted[i] - now[i]))));
    frames.ask();
    if (ended) rest({ kind: "point", z: Array.from(z) });
  }

  /* Along the straight line to another place of the latent space, in all of its dimensions. */
  function glideTo(goal) {
    begins();
    const start = z;
    const begun = performance.now();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = () => {
      const t = still ? 1 : Math.min((performance.now() - begun) / GLIDE, 1);
      const soft = t * t * (3 - 2 * t);
      z = start.map((v, d) => v + soft * (goal[d] - v));
      frames.ask();
      if (t < 1) glide = requestAnimationFrame(step);
      else rest({ kind: "point", z: Array.from(z) });
    };
    step();
  }

  /* A gesture ends: it is one on the scene that came meanwhile, where that is of the same item. */
  function rest(what) {
    const other = newest;
    newest = null;
    if (other && other.scene.item !== scene.item) {
      take(other);
      return;
    }
    number += 1;
    send({ revision: (other?.scene ?? scene).revision, item: scene.item, number, ...what });
  }

  function draw() {
    drawBalance();
    drawPlane();
  }

  function drawBalance() {
    const members = there();
    weightsBox.hidden = members.length < 2 || (model !== null && !shown); // some rules are known to Python alone
    if (weightsBox.hidden) return;
    const tips = corners();
    const layer = keyed(balance.drawing, "drawn");
    layer.begin();
    layer.get("area", "polygon", { class: "area", points: tips.map((p) => p.join(",")).join(" ") });
    members.forEach((m, k) => {
      const [x, y] = tips[k];
      const { color, name } = scene.views[m];
      layer.get(`spoke${m}`, "line", { class: "spoke", x1: MIDDLE[0], y1: MIDDLE[1], x2: x, y2: y });
      layer.get(`pull${m}`, "line", { x1: x, y1: y, x2: corner[0], y2: corner[1], stroke: color,
        "stroke-width": 1 + 5 * weights[m], "stroke-linecap": "round", opacity: 0.35 });
      layer.get(`corner${m}`, "circle", { cx: x, cy: y, r: 7, fill: color });
      const out = [x - MIDDLE[0], y - MIDDLE[1]].map((v) => v / RADIUS);
      const text = layer.get(`name${m}`, "text", { class: "name", x: x + 15 * out[0], y: y + 15 * out[1] + 4,
        "text-anchor": out[0] > 0.3 ? "start" : out[0] < -0.3 ? "end" : "middle" });
      setText(text, name);
    });
    layer.end();
    const total = members.reduce((sum, m) => sum + weights[m], 0);
    const shares = members.map((m) => `${scene.views[m].name} ${Math.round((100 * weights[m]) / total)}%`).join(", ");
    balance.put(corner, `Weights: ${shares}. Arrow keys move them.`);
  }

  function ellipse(layer, key, mean, scale, radius, more) {
    const [a, b] = scene.plane.axes;
    let [xx, xy, yy] = [0, 0, 0];
    scale.forEach((s, d) => {
      if (d >= a.length) return;
      xx += (a[d] * s) ** 2;
      xy += a[d] * b[d] * s * s;
      yy += (b[d] * s) ** 2;
    });
    const half = Math.hypot((xx - yy) / 2, xy);
    const [long, short] = [(xx + yy) / 2 + half, (xx + yy) / 2 - half].map((v) => Math.sqrt(Math.max(v, 0)));
    const [[x0, x1]] = scene.plane.limits;
    const unit = SIDE / (x1 - x0);
    const [cx, cy] = toPad(onPlane(mean));
    const turn = (-Math.atan2(2 * xy, xx - yy) * 90) / Math.PI;
    return layer.get(key, "ellipse", { cx, cy, rx: long * radius * unit, ry: short * radius * unit,
      transform: `rotate(${turn} ${cx} ${cy})`, fill: "none", ...more });
  }

  function drawPlane() {
    const layer = keyed(plane.drawing, "drawn");
    layer.begin();
    const flat = new Float32Array(scene.latent);
    ellipse(layer, "prior", flat, new Float32Array(scene.latent).fill(1), 1, { class: "prior" });
    for (const m of there()) {
      const { loc, scale, color } = scene.views[m];
      ellipse(layer, `two${m}`, loc, scale, 2, { stroke: color, "stroke-width": 1.6, opacity: 0.8 });
      const [x, y] = toPad(onPlane(loc));
      layer.get(`mean${m}`, "circle", { cx: x, cy: y, r: 4, fill: color });
    }
    const members = there();
    const spots = members.map((m) => toPad(onPlane(scene.views[m].loc)));
    const room = { side: SIDE, edge: 2, letter: 8, handle: toPad(onPlane((shown ?? scene.joint).mean)) };
    besides(spots, members.map((m) => scene.views[m].name), room).forEach((spot, k) => {
      const { x, y, anchor } = spot;
      setText(layer.get(`name${members[k]}`, "text", { class: "name", x, y, "text-anchor": anchor }),
        scene.views[members[k]].name);
    });
    const belief = shown ?? scene.joint;
    ellipse(layer, "joint", belief.mean, belief.scale, 2, { class: "joint", "stroke-dasharray": scene.dash });
    layer.end();
    plane.put(toPad(onPlane(z)).map((v) => Math.min(Math.max(v, 4), SIDE - 4)),
      `Point z at ${told(onPlane(z))}. Arrow keys move it.`);
  }

  function build() {
    pictures = createPictures(scene.views);
    place.replaceChildren(pictures.root, status);
    const goal = (text, color, to) => {
      const square = htmlNode("span", { textContent: "● ", "aria-hidden": "true" });
      square.style.color = color;
      const button = htmlNode("button", { type: "button", className: "goal" }, [square, text]);
      button.onclick = () => glideTo(to());
      return button;
    };
    goals.replaceChildren(htmlNode("span", { textContent: "Glide to " }),
      ...there().map((m) => goal(scene.views[m].name, scene.views[m].color, () => scene.views[m].loc)),
      goal("the joint belief", "currentColor", () => (shown ?? scene.joint).mean));
  }

  function adopt(next) {
    const before = scene;
    scene = next;
    scene.views.forEach((view) => {
      if (!view.loc) return;
      view.loc = Float32Array.from(view.loc);
      view.scale = Float32Array.from(view.scale);
    });
    scene.joint = { mean: Float32Array.from(scene.joint.mean), scale: Float32Array.from(scene.joint.scale) };
    const kept = JSON.stringify(weights) === JSON.stringify(scene.weights) && before?.item === scene.item;
    weights = [...scene.weights];
    if (!kept) corner = there().length > 1 ? pointOf(corners(), there().map((m) => weights[m] || 1e-9)) : MIDDLE;
    shown = joint();
    z = scene.joint.mean;
    build();
  }

  /* What Python says of the place where a gesture ended. */
  function settle(answer) {
    const exact = unpacked(answer.values, scene.views);
    const same = live && live.z.length === z.length && live.z.every((v, d) => Math.abs(v - answer.z[d]) < 1e-4);
    if (same) root.dataset.difference = difference(live.values, exact, scene.views);
    pictures.show(exact, answer.alt);
    pictures.caption(answer.judged);
    setText(status, answer.said);
    if (answer.number) setText(heard, answer.said);
    root.dataset.answered = answer.number;
    root.dataset.settled = Number(root.dataset.settled ?? 0) + 1;
  }

  /* Another scene, with what Python says of it, or of the gesture that ended while it was made. */
  async function take(data) {
    const other = scene?.model !== data.scene.model;
    adopt(structuredClone(data.scene));
    if (number && data.answer.number === number) z = Float32Array.from(data.answer.z);
    ends = true;
    settle(data.answer);
    draw();
    if (!other) return;
    model = null;
    root.dataset.ready = "";
    const opened = await openModel(scene.model);
    if (!opened || scene.model !== data.scene.model) return;
    model = opened;
    await model.decode(z, 1); // opens every decoder; nothing is shown
    shown = joint();
    root.dataset.ready = "true";
  }

  root.live = { frames }; // benchmarks read it
  return {
    async update(data, sendState) {
      send = sendState;
      const busy = balance.busy || plane.busy;
      if (data.scene.revision !== scene?.revision) {
        if (busy) newest = data;
        else await take(data);
      } else if (data.answer.number === number && !busy) {
        ends = true;
        settle(data.answer);
      }
    },
    destroy() {
      cancelAnimationFrame(glide);
      frames.stop();
      balance.stop();
      plane.stop();
    },
  };
}
