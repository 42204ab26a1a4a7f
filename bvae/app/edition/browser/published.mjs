/* A published model in a page: its items, what it believes of them, and, a moment later, its networks. */

import { open } from "../../components/live/browser/model.mjs";
import { load } from "../../components/live/browser/runtime.mjs";
import { fromHalves } from "./halves.mjs";

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer;
}

/* What executes the networks is fetched when the page is drawn and nothing else waits for it. */
let started = null;
export function runtimeSoon(folder) {
  if (!folder) return null;
  started ??= new Promise((resolve, reject) => {
    const begin = () => load(new URL(folder, document.baseURI).href).then(resolve, reject);
    const soon = () => (window.requestIdleCallback ? requestIdleCallback(begin, { timeout: 1000 }) : setTimeout(begin));
    if (document.readyState === "complete") soon();
    else addEventListener("load", soon, { once: true });
  });
  return started;
}

/* about: an entry of "models" in the page's data. Returns {about, items, manifest, beliefs(k), model, live}. */
export async function openPublished(about, runtime) {
  const later = runtimeSoon(runtime) ?? new Promise(() => {});
  const [items, bytes, model] = await Promise.all([
    fetched(about.items).then((answer) => answer.json()),
    fetched(about.beliefs).then((answer) => answer.arrayBuffer()),
    open(about.folder, { runtime: later }),
  ]);
  const { latent_dim: L, modalities } = model.manifest;
  const numbers = fromHalves(new Uint16Array(bytes));
  const count = items.items.length;
  const vector = (m, k, which) => {
    const start = ((m * count + k) * 2 + which) * L;
    return numbers.subarray(start, start + L);
  };
  return {
    about, items, model, manifest: model.manifest, live: Boolean(runtime),

    /* Of the carried item number k: for each view {loc, scale}, null where the item lacks it. */
    beliefs: (k) => modalities.map((_, m) => (items.views[m].present[k]
      ? { loc: vector(m, k, 0), scale: vector(m, k, 1) } : null)),
  };
}

/* The joint posterior of one item that is decoded: {weights, locs, scales}, or null where only Python knows the rule.

   observed: for each view whether it is. weights: for each view, in any unit; all the same means the model's own. */
export function joint({ model, manifest }, rule, beliefs, observed, weights) {
  const uniform = rule === null ? null : weights.map(() => 1);
  const used = weights.every((w) => w === weights[0]) ? uniform : weights;
  const there = beliefs.map((belief, m) => (observed[m] && belief ? belief : null));
  const [locs, scales] = ["loc", "scale"].map((key) => there.map((belief) => belief?.[key] ?? null));
  return model.aggregate(rule ?? manifest.conditional, locs, scales, used);
}

/* Points of the latent space, each Float32Array(L), decoded: for each point the values of each view, in order. */
export async function decoded({ model, manifest }, points) {
  const { latent_dim: L, modalities } = manifest;
  const z = new Float32Array(points.length * L);
  points.forEach((each, k) => z.set(each, k * L));
  const found = await model.decode(z, points.length);
  return points.map((_, k) => modalities.map(({ name, shape }) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return found[name].subarray(k * size, (k + 1) * size);
  }));
}

/* One after the other, the newest one next: what has become old meanwhile is never computed. */
export function newest(work) {
  let waiting = null;
  let busy = false;
  async function run() {
    busy = true;
    while (waiting) {
      const [now] = [waiting, (waiting = null)];
      try {
        await work(...now);
      } catch (error) {
        console.warn(error);
      }
    }
    busy = false;
  }
  return (...given) => {
    waiting = given;
    if (!busy) run();
  };
}
