/* Which item, which of its views are observed and what they weigh: what Explore and Compare begin with. */

import { element, tile } from "./pictures.mjs";

const at = (id) => document.getElementById(id);

/* What an item is called. */
export function called({ items }, k) {
  const label = items.classes[items.labels[k]];
  return `item ${items.items[k]}${label === undefined ? "" : `, class ${label}`}`;
}

/* Names of the views that are observed. */
export function namesOf({ items }, observed, beliefs) {
  return items.views.map(({ name }) => name).filter((_, m) => observed[m] && beliefs[m]);
}

/* One button a view, and a slider for its weight where `weighted`.

   now: {published, k, observed, weights, beliefs}. */
export function showObserved(now, weighted, changed) {
  const { published, k } = now;
  at("observed").replaceChildren(...published.items.views.map((view, m) => {
    const there = Boolean(now.beliefs[m]);
    const button = element("button", { type: "button", className: "view", disabled: !there }, [
      tile(view, k, ""), element("span", { className: "view-name", textContent: view.name })]);
    button.style.setProperty("--c", view.color);
    const press = () => {
      const state = !there ? "missing" : now.observed[m] ? "observed" : "hidden";
      button.setAttribute("aria-pressed", String(now.observed[m] && there));
      button.setAttribute("aria-label", `${view.name}${view.label ? `, ${view.label}` : ""}: ${state}`);
    };
    press();
    button.onclick = () => {
      now.observed[m] = !now.observed[m];
      press();
      changed();
    };
    const parts = [button];
    if (weighted) {
      const output = element("output", { textContent: now.weights[m].toFixed(2) });
      const slider = element("input", { type: "range", min: 0, max: 4, step: 0.25, value: now.weights[m],
        "aria-label": `Weight of ${view.name}`, disabled: !there });
      slider.oninput = () => {
        now.weights[m] = Number(slider.value);
        output.textContent = now.weights[m].toFixed(2);
        changed();
      };
      parts.push(element("span", { className: "weight" }, [slider, output]));
    }
    return element("div", { className: "observed-view" }, parts);
  }));
  at("item-name").textContent = called(published, k);
  for (const button of at("strip").children) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.k) === k));
  }
}

/* A button for every carried item, with its first picture. */
export function showStrip(published, chosen) {
  const { items } = published;
  const view = items.views.find(({ sheet }) => sheet) ?? items.views[0];
  at("strip").replaceChildren(...items.items.map((number, k) => {
    const inside = view.sheet && view.present[k] ? tile(view, k, "") : `${number}`;
    const said = called(published, k);
    const button = element("button", { type: "button", className: "item", "aria-label": said }, [inside]);
    button.dataset.k = k;
    button.onclick = () => chosen(k);
    return button;
  }));
}

/* The published model that the address asks for, as the app's links name it; the first one where it is not here. */
export function modelAsked(models) {
  const query = new URLSearchParams(location.search);
  const fits = (asked, names) => asked === null || names.includes(asked);
  return Math.max(models.findIndex(({ data, data_title: called, model, title }) => (
    fits(query.get("data"), [data, called]) && fits(query.get("model"), [model, title]))), 0);
}

/* Rules that the address asks for: of the app's links, short names. */
export function rulesAsked(key, rules) {
  const given = new URLSearchParams(location.search).getAll(key);
  return Object.keys(rules).filter((rule) => given.includes(rule) || given.includes(rules[rule].short));
}

/* The address names the model, unless it is the first one. */
export function nameModel(about, models, hold) {
  const first = about === models[0];
  hold("data", first ? null : about.data);
  hold("model", first ? null : about.title);
}

/* The carried item that is nearest to one of the whole test split, as a link may name it. */
export function nearestTo({ items }, text) {
  const wanted = Number(text ?? NaN);
  if (!Number.isFinite(wanted)) return 0;
  return items.items.reduce((best, each, k) => (
    Math.abs(each - wanted) < Math.abs(items.items[best] - wanted) ? k : best), 0);
}
