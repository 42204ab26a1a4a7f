/* Playground: ready-made scenes, Undo, Reset; the address holds the scene. */

import { asked, hold, mount, pageData } from "./host.mjs";
import { decode, encode } from "./scene-link.mjs";

const MOST_KEPT = 50;
const { first, styles, presets, plain } = pageData();
const rules = Object.keys(styles.rules);
const linked = decode(asked("scene"), plain, rules);
const look = document.getElementById("look");
const undo = document.getElementById("undo");
const buttons = [...document.querySelectorAll("[data-preset]")];
let revision = 1;
let preset = linked ? named(encode(linked)) : first;
let shown = linked ?? presets[first].scene;
let text = encode(shown);
const history = [];

function named(of) {
  return Object.keys(presets).find((name) => encode(presets[name].scene) === of) ?? null;
}

const given = () => ({ scene: shown, revision, styles, answers: null });

function describe() {
  for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.preset === preset);
  undo.disabled = !history.length;
  look.hidden = !preset;
  if (!preset) return;
  const changed = text !== encode(presets[preset].scene);
  look.innerHTML = (changed ? "<strong>You changed this scene.</strong> " : "") + presets[preset].look;
}

function go(scene, of, keep = true) {
  if (keep) history.splice(0, Math.max(0, history.length - MOST_KEPT + 1));
  if (keep) history.push({ scene: shown, preset });
  [shown, preset, text] = [scene, of, encode(scene)];
  revision += 1;
  hold("scene", text);
  canvas.update(given());
  describe();
}

const canvas = await mount(document.querySelector(".mount"), given(), {
  scene({ revision: of, ...next }) {
    if (of !== revision || encode(next) === text) return;
    history.push({ scene: shown, preset });
    if (history.length > MOST_KEPT) history.shift();
    [shown, text] = [next, encode(next)];
    hold("scene", text);
    describe();
  },
});
for (const button of buttons) {
  button.onclick = () => go(presets[button.dataset.preset].scene, button.dataset.preset);
}
undo.onclick = () => {
  const before = history.pop();
  if (before) go(before.scene, before.preset, false);
};
document.getElementById("reset").onclick = () => {
  preset ??= first;
  go(presets[preset].scene, preset);
};
describe();
