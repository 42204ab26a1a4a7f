/* Explore: an item, some of its views, a rule; what it believes and what is decoded, while a point is dragged. */

import { createPlane } from "./belief-plane.mjs";
import {
  called, modelAsked, nameModel, namesOf, nearestTo, rulesAsked, showObserved, showStrip,
} from "./chooser.mjs";
import { asked, hold, onTheme, pageData } from "./host.mjs";
import { element, place } from "./pictures.mjs";
import { movedBy, placeOf } from "./plane.mjs";
import { decoded, joint, newest, openPublished, runtimeSoon } from "./published.mjs";

const data = pageData();
const at = (id) => document.getElementById(id);
const root = at("explore");
const opened = new Map();
let dark = false;
let now = null; // {published, k, observed, weights, rule, beliefs, q, point}
let rows = []; // places of the pictures
let frames = [];

const plane = createPlane(at("plane"), (spot, ended) => {
  if (!now?.q) return;
  const base = centre();
  const [a, b] = placeOf(plane.axes, base);
  now.point = movedBy(plane.axes, base, [spot[0] - a, spot[1] - b]);
  imagine();
  if (ended) told();
});

/* The joint belief in one point: its mean; of a mixture that of the likeliest component. */
function centre() {
  const { q } = now;
  return q.locs[q.weights.indexOf(Math.max(...q.weights))];
}

const look = (rule) => {
  const own = now.published.manifest.conditional;
  const of = rule === null ? own : data.rules[rule];
  return { color: dark ? of.color.dark : of.color.light, dash: of.dash, name: `joint belief: ${of.title}` };
};

const views = () => now.published.items.views.map((view, m) => ({
  name: view.name, color: view.color, belief: shared(now.beliefs[m]), observed: now.observed[m] }));

/* What views have in common of a belief; the rest is each one's own and has no place in the plane. */
function shared(belief) {
  const { shared_dim: D } = now.published.manifest;
  return belief && { loc: belief.loc.subarray(0, D), scale: belief.scale.subarray(0, D) };
}

/* The joint belief as the plane draws it. */
function drawn() {
  if (!now.q) return [];
  const parts = now.q.locs.map((loc, k) => shared({ loc, scale: now.q.scales[k] }));
  return [{ weights: now.q.weights, locs: parts.map(({ loc }) => loc), scales: parts.map(({ scale }) => scale),
    ...look(now.rule) }];
}

const name = () => called(now.published, now.k);

function believe() {
  now.q = joint(now.published, now.rule, now.beliefs, now.observed, now.weights);
  now.point = null;
  const names = namesOf(now.published, now.observed, now.beliefs);
  now.alt = !names.length ? "No view is observed: the joint belief is the prior."
    : `What ${names.join(", ")} believe of ${name()}, and their joint belief, in the plane in which the views' means `
      + "spread most.";
  plane.draw(views(), drawn(), now.alt, now.q ? centre() : null);
  at("problem").hidden = Boolean(now.q);
  places();
  imagine();
  told();
}

/* Rows of pictures: one for the point, or one for each component of a mixture. */
function places() {
  const { manifest, items } = now.published;
  const several = now.q && now.q.locs.length > 1 && !now.point;
  const labels = several ? componentNames() : ["joint"];
  rows = labels.map((label) => ({ label, parts: manifest.modalities.map((m, k) => place(m,
    `${m.name}, decoded for ${name()}`, items.views[k].usual)) }));
  at("imagined").replaceChildren(...rows.map((row) => element("div", { className: "imagined-row" }, [
    ...(several ? [element("p", { className: "muted", textContent: row.label })] : []),
    element("div", { className: "imagined-parts" }, row.parts.map(({ node }, m) => element("figure", {}, [
      node, element("figcaption", { textContent: items.views[m].name })]))),
  ])));
}

function componentNames() {
  const names = namesOf(now.published, now.observed, now.beliefs);
  const { weights } = now.q;
  const name = (k) => (weights.length === names.length ? `as ${names[k]} believes` : `component ${k + 1}`);
  return weights.map((w, k) => `${name(k)}, ${Math.round(100 * w)}% of the draws`);
}

const decode = newest(async (of, zs) => {
  const began = performance.now();
  const found = await decoded(of.published, zs);
  if (of !== now || zs.length !== rows.length) return;
  rows.forEach((row, k) => row.parts.forEach((part, m) => part.show(found[k][m])));
  frames = [...frames.slice(-199), performance.now() - began];
  root.dataset.decoded = String(Number(root.dataset.decoded ?? 0) + 1);
  root.dataset.decodeMs = frames.at(-1).toFixed(1);
  at("waiting").hidden = true;
});

