/* The weights as a point that one drags, in a triangle or on a segment. */

import { expertStyle, ruleColor, shortName } from "./appearance.mjs";
import { setAttributes } from "./nodes.mjs";
import { markerPath, polyline } from "./shapes.mjs";
import { presentIndices } from "./state.mjs";
import { compact, fixed2 } from "./texts.mjs";
import { pathWeights, pointAt, shares } from "./weights.mjs";

const THREE = { width: 250, height: 190, corners: [[125, 26], [38, 164], [212, 164]] };
const TWO = { width: 250, height: 70, corners: [[38, 36], [212, 36]] };

/* `page`: see createPage(). */
export function drawTriangle(state, page) {
  const { scene } = state;
  page.pathSection.hidden = !scene.layers.path;
  if (!scene.layers.path) return;
  const indices = presentIndices(state);
  const path = pathWeights(state);
  page.triangle.style.display = path ? "" : "none";
  if (!path) {
    page.pathNote.textContent = "The path needs two or three present experts.";
    return;
  }
  const { width, height, corners } = indices.length === 3 ? THREE : TWO;
  setAttributes(page.triangle, { width, height, viewBox: `0 0 ${width} ${height}` });
  state.corners = corners;
  const { lines, handles } = page.triangleLayers;
  lines.begin();
  handles.begin();
  if (indices.length === 3) drawArea(state, lines);
  else drawSegment(state, lines);
  const color = ruleColor(state, path.rule);
  path.ghosts.forEach((weights, i) => {
    const point = pointAt(corners, indices.map((m) => weights[m]));
    lines.get(`ghost${i}`, "circle", {
      cx: compact(point[0]), cy: compact(point[1]), r: 2.4, fill: color, opacity: 0.6,
    });
  });
  const own = shares(state, indices);
  indices.forEach((m, i) => drawCorner(state, lines, m, own[i], i, indices.length));
  drawPoint(state, lines, handles, indices, own);
  lines.end();
  handles.end();
  page.pathNote.textContent = "Drag the point: it is the weights. Seven joint beliefs of " +
    `${shortName(state, path.rule)} lead from ${expertStyle(state, indices[0]).name} through it to the other side.`;
}

function drawArea({ corners, theme }, lines) {
  lines.get("area", "path", {
    d: polyline(corners.flat(), true), fill: theme.grid, "fill-opacity": 0.5, stroke: theme.hair, "stroke-width": 1.2,
    "stroke-linejoin": "round",
  });
  for (let i = 1; i < 4; i++) {
    const t = i / 4;
    [[t, 1 - t, 0, t, 0, 1 - t], [1 - t, t, 0, 0, t, 1 - t], [1 - t, 0, t, 0, 1 - t, t]].forEach((ends, k) => {
      const [p, q] = [pointAt(corners, ends.slice(0, 3)), pointAt(corners, ends.slice(3))];
      lines.get(`grid${i}${k}`, "line", {
        x1: compact(p[0]), y1: compact(p[1]), x2: compact(q[0]), y2: compact(q[1]), stroke: theme.grid,
        "stroke-width": 1,
      });
    });
  }
}

function drawSegment({ corners, theme }, lines) {
  lines.get("segment", "line", {
    x1: corners[0][0], y1: corners[0][1], x2: corners[1][0], y2: corners[1][1], stroke: theme.hair, "stroke-width": 2,
  });
}

/* An expert's marker, name and share. */
function drawCorner(state, lines, m, share, i, count) {
  const { theme } = state;
  const { color, marker, name } = expertStyle(state, m);
  const [x, y] = state.corners[i];
  lines.get(`corner${m}`, "path", {
    d: markerPath(marker, 6.5), transform: `translate(${x} ${y})`, fill: color, stroke: theme.paper,
    "stroke-width": 1.5,
  });
  const above = count === 3 && i === 0;
  const towards = i === count - 1 ? 1 : -1;
  lines.get(`name${m}`, "text", {
    x: above ? x + 13 : x + towards * 13, y: above ? y - 3 : y + 5,
    "text-anchor": above || towards > 0 ? "start" : "end", "font-size": 14, "font-weight": 700, fill: theme.ink,
  }).textContent = name;
  lines.get(`share${m}`, "text", {
    x: above ? x + 28 : x, y: above ? y - 3 : y + 22, "text-anchor": above ? "start" : "middle", "font-size": 12,
    fill: theme.faint,
  }).textContent = fixed2(share);
}

function drawPoint(state, lines, handles, indices, own) {
  const { theme } = state;
  const point = pointAt(state.corners, own);
  lines.get("point", "circle", {
    cx: compact(point[0]), cy: compact(point[1]), r: 7, fill: theme.ink, stroke: theme.paper, "stroke-width": 2,
  });
  const text = indices.map((m, i) => `${expertStyle(state, m).name} ${fixed2(own[i])}`).join(", ");
  const hit = handles.get("weights", "circle", {
    cx: compact(point[0]), cy: compact(point[1]), r: 22, fill: "transparent", class: "hit", tabindex: 0,
    role: "slider", "aria-label": "Weights of the experts", "aria-valuemin": 0, "aria-valuemax": 1,
    "aria-valuenow": own[0].toFixed(3), "aria-valuetext": text, "data-control": "weights",
  });
  hit.control = { kind: "weights" };
}
