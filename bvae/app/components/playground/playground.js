/* The playground: Gaussian experts that one drags, and their aggregates, which follow at the screen's rate.

   The functions of math.js stand above this text in the same module. The scene lives here; Python gets it when a
   gesture ends and may replace it by a new revision. Everything drawn is SVG with its style in attributes, so that a
   copy of it is a complete file. */

const SVG_NS = "http://www.w3.org/2000/svg";
const DASH_ARRAYS = {
  solid: "", dot: "2 4", dash: "8 5", longdash: "14 6", dashdot: "9 4 2 4", longdashdot: "15 5 2 5",
};
const OUTLINE_MASSES = [1 - Math.exp(-0.5), 1 - Math.exp(-2)];
const FILL_MASSES = [0.97, 0.9, 0.78, 0.6, 0.4, 0.2];
const NEWCOMERS = [[-2, -1.2], [2, -1.2], [0, 2], [-3, 2], [3, 2], [0, -2.6]];
const MOST_IN_INK = 4; // rules that are drawn in the theme's ink, as in the whole app; more have colours of their own
const DRAWS = 150;
const GHOSTS = 7;
const HANDLE_DISTANCE = 30; // pixels: below that, a handle could not be told from the mean
const WIDE = 860;

function listNames(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

function compact(value) {
  return Math.round(value * 10) / 10;
}

function fixed2(value) {
  return (Math.abs(value) < 0.005 ? 0 : value).toFixed(2);
}

/* Sets only the attributes that changed: writing an attribute costs more than comparing it. */
function setAttributes(node, attributes) {
  const known = node.knownAttributes ?? (node.knownAttributes = {});
  for (const name in attributes) {
    const value = attributes[name];
    if (known[name] === value) continue;
    known[name] = value;
    if (value === null || value === undefined || value === "") node.removeAttribute(name);
    else node.setAttribute(name, value);
  }
  return node;
}

function svgNode(tag, attributes = {}, parent = null) {
  const node = setAttributes(document.createElementNS(SVG_NS, tag), attributes);
  if (parent) parent.append(node);
  return node;
}

function htmlNode(tag, properties = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node && !name.startsWith("aria")) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/* A group whose children are found again by a key; those not asked for between begin() and end() go. */
function keyedGroup(parent, name) {
  const group = svgNode("g", { class: name }, parent);
  const nodes = new Map();
  let used = new Set();
  return {
    group,
    begin() {
      used = new Set();
    },
    get(key, tag, attributes) {
      used.add(key);
      let node = nodes.get(key);
      if (!node) {
        node = svgNode(tag, {}, group);
        nodes.set(key, node);
      }
      return setAttributes(node, attributes);
    },
    end() {
      for (const [key, node] of nodes) {
        if (used.has(key)) continue;
        node.remove();
        nodes.delete(key);
      }
    },
  };
}

/* Path of a marker, named as Plotly names it, about `r` pixels in radius. */
function markerPath(name, r) {
  const polygon = (points) => `M${points.map(([x, y]) => `${compact(x * r)},${compact(y * r)}`).join("L")}Z`;
  switch (name) {
    case "square": return polygon([[-0.88, -0.88], [0.88, -0.88], [0.88, 0.88], [-0.88, 0.88]]);
    case "diamond": return polygon([[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]]);
    case "triangle-up": return polygon([[0, -1.2], [1.1, 0.8], [-1.1, 0.8]]);
    case "x": {
      const [a, b] = [0.35, 1.05];
      return polygon([
        [0, -a], [b - a, -b], [b, a - b], [a, 0], [b, b - a], [b - a, b], [0, a], [a - b, b], [-b, b - a], [-a, 0],
        [-b, a - b], [a - b, -b],
      ]);
    }
    case "star": {
      const points = [];
      for (let i = 0; i < 10; i++) {
        const [angle, size] = [(i * Math.PI) / 5, i % 2 ? 0.58 : 1.35];
        points.push([size * Math.sin(angle), -size * Math.cos(angle)]);
      }
      return polygon(points);
    }
    default: return `M${-r},0A${r},${r} 0 1 0 ${r},0A${r},${r} 0 1 0 ${-r},0Z`;
  }
}

function polyline(points, close) {
  let d = "";
  for (let i = 0; i < points.length; i += 2) d += `${i ? "L" : "M"}${compact(points[i])},${compact(points[i + 1])}`;
  return close && d ? `${d}Z` : d;
}

/* Weights of three or two experts from a point in the triangle or on the segment, and back. */
function barycentric(corners, [x, y]) {
  if (corners.length === 2) {
    const [a, b] = corners;
    const t = ((x - a[0]) * (b[0] - a[0]) + (y - a[1]) * (b[1] - a[1])) / ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2);
    return [1 - clamp(t, 0, 1), clamp(t, 0, 1)];
  }
  const [a, b, c] = corners;
  const det = (b[1] - c[1]) * (a[0] - c[0]) + (c[0] - b[0]) * (a[1] - c[1]);
  const first = ((b[1] - c[1]) * (x - c[0]) + (c[0] - b[0]) * (y - c[1])) / det;
  const second = ((c[1] - a[1]) * (x - c[0]) + (a[0] - c[0]) * (y - c[1])) / det;
  const inside = [first, second, 1 - first - second];
  if (inside.every((value) => value >= 0)) return inside;
  // Outside: the nearest point of the three sides.
  let best = null;
  for (const [i, j] of [[0, 1], [1, 2], [2, 0]]) {
    const [p, q] = barycentric([corners[i], corners[j]], [x, y]);
    const at = [0, 1].map((k) => p * corners[i][k] + q * corners[j][k]);
    const distance = Math.hypot(at[0] - x, at[1] - y);
    if (best && best.distance <= distance) continue;
    const weights = [0, 0, 0];
    weights[i] = p;
    weights[j] = q;
    best = { distance, weights };
  }
  return best.weights;
}