function imagine() {
  if (!now.q) return;
  const zs = now.point ? [now.point] : now.q.locs;
  if (zs.length !== rows.length) places();
  if (now.published.live) decode(now, zs);
}

/* In words and numbers, once a gesture ends. */
function told() {
  const { q, published, beliefs } = now;
  const { shared_dim: D } = published.manifest;
  const lines = published.items.views.map((view, m) => {
    const belief = beliefs[m];
    const width = belief ? belief.scale.subarray(0, D).reduce((s, v) => s + v, 0) / D : NaN;
    const apart = belief && q && q.locs.length === 1 ? Math.sqrt(Array.from({ length: D }, (_, i) => (
      belief.loc[i] - q.locs[0][i]) ** 2 + (belief.scale[i] - q.scales[0][i]) ** 2).reduce((s, v) => s + v, 0)) : NaN;
    return [view.name, belief ? (now.observed[m] ? "observed" : "hidden") : "missing", width, apart];
  });
  if (q) {
    const of = (scale) => scale.subarray(0, D).reduce((s, v) => s + v, 0) / D;
    const width = q.scales.reduce((sum, scale, k) => sum + q.weights[k] * of(scale), 0);
    lines.push(["joint belief", "", width, NaN]);
  }
  const number = (v) => (Number.isFinite(v) ? v.toPrecision(3) : "–");
  at("numbers").replaceChildren(...lines.map(([name, seen, width, apart]) => element("tr", {}, [
    element("th", { scope: "row", textContent: name }), element("td", { textContent: seen }),
    element("td", { className: "r", textContent: number(width) }),
    element("td", { className: "r", textContent: number(apart) })])));
  at("back").hidden = !now.point;
  at("told").textContent = now.point
    ? `The point has left the joint belief of ${name()}: this is what the decoders make of it.`
    : q?.locs.length > 1 ? "The joint belief keeps several opinions: each is decoded."
      : `Decoded from the mean of the joint belief of ${name()}.`;
  remember();
}

function remember() {
  const { published, k, rule } = now;
  nameModel(published.about, data.models, hold);
  hold("item", String(published.items.items[k]));
  hold("agg", rule === null ? null : data.rules[rule].short);
  const names = published.items.views.map(({ name }) => name);
  const on = names.filter((_, m) => now.observed[m]);
  hold("views", on.length === names.length ? null : on.length ? on : "");
}

function go(k) {
  const { items } = now.published;
  now = { ...now, k: (k + items.items.length) % items.items.length };
  now.beliefs = now.published.beliefs(now.k);
  plane.item(views());
  showObserved(now, true, believe);
  believe();
}

/* rule: undefined keeps the one that is chosen when the model has come. */
async function choose(number, k = 0, observed = null, rule = undefined) {
  const about = data.models[number];
  if (!opened.has(number)) opened.set(number, openPublished(about, data.runtime));
  const published = await opened.get(number);
  const count = published.items.views.length;
  now = { published, k, observed: observed?.length === count ? observed : Array(count).fill(true),
    weights: Array(count).fill(1), rule: rule === undefined ? now?.rule ?? null : rule, q: null, point: null,
    beliefs: published.beliefs(k) };
  at("model").value = String(number);
  at("rule").value = now.rule ?? "";
  at("waiting").hidden = !published.live;
  at("unsaid").hidden = published.live;
  showStrip(published, go);
  go(k);
}

onTheme((is) => {
  dark = is;
  if (now?.q) plane.draw(views(), drawn(), now.alt, null);
});
at("model").onchange = () => choose(Number(at("model").value));
at("rule").onchange = () => {
  now.rule = at("rule").value || null;
  believe();
};
at("before").onclick = () => go(now.k - 1);
at("after").onclick = () => go(now.k + 1);
at("back").onclick = () => believe();
at("reset").onclick = () => choose(Number(at("model").value), 0, null, null);

// What the address asks for is read before anything is shown: from then on it says what is.
const start = modelAsked(data.models);
const [rule = null] = rulesAsked("agg", data.rules);
const given = new URLSearchParams(location.search).getAll("views");
const wanted = asked("item");
runtimeSoon(data.runtime);
await choose(start);
const { items } = now.published;
const nearest = nearestTo(now.published, wanted);
if (nearest || given.length || rule) {
  await choose(start, nearest, given.length ? items.views.map(({ name }) => given.includes(name)) : null, rule);
}
root.dataset.ready = "yes";
