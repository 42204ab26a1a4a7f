/* How to read the picture, in plain words beneath it. */

import { OUTLINE_MASSES } from "./aggregates.mjs";
import { expertStyle, ruleColor, shortName } from "./appearance.mjs";
import { htmlNode, svgNode } from "./nodes.mjs";

const [INNER, OUTER] = OUTLINE_MASSES.map((mass) => Math.round(100 * mass));

/* What each sign in the picture means: [[kind of sign, words], ...]. */
export function readings(state) {
  const { scene, results, story } = state;
  const plane = scene.view === "plane";
  const fill = scene.fill && results.get(scene.fill) ? shortName(state, scene.fill) : "";
  const drawn = scene.rules.some((rule) => results.get(rule));
  if (story) {
    return [["expert", "a coloured hill: what one photograph makes the model believe"],
      ["thick", "lines without a filling: joint beliefs, one for each rule"],
      ["film", "strip below: the picture that the model makes of each place on the line"]];
  }
  return [
    ...(scene.layers.experts ? [["expert", plane ? "filled: what each expert believes" :
      "filled hill: what an expert believes; high is likely, wide is unsure"]] : []),
    ...(drawn && plane ? [["thick", `thick line: ${INNER} of 100 draws of a joint belief fall inside its rings`],
      ["thin", `thin line: ${OUTER} of 100`]] : []),
    ...(drawn && !plane ? [["thick", "lines: the joint beliefs"]] : []),
    ...(fill ? [["fill", `shades: ${fill} once more${plane ? ", the darker the likelier" : ""}`]] : []),
    ...(scene.layers.prior ? [["prior", "prior: the belief before any expert speaks"]] : []),
    ...(scene.layers.path ? [["path", "faint: joint beliefs along the path of weights"]] : []),
  ];
}

/* Fill the legend, if it says something else than before. */
export function syncLegend(state, node) {
  const entries = readings(state);
  const text = JSON.stringify([entries, state.theme, state.scene.fill]);
  if (node.dataset.says === text) return;
  node.dataset.says = text;
  node.replaceChildren(...entries.map(([kind, words]) => htmlNode("li", {}, [
    sign(state, kind), htmlNode("span", { textContent: words }),
  ])));
}

function sign(state, kind) {
  const { theme, scene } = state;
  const picture = svgNode("svg", { width: 26, height: 14, viewBox: "0 0 26 14", "aria-hidden": "true" });
  const line = (attributes) => {
    svgNode("line", { x1: 1, x2: 25, y1: 7, y2: 7, stroke: theme.ink, ...attributes }, picture);
  };
  if (kind === "thick") line({ "stroke-width": 3 });
  else if (kind === "thin") line({ "stroke-width": 1 });
  else if (kind === "path") line({ "stroke-width": 1, "stroke-opacity": 0.45 });
  else if (kind === "prior") svgNode("circle", { cx: 13, cy: 7, r: 6, fill: "none", stroke: theme.hair }, picture);
  else if (kind === "film") {
    for (const x of [1, 9.5, 18]) svgNode("rect", { x, y: 3, width: 7.5, height: 8, fill: theme.ink }, picture);
  } else if (kind === "expert") {
    const { color } = expertStyle(state, 0);
    svgNode("ellipse", { cx: 13, cy: 7, rx: 12, ry: 6, fill: color, "fill-opacity": 0.2, stroke: color }, picture);
  } else {
    [[12, 6], [8, 4], [4, 2]].forEach(([rx, ry]) => svgNode("ellipse", {
      cx: 13, cy: 7, rx, ry, fill: ruleColor(state, scene.fill), "fill-opacity": 0.14,
    }, picture));
  }
  return picture;
}