function createPlayground(root) {
  let styles = { experts: [], rules: {} };
  let ruleOrder = [];
  let scene = null;
  let shapes = []; // angle and standard deviations of every expert: a handle keeps its axis when another gets longer
  let revision = null;
  let send = () => {};
  let lastSent = "";
  let theme = null;
  let size = { width: 0, height: 0, unit: 1, halfX: 5, halfY: 4, base: 0, rise: 1 };
  let results = new Map();
  let drag = null;
  let controls = [];
  let frame = 0;
  let keyTimer = 0;
  let averageMs = 0;
  let labelMemory = new Map();
  let corners = [];
  const noise = noiseFor(DRAWS);

  /* --- the page ------------------------------------------------------------------------------------------------- */

  const picture = svgNode("svg", { class: "picture", role: "group" });
  picture.setAttribute("aria-label", "Experts and their aggregates; drag the means and the handles");
  const layer = {};
  const order = [
    "grid", "ticks", "fill", "path", "prior", "experts", "samples", "rules", "markers", "labels", "handles",
  ];
  for (const name of order) {
    layer[name] = keyedGroup(picture, name);
  }
  const triangle = svgNode("svg", { class: "triangle", role: "group" });
  triangle.setAttribute("aria-label", "Weights as a point");
  const triangleLayer = { lines: keyedGroup(triangle, "lines"), handles: keyedGroup(triangle, "handles") };

  const pathNote = htmlNode("p", { className: "note" });
  const pathSection = htmlNode("section", { className: "path" }, [
    htmlNode("h4", { textContent: "Weights path" }), triangle, pathNote,
  ]);
  const expertRows = htmlNode("div", { className: "rows" });
  const addButton = htmlNode("button", { type: "button", className: "plain", textContent: "+ Add expert" });
  const removeButton = htmlNode("button", { type: "button", className: "plain" });
  const chips = htmlNode("div", { className: "chips" });
  const ruleNote = htmlNode("p", { className: "note" });
  const ruleNoteText = htmlNode("span");
  const uncorrelate = htmlNode("button", { type: "button", className: "plain", textContent: "Uncorrelate" });
  ruleNote.append(ruleNoteText, uncorrelate);
  const side = htmlNode("div", { className: "side" }, [
    pathSection,
    htmlNode("section", {}, [
      htmlNode("h4", { textContent: "Experts and their weights" }), expertRows,
      htmlNode("div", { className: "buttons" }, [addButton, removeButton]),
    ]),
    htmlNode("section", {}, [htmlNode("h4", { textContent: "Aggregates" }), chips, ruleNote]),
  ]);

  const fillSelect = htmlNode("select", { "aria-label": "Density shown as filled contours" });
  const toggles = {};
  const toggle = (name, text, read, write) => {
    const input = htmlNode("input", { type: "checkbox" });
    const label = htmlNode("label", { className: "toggle" }, [input, htmlNode("span", { textContent: text })]);
    input.onchange = () => {
      write(input.checked);
      changed(true);
    };
    toggles[name] = { input, label, read };
    return label;
  };
  const sliderRow = (text, low, high, step, read, write) => {
    const input = htmlNode("input", { type: "range", min: low, max: high, step, "aria-label": text });
    const output = htmlNode("output");
    const name = htmlNode("span", { textContent: text });
    const label = htmlNode("label", { className: "parameter" }, [name, input, output]);
    input.oninput = () => {
      write(Number(input.value));
      changed(false);
    };
    input.onchange = () => released();
    return { label, input, output, read };
  };
  const parameters = {
    alpha: sliderRow("α of the Hölder pool", 0.05, 1, 0.01, () => scene.alpha, (v) => (scene.alpha = v)),
    rho: sliderRow("ρ of CoDE", 0, 0.95, 0.01, () => scene.rho, (v) => (scene.rho = v)),
  };
  const priorToggle = toggle("asExpert", "Prior as one more expert", () => scene.prior, (on) => (scene.prior = on));
  const parameterSection = htmlNode("section", {}, [
    htmlNode("h4", { textContent: "Parameters" }), parameters.alpha.label, parameters.rho.label, priorToggle,
  ]);
  const viewButtons = ["plane", "line"].map((name) => {
    const text = name === "plane" ? "Plane" : "Line";
    const button = htmlNode("button", { type: "button", className: "segment", textContent: text });
    button.dataset.view = name;
    button.onclick = () => {
      scene.view = name;
      labelMemory.clear();
      changed(true);
    };
    return button;
  });
  const layerToggles = [["experts", "Experts"], ["prior", "Prior"], ["samples", "Samples"], ["path", "Weights path"]];
  const svgButton = htmlNode("button", { type: "button", className: "plain", textContent: "SVG" });
  const pngButton = htmlNode("button", { type: "button", className: "plain", textContent: "PNG" });
  svgButton.setAttribute("aria-label", "Download the picture as SVG");
  pngButton.setAttribute("aria-label", "Download the picture as PNG");
  const more = htmlNode("div", { className: "more" }, [
    htmlNode("section", {}, [
      htmlNode("h4", { textContent: "View" }),
      htmlNode("div", { className: "segments", role: "group", "aria-label": "View" }, viewButtons),
    ]),
    htmlNode("section", {}, [htmlNode("h4", { textContent: "Filled density" }), fillSelect]),
    htmlNode("section", {}, [
      htmlNode("h4", { textContent: "Show" }),
      htmlNode("div", { className: "toggles" }, layerToggles.map(([name, text]) =>
        toggle(name, text, () => scene.layers[name], (on) => (scene.layers[name] = on)))),
    ]),
    parameterSection,
    htmlNode("section", {}, [
      htmlNode("h4", { textContent: "Save the picture" }),
      htmlNode("div", { className: "buttons" }, [svgButton, pngButton]),
    ]),
  ]);
  const status = htmlNode("p", { className: "status", "aria-live": "polite" });
  const pictureBox = htmlNode("div", { className: "box" }, [picture, status]);
  const probe = htmlNode("span", { className: "probe" });
  root.replaceChildren(htmlNode("div", { className: "stage" }, [pictureBox, side, more]), probe);

  /* --- changes -------------------------------------------------------------------------------------------------- */

  /* The scene changed: draw soon; `finished` if no more of the same gesture will come. */
  function changed(finished) {
    schedule();
    if (finished) commit();
  }

  /* A native slider ends a gesture when the button is released, but with every key press too: wait for a pause. */
  function released() {
    if (root.dataset.input === "keys") commitSoon();
    else commit();
  }

  function commitSoon() {
    clearTimeout(keyTimer);
    keyTimer = setTimeout(commit, 250);
  }

  function commit() {
    clearTimeout(keyTimer);
    keyTimer = 0;
    const next = roundedScene(scene);
    const text = JSON.stringify(next);
    describeSoon = true;
    schedule();
    if (text === lastSent) return;
    lastSent = text;
    send({ ...next, revision });
  }

  let describeSoon = true;

  function schedule() {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function adopt(raw) {
    scene = cleanScene(raw, ruleOrder);
    shapes = scene.experts.map((expert) => axesOf(expert.cov));
    labelMemory.clear();
    lastSent = JSON.stringify(roundedScene(scene));
    describeSoon = true;
    buildControls();
  }

  function readTheme() {
    const computed = getComputedStyle(probe);
    const parse = (text) => (text.match(/[\d.]+/g) || [255, 255, 255]).slice(0, 3).map(Number);
    const [r, g, b] = parse(computed.backgroundColor);
    const dark = (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255 < 0.5;
    const text = parse(computed.color);
    const mix = (share) => `rgb(${[r, g, b].map((c, i) => Math.round(c + (text[i] - c) * share)).join(",")})`;
    const next = {
      dark, paper: mix(0), ink: mix(1), faint: mix(0.55), hair: mix(0.4), grid: mix(0.1), axis: mix(0.2),
      font: computed.fontFamily.replaceAll('"', "'"),
    };
    const isNew = JSON.stringify(next) !== JSON.stringify(theme);
    theme = next;
    root.dataset.theme = dark ? "dark" : "light";
    return isNew;
  }

  function expertStyle(m) {
    return styles.experts[m % Math.max(styles.experts.length, 1)] ?? { name: "?", color: "#777777", marker: "circle" };
  }

  /* Whether lines alone do not tell the drawn rules apart: too many, or two of them with the same line. */
  function crowded() {
    const lines = (scene?.rules ?? []).map((rule) => `${styles.rules[rule]?.dash}/${ruleWidth(rule)}`);
    return lines.length > MOST_IN_INK || new Set(lines).size < lines.length;
  }

  function ruleColor(rule) {
    const mode = theme.dark ? "dark" : "light";
    return (crowded() ? styles.rules[rule]?.[mode] : styles.ink?.[mode]) ?? theme.ink;
  }

  function ruleDash(rule) {
    return DASH_ARRAYS[styles.rules[rule]?.dash] ?? "";
  }

  function ruleWidth(rule) {
    return rule === "wasserstein" ? 3 : 2;
  }

  function shortName(rule) {
    return styles.rules[rule]?.short ?? rule;
  }

  /* --- sizes ---------------------------------------------------------------------------------------------------- */

  function measure() {
    const total = root.clientWidth;
    if (!total) return;
    root.classList.toggle("wide", total >= WIDE);
    const width = Math.max(Math.floor(pictureBox.clientWidth), 200);
    const height = Math.round(width < 560 ? width * 0.98 : Math.min(width * 0.8, 580));
    const unit = Math.min(width / 10.4, height / 8.4);
    size = {
      width, height, unit, halfX: width / unit / 2, halfY: height / unit / 2, base: height - 46, rise: height - 46 - 54,
    };
    setAttributes(picture, { width, height, viewBox: `0 0 ${width} ${height}` });
    schedule();
  }

  const X = (x) => size.width / 2 + x * size.unit;
  const Y = (y) => size.height / 2 - y * size.unit;

  /* --- drawing -------------------------------------------------------------------------------------------------- */

  /* The experts as the view sees them: in the plane, or along z1 only. */
  function seen() {
    if (scene.view === "plane") return scene.experts;
    return scene.experts.map((e) => ({ mean: [e.mean[0]], cov: [e.cov[0]], present: e.present }));
  }

  function options(extra = {}) {
    return { alpha: scene.alpha, rho: scene.rho, prior: scene.prior, ...extra };
  }

  function drawable(result) {
    if (!result) return null;
    const { mean, cov } = meanCov(result);
    return [...mean, ...cov].every(Number.isFinite) && determinant(cov) > 0 ? result : null;
  }

  function draw() {
    frame = 0;
    if (!scene || !size.width) return;
    if (!theme) readTheme();
    const start = performance.now();
    const experts = seen();
    results = new Map();
    for (const rule of new Set([...scene.rules, ...(scene.fill ? [scene.fill] : [])])) {
      results.set(rule, drawable(aggregate(rule, experts, scene.weights, options())));
    }
    for (const part of Object.values(layer)) part.begin();
    controls = [];
    drawGrid();
    if (scene.view === "plane") drawPlane(experts);
    else drawLine(experts);
    drawHandles();
    for (const part of Object.values(layer)) part.end();
    drawTriangle();
    syncControls();
    if (describeSoon && !drag) describe();
    const spent = performance.now() - start;
    averageMs = averageMs ? 0.85 * averageMs + 0.15 * spent : spent;
    root.dataset.frameMs = averageMs.toFixed(2);
  }

  function drawGrid() {
    const { width, height } = size;
    const plane = scene.view === "plane";
    const text = {
      "font-size": 11, fill: theme.faint, stroke: theme.paper, "stroke-width": 3, "paint-order": "stroke",
    };
    const tick = (i) => String(i).replace("-", "−");
    const [lastX, lastY] = [Math.floor(size.halfX), Math.floor(size.halfY)];
    const line = (i) => ({ stroke: i === 0 ? theme.axis : theme.grid, "stroke-width": 1 });
    const bottom = plane ? height - 7 : size.base + 34;
    for (let i = -lastX; i <= lastX; i++) {
      const x = compact(X(i));
      layer.grid.get(`x${i}`, "line", { x1: x, x2: x, y1: 0, y2: plane ? height : size.base, ...line(i) });
    }
    for (let i = -lastY; plane && i <= lastY; i++) {
      const y = compact(Y(i));
      layer.grid.get(`y${i}`, "line", { x1: 0, x2: width, y1: y, y2: y, ...line(i) });
    }
    for (let i = -lastX; i <= lastX; i++) {
      const x = compact(X(i));
      if (x < 26 || x > width - 26) continue;
      layer.ticks.get(`x${i}`, "text", { x, y: bottom, "text-anchor": "middle", ...text }).textContent = tick(i);
    }
    for (let i = -lastY; plane && i <= lastY; i++) {
      const y = compact(Y(i));
      if (y < 24 || y > height - 24) continue;
      layer.ticks.get(`y${i}`, "text", { x: 7, y: y + 4, ...text }).textContent = tick(i);
    }
    const name = { ...text, "font-style": "italic", "font-size": 13 };
    if (plane) layer.ticks.get("z2", "text", { x: 7, y: 17, ...name }).textContent = "z₂";
    else layer.grid.get("base", "line", { x1: 0, x2: width, y1: size.base, y2: size.base, ...line(0) });
    layer.ticks.get("z1", "text", { x: width - 8, y: bottom, "text-anchor": "end", ...name }).textContent = "z₁";
  }

  function ellipse(mean, cov, radius) {
    const { theta, lengths } = axesOf(cov);
    const [x, y] = [compact(X(mean[0])), compact(Y(mean[1]))];
    return {
      cx: x, cy: y, rx: compact(lengths[0] * radius * size.unit), ry: compact(lengths[1] * radius * size.unit),
      transform: `rotate(${compact((-theta * 180) / Math.PI)} ${x} ${y})`,
    };
  }

  function ellipsePoints(mean, cov, radius, n) {
    const { theta, lengths } = axesOf(cov);
    const points = [];
    for (let i = 0; i < n; i++) {
      const angle = (2 * Math.PI * i) / n;
      const [p, q] = [lengths[0] * radius * Math.cos(angle), lengths[1] * radius * Math.sin(angle)];
      points.push(
        X(mean[0] + p * Math.cos(theta) - q * Math.sin(theta)), Y(mean[1] + p * Math.sin(theta) + q * Math.cos(theta)),
      );
    }
    return points;
  }

  function isGaussian(result) {
    return result.type === "mixture" && result.weights.length === 1;
  }

  /* The lines around the given shares of the mass, in pixels: one list of closed lines per share. */
  function outlines(result, masses, grids) {
    if (isGaussian(result)) {
      return masses.map((mass) => [
        ellipsePoints(result.means[0], result.covs[0], Math.sqrt(-2 * Math.log(1 - mass)), 72),
      ]);
    }
    if (!grids.has(result)) grids.set(result, densityGrid(result));
    const grid = grids.get(result);
    return levelsFor(grid, masses).map((level) => contours(grid, level).map((line) => {
      for (let i = 0; i < line.length; i += 2) {
        line[i] = X(line[i]);
        line[i + 1] = Y(line[i + 1]);
      }
      return line;
    }));
  }

  function drawPlane(experts) {
    const grids = new Map();
    const fill = scene.fill && results.get(scene.fill);
    if (fill) {
      const color = ruleColor(scene.fill);
      outlines(fill, FILL_MASSES, grids).forEach((lines, i) => {
        layer.fill.get(i, "path", {
          d: lines.map((line) => polyline(line, true)).join(""), fill: color, "fill-opacity": theme.dark ? 0.11 : 0.085,
          "fill-rule": "evenodd",
        });
      });
    }
    if (scene.layers.prior) {
      layer.prior.get("one", "circle", {
        cx: X(0), cy: Y(0), r: size.unit, fill: "none", stroke: theme.hair, "stroke-width": scene.prior ? 1.6 : 1,
      });
      layer.prior.get("text", "text", {
        x: compact(X(0)), y: compact(Y(-1) + 12), "text-anchor": "middle", "font-size": 10.5, fill: theme.faint,
        stroke: theme.paper, "stroke-width": 3, "paint-order": "stroke",
      }).textContent = "prior";
    }
    experts.forEach((expert, m) => {
      if (!scene.layers.experts) return;
      const { color } = expertStyle(m);
      const here = expert.present;
      const rings = [[2, theme.dark ? 0.11 : 0.07, 0.45, 1], [1, theme.dark ? 0.22 : 0.15, 0.95, 1.6]];
      rings.forEach(([radius, fillOpacity, opacity, width]) => {
        layer.experts.get(`${m}/${radius}`, "ellipse", {
          ...ellipse(expert.mean, expert.cov, radius), fill: here ? color : "none", "fill-opacity": fillOpacity,
          stroke: color, "stroke-opacity": here ? opacity : 0.45, "stroke-width": here ? width : 1.2,
          "stroke-dasharray": here ? "" : "3 5",
        });
      });
    });
    drawPathInPlane(experts);
    if (scene.layers.samples && fill) {
      const r = 3;
      const d = draws(fill, noise).map(([x, y]) => {
        const [px, py] = [compact(X(x)), compact(Y(y))];
        return `M${px - r},${py - r}l${2 * r},${2 * r}m0,${-2 * r}l${-2 * r},${2 * r}`;
      });
      layer.samples.get("all", "path", {
        d: d.join(""), fill: "none", stroke: ruleColor(scene.fill), "stroke-width": 1, "stroke-opacity": 0.7,
      });
    }
    const toLabel = [];
    for (const rule of scene.rules) {
      const result = results.get(rule);
      if (!result) continue;
      const color = ruleColor(rule);
      const width = ruleWidth(rule);
      const dash = ruleDash(rule);
      const { mean, cov } = meanCov(result);
      const group = ruleGroup(rule, mean, cov);
      const lines = outlines(result, OUTLINE_MASSES, grids);
      const line = { fill: "none", stroke: color, "stroke-dasharray": dash, "stroke-linejoin": "round" };
      if (isGaussian(result)) {
        group.get("two", "ellipse", { ...ellipse(mean, cov, 2), ...line, "stroke-width": width * 0.5, opacity: 0.75 });
        group.get("one", "ellipse", { ...ellipse(mean, cov, 1), ...line, "stroke-width": width });
      } else {
        const paths = lines.map((part) => part.map((points) => polyline(points, true)).join(""));
        group.get("two", "path", { d: paths[1], ...line, "stroke-width": width * 0.5, opacity: 0.75 });
        group.get("one", "path", { d: paths[0], ...line, "stroke-width": width });
      }
      group.get("dot", "circle", {
        cx: compact(X(mean[0])), cy: compact(Y(mean[1])), r: 3.5, fill: color, stroke: theme.paper, "stroke-width": 1.2,
      });
      group.end();
      const largest = lines[0].reduce((best, points) => (points.length > best.length ? points : best), []);
      toLabel.push({ rule, text: shortName(rule), color, points: thinned(largest, 28), closed: true });
    }
    experts.forEach((expert, m) => drawMarker(m, X(expert.mean[0]), Y(expert.mean[1]), expert.present));
    placeLabels(toLabel, experts.map((e) => [X(e.mean[0]) + 5, Y(e.mean[1]) - 5, 13, 13]));
  }

  const ruleGroups = new Map();

  /* The group of one rule, with its numbers as data: tests and curious people read them. */
  function ruleGroup(rule, mean, cov) {
    const holder = layer.rules.get(rule, "g", {
      class: "rule", "data-rule": rule, "data-mean": mean.map((v) => v.toFixed(4)).join(","),
      "data-cov": cov.map((v) => v.toFixed(5)).join(","),
    });
    let group = ruleGroups.get(rule);
    if (!group || group.group.parentNode !== holder) {
      group = keyedGroup(holder, "lines");
      ruleGroups.set(rule, group);
    }
    group.begin();
    return group;
  }

  function drawMarker(m, x, y, present) {
    const { color, marker, name } = expertStyle(m);
    const at = `translate(${compact(x)} ${compact(y)})`;
    layer.markers.get(`${m}/shape`, "path", {
      d: markerPath(marker, 7), transform: at, fill: present ? color : theme.paper,
      stroke: present ? theme.paper : color,
      "stroke-width": 1.6, opacity: present ? 1 : 0.7,
    });
    layer.markers.get(`${m}/letter`, "text", {
      x: compact(x + 11), y: compact(y - 8), "font-size": 14, "font-weight": 700, fill: theme.ink,
      opacity: present ? 1 : 0.5, stroke: theme.paper, "stroke-width": 3.5, "paint-order": "stroke",
    }).textContent = name;
  }

  /* --- the one-dimensional view --------------------------------------------------------------------------------- */

  function curve(density, lines, rise) {
    const points = [];
    for (const x of lines) points.push(X(x), size.base - rise * density(x));
    return points;
  }

  function normalCurve(mean, variance, rise) {
    const s = Math.sqrt(variance);
    const lines = [];
    for (let i = -48; i <= 48; i++) lines.push(mean + (4.4 * s * i) / 48);
    return curve((x) => Math.exp(normalLogDensity([mean], [variance], [x])), lines, rise);
  }

  function resultCurve(result, rise) {
    if (isGaussian(result)) return normalCurve(result.means[0][0], result.covs[0][0], rise);
    const grid = densityGrid(result);
    const points = [];
    for (let i = 0; i < grid.nx; i++) points.push(X(grid.x[i]), size.base - rise * Math.exp(grid.log[i]));
    return points;
  }

  function area(points) {
    const n = points.length;
    return polyline([points[0], size.base, ...points, points[n - 2], size.base], true);
  }

  function drawLine(experts) {
    const peak = Math.max(...experts.map((e) => 1 / Math.sqrt(2 * Math.PI * e.cov[0])));
    const rise = size.rise / peak;
    size.lineRise = rise;
    const fill = scene.fill && results.get(scene.fill);
    if (fill) {
      layer.fill.get("area", "path", {
        d: area(resultCurve(fill, rise)), fill: ruleColor(scene.fill), "fill-opacity": theme.dark ? 0.24 : 0.17,
      });
    }
    if (scene.layers.prior) {
      layer.prior.get("curve", "path", {
        d: polyline(normalCurve(0, 1, rise)), fill: "none", stroke: theme.hair, "stroke-width": scene.prior ? 1.6 : 1,
      });
    }
    experts.forEach((expert, m) => {
      if (!scene.layers.experts) return;
      const { color } = expertStyle(m);
      const here = expert.present;
      layer.experts.get(`${m}/curve`, "path", {
        d: polyline(normalCurve(expert.mean[0], expert.cov[0], rise)), fill: here ? color : "none",
        "fill-opacity": 0.18, stroke: color, "stroke-width": here ? 1.4 : 1.1, "stroke-opacity": here ? 0.8 : 0.45,
        "stroke-dasharray": here ? "" : "3 5",
      });
    });
    const path = pathWeights();
    if (path && path.rule) {
      path.ghosts.forEach((weights, i) => {
        const result = drawable(aggregate(path.rule, experts, weights, options({ tolerance: 1e-8, size: [80] })));
        if (!result) return;
        layer.path.get(`ghost${i}`, "path", {
          d: polyline(resultCurve(result, rise)), fill: "none", stroke: ruleColor(path.rule), "stroke-width": 1,
          "stroke-opacity": 0.35,
        });
      });
    }
    if (scene.layers.samples && fill) {
      const r = 3;
      const d = draws(fill, noise).map(([x], i) => {
        const [px, py] = [compact(X(x)), compact(size.base + 5 + 11 * noise[i][2])];
        return `M${px - r},${py - r}l${2 * r},${2 * r}m0,${-2 * r}l${-2 * r},${2 * r}`;
      });
      layer.samples.get("all", "path", {
        d: d.join(""), fill: "none", stroke: ruleColor(scene.fill), "stroke-width": 1, "stroke-opacity": 0.6,
      });
    }
    const toLabel = [];
    for (const rule of scene.rules) {
      const result = results.get(rule);
      if (!result) continue;
      const { mean, cov } = meanCov(result);
      const group = ruleGroup(rule, mean, cov);
      const points = resultCurve(result, rise);
      const color = ruleColor(rule);
      group.get("curve", "path", {
        d: polyline(points), fill: "none", stroke: color, "stroke-width": ruleWidth(rule),
        "stroke-dasharray": ruleDash(rule), "stroke-linejoin": "round",
      });
      group.get("dot", "circle", {
        cx: compact(X(mean[0])), cy: size.base, r: 3.5, fill: color, stroke: theme.paper, "stroke-width": 1.2,
      });
      group.end();
      toLabel.push({ rule, text: shortName(rule), color, points: upperPart(points), closed: false });
    }
    experts.forEach((expert, m) => drawMarker(m, X(expert.mean[0]), size.base, expert.present));
    placeLabels(toLabel, experts.map((e) => [X(e.mean[0]) + 4, size.base - 8, 13, 14]));
  }

  /* The visible part of a curve that is well above the axis: where its label can stand. */
  function upperPart(points) {
    let top = size.base;
    for (let i = 1; i < points.length; i += 2) top = Math.min(top, points[i]);
    const limit = size.base - 0.3 * (size.base - Math.max(top, 0));
    const kept = [];
    for (let i = 0; i < points.length; i += 2) {
      if (points[i + 1] < limit && points[i + 1] > 8) kept.push(points[i], points[i + 1]);
    }
    return thinned(kept.length ? kept : points, 24);
  }

  /* --- labels --------------------------------------------------------------------------------------------------- */

  function thinned(points, n) {
    const count = points.length / 2;
    if (count <= n) return points;
    const kept = [];
    for (let k = 0; k < n; k++) {
      const i = Math.floor((k * count) / n);
      kept.push(points[2 * i], points[2 * i + 1]);
    }
    return kept;
  }

  /* One label next to each line: of many candidates the cheapest, where covering another label costs most and leaving
     the place of the last frame costs a little, so that labels stay calm while one drags. */
  function placeLabels(list, markers) {
    const placed = [];
    const obstacles = markers.map(([x, y, w, h]) => [x, y, w, h, 60]);
    for (const { x, y } of handlePlaces()) obstacles.push([x, y, 8, 8, 30]);
    for (const { rule, text, color, points, closed } of list) {
      const [w, h] = [text.length * 6.9 + 6, 16];
      const n = points.length / 2;
      if (!n) continue;
      let [mx, my] = [0, 0];
      for (let i = 0; i < n; i++) {
        mx += points[2 * i] / n;
        my += points[2 * i + 1] / n;
      }
      const before = labelMemory.get(rule);
      let best = null;
      for (let ring = 0; ring < 4; ring++) {
        for (let i = 0; i < n; i++) {
          const [px, py] = [points[2 * i], points[2 * i + 1]];
          let [nx, ny] = [px - mx, py - my];
          if (!closed) ny = Math.min(ny, -0.3 * Math.abs(nx)) - 6;
          const length = Math.hypot(nx, ny) || 1;
          nx /= length;
          ny /= length;
          const gap = 6 + 20 * ring;
          const cx = px + nx * (gap + (Math.abs(nx) * w) / 2 + (Math.abs(ny) * h) / 2);
          const cy = py + ny * (gap + (Math.abs(nx) * w) / 2 * 0.2 + (Math.abs(ny) * h) / 2);
          let cost = 9 * ring;
          const outX = Math.max(w / 2 + 4 - cx, cx + w / 2 + 4 - size.width);
          const out = Math.max(outX, h / 2 + 4 - cy, cy + h / 2 + 20 - size.height);
          if (out > 0) cost += 400 + out;
          for (const [ox, oy, ow, oh] of placed) {
            const dx = (w + ow) / 2 + 2 - Math.abs(cx - ox);
            const dy = (h + oh) / 2 - Math.abs(cy - oy);
            if (dx > 0 && dy > 0) cost += 200 + dx * dy;
          }
          for (const [ox, oy, ow, oh, price] of obstacles) {
            if ((w + ow) / 2 > Math.abs(cx - ox) && (h + oh) / 2 > Math.abs(cy - oy)) cost += price;
          }
          if (best && cost >= best.cost) continue;
          for (const other of list) {
            for (let k = 0; k < other.points.length; k += 2) {
              if (Math.abs(other.points[k] - cx) < w / 2 && Math.abs(other.points[k + 1] - cy) < h / 2) cost += 7;
            }
          }
          if (before) cost += Math.min(Math.hypot(cx - mx - before[0], cy - my - before[1]) * 0.15, 12);
          if (!best || cost < best.cost) best = { cost, cx, cy, px, py, ring };
        }
      }
      placed.push([best.cx, best.cy, w, h]);
      labelMemory.set(rule, [best.cx - mx, best.cy - my]);
      if (best.ring > 0) {
        layer.labels.get(`${rule}/line`, "line", {
          x1: compact(best.px), y1: compact(best.py), x2: compact(best.cx), y2: compact(best.cy), stroke: color,
          "stroke-width": 1, "stroke-opacity": 0.6,
        });
      }
      layer.labels.get(rule, "text", {
        x: compact(best.cx), y: compact(best.cy + 4.5), "text-anchor": "middle", "font-size": 13, "font-weight": 600,
        fill: color, stroke: theme.paper, "stroke-width": 4, "stroke-linejoin": "round", "paint-order": "stroke",
      }).textContent = text;
    }
  }

  /* --- the path of the weights ---------------------------------------------------------------------------------- */

  function presentIndices() {
    return scene.experts.map((_, m) => m).filter((m) => scene.experts[m].present);
  }

  /* Shares of the present experts, sum 1; equal where all weights are zero. */
  function shares(indices) {
    const total = indices.reduce((sum, m) => sum + scene.weights[m], 0);
    return indices.map((m) => (total > 0 ? scene.weights[m] / total : 1 / indices.length));
  }

  /* Full weight vectors of the seven ghosts and of the edges, or null without two or three experts. */
  function pathWeights() {
    if (!scene.layers.path) return null;
    const indices = presentIndices();
    if (indices.length !== 2 && indices.length !== 3) return null;
    const full = (values) => {
      const weights = scene.weights.map(() => 0);
      indices.forEach((m, i) => (weights[m] = values[i]));
      return weights;
    };
    const own = shares(indices);
    const rest = own.slice(1).reduce((sum, value) => sum + value, 0);
    const opposite = own.slice(1).map((value) => (rest > 1e-9 ? value / rest : 1 / (own.length - 1)));
    const ghosts = [];
    for (let i = 0; i < GHOSTS; i++) {
      const t = i / (GHOSTS - 1);
      ghosts.push(full([1 - t, ...opposite.map((value) => value * t)]));
    }
    const edges = (indices.length === 3 ? [[0, 1], [1, 2], [2, 0]] : [[0, 1]]).map(([i, j]) => {
      const points = [];
      for (let k = 0; k <= 14; k++) {
        const values = indices.map(() => 0);
        values[i] = 1 - k / 14;
        values[j] = k / 14;
        points.push(full(values));
      }
      return points;
    });
    const rule = scene.fill ?? "wasserstein";
    return { indices, own, opposite, ghosts, edges, rule };
  }

  function drawPathInPlane(experts) {
    const path = pathWeights();
    if (!path) return;
    const color = ruleColor(path.rule);
    const coarse = options({ tolerance: 1e-8, size: [30, 26] });
    const moments = (weights) => {
      const result = drawable(aggregate(path.rule, experts, weights, coarse));
      return result && meanCov(result);
    };
    path.edges.forEach((edge, i) => {
      const points = [];
      for (const weights of edge) {
        const found = moments(weights);
        if (found) points.push(X(found.mean[0]), Y(found.mean[1]));
      }
      layer.path.get(`edge${i}`, "path", {
        d: polyline(points), fill: "none", stroke: color, "stroke-width": 1.3, "stroke-opacity": 0.55,
      });
    });
    path.ghosts.forEach((weights, i) => {
      const found = moments(weights);
      if (!found) return;
      layer.path.get(`ghost${i}`, "ellipse", {
        ...ellipse(found.mean, found.cov, 1), fill: color, "fill-opacity": 0.03, stroke: color, "stroke-width": 1,
        "stroke-opacity": 0.4,
      });
      layer.path.get(`ghostdot${i}`, "circle", {
        cx: compact(X(found.mean[0])), cy: compact(Y(found.mean[1])), r: 2, fill: color, "fill-opacity": 0.6,
      });
    });
  }

  function drawTriangle() {
    const shown = scene.layers.path;
    pathSection.hidden = !shown;
    if (!shown) return;
    const { lines, handles } = triangleLayer;
    const indices = presentIndices();
    const fits = indices.length === 2 || indices.length === 3;
    triangle.style.display = fits ? "" : "none";
    if (!fits) {
      pathNote.textContent = "The path needs two or three present experts.";
      return;
    }
    const [width, height] = indices.length === 3 ? [250, 190] : [250, 70];
    setAttributes(triangle, { width, height, viewBox: `0 0 ${width} ${height}` });
    corners = indices.length === 3 ? [[125, 26], [38, 164], [212, 164]] : [[38, 36], [212, 36]];
    const own = shares(indices);
    const at = (values) => [0, 1].map((k) => values.reduce((sum, value, i) => sum + value * corners[i][k], 0));
    lines.begin();
    handles.begin();
    if (indices.length === 3) {
      lines.get("area", "path", {
        d: polyline(corners.flat(), true), fill: theme.grid, "fill-opacity": 0.5, stroke: theme.hair,
        "stroke-width": 1.2, "stroke-linejoin": "round",
      });
      for (let i = 1; i < 4; i++) {
        const t = i / 4;
        [[t, 1 - t, 0, t, 0, 1 - t], [1 - t, t, 0, 0, t, 1 - t], [1 - t, 0, t, 0, 1 - t, t]].forEach((ends, k) => {
          const [p, q] = [at(ends.slice(0, 3)), at(ends.slice(3))];
          lines.get(`grid${i}${k}`, "line", {
            x1: compact(p[0]), y1: compact(p[1]), x2: compact(q[0]), y2: compact(q[1]), stroke: theme.grid,
            "stroke-width": 1,
          });
        });
      }
    } else {
      lines.get("segment", "line", {
        x1: corners[0][0], y1: corners[0][1], x2: corners[1][0], y2: corners[1][1], stroke: theme.hair,
        "stroke-width": 2,
      });
    }
    const path = pathWeights();
    const color = ruleColor(path.rule);
    path.ghosts.forEach((weights, i) => {
      const point = at(indices.map((m) => weights[m]));
      lines.get(`ghost${i}`, "circle", {
        cx: compact(point[0]), cy: compact(point[1]), r: 2.4, fill: color, opacity: 0.6,
      });
    });
    indices.forEach((m, i) => {
      const { color: tint, marker, name } = expertStyle(m);
      const [x, y] = corners[i];
      lines.get(`corner${m}`, "path", {
        d: markerPath(marker, 6.5), transform: `translate(${x} ${y})`, fill: tint, stroke: theme.paper,
        "stroke-width": 1.5,
      });
      const above = indices.length === 3 && i === 0;
      const towards = i === indices.length - 1 ? 1 : -1;
      lines.get(`name${m}`, "text", {
        x: above ? x + 13 : x + towards * 13, y: above ? y - 3 : y + 5,
        "text-anchor": above || towards > 0 ? "start" : "end",
        "font-size": 14, "font-weight": 700, fill: theme.ink,
      }).textContent = name;
      lines.get(`share${m}`, "text", {
        x: above ? x + 28 : x, y: above ? y - 3 : y + 22, "text-anchor": above ? "start" : "middle", "font-size": 12,
        fill: theme.faint,
      }).textContent = fixed2(own[i]);
    });
    const point = at(own);
    lines.get("point", "circle", {
      cx: compact(point[0]), cy: compact(point[1]), r: 7, fill: theme.ink, stroke: theme.paper, "stroke-width": 2,
    });
    const text = indices.map((m, i) => `${expertStyle(m).name} ${fixed2(own[i])}`).join(", ");
    const hit = handles.get("weights", "circle", {
      cx: compact(point[0]), cy: compact(point[1]), r: 22, fill: "transparent", class: "hit", tabindex: 0,
      role: "slider", "aria-label": "Weights of the experts", "aria-valuemin": 0, "aria-valuemax": 1,
      "aria-valuenow": own[0].toFixed(3), "aria-valuetext": text, "data-control": "weights",
    });
    hit.control = { kind: "weights" };
    lines.end();
    handles.end();
    pathNote.textContent = `Drag the point: it is the weights. Seven ${shortName(path.rule)} aggregates lead from ` +
      `${expertStyle(indices[0]).name} through it to the other side.`;
  }

  /* --- handles -------------------------------------------------------------------------------------------------- */

  function handlePlaces() {
    const places = [];
    scene.experts.forEach((expert, m) => {
      if (scene.view === "line") {
        const s = Math.sqrt(expert.cov[0]);
        let sign = drag && drag.kind === "width" && drag.m === m ? drag.sign : 1;
        if (!drag && X(expert.mean[0] + s) > size.width - 14) sign = -1;
        const x = X(expert.mean[0]) + sign * Math.max(s * size.unit, HANDLE_DISTANCE);
        const y = size.base - (size.lineRise ?? 0) * Math.exp(-0.5) / (s * Math.sqrt(2 * Math.PI));
        places.push({ kind: "width", m, k: 0, sign, x, y });
        return;
      }
      if (!scene.layers.experts) return;
      const { theta, lengths } = shapes[m];
      for (let k = 0; k < 2; k++) {
        const angle = theta + (k * Math.PI) / 2;
        const reach = Math.max(lengths[k] * size.unit, HANDLE_DISTANCE);
        const [dx, dy] = [reach * Math.cos(angle), -reach * Math.sin(angle)];
        const [mx, my] = [X(expert.mean[0]), Y(expert.mean[1])];
        // The end that can be reached; the one in the hand stays.
        const outside = (x, y) => x < 12 || x > size.width - 12 || y < 12 || y > size.height - 12;
        let sign = outside(mx + dx, my + dy) && !outside(mx - dx, my - dy) ? -1 : 1;
        if (drag && drag.kind === "axis" && drag.m === m) sign = drag.signs[k];
        places.push({ kind: "axis", m, k, sign, x: mx + sign * dx, y: my + sign * dy });
      }
    });
    return places;
  }

  function drawHandles() {
    const coarse = matchMedia("(pointer: coarse)").matches;
    const radius = coarse ? 22 : 17;
    const places = handlePlaces();
    scene.experts.forEach((expert, m) => {
      const { color, name } = expertStyle(m);
      const [mx, my] = [X(expert.mean[0]), scene.view === "line" ? size.base : Y(expert.mean[1])];
      const own = places.filter((place) => place.m === m);
      for (const place of own) {
        const id = `${m}/${place.k}`;
        layer.handles.get(`${id}/stem`, "line", {
          x1: compact(mx), y1: compact(scene.view === "line" ? place.y : my), x2: compact(place.x),
          y2: compact(place.y), stroke: color, "stroke-width": 1, "stroke-opacity": expert.present ? 0.55 : 0.3,
          "pointer-events": "none",
        });
        layer.handles.get(`${id}/knob`, "circle", {
          cx: compact(place.x), cy: compact(place.y), r: 5, fill: theme.paper, stroke: color, "stroke-width": 2,
          "stroke-opacity": expert.present ? 1 : 0.5, "pointer-events": "none",
        });
      }
      const hit = (id, x, y, control, label, low, high, now, text) => {
        const node = layer.handles.get(id, "circle", {
          class: "hit", cx: compact(x), cy: compact(y), r: radius, fill: "transparent", tabindex: 0, role: "slider",
          "aria-label": label, "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": now.toFixed(2),
          "aria-valuetext": text, "data-control": id,
        });
        node.control = control;
        controls.push({ ...control, x, y, node });
      };
      const along = scene.view === "line";
      hit(
        `${m}/mean`, mx, my, { kind: "mean", m }, `Expert ${name} mean`, -MEAN_LIMIT[0], MEAN_LIMIT[0], expert.mean[0],
        along ? `z1 ${fixed2(expert.mean[0])}` : `z1 ${fixed2(expert.mean[0])}, z2 ${fixed2(expert.mean[1])}`,
      );
      for (const place of own) {
        const s = along ? Math.sqrt(expert.cov[0]) : shapes[m].lengths[place.k];
        const degrees = (((shapes[m].theta * 180) / Math.PI + 90 * place.k) % 180 + 180) % 180;
        hit(
          `${m}/${along ? "width" : `axis${place.k + 1}`}`, place.x, place.y, place,
          along ? `Expert ${name} standard deviation` : `Expert ${name} axis ${place.k + 1}`, SCALE_MIN, SCALE_MAX, s,
          along ? fixed2(s) : `length ${fixed2(s)}, angle ${Math.round(degrees)} degrees`,
        );
      }
    });
  }

  function setMean(m, x, y) {
    const mean = scene.experts[m].mean;
    mean[0] = clamp(x, -MEAN_LIMIT[0], MEAN_LIMIT[0], mean[0]);
    mean[1] = clamp(y, -MEAN_LIMIT[1], MEAN_LIMIT[1], mean[1]);
  }

  function setShape(m, theta, lengths) {
    if (!Number.isFinite(theta)) return;
    const kept = lengths.map((s, k) => clamp(s, SCALE_MIN, SCALE_MAX, shapes[m].lengths[k]));
    shapes[m] = { theta, lengths: kept };
    scene.experts[m].cov = covarianceOf(theta, kept);
  }

  /* The marginal standard deviation along z1; the correlation and the one along z2 stay. */
  function setWidth(m, width) {
    const cov = scene.experts[m].cov;
    const s = clamp(width, SCALE_MIN, SCALE_MAX, Math.sqrt(cov[0]));
    const ratio = s / Math.sqrt(cov[0]);
    scene.experts[m].cov = cleanCov([s * s, cov[1] * ratio, cov[2]]);
    shapes[m] = axesOf(scene.experts[m].cov);
  }

  function setShares(values) {
    const indices = presentIndices();
    indices.forEach((m, i) => (scene.weights[m] = Math.round(values[i] * indices.length * 1000) / 1000));
  }

  function local(svg, event) {
    const box = svg.getBoundingClientRect();
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
  }

  function startDrag(svg, event) {
    if (!event.target.control || event.button > 0 || drag) return;
    delete root.dataset.input;
    const [x, y] = local(svg, event);
    let control = { ...event.target.control, x, y, node: event.target };
    if (svg === picture) {
      // Circles that a finger can hit overlap: take the nearest one, the mean a little sooner.
      let nearest = Infinity;
      for (const candidate of controls) {
        const distance = Math.hypot(candidate.x - x, candidate.y - y) - (candidate.kind === "mean" ? 4 : 0);
        if (distance < nearest) [nearest, control] = [distance, candidate];
      }
    }
    drag = { ...control, svg, pointer: event.pointerId, target: event.target, dx: control.x - x, dy: control.y - y };
    if (control.kind === "weights") {
      drag.dx = Number(event.target.getAttribute("cx")) - x;
      drag.dy = Number(event.target.getAttribute("cy")) - y;
    }
    if (control.kind === "axis") {
      const own = controls.filter((other) => other.kind === "axis" && other.m === control.m);
      drag.signs = own.map((other) => other.sign);
      drag.slack = Math.max(HANDLE_DISTANCE - shapes[control.m].lengths[control.k] * size.unit, 0);
    }
    if (control.kind === "width") {
      drag.slack = Math.max(HANDLE_DISTANCE - Math.sqrt(scene.experts[control.m].cov[0]) * size.unit, 0);
    }
    event.target.setPointerCapture(event.pointerId);
    control.node.focus({ preventScroll: true });
    root.dataset.dragging = control.kind;
    event.preventDefault();
  }

  function moveDrag(event) {
    if (!drag || event.pointerId !== drag.pointer) return;
    const [x, y] = local(drag.svg, event);
    const [px, py] = [x + drag.dx, y + drag.dy];
    if (drag.kind === "weights") {
      setShares(barycentric(corners, [px, py]));
    } else {
      const expert = scene.experts[drag.m];
      const worldX = (px - size.width / 2) / size.unit;
      const worldY = (size.height / 2 - py) / size.unit;
      if (drag.kind === "mean") {
        setMean(drag.m, worldX, scene.view === "line" ? expert.mean[1] : worldY);
      } else if (drag.kind === "width") {
        setWidth(drag.m, (Math.abs(px - X(expert.mean[0])) - drag.slack) / size.unit);
      } else {
        const vx = drag.sign * (worldX - expert.mean[0]);
        const vy = drag.sign * (worldY - expert.mean[1]);
        const lengths = shapes[drag.m].lengths.slice();
        lengths[drag.k] = Math.hypot(vx, vy) - drag.slack / size.unit;
        let theta = Math.atan2(vy, vx) - (drag.k * Math.PI) / 2;
        // Nearly along the axes is meant as along the axes: exactly uncorrelated.
        const quarter = Math.round(theta / (Math.PI / 2)) * (Math.PI / 2);
        if (Math.abs(theta - quarter) < 0.04) theta = quarter;
        setShape(drag.m, theta, lengths);
      }
    }
    schedule();
  }

  function endDrag(event) {
    if (!drag || event.pointerId !== drag.pointer) return;
    drag = null;
    delete root.dataset.dragging;
    commit();
  }

  for (const svg of [picture, triangle]) {
    svg.addEventListener("pointerdown", (event) => startDrag(svg, event));
    // For browsers that ignore touch-action on shapes.
    svg.addEventListener("touchstart", (event) => event.target.control && event.preventDefault(), { passive: false });
    svg.addEventListener("pointermove", moveDrag);
    svg.addEventListener("pointerup", endDrag);
    svg.addEventListener("pointercancel", endDrag);
    svg.addEventListener("lostpointercapture", endDrag);
    svg.addEventListener("keydown", onKey);
    // The browser would focus the circle under the pointer instead of the nearest one.
    svg.addEventListener("mousedown", (event) => event.target.control && event.preventDefault());
  }
  root.addEventListener("keydown", () => (root.dataset.input = "keys"), true);
  root.addEventListener("pointerdown", () => delete root.dataset.input, true);

  function onKey(event) {
    const control = event.target.control;
    const direction = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
    }[event.key];
    if (!control || !direction || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const [dx, dy] = direction;
    if (control.kind === "mean") {
      const step = event.shiftKey ? 0.5 : 0.1;
      const mean = scene.experts[control.m].mean;
      setMean(control.m, mean[0] + step * dx, scene.view === "line" ? mean[1] : mean[1] + step * dy);
    } else if (control.kind === "width") {
      setWidth(control.m, Math.sqrt(scene.experts[control.m].cov[0]) + 0.05 * (dx + dy));
    } else if (control.kind === "axis") {
      const { theta, lengths } = shapes[control.m];
      const next = lengths.slice();
      next[control.k] += 0.05 * dy;
      // Left turns the way that left turns on a wheel: counter-clockwise.
      setShape(control.m, theta - (dx * 5 * Math.PI) / 180, next);
    } else {
      const step = event.shiftKey ? 25 : 8;
      const indices = presentIndices();
      const own = shares(indices);
      const at = [0, 1].map((k) => own.reduce((sum, value, i) => sum + value * corners[i][k], 0));
      const along = indices.length === 2 ? (dx + dy) * step : dx * step;
      setShares(barycentric(corners, [at[0] + along, indices.length === 2 ? at[1] : at[1] - dy * step]));
    }
    schedule();
    commitSoon();
  }

  /* --- controls ------------------------------------------------------------------------------------------------- */

  let rows = [];

  function lineSample(rule) {
    const sample = svgNode("svg", { width: 28, height: 10, viewBox: "0 0 28 10", "aria-hidden": "true" });
    svgNode("line", {
      x1: 1, x2: 27, y1: 5, y2: 5, stroke: ruleColor(rule), "stroke-width": ruleWidth(rule),
      "stroke-dasharray": ruleDash(rule),
    }, sample);
    return sample;
  }

  function expertIcon(m) {
    const { color, marker } = expertStyle(m);
    const icon = svgNode("svg", { width: 20, height: 20, viewBox: "-10 -10 20 20", "aria-hidden": "true" });
    svgNode("path", { d: markerPath(marker, 6.5), fill: color }, icon);
    return icon;
  }

  function buildControls() {
    if (!theme) readTheme();
    rows = scene.experts.map((_, m) => {
      const { color, name } = expertStyle(m);
      const present = htmlNode("input", { type: "checkbox", "aria-label": `Expert ${name} is present` });
      present.style.accentColor = color;
      const slider = htmlNode("input", {
        type: "range", min: 0, max: 4, step: 0.05, "aria-label": `Weight of expert ${name}`,
      });
      slider.style.setProperty("--own-color", color);
      const output = htmlNode("output");
      present.onchange = () => {
        scene.experts[m].present = present.checked;
        changed(true);
      };
      slider.oninput = () => {
        scene.weights[m] = Number(slider.value);
        changed(false);
      };
      slider.onchange = () => released();
      const label = htmlNode("label", { className: "who" }, [
        present, expertIcon(m), htmlNode("span", { textContent: name }),
      ]);
      const row = htmlNode("div", { className: "expert" }, [label, slider, output]);
      return { row, present, slider, output };
    });
    expertRows.replaceChildren(...rows.map(({ row }) => row));
    chips.replaceChildren(...ruleOrder.map((rule) => {
      const chip = htmlNode("button", { type: "button", className: "chip", title: styles.rules[rule]?.title ?? rule });
      chip.dataset.rule = rule;
      chip.append(lineSample(rule), htmlNode("span", { textContent: shortName(rule) }));
      chip.onclick = () => {
        const on = scene.rules.includes(rule);
        scene.rules = ruleOrder.filter((name) => (name === rule ? !on : scene.rules.includes(name)));
        changed(true);
      };
      return chip;
    }));
    fillSelect.replaceChildren(
      htmlNode("option", { value: "", textContent: "None" }),
      ...ruleOrder.map((rule) => htmlNode("option", { value: rule, textContent: shortName(rule) })),
    );
  }

  fillSelect.onchange = () => {
    scene.fill = fillSelect.value || null;
    changed(true);
  };
  addButton.onclick = () => {
    const m = scene.experts.length;
    if (m >= 6) return;
    scene.experts.push({ mean: NEWCOMERS[m].slice(), cov: [0.5, 0, 0.5], present: true });
    scene.weights.push(1);
    shapes.push(axesOf([0.5, 0, 0.5]));
    buildControls();
    changed(true);
  };
  removeButton.onclick = () => {
    if (scene.experts.length <= 2) return;
    scene.experts.pop();
    scene.weights.pop();
    shapes.pop();
    buildControls();
    changed(true);
  };
  uncorrelate.onclick = () => {
    for (const [m, expert] of scene.experts.entries()) {
      if (!expert.present) continue;
      expert.cov = cleanCov([expert.cov[0], 0, expert.cov[2]]);
      shapes[m] = axesOf(expert.cov);
    }
    changed(true);
  };
  svgButton.onclick = () => download(new Blob([exportText().text], { type: "image/svg+xml" }), "playground.svg");
  pngButton.onclick = savePng;

  function setValue(input, value) {
    if (Number(input.value) !== value) input.value = value;
  }

  function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function syncControls() {
    rows.forEach(({ row, present, slider, output }, m) => {
      const here = scene.experts[m].present;
      present.checked = here;
      setValue(slider, Math.round(scene.weights[m] * 20) / 20);
      row.classList.toggle("missing", !here);
      setText(output, here ? fixed2(scene.weights[m]) : "missing");
    });
    const last = scene.experts.length - 1;
    addButton.disabled = last >= 5;
    removeButton.disabled = last <= 1;
    setText(removeButton, `− Remove ${expertStyle(last).name}`);
    const impossible = [...results].filter(([, result]) => !result).map(([rule]) => rule);
    for (const chip of chips.children) {
      const { rule } = chip.dataset;
      chip.setAttribute("aria-pressed", scene.rules.includes(rule));
      chip.querySelector("line").setAttribute("stroke", ruleColor(rule));
      chip.classList.toggle("impossible", impossible.includes(rule));
    }
    ruleNote.hidden = !impossible.length;
    if (impossible.length) {
      setText(ruleNoteText, `${listNames(impossible.map(shortName))} needs uncorrelated experts. `);
    }
    if (fillSelect.value !== (scene.fill ?? "")) fillSelect.value = scene.fill ?? "";
    for (const { input, read } of Object.values(toggles)) input.checked = read();
    const inUse = (...rules) => rules.some((rule) => results.has(rule));
    parameters.alpha.label.hidden = !inUse("hoelder");
    parameters.rho.label.hidden = !inUse("code");
    priorToggle.hidden = !inUse("poe", "mopoe");
    parameterSection.hidden = !inUse("hoelder", "code", "poe", "mopoe");
    for (const { input, output, read } of Object.values(parameters)) {
      setValue(input, Math.round(read() * 100) / 100);
      setText(output, fixed2(read()));
    }
    const needsFill = scene.layers.samples && !scene.fill;
    setText(toggles.samples.label.lastChild, needsFill ? "Samples (of a filled density)" : "Samples");
    for (const button of viewButtons) button.setAttribute("aria-pressed", button.dataset.view === scene.view);
  }

  function describe() {
    describeSoon = false;
    const plane = scene.view === "plane";
    const parts = scene.rules.map((rule) => {
      const result = results.get(rule);
      if (!result) return `${shortName(rule)}: needs uncorrelated experts`;
      const { mean, cov } = meanCov(result);
      const spread = plane
        ? `area of 1-sigma ellipse ${fixed2(Math.PI * Math.sqrt(determinant(cov)))}`
        : `standard deviation ${fixed2(Math.sqrt(cov[0]))}`;
      return `${shortName(rule)}: mean ${plane ? `(${mean.map(fixed2).join(", ")})` : fixed2(mean[0])}, ${spread}`;
    });
    const nobody = !presentIndices().some((m) => scene.weights[m] > 0);
    const lead = nobody ? "No expert takes part: every aggregate is the prior. " : "";
    status.textContent = parts.length ? `${lead}${parts.join("; ")}.` : `${lead}No aggregate is drawn.`;
  }

  /* --- files ---------------------------------------------------------------------------------------------------- */

  /* The picture as a complete file: background, picture, triangle where it is shown, legend. */
  function exportText() {
    const { width, height } = size;
    const out = svgNode("svg", { xmlns: SVG_NS, "font-family": theme.font });
    const copy = (source, x, y, w, h) => {
      const inner = svgNode("svg", { x, y, width: w, height: h, viewBox: `0 0 ${w} ${h}` }, out);
      for (const child of source.children) {
        if (child.getAttribute("class") !== "handles") inner.append(child.cloneNode(true));
      }
    };
    const background = svgNode("rect", { x: 0, y: 0, fill: theme.paper }, out);
    copy(picture, 0, 0, width, height);
    let total = height + 12;
    const entries = [
      ...scene.experts.map((expert, m) => ({
        text: `Expert ${expertStyle(m).name}, weight ${fixed2(scene.weights[m])}${expert.present ? "" : " (missing)"}`,
        draw: (x, y) => svgNode("path", {
          d: markerPath(expertStyle(m).marker, 6), transform: `translate(${x + 14} ${y})`, fill: expertStyle(m).color,
        }, out),
      })),
      ...scene.rules.filter((rule) => results.get(rule)).map((rule) => ({
        text: styles.rules[rule]?.title ?? rule,
        draw: (x, y) => svgNode("line", {
          x1: x, x2: x + 28, y1: y, y2: y, stroke: ruleColor(rule), "stroke-width": ruleWidth(rule),
          "stroke-dasharray": ruleDash(rule),
        }, out),
      })),
    ];
    const columns = Math.max(Math.floor(width / 250), 1);
    entries.forEach((entry, i) => {
      const x = 12 + (i % columns) * Math.floor((width - 24) / columns);
      const y = total + 12 + 24 * Math.floor(i / columns);
      entry.draw(x, y);
      svgNode("text", { x: x + 38, y: y + 4.5, "font-size": 13, fill: theme.ink }, out).textContent = entry.text;
    });
    total += 24 * Math.ceil(entries.length / columns) + 8;
    if (scene.layers.path && triangle.style.display !== "none" && triangle.getAttribute("viewBox")) {
      const [, , w, h] = triangle.getAttribute("viewBox").split(" ").map(Number);
      copy(triangle, Math.round((width - w) / 2), total, w, h);
      total += h + 8;
    }
    setAttributes(background, { width, height: total });
    setAttributes(out, { width, height: total, viewBox: `0 0 ${width} ${total}` });
    return { text: new XMLSerializer().serializeToString(out), width, height: total };
  }

  function download(blob, name) {
    const address = URL.createObjectURL(blob);
    const link = htmlNode("a", { href: address, download: name });
    root.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  function savePng() {
    const { text, width, height } = exportText();
    const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    const image = new Image();
    image.onload = () => {
      const canvas = htmlNode("canvas", { width: 2 * width, height: 2 * height });
      canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
      URL.revokeObjectURL(address);
      canvas.toBlob((blob) => blob && download(blob, "playground.png"), "image/png");
    };
    image.src = address;
  }

  /* --- life ----------------------------------------------------------------------------------------------------- */

  let watched = 0;
  const observer = new ResizeObserver(() => {
    // Measured in the next frame: changing sizes inside the callback would raise a loop error.
    cancelAnimationFrame(watched);
    watched = requestAnimationFrame(measure);
  });
  observer.observe(root);

  function refreshTheme() {
    if (!scene || !readTheme()) return;
    buildControls();
    schedule();
  }

  let themeTimer = 0;

  return {
    update(data, setStateValue) {
      send = (next) => setStateValue("scene", next);
      if (JSON.stringify(data.styles) !== JSON.stringify(styles)) {
        styles = data.styles;
        ruleOrder = Object.keys(styles.rules);
        if (scene) buildControls();
      }
      if (readTheme() && scene) buildControls();
      if (revision !== data.revision || !scene) {
        revision = data.revision;
        drag = null;
        clearTimeout(keyTimer);
        adopt(data.scene);
      }
      measure();
      schedule();
      // The theme's variables may be set only after this call.
      clearTimeout(themeTimer);
      themeTimer = setTimeout(refreshTheme, 120);
    },
    destroy() {
      observer.disconnect();
      cancelAnimationFrame(frame);
      cancelAnimationFrame(watched);
      clearTimeout(keyTimer);
      clearTimeout(themeTimer);
    },
  };
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".bvae-playground");
  if (!root || !data) return undefined;
  // Kept on the element: this function runs again for every change of the data or of the theme.
  root.playground = root.playground ?? createPlayground(root);
  root.playground.update(data, setStateValue);
  return () => {
    root.playground?.destroy();
    root.playground = null;
  };
}
