/* The rules on unimodal posteriors of any number of dimensions, diagonal as encoders give them.

   Formulas are the playground's, dimension by dimension; what rules do with whole vectors stands here: mixtures, their
   subsets, and the Hellinger pool, whose terms weigh as much as whole vectors overlap. */

import { aggregate as inOneDimension } from "../../playground/browser/rules.mjs";

const GAUSSIAN = new Set(["poe", "geometric", "moment", "wasserstein", "jeffreys", "fisher-rao", "code"]);
const INSIDE = { mopoe: "poe", mwb: "wasserstein" };

/* Who takes part: those that are there and have a weight; `of(d)`: their weights in dimension d, sum 1. */
function taking(locs, scales, weights) {
  const weight = (m, d) => (weights ? (weights[m].length === undefined ? weights[m] : weights[m][d]) : 1);
  const members = [];
  locs.forEach((loc, m) => {
    if (loc && weight(m, 0) > 0) members.push({ loc, scale: scales[m], weight: (d) => weight(m, d) });
  });
  return members;
}

function shares(members, d) {
  const each = members.map((member) => member.weight(d));
  const total = each.reduce((sum, w) => sum + w, 0);
  return each.map((w) => w / total);
}

/* One Gaussian, by a rule that works on every dimension by itself. */
function gaussian(rule, options, members) {
  const size = members[0].loc.length;
  const loc = new Float32Array(size);
  const scale = new Float32Array(size);
  for (let d = 0; d < size; d++) {
    const experts = members.map((member) => ({ mean: [member.loc[d]], cov: [member.scale[d] ** 2] }));
    const found = inOneDimension(rule, experts, shares(members, d), options);
    loc[d] = found.means[0][0];
    scale[d] = Math.sqrt(found.covs[0][0]);
  }
  return { weights: [1], locs: [loc], scales: [scale] };
}

/* All non-empty subsets of so many: small ones first, then in the order of their members. */
function subsetsOf(count) {
  const all = [];
  for (let bits = 1; bits < 1 << count; bits++) {
    all.push([...Array(count).keys()].filter((m) => bits & (1 << m)));
  }
  const compare = (a, b) => {
    if (a.length !== b.length) return a.length - b.length;
    const k = a.findIndex((m, i) => m !== b[i]);
    return k < 0 ? 0 : a[k] - b[k];
  };
  return all.sort(compare);
}

function mixtureOver(inside, locs, scales, weights, subsetWeights) {
  const there = locs.map((loc, m) => loc && (!weights || meanOf(weights[m]) > 0));
  const result = { weights: [], locs: [], scales: [] };
  subsetsOf(locs.length).forEach((subset, k) => {
    if (!subset.every((m) => there[m])) return;
    const only = locs.map((loc, m) => (subset.includes(m) ? loc : null));
    const q = aggregate(inside, only, scales, weights);
    if (!q) return;
    const own = weights ? shares(taking(locs, scales, weights), 0) : null;
    const named = own ? namedShares(locs, weights, own) : null;
    const log = named ? subset.reduce((sum, m) => sum + Math.log(named[m]), 0) / subset.length : 0;
    q.weights.forEach((w, j) => {
      result.weights.push(w * (subsetWeights ? subsetWeights[k] : Math.exp(log)));
      result.locs.push(q.locs[j]);
      result.scales.push(q.scales[j]);
    });
  });
  return normalised(result);
}

function meanOf(weight) {
  return weight.length === undefined ? weight : weight.reduce((sum, w) => sum + w, 0) / weight.length;
}

/* The shares of those that take part, at the numbers of all. */
function namedShares(locs, weights, own) {
  let next = 0;
  return locs.map((loc, m) => (loc && meanOf(weights[m]) > 0 ? own[next++] : 0));
}

function normalised(result) {
  const total = result.weights.reduce((sum, w) => sum + w, 0) || 1;
  return { ...result, weights: result.weights.map((w) => w / total) };
}

