/* Explore's live view in a notebook: files and exact numbers come from Python by the notebook's own messages. */

import { create } from "../components/live/browser/explore.mjs";
import { open } from "../components/live/browser/model.mjs";
import { loadFrom } from "../components/live/browser/runtime.mjs";
import { htmlNode } from "../components/playground/browser/nodes.mjs";

const RUNTIME = Symbol.for("bvae.runtime"); // one for all views of a page: each view is a module of its own
const SCRIPT = "ort.wasm.bundle.min.mjs";
const WASM = "ort-wasm-simd-threaded.wasm";
const UNTIL_LATER = "Pictures follow when you let go: what decodes them while you drag is not installed.";

/* read(name): a promise of a file's bytes, or of null where Python has none. */
function reader(model) {
  const waiting = new Map();
  model.on("msg:custom", (message, buffers) => {
    if (message?.kind !== "file") return;
    const [view] = buffers ?? [];
    waiting.get(message.name)?.(view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice() : null);
    waiting.delete(message.name);
  });
  return (name) => new Promise((resolve) => {
    waiting.set(name, resolve);
    model.send({ kind: "file", name });
  });
}

async function unzipped(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function runtimeOf(read) {
  const [script, wasm] = await Promise.all([SCRIPT, WASM].map((name) => read(`${name}.gz`)));
  return script && wasm && loadFrom(await unzipped(script), await unzipped(wasm));
}

function render({ model, el }) {
  const host = htmlNode("div", {});
  const stage = htmlNode("div", { className: "stage" });
  const root = htmlNode("div", { className: "bvae-live notebook" }, [stage]);
  const shadow = host.attachShadow({ mode: "open" });
  shadow.append(htmlNode("style", { textContent: model.get("css") }), root);
  el.replaceChildren(host);
  const read = reader(model);
  const openModel = async (url) => {
    window[RUNTIME] ??= runtimeOf(read);
    const runtime = await window[RUNTIME];
    if (runtime) return open(url, { runtime, read });
    window[RUNTIME] = null;
    root.dataset.hint = UNTIL_LATER;
    return null;
  };
  const view = create(stage, { openModel });
  const shown = () => view.update(model.get("shown"), (rest) => model.send({ kind: "rest", rest }))
    .catch((error) => console.error(error)); // what Python decodes is there without
  model.on("change:shown", shown);
  shown();
  return () => {
    model.off("change:shown", shown);
    view.destroy();
  };
}

export default function () {
  return { render };
}
