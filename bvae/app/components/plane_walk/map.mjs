/* The map: pictures or words behind, the items' points, the prior, and the outlines of beliefs. */

import { element, shape } from "./elements.mjs";

const SIZE = 1000; // the drawing's own units a side

const PALE = 0.42; // opacity of pictures in colours behind the points
const INK = 0.6; // and of those in one ink

async function loaded(uri) {
  const image = new Image();
  image.src = uri;
  await image.decode();
  return image;
}

export function createMap() {
  const ground = element("canvas", { className: "ground", "aria-hidden": "true" });
  const still = shape("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": "true" });
  const moving = shape("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": "true" });
  const field = element("div", { className: "field" }, [ground, still, moving]);
  let stage = null;
  let unit = 1; // of the drawing, for one pixel

  const share = ([x, y]) => {
    const [[x0, x1], [y0, y1]] = stage.limits;
    return [(x - x0) / (x1 - x0), (y1 - y) / (y1 - y0)];
  };
  const place = (z) => share(z).map((v) => v * SIZE);

  function label(text, mean, before = false) {
    const [x, y] = place(mean);
    const left = before ? x > SIZE * 0.25 : x > SIZE * 0.8;
    const aside = 17 * unit;
    const node = shape("text", { x: x + (left ? -aside : aside), y: y + 5 * unit, "text-anchor": left ? "end" : "start",
      class: "name-on-map" });
    node.textContent = text;
    moving.append(node);
  }

  function ellipse(into, mean, scale, radius, attributes) {
    const [cx, cy] = place(mean);
    const one = SIZE / (stage.limits[0][1] - stage.limits[0][0]);
    into.append(shape("ellipse", { cx, cy, rx: radius * scale[0] * one, ry: radius * scale[1] * one, fill: "none",
      "vector-effect": "non-scaling-stroke", ...attributes }));
  }

  /* All that lies still is painted once, so that a move paints outlines only. */
  async function paint() {
    const now = stage;
    const pictures = await Promise.all([now?.classes, now?.behind?.uri].map((uri) => uri && loaded(uri)));
    const side = Math.round(field.clientWidth * (window.devicePixelRatio || 1));
    if (now !== stage || !side) return;
    const [classes, behind] = pictures;
    ground.width = ground.height = side;
    const context = ground.getContext("2d");
    if (classes) {
      context.imageSmoothingEnabled = false;
      context.drawImage(classes, 0, 0, side, side);
      context.imageSmoothingEnabled = true;
    }
    if (behind) {
      const { drawn } = stage.behind;
      context.filter = drawn ? "invert(1)" : "none";
      context.globalCompositeOperation = drawn && classes ? "multiply" : "source-over";
      context.globalAlpha = drawn ? INK : PALE;
      context.drawImage(behind, 0, 0, side, side);
      context.filter = "none";
      context.globalCompositeOperation = "source-over";
    }
    context.globalAlpha = 0.75;
    for (const [x, y, group] of classes ? [] : stage.points) {
      const [left, top] = share([x, y]);
      context.beginPath();
      context.arc(left * side, top * side, Math.max(side / 260, 1.6), 0, 2 * Math.PI);
      context.fillStyle = stage.colors[group];
      context.fill();
    }
    field.dataset.painted = stage.revision;
  }

  function drawTicks() {
    const [[x0, x1], [y0, y1]] = stage.limits;
    const step = x1 - x0 > 12 ? 4 : x1 - x0 > 6 ? 2 : 1;
    const word = (text, x, y, anchor) => {
      const node = shape("text", { x, y, "text-anchor": anchor, class: "tick" });
      node.textContent = text;
      still.append(node);
    };
    for (let v = Math.ceil(x0 / step) * step; v <= x1; v += step) {
      const [x, y] = place([v, v]);
      if (x > 60 && x < SIZE - 20) word(v, x, SIZE - 5 * unit, "middle");
      if (y > 30 && y < SIZE - 40 && v > y0 && v < y1) word(v, 5 * unit, y + 5 * unit, "start");
    }
  }

  function measure() {
    unit = SIZE / (field.clientWidth || SIZE);
    field.style.setProperty("--unit", unit);
  }

  /* All that no gesture moves. */
  function drawStill() {
    measure();
    still.replaceChildren();
    (stage.behind?.words ?? []).forEach((row, r, rows) => row.forEach((text, c) => {
      const node = shape("text", { x: ((c + 0.5) / row.length) * SIZE, y: ((r + 0.5) / rows.length) * SIZE + 4 * unit,
        "text-anchor": "middle", class: "word" });
      node.textContent = text;
      still.append(node);
    }));
    [1, 2].forEach((radius) => ellipse(still, [0, 0], [1, 1], radius,
      { class: "prior", "stroke-dasharray": radius === 2 ? "2 4" : "" }));
    drawTicks();
    paint();
  }

  new ResizeObserver(() => stage && drawStill()).observe(field);
  return {
    field,
    share,
    /* Where a pointer is, in the latent space; not kept inside. */
    at(event) {
      const box = field.getBoundingClientRect();
      const [[x0, x1], [y0, y1]] = stage.limits;
      return [x0 + ((event.clientX - box.left) / box.width) * (x1 - x0),
        y1 - ((event.clientY - box.top) / box.height) * (y1 - y0)];
    },
    show(next) {
      stage = next;
      drawStill();
    },
    /* The outlines of the beliefs as they lie now, and of the joint belief as it was last answered. */
    outline(beliefs, joint) {
      moving.replaceChildren();
      const met = joint.filter((part) => part.decoded);
      if (met.length === 1) {
        const [x2, y2] = place(met[0].mean);
        for (const { mean, color } of beliefs) {
          const [x1, y1] = place(mean);
          moving.append(shape("line", { x1, y1, x2, y2, class: "pull", stroke: color }));
        }
      }
      for (const { mean, scale, color } of beliefs) {
        ellipse(moving, mean, scale, 2, { stroke: color, "stroke-width": 2, style: `fill:${color}22` });
        ellipse(moving, mean, scale, 1, { stroke: color, "stroke-width": 1 });
      }
      for (const { mean, scale, weight, decoded } of joint) {
        ellipse(moving, mean, scale, 2, { class: "joint", "stroke-width": decoded ? 3 : 1.2,
          "stroke-dasharray": decoded ? stage.dash : "", opacity: decoded ? 1 : 0.35 + 0.65 * weight });
        const [cx, cy] = place(mean);
        if (decoded) moving.append(shape("circle", { cx, cy, r: 6 * unit, class: "centre" }));
      }
      if (met.length === 1) label("joint belief", met[0].mean, true);
      for (const { mean, name } of beliefs) label(name, mean);
    },
  };
}
