/* The plane of one item: what its views believe, the joint beliefs, and a point that one drags. */

import { besides } from "../../components/live/browser/names.mjs";
import { element } from "./pictures.mjs";
import { ellipseOf, placeOf, planeOf, shadowOf } from "./plane.mjs";

const SVG = "http://www.w3.org/2000/svg";
const SIDE = 460;
const EDGE = 14;
const DASHES = { solid: "", dash: "8 5", dot: "2 4", dashdot: "9 4 2 4", longdash: "14 6", longdashdot: "15 5 2 5" };

function svg(tag, attributes = {}, children = []) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/* moved([a, b], ended): the point is now there, in units of the latent space; `ended`: the gesture is over. Without it
   there is no point. */
export function createPlane(root, moved) {
  const picture = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "plane", role: "img" });
  const point = element("button", { type: "button", className: "point",
    "aria-label": "The point that is decoded: drag it, or move it with the arrow keys" });
  const field = element("div", { className: "field" }, [picture, point]);
  const legend = element("p", { className: "bvae-legend" });
  const how = element("p", { className: "muted" });
  root.replaceChildren(field, legend, how);
  let plane = null;
  let limits = null;
  let at = [0, 0];
  let pointer = null;
  let grip = [0, 0];

  const scale = () => (SIDE - 2 * EDGE) / (limits.high[0] - limits.low[0]);
  const X = (x) => EDGE + (x - limits.low[0]) * scale();
  const Y = (y) => SIDE - EDGE - (y - limits.low[1]) * scale();

  function fit(shadows) {
    const low = [Infinity, Infinity];
    const high = [-Infinity, -Infinity];
    for (const { mean, cov } of shadows) {
      [cov[0], cov[2]].forEach((variance, i) => {
        low[i] = Math.min(low[i], mean[i] - 2 * Math.sqrt(variance));
        high[i] = Math.max(high[i], mean[i] + 2 * Math.sqrt(variance));
      });
    }
    const half = (1.06 * Math.max(high[0] - low[0], high[1] - low[1], 0.1)) / 2;
    const middle = low.map((value, i) => (value + high[i]) / 2);
    limits = { low: middle.map((v) => v - half), high: middle.map((v) => v + half) };
  }

  function ellipse({ mean, cov }, times, attributes) {
    const { long, short, angle } = ellipseOf(cov);
    return svg("ellipse", { rx: times * long * scale(), ry: times * short * scale(),
      transform: `translate(${X(mean[0])} ${Y(mean[1])}) rotate(${(-angle * 180) / Math.PI})`, fill: "none",
      ...attributes });
  }

  function put() {
    const [left, top] = [X(at[0]) / SIDE, Y(at[1]) / SIDE].map((v) => Math.min(Math.max(v, 0), 1));
    point.style.left = `${100 * left}%`;
    point.style.top = `${100 * top}%`;
    point.dataset.at = at.map((v) => v.toFixed(3)).join(" ");
  }

  function go(next, ended) {
    at = next.map((v, i) => Math.min(Math.max(v, limits.low[i]), limits.high[i]));
    put();
    moved(at, ended);
  }

  function under(event) {
    const box = picture.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  }
  const inPlane = ([left, top]) => [
    limits.low[0] + (left - EDGE) / scale(), limits.low[1] + (SIDE - EDGE - top) / scale()];

  point.onpointerdown = (event) => {
    if (pointer !== null || !limits) return;
    event.preventDefault();
    point.focus({ preventScroll: true });
    pointer = event.pointerId;
    point.setPointerCapture(pointer);
    const [x, y] = inPlane(under(event));
    grip = [at[0] - x, at[1] - y];
    field.classList.add("dragged");
  };
  point.onpointermove = (event) => {
    if (event.pointerId !== pointer) return;
    const [x, y] = inPlane(under(event));
    go([x + grip[0], y + grip[1]], false);
  };
  point.onpointerup = point.onpointercancel = (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    field.classList.remove("dragged");
    moved(at, true);
  };
  point.hidden = !moved;
  picture.onclick = (event) => moved && go(inPlane(under(event)), true);
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  point.onkeydown = (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const step = ((limits.high[0] - limits.low[0]) / 40) * (event.shiftKey ? 4 : 1);
    go([at[0] + arrow[0] * step, at[1] + arrow[1] * step], true);
  };

  return {
    /* views: [{name, color, belief | null}] of the item, all: the plane and its limits stay when one is hidden. */
    item(views) {
      const there = views.filter(({ belief }) => belief);
      if (!there.length) return;
      plane = planeOf(there.map(({ belief }) => belief.loc));
      fit(there.map(({ belief }) => shadowOf(plane, belief.loc, belief.scale)));
    },

    get axes() {
      return plane;
    },

    /* views as above with `observed`; joints: [{weights, locs, scales, color, dash, name}]; alt: what it says. */
    draw(views, joints, alt, place) {
      if (!plane) return;
      const parts = [];
      const [spots, names] = [[], []];
      const [left, right, top, bottom] = [EDGE, SIDE - EDGE, EDGE, SIDE - EDGE];
      parts.push(svg("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "frame" }));
      for (const { name, color, belief, observed } of views) {
        if (!belief) continue;
        const shadow = shadowOf(plane, belief.loc, belief.scale);
        const seen = observed ? {} : { "stroke-dasharray": "3 5", "stroke-opacity": 0.6 };
        const [x, y] = [X(shadow.mean[0]), Y(shadow.mean[1])];
        parts.push(ellipse(shadow, 2, { stroke: color, "stroke-width": 1, ...seen, ...(observed
          ? { fill: color, "fill-opacity": 0.08 } : {}) }));
        parts.push(ellipse(shadow, 1, { stroke: color, "stroke-width": 2, ...seen }));
        parts.push(svg("circle", { cx: x, cy: y, r: 4.5, fill: observed ? color : "none", stroke: color,
          "stroke-width": 2 }));
        spots.push([x, y]);
        names.push(observed ? name : `${name} (hidden)`);
      }
      besides(spots, names, { side: SIDE, edge: EDGE, letter: 8 }).forEach(({ x, y, anchor }, k) => {
        parts.push(svg("text", { x, y, "text-anchor": anchor, class: "name" }, [names[k]]));
      });
      for (const { weights, locs, scales, color, dash } of joints) {
        locs.forEach((loc, k) => {
          const shadow = shadowOf(plane, loc, scales[k]);
          const line = { stroke: color, "stroke-dasharray": DASHES[dash] ?? "",
            "stroke-opacity": Math.max(0.35, Math.min(1, weights[k] * locs.length)) };
          parts.push(ellipse(shadow, 2, { ...line, "stroke-width": 1.2 }), ellipse(shadow, 1, { ...line,
            "stroke-width": 3 }));
        });
      }
      picture.replaceChildren(...parts);
      picture.setAttribute("aria-label", alt);
      legend.replaceChildren(...joints.map(({ name, color, dash }) => {
        const line = svg("svg", { width: 34, height: 12, "aria-hidden": "true" }, [svg("path", {
          d: "M1,6H33", stroke: color, "stroke-width": 3, "stroke-dasharray": DASHES[dash] ?? "" })]);
        return element("span", { className: "bvae-legend-entry" }, [line, ` ${name}`]);
      }));
      how.textContent = "Thick and thin: one and two standard deviations. The plane is "
        + (plane.own ? "the latent space itself." : "that in which the views' means spread most.");
      if (place) {
        at = placeOf(plane, place);
        put();
      }
    },

    /* The point where it was put last, in the plane. */
    get at() {
      return at;
    },
  };
}
