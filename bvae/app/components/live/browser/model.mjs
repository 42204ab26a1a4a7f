/* A model that `bvae export` wrote, opened in a browser: encoders, rules and decoders.

   Networks are fetched when they are first asked for. Addresses are relative to that of the folder. */

import { aggregate } from "./aggregation.mjs";

const FORMAT = 1;

const sizeOf = (modality) => modality.shape.reduce((product, n) => product * n, 1);

/* What reads the files of a folder at an address. */
function readerOf(url) {
  return async (file) => {
    const address = new URL(file, new URL(url.endsWith("/") ? url : `${url}/`, globalThis.location?.href));
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${address}: ${answer.status} ${answer.statusText}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
}

/* The model in a folder.

   url: of the folder with model.json. runtime: what executes ONNX, as `load` in runtime.mjs gives it, or a promise of
   it. read(file): a promise of the bytes of one of its files, where they do not come from the url. Returns {manifest,
   encode, decode, aggregate, ready}, see there. */
export async function open(url, { runtime, read = readerOf(url) }) {
  const manifest = JSON.parse(new TextDecoder().decode(await read("model.json")));
  if (manifest.format !== FORMAT) throw new Error(`${url}: expected format ${FORMAT}, got ${manifest.format}`);
  const { latent_dim: L, shared_dim: D, modalities } = manifest;
  const numbers = new Map(modalities.map((modality, m) => [modality.name, m]));
  const sessions = new Map();

  function modality(name) {
    const m = numbers.get(name);
    if (m === undefined) throw new Error(`unknown modality ${name}; the model has ${[...numbers.keys()].join(", ")}`);
    return modalities[m];
  }

  function session(file) {
    if (!sessions.has(file)) {
      sessions.set(file, (async () => {
        const [ort, content] = await Promise.all([runtime, read(file)]);
        return ort.InferenceSession.create(content, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
      })());
      sessions.get(file).catch(() => sessions.delete(file)); // the network may be there the next time
    }
    return sessions.get(file);
  }

  /* z (n x L) as the decoder of one modality takes it: the shared part, then its own private one. */
  function seenBy({ private: [start, stop] }, z, n) {
    if (L === D) return z;
    const own = D + stop - start;
    const out = new Float32Array(n * own);
    for (let i = 0; i < n; i++) {
      out.set(z.subarray(i * L, i * L + D), i * own);
      out.set(z.subarray(i * L + start, i * L + stop), i * own + D);
    }
    return out;
  }

  /* The encoder's (n x (D + P)) at its place among all L; the prior in the private parts of the others. */
  function placed({ private: [start, stop] }, values, n, fill) {
    if (L === D) return values;
    const own = D + stop - start;
    const out = new Float32Array(n * L).fill(fill);
    for (let i = 0; i < n; i++) {
      out.fill(0, i * L, i * L + D);
      out.set(values.subarray(i * own, i * own + D), i * L);
      out.set(values.subarray(i * own + D, (i + 1) * own), i * L + start);
    }
    return out;
  }

  return {
    manifest,

    /* Fetch and open the networks of one part, "encoder" or "decoder", so that the first answer is quick. */
    async ready(part = "decoder", names = [...numbers.keys()]) {
      await Promise.all(names.map((name) => session(modality(name)[part].file)));
    },

    /* Unimodal posteriors: {name: Float32Array of n items} -> {name: {loc, scale}}, each Float32Array(n L). */
    async encode(x) {
      const ort = await runtime;
      const found = {};
      for (const [name, values] of Object.entries(x)) {
        const about = modality(name);
        const n = values.length / sizeOf(about);
        if (!Number.isInteger(n)) throw new Error(`${name}: expected items of ${sizeOf(about)} numbers`);
        const network = await session(about.encoder.file);
        const out = await network.run({ x: new ort.Tensor("float32", values, [n, ...about.shape]) });
        found[name] = {
          loc: placed(about, out.loc.data, n, 0), scale: placed(about, out.scale.data, n, 1),
        };
      }
      return found;
    },

    /* Means of the likelihoods: z (n x L) -> {name: Float32Array(n x numbers of an item)}. */
    async decode(z, n = z.length / L, names = [...numbers.keys()]) {
      if (z.length !== n * L) throw new Error(`z: expected ${n} x ${L} numbers, got ${z.length}`);
      const ort = await runtime;
      const found = {};
      for (const name of names) {
        const about = modality(name);
        const network = await session(about.decoder.file);
        const given = seenBy(about, z, n);
        const out = await network.run({ z: new ort.Tensor("float32", given, [n, given.length / n]) });
        found[name] = out.mean.data;
      }
      return found;
    },

    /* The joint posterior of one item over all L dimensions, see aggregation.mjs. locs, scales: for every modality in
       order Float32Array(L), as `encode` gives them for one item, or null. Without weights the model's own count. */
    aggregate(rule, locs, scales, weights = null) {
      const shared = (vectors) => vectors.map((vector) => vector && vector.subarray(0, D));
      const own = manifest.weights;
      const used = weights ?? (own && own.of !== "subset" ? own.values : null);
      const subsets = weights === null && own?.of === "subset" ? own.values : null;
      const known = scales.map((vector) => vector ?? new Float32Array(L).fill(1));
      const q = aggregate(rule, shared(locs), shared(known), used, subsets);
      if (!q || L === D) return q;
      const complete = (parts, vectors, fill) => parts.map((part) => {
        const whole = new Float32Array(L).fill(fill);
        whole.set(part);
        modalities.forEach(({ private: [start, stop] }, m) => {
          if (vectors[m]) whole.set(vectors[m].subarray(start, stop), start);
        });
        return whole;
      });
      return { weights: q.weights, locs: complete(q.locs, locs, 0), scales: complete(q.scales, scales, 1) };
    },
  };
}
