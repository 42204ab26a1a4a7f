/* Latent space: a map made beforehand; the place under the finger is decoded while it moves. */

import { modelAsked, nameModel } from "./chooser.mjs";
import { asked, hold, mount, onTheme, pageData } from "./host.mjs";
import { element, place, tile } from "./pictures.mjs";
import { decoded, newest, openPublished, runtimeSoon } from "./published.mjs";

const MOST_SHOWN = 60;
const INK = { light: { muted: "#5F6973", grid: "rgba(120,130,140,0.16)" },
  dark: { muted: "#A3ADB7", grid: "rgba(160,170,180,0.16)" } };
const { models, runtime } = pageData();
const at = (id) => document.getElementById(id);
const opened = new Map();
const fetched = new Map();
let dark = false;
let map = null;
let now = null; // {published, about, map, parts}

/* The bytes of a map for this theme, asked to tell where the pointer is; see `packed` in point_map/__init__.py. */
function themed(bytes, follows) {
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let text = JSON.stringify({ ...header, ink: dark ? INK.dark : INK.light, follows });
  let head = new TextEncoder().encode(text);
  text += " ".repeat((4 - (head.length % 4)) % 4);
  head = new TextEncoder().encode(text);
  const whole = new Uint8Array(4 + head.length + bytes.length - 4 - length);
  new DataView(whole.buffer).setUint32(0, head.length, true);
  whole.set(head, 4);
  whole.set(bytes.subarray(4 + length), 4 + head.length);
  return whole;
}

async function bytesOf({ file }) {
  if (!fetched.has(file)) {
    fetched.set(file, fetch(file).then(async (answer) => new Uint8Array(await answer.arrayBuffer())));
  }
  return fetched.get(file);
}

const decode = newest(async (of, [x, y]) => {
  const { manifest } = of.published;
  const { origin, axes } = of.map;
  const z = new Float32Array(manifest.latent_dim); // private parts: the mean of their prior
  origin.forEach((value, i) => {
    z[i] = value + x * axes[0][i] + y * axes[1][i];
  });
  const [found] = await decoded(of.published, [z]);
  if (of !== now) return;
  of.parts.forEach((part, m) => part.show(found[m]));
  at("waiting").hidden = true;
  at("latent").dataset.decoded = String(Number(at("latent").dataset.decoded ?? 0) + 1);
});

function picked({ items }) {
  const { published } = now;
  const { items: all, labels, classes, views } = published.items;
  const carried = items.map((item) => all.indexOf(item)).filter((k) => k >= 0).slice(0, MOST_SHOWN);
  const view = views.find(({ sheet }) => sheet) ?? views[0];
  at("picked").replaceChildren(...carried.map((k) => {
    const said = `item ${all[k]}${labels.length ? `, class ${classes[labels[k]]}` : ""}`;
    const inside = view.sheet && view.present[k] ? tile(view, k, "") : `${all[k]}`;
    const query = new URLSearchParams({ data: now.about.data, model: now.about.title, item: all[k] });
    const properties = { className: "item", href: `explore.html?${query}`, "aria-label": `${said}, in Explore` };
    return element("a", properties, [inside]);
  }));
  const rest = items.length - carried.length;
  const shown = rest ? `; ${carried.length} of them are carried by this edition and shown` : "";
  at("selected").textContent = `${items.length} selected${shown}. A picture leads to Explore.`;
}

async function show() {
  const bytes = await bytesOf(now.map);
  const data = themed(bytes, Boolean(now.map.axes) && now.published.live);
  if (map) map.update(data);
  else {
    map = await mount(document.querySelector(".mount"), data, {
      picked,
      pointed: (spot) => now.map.axes && now.published.live && decode(now, spot),
    });
  }
  at("legend").replaceChildren(...now.map.legend.map(([name, color]) => {
    const dot = element("span", { textContent: "● ", "aria-hidden": "true" });
    dot.style.color = color;
    return element("span", { className: "bvae-legend-entry" }, [dot, name]);
  }));
  at("warning").hidden = Boolean(now.map.axes);
  for (const button of document.querySelectorAll("[data-map]")) {
    button.hidden = !now.about.maps.some(({ name }) => name === button.dataset.map);
    button.setAttribute("aria-pressed", String(button.dataset.map === now.map.name));
  }
}

async function choose(number, name = null) {
  const about = models[number];
  if (!opened.has(number)) opened.set(number, openPublished(about, runtime));
  const published = await opened.get(number);
  now = { published, about, map: about.maps.find((each) => each.name === name) ?? about.maps[0],
    parts: published.manifest.modalities.map((m, k) => place(m, `${m.name}, decoded at this place`,
      published.items.views[k].usual)) };
  at("here").replaceChildren(...now.parts.map(({ node }, m) => element("figure", {}, [node, element("figcaption", {
    textContent: published.items.views[m].name })])));
  at("model").value = String(number);
  at("picked").replaceChildren();
  at("unsaid").hidden = published.live;
  at("waiting").hidden = !published.live;
  nameModel(about, models, hold);
  hold("projection", now.map === about.maps[0] ? null : now.map.name);
  await show();
  if (now.map.axes && published.live) decode(now, [0, 0]);
}

onTheme((is) => {
  dark = is;
  if (map) show();
});
at("model").onchange = () => choose(Number(at("model").value), now.map.name);
for (const button of document.querySelectorAll("[data-map]")) {
  button.onclick = () => choose(models.indexOf(now.about), button.dataset.map);
}
runtimeSoon(runtime);
await choose(modelAsked(models), asked("projection"));
at("latent").dataset.ready = "yes";
