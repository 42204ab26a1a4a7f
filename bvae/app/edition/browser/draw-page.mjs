/* Draw: a drawing becomes one view; what it makes the model believe is decoded as all views. */

import { mount, pageData } from "./host.mjs";
import { element, place } from "./pictures.mjs";
import { decoded, joint, newest, openPublished, runtimeSoon } from "./published.mjs";

const { model: about, runtime, examples, first } = pageData();
const at = (id) => document.getElementById(id);
let revision = 1;
let digits = examples[first];
let rows = null;

/* Each cell's level takes the values that the view has there with that level all over: (levels, C, H, W) bytes. */
function entered({ levels, shape: [channels, high, wide] }, bytes) {
  const cells = high * wide;
  const values = new Float32Array(channels * cells);
  for (let i = 0; i < cells; i += 1) {
    for (let c = 0; c < channels; c += 1) {
      values[c * cells + i] = bytes[(Number(digits[i]) * channels + c) * cells + i] / 255;
    }
  }
  if (bytes.length !== levels * channels * cells) throw new Error("the view's values are damaged");
  return values;
}

const bytesOf = async (file) => new Uint8Array(await (await fetch(file)).arrayBuffer());
runtimeSoon(runtime);
const opened = Promise.all([openPublished(about, runtime), bytesOf(about.drawn.file)]);

const work = newest(async () => {
  const [published, bytes] = await opened;
  const { drawn } = about;
  const { modalities } = published.manifest;
  if (!rows) {
    rows = { given: place(modalities[drawn.number], `your drawing as ${drawn.view}`),
      parts: modalities.map((m) => place(m, `${m.name}, decoded from your drawing`)) };
    at("given").replaceChildren(element("figure", {}, [rows.given.node, element("figcaption", {
      textContent: `${drawn.view}: your drawing, as the model sees it` })]));
    at("imagined").replaceChildren(...rows.parts.map(({ node }, m) => element("figure", {}, [node,
      element("figcaption", { textContent: modalities[m].name })])));
  }
  const values = entered(drawn, bytes);
  rows.given.show(values);
  if (!published.live) return;
  const belief = (await published.model.encode({ [drawn.view]: values }))[drawn.view];
  const observed = modalities.map((_, m) => m === drawn.number);
  const q = joint(published, null, modalities.map((_, m) => (observed[m] ? belief : null)), observed,
    modalities.map(() => 1));
  if (!q) return;
  const [found] = await decoded(published, [q.locs[0]]);
  rows.parts.forEach((part, m) => part.show(found[m]));
  at("waiting").hidden = true;
  at("draw").dataset.decoded = String(Number(at("draw").dataset.decoded ?? 0) + 1);
});

const given = (example) => ({ digits, example, revision });
const canvas = await mount(document.querySelector(".mount"), given(true), {
  drawing({ digits: sent, revision: of }) {
    if (of !== revision) return;
    digits = sent;
    work();
  },
});
// The canvas tells of a stroke while it is drawn, too.
window.addEventListener("bvae-drawing", ({ detail }) => {
  digits = detail.cells.join("");
  work();
});
for (const button of document.querySelectorAll("[data-example]")) {
  button.onclick = () => {
    digits = examples[button.dataset.example];
    revision += 1;
    canvas.update(given(true));
    work();
  };
}
at("waiting").hidden = !runtime;
at("unsaid").hidden = Boolean(runtime);
work();
