/* Compare: several rules on the beliefs about one item, on the same axes, and what is decoded of each. */

import { createPlane } from "./belief-plane.mjs";
import {
  called, modelAsked, nameModel, namesOf, nearestTo, rulesAsked, showObserved, showStrip,
} from "./chooser.mjs";
import { asked, hold, onTheme, pageData } from "./host.mjs";
import { element, place } from "./pictures.mjs";
import { decoded, joint, newest, openPublished, runtimeSoon } from "./published.mjs";

const data = pageData();
const at = (id) => document.getElementById(id);
const opened = new Map();
const chosen = new Set(rulesAsked("rules", data.rules));
if (!chosen.size) for (const rule of data.first) chosen.add(rule);
let dark = false;
let now = null; // {published, k, observed, weights, beliefs, found: [{rule, q, centre, parts}]}

const plane = createPlane(at("plane"), null);

const shared = (belief) => belief && {
  loc: belief.loc.subarray(0, now.published.manifest.shared_dim),
  scale: belief.scale.subarray(0, now.published.manifest.shared_dim) };
const views = () => now.published.items.views.map((view, m) => ({
  name: view.name, color: view.color, belief: shared(now.beliefs[m]), observed: now.observed[m] }));
const look = (rule) => ({ color: dark ? rule.color.dark : rule.color.light, dash: rule.dash, name: rule.title });

function draw() {
  const joints = now.found.filter(({ q }) => q).map(({ rule, q }) => {
    const parts = q.locs.map((loc, k) => shared({ loc, scale: q.scales[k] }));
    return { weights: q.weights, locs: parts.map(({ loc }) => loc), scales: parts.map(({ scale }) => scale),
      ...look(data.rules[rule]) };
  });
  now.found.forEach(({ rule }, k) => {
    at("contenders").children[k].style.borderLeftColor = look(data.rules[rule]).color;
  });
  const names = namesOf(now.published, now.observed, now.beliefs).join(", ") || "no view";
  plane.draw(views(), joints, `What ${names} believe of ${called(now.published, now.k)}, and the joint belief by ${
    joints.map(({ name }) => name).join(", ")}.`, null);
}

const decode = newest(async (of) => {
  const there = of.filter(({ q }) => q);
  const found = await decoded(now.published, there.map(({ centre }) => centre));
  if (of !== now.found) return;
  there.forEach(({ parts }, k) => parts.forEach((part, m) => part.show(found[k][m])));
  at("waiting").hidden = true;
  at("compare").dataset.decoded = String(Number(at("compare").dataset.decoded ?? 0) + 1);
});

function believe() {
  const { published, beliefs, observed, weights } = now;
  const { modalities, shared_dim: D } = published.manifest;
  now.found = Object.keys(data.rules).filter((rule) => chosen.has(rule)).map((rule) => {
    const q = joint(published, data.rules[rule], beliefs, observed, weights);
    const best = q ? q.weights.indexOf(Math.max(...q.weights)) : -1;
    return { rule, q, centre: q?.locs[best], parts: modalities.map((m, v) => place(m,
      `${m.name}, decoded by ${data.rules[rule].title} for ${called(published, now.k)}`,
      published.items.views[v].usual)) };
  });
  const width = (q) => q.scales.reduce((sum, scale, k) => sum + q.weights[k] * scale.subarray(0, D).reduce(
    (s, v) => s + v, 0) / D, 0).toPrecision(3);
  at("contenders").replaceChildren(...now.found.map(({ rule, q, parts }) => element("section", { className: "contender",
    "aria-label": data.rules[rule].title }, [
    element("h3", { textContent: data.rules[rule].title }),
    element("p", { className: "muted", textContent: !q ? "It has no form here." : q.locs.length > 1
      ? `${q.locs.length} opinions, each with a standard deviation of ${width(q)} on average; the likeliest is decoded.`
      : `One opinion, with a standard deviation of ${width(q)} on average over the dimensions.` }),
    element("div", { className: "imagined-parts" }, q ? parts.map(({ node }, m) => element("figure", {}, [node,
      element("figcaption", { textContent: modalities[m].name })])) : []),
  ])));
  draw();
  if (published.live) decode(now.found);
  remember();
}

function remember() {
  const { published, k } = now;
  nameModel(published.about, data.models, hold);
  hold("item", String(published.items.items[k]));
  hold("rules", [...chosen].map((rule) => data.rules[rule].short));
  const names = published.items.views.map(({ name }) => name);
  const on = names.filter((_, m) => now.observed[m]);
  hold("views", on.length === names.length ? null : on.length ? on : "");
}

function go(k) {
  const { items } = now.published;
  now = { ...now, k: (k + items.items.length) % items.items.length };
  now.beliefs = now.published.beliefs(now.k);
  plane.item(views());
  showObserved(now, false, believe);
  believe();
}

async function choose(number, item = null, given = []) {
  if (!opened.has(number)) opened.set(number, openPublished(data.models[number], data.runtime));
  const published = await opened.get(number);
  const { views: all } = published.items;
  now = { published, k: 0, observed: all.map(({ name }) => !given.length || given.includes(name)),
    weights: all.map(() => 1), beliefs: [], found: [] };
  at("model").value = String(number);
  at("waiting").hidden = !published.live;
  at("unsaid").hidden = published.live;
  showStrip(published, go);
  go(nearestTo(published, item));
}

for (const button of document.querySelectorAll("[data-rule]")) {
  const { rule } = button.dataset;
  const press = () => button.setAttribute("aria-pressed", String(chosen.has(rule)));
  press();
  button.onclick = () => {
    if (chosen.has(rule) && chosen.size > 1) chosen.delete(rule);
    else chosen.add(rule);
    press();
    believe();
  };
}
onTheme((is) => {
  dark = is;
  if (now?.found.length) draw();
});
at("model").onchange = () => choose(Number(at("model").value));
at("before").onclick = () => go(now.k - 1);
at("after").onclick = () => go(now.k + 1);
at("reset").onclick = () => choose(Number(at("model").value));

runtimeSoon(data.runtime);
await choose(modelAsked(data.models), asked("item"), new URLSearchParams(location.search).getAll("views"));
at("compare").dataset.ready = "yes";
