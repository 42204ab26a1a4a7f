/* Buttons, sliders and boxes beside the picture: what they do to the scene, and how they follow it. */

import { expertStyle, longName, ruleColor, ruleLine, shortName } from "./appearance.mjs";
import { addExpert, removeExpert, uncorrelate } from "./edits.mjs";
import { htmlNode, setText, setValue, svgNode } from "./nodes.mjs";
import { isComputedHere, notesFromPython } from "./results.mjs";
import { EXPERTS_LEAST, EXPERTS_MOST, limits } from "./scene.mjs";
import { markerPath } from "./shapes.mjs";
import { fixed2, listNames } from "./texts.mjs";

/* What the controls do that are always there. `actions`: see playground.mjs. */
export function connectControls(state, page, actions) {
  const box = ({ input }, write) => {
    input.onchange = () => {
      write(input.checked);
      actions.changed(true);
    };
  };
  for (const [name, toggle] of Object.entries(page.layerToggles)) {
    box(toggle, (on) => (state.scene.layers[name] = on));
  }
  box(page.priorToggle, (on) => (state.scene.prior = on));
  for (const [name, { input }] of Object.entries(page.parameters)) {
    input.oninput = () => {
      state.scene[name] = Number(input.value);
      actions.changed(false);
    };
    input.onchange = () => actions.released();
  }
  for (const button of page.viewButtons) {
    button.onclick = () => {
      state.scene.view = button.dataset.view;
      state.labelPlaces.clear();
      actions.changed(true);
    };
  }
  page.fillSelect.onchange = () => {
    state.scene.fill = page.fillSelect.value || null;
    actions.changed(true);
  };
  const rebuilding = (edit) => () => {
    if (!edit(state)) return;
    buildControls(state, page, actions);
    actions.changed(true);
  };
  page.addButton.onclick = rebuilding(addExpert);
  page.removeButton.onclick = rebuilding(removeExpert);
  page.uncorrelateButton.onclick = () => {
    uncorrelate(state);
    actions.changed(true);
  };
}

/* The rows of the experts and the buttons of the rules, anew. */
export function buildControls(state, page, actions) {
  page.rows = state.scene.experts.map((_, m) => expertRow(state, m, actions));
  page.expertRows.replaceChildren(...page.rows.map(({ row }) => row));
  page.chips.replaceChildren(...state.ruleOrder.map((rule) => ruleChip(state, rule, actions)));
  page.fillSelect.replaceChildren(
    htmlNode("option", { value: "", textContent: "None" }),
    ...state.ruleOrder.map((rule) => htmlNode("option", { value: rule, textContent: shortName(state, rule) })),
  );
}

function expertRow(state, m, actions) {
  const { color, name } = expertStyle(state, m);
  const present = htmlNode("input", { type: "checkbox", "aria-label": `Expert ${name} is present` });
  present.style.accentColor = color;
  const [min, max] = limits("weights");
  const slider = htmlNode("input", { type: "range", min, max, step: 0.05, "aria-label": `Weight of expert ${name}` });
  slider.style.setProperty("--own-color", color);
  const output = htmlNode("output");
  present.onchange = () => {
    state.scene.experts[m].present = present.checked;
    actions.changed(true);
  };
  slider.oninput = () => {
    state.scene.weights[m] = Number(slider.value);
    actions.changed(false);
  };
  slider.onchange = () => actions.released();
  const label = htmlNode("label", { className: "who" }, [
    present, expertIcon(state, m), htmlNode("span", { textContent: name }),
  ]);
  const row = htmlNode("div", { className: "expert" }, [label, slider, output]);
  return { row, present, slider, output };
}

function expertIcon(state, m) {
  const { color, marker } = expertStyle(state, m);
  const icon = svgNode("svg", { width: 20, height: 20, viewBox: "-10 -10 20 20", "aria-hidden": "true" });
  svgNode("path", { d: markerPath(marker, 6.5), fill: color }, icon);
  return icon;
}

