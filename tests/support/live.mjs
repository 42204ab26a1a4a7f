/* An exported model in the browser's modules, under node: node tests/support/live.mjs FOLDER CASES.json

   Prints what encoders, decoders and rules give for the inputs in the cases; Python compares. Without a runtime, which
   is fetched and not in the repository, the rules alone. */

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

import { aggregate, moments } from "../../bvae/app/components/live/browser/aggregation.mjs";
import { centred } from "../../bvae/app/components/live/browser/drawing.mjs";
import { besides } from "../../bvae/app/components/live/browser/names.mjs";
import { open } from "../../bvae/app/components/live/browser/model.mjs";
import { load } from "../../bvae/app/components/live/browser/runtime.mjs";

const RUNTIME = new URL("../../bvae/app/components/live/runtime/", import.meta.url);
const [folder, cases] = process.argv.slice(2);
const given = JSON.parse(readFileSync(cases, "utf-8"));

// node fetches no files
globalThis.fetch = async (address) => {
  const path = fileURLToPath(address);
  if (!existsSync(path)) return new Response("", { status: 404, statusText: "Not Found" });
  return new Response(readFileSync(path));
};

const floats = (values) => Float32Array.from(values, (v) => v ?? NaN);
const plain = (values) => Array.from(values);
const vectors = (list) => list.map((values) => values && floats(values));

function joint(q) {
  if (!q) return null;
  const { mean, scale } = moments(q);
  return { mean: plain(mean), scale: plain(scale), weights: q.weights };
}

const answer = {
  names: given.names && besides(given.names.spots, given.names.names, { side: 240, edge: 2, letter: 8 }),
  drawings: (given.drawings ?? []).map((ink) => plain(centred(floats(ink)))),
  rules: (given.rules ?? []).map(({ rule, locs, scales, weights, subsets }) =>
    joint(aggregate(rule, vectors(locs), vectors(scales), weights, subsets))),
};

if (given.z) {
  const runtime = await load(RUNTIME.href);
  runtime.env.wasm.wasmBinary = readFileSync(new URL("ort-wasm-simd-threaded.wasm", RUNTIME));
  const model = await open(pathToFileURL(folder).href, { runtime });
  const decoded = await model.decode(floats(given.z), given.count);
  const x = Object.fromEntries(Object.entries(given.x).map(([name, values]) => [name, floats(values)]));
  const encoded = await model.encode(x);
  const { latent_dim: L, modalities } = model.manifest;
  const first = (part) => modalities.map(({ name }) => encoded[name] && encoded[name][part].slice(0, L));
  answer.decoded = Object.fromEntries(Object.entries(decoded).map(([name, values]) => [name, plain(values)]));
  answer.encoded = Object.fromEntries(Object.entries(encoded).map(([name, { loc, scale }]) =>
    [name, { loc: plain(loc), scale: plain(scale) }]));
  answer.joint = joint(model.aggregate(model.manifest.rule, first("loc"), first("scale")));
}
console.log(JSON.stringify(answer));