/* (sum_m w_m sqrt(q_m))^2 as the mixture that it is. */
function squaredRoots(members) {
  const own = shares(members, 0);
  const result = { logs: [], locs: [], scales: [] };
  members.forEach((a, i) => {
    result.logs.push(2 * Math.log(own[i]));
    result.locs.push(a.loc);
    result.scales.push(a.scale);
    members.slice(i + 1).forEach((b, j) => {
      const size = a.loc.length;
      const [loc, scale] = [new Float32Array(size), new Float32Array(size)];
      let log = Math.log(2 * own[i] * own[i + 1 + j]);
      for (let d = 0; d < size; d++) {
        const [va, vb] = [a.scale[d] ** 2, b.scale[d] ** 2];
        log += 0.5 * Math.log((2 * a.scale[d] * b.scale[d]) / (va + vb)) -
          (a.loc[d] - b.loc[d]) ** 2 / (4 * (va + vb));
        loc[d] = (a.loc[d] * vb + b.loc[d] * va) / (va + vb);
        scale[d] = Math.sqrt((2 * va * vb) / (va + vb));
      }
      result.logs.push(log);
      result.locs.push(loc);
      result.scales.push(scale);
    });
  });
  const top = Math.max(...result.logs);
  return normalised({ weights: result.logs.map((log) => Math.exp(log - top)), locs: result.locs,
    scales: result.scales });
}

/* Mean and standard deviation of a result in every dimension. */
export function moments({ weights, locs, scales }) {
  const size = locs[0].length;
  const [mean, scale] = [new Float32Array(size), new Float32Array(size)];
  for (let d = 0; d < size; d++) {
    let [first, second] = [0, 0];
    weights.forEach((w, k) => (first += w * locs[k][d]));
    weights.forEach((w, k) => (second += w * (scales[k][d] ** 2 + (locs[k][d] - first) ** 2)));
    mean[d] = first;
    scale[d] = Math.sqrt(second);
  }
  return { mean, scale };
}

/* The joint posterior of one item.

   rule: {name, options} as in model.json, or a name. locs, scales: for every modality Float32Array(D), null where it is
   missing. weights: null, or for every modality a number or one for each dimension. subsetWeights: for mixtures over
   subsets, one for each of the 2^M - 1. Returns {weights: [w, ...], locs: [Float32Array(D), ...], scales} of its
   Gaussians, or null where the rule is known to Python alone. */
export function aggregate(rule, locs, scales, weights = null, subsetWeights = null) {
  const { name, options = {} } = typeof rule === "string" ? { name: rule } : rule;
  const members = taking(locs, scales, weights);
  if (!members.length) {
    const size = (scales.find(Boolean) ?? []).length;
    return { weights: [1], locs: [new Float32Array(size)], scales: [new Float32Array(size).fill(1)] };
  }
  const within = INSIDE[name] ?? (name.startsWith("mixture(") ? name.slice("mixture(".length, -1) : null);
  if (within) {
    if (options.num_subsets) return null;
    return mixtureOver({ name: within, options }, locs, scales, weights, subsetWeights);
  }
  if (GAUSSIAN.has(name)) {
    const prior = options.prior_expert === "always" ||
      (options.prior_expert === "full" && members.length === locs.length);
    return gaussian(name, { ...options, prior }, members);
  }
  if (name === "moe") {
    return { weights: shares(members, 0), locs: members.map((m) => m.loc), scales: members.map((m) => m.scale) };
  }
  if (name === "hoelder" && options.alpha === 1) return aggregate("moe", locs, scales, weights);
  if (name === "hoelder" && (options.alpha ?? 0.5) === 0.5) return squaredRoots(members);
  if (name === "helvae" && !options.per_dimension) {
    const { mean, scale } = moments(squaredRoots(members));
    return { weights: [1], locs: [mean], scales: [scale] };
  }
  return null;
}