function ruleChip(state, rule, actions) {
  const title = longName(state, rule) + (isComputedHere(rule) ? "" : ", computed by Python when you let go");
  const chip = htmlNode("button", { type: "button", className: "chip", title });
  chip.dataset.rule = rule;
  chip.append(lineSample(state, rule), htmlNode("span", { textContent: shortName(state, rule) }));
  chip.onclick = () => {
    const { scene } = state;
    const on = scene.rules.includes(rule);
    scene.rules = state.ruleOrder.filter((name) => (name === rule ? !on : scene.rules.includes(name)));
    actions.changed(true);
  };
  return chip;
}

function lineSample(state, rule) {
  const sample = svgNode("svg", { width: 28, height: 10, viewBox: "0 0 28 10", "aria-hidden": "true" });
  svgNode("line", { x1: 1, x2: 27, y1: 5, y2: 5, ...ruleLine(state, rule) }, sample);
  return sample;
}

/* All controls show the scene as it is now. */
export function syncControls(state, page) {
  const { scene } = state;
  syncExperts(state, page);
  syncRules(state, page);
  if (page.fillSelect.value !== (scene.fill ?? "")) page.fillSelect.value = scene.fill ?? "";
  for (const [name, { input }] of Object.entries(page.layerToggles)) input.checked = scene.layers[name];
  page.priorToggle.input.checked = scene.prior;
  const inUse = (...rules) => rules.some((rule) => state.results.has(rule));
  page.parameters.alpha.label.hidden = !inUse("hoelder");
  page.parameters.rho.label.hidden = !inUse("code");
  page.priorToggle.label.hidden = !inUse("poe", "mopoe");
  page.parameterSection.hidden = !inUse("hoelder", "code", "poe", "mopoe");
  for (const [name, { input, output }] of Object.entries(page.parameters)) {
    setValue(input, Math.round(scene[name] * 100) / 100);
    setText(output, fixed2(scene[name]));
  }
  const needsFill = scene.layers.samples && !scene.fill;
  setText(page.layerToggles.samples.label.lastChild, needsFill ? "Draws (of what is in shades)" : "Draws");
  for (const button of page.viewButtons) button.setAttribute("aria-pressed", button.dataset.view === scene.view);
}

function syncExperts(state, { rows, addButton, removeButton }) {
  const { scene } = state;
  rows.forEach(({ row, present, slider, output }, m) => {
    const here = scene.experts[m].present;
    present.checked = here;
    setValue(slider, Math.round(scene.weights[m] * 20) / 20);
    row.classList.toggle("missing", !here);
    setText(output, here ? fixed2(scene.weights[m]) : "missing");
  });
  const count = scene.experts.length;
  addButton.disabled = count >= EXPERTS_MOST;
  removeButton.disabled = count <= EXPERTS_LEAST;
  const last = expertStyle(state, count - 1).name;
  setText(removeButton, `− Remove ${last}`);
  removeButton.setAttribute("aria-label", `Remove expert ${last}`);
}

function syncRules(state, { chips, ruleNote, ruleNoteText, pythonNote }) {
  const { results, waiting } = state;
  const impossible = [...results].filter(([rule, result]) => !result && !waiting.has(rule)).map(([rule]) => rule);
  for (const chip of chips.children) {
    const { rule } = chip.dataset;
    chip.setAttribute("aria-pressed", state.scene.rules.includes(rule));
    chip.querySelector("line").setAttribute("stroke", ruleColor(state, rule));
    chip.classList.toggle("impossible", impossible.includes(rule));
  }
  const correlated = impossible.filter(isComputedHere);
  ruleNote.hidden = !correlated.length;
  if (correlated.length) {
    const names = correlated.map((rule) => shortName(state, rule));
    setText(ruleNoteText, `${listNames(names)} needs uncorrelated experts. `);
  }
  const notes = notesFromPython(state);
  pythonNote.hidden = !notes.length;
  setText(pythonNote, notes.join("\n"));
}
