/* The component's part of the page, without behaviour: two pictures, controls beside and below. */

import { htmlNode, keyedGroup, svgNode } from "./nodes.mjs";
import { limits, VIEWS } from "./scene.mjs";

/* Groups of the picture, from the lowest to the highest. */
const LAYERS = [
  "grid", "ticks", "fill", "path", "prior", "experts", "samples", "rules", "markers", "labels", "handles",
];
const TOGGLES = { experts: "Experts", prior: "Prior", samples: "Draws", path: "Weights path" };
const VIEW_NAMES = { plane: "Plane", line: "Line" };

/* Fills `root` and returns the nodes that change or are listened to. */
export function createPage(root) {
  const page = { root, ...pictures(), ...sideControls(), ...lowerControls() };
  page.pathNote = htmlNode("p", { className: "note" });
  const path = [heading("Weights path"), page.triangle, page.pathNote];
  page.pathSection = htmlNode("section", { className: "path" }, path);
  page.legend = htmlNode("ul", { className: "legend", "aria-label": "How to read the picture" });
  page.status = htmlNode("p", { className: "status", "aria-live": "polite" });
  page.box = htmlNode("div", { className: "box" }, [page.picture, page.legend, page.status]);
  page.probe = htmlNode("span", { className: "probe" });
  page.side.prepend(page.pathSection);
  page.stage = htmlNode("div", { className: "stage" }, [page.box, page.side, page.more]);
  root.replaceChildren(page.stage, page.probe);
  return page;
}

function heading(text) {
  return htmlNode("h4", { textContent: text });
}

function section(title, ...children) {
  return htmlNode("section", {}, [heading(title), ...children]);
}

function plainButton(properties) {
  return htmlNode("button", { type: "button", className: "plain", ...properties });
}

function pictures() {
  const picture = svgNode("svg", { class: "picture", role: "group" });
  picture.setAttribute("aria-label", "Experts and their joint beliefs; drag the means and the handles");
  const layers = Object.fromEntries(LAYERS.map((name) => [name, keyedGroup(picture, name)]));
  const triangle = svgNode("svg", { class: "triangle", role: "group" });
  triangle.setAttribute("aria-label", "Weights as a point");
  const triangleLayers = { lines: keyedGroup(triangle, "lines"), handles: keyedGroup(triangle, "handles") };
  return { picture, layers, triangle, triangleLayers };
}

function sideControls() {
  const expertRows = htmlNode("div", { className: "rows" });
  const addButton = plainButton({ textContent: "+ Add expert" });
  const removeButton = plainButton({});
  const chips = htmlNode("div", { className: "chips" });
  const ruleNote = htmlNode("p", { className: "note" });
  const ruleNoteText = htmlNode("span");
  const uncorrelateButton = plainButton({ textContent: "Uncorrelate" });
  ruleNote.append(ruleNoteText, uncorrelateButton);
  const pythonNote = htmlNode("p", { className: "note lines" });
  const side = htmlNode("div", { className: "side" }, [
    section("Experts and their weights", expertRows,
      htmlNode("div", { className: "buttons" }, [addButton, removeButton])),
    section("Rules: one joint belief each", chips, ruleNote, pythonNote),
  ]);
  return {
    side, expertRows, addButton, removeButton, chips, ruleNote, ruleNoteText, uncorrelateButton, pythonNote,
  };
}

function toggle(text) {
  const input = htmlNode("input", { type: "checkbox" });
  const label = htmlNode("label", { className: "toggle" }, [input, htmlNode("span", { textContent: text })]);
  return { input, label };
}

function parameter(name, text) {
  const [min, max] = limits(name);
  const input = htmlNode("input", { type: "range", min, max, step: 0.01, "aria-label": text });
  const output = htmlNode("output");
  const label = htmlNode("label", { className: "parameter" }, [htmlNode("span", { textContent: text }), input, output]);
  return { input, output, label };
}

function lowerControls() {
  const fillSelect = htmlNode("select", { "aria-label": "Joint belief shown in shades" });
  const layerToggles = Object.fromEntries(Object.entries(TOGGLES).map(([name, text]) => [name, toggle(text)]));
  const priorToggle = toggle("Prior as one more expert");
  const parameters = {
    alpha: parameter("alpha", "α of the Hölder pool"),
    rho: parameter("rho", "ρ of CoDE"),
  };
  const parameterSection = section(
    "Parameters", parameters.alpha.label, parameters.rho.label, priorToggle.label);
  const viewButtons = VIEWS.map((name) => {
    const text = VIEW_NAMES[name];
    const button = htmlNode("button", { type: "button", className: "segment", textContent: text });
    button.dataset.view = name;
    return button;
  });
  const svgButton = plainButton({ textContent: "SVG" });
  const pngButton = plainButton({ textContent: "PNG" });
  svgButton.setAttribute("aria-label", "Download the picture as SVG");
  pngButton.setAttribute("aria-label", "Download the picture as PNG");
  const more = htmlNode("div", { className: "more" }, [
    section("View", htmlNode("div", { className: "segments", role: "group", "aria-label": "View" }, viewButtons)),
    section("In shades", fillSelect),
    section("Show", htmlNode("div", { className: "toggles" }, Object.values(layerToggles).map(({ label }) => label))),
    parameterSection,
    section("Save the picture", htmlNode("div", { className: "buttons" }, [svgButton, pngButton])),
  ]);
  return {
    more, fillSelect, layerToggles, priorToggle, parameters, parameterSection, viewButtons, svgButton, pngButton,
  };
}
