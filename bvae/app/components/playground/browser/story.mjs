/* The playground in its small form: photographs whose beliefs stand on the line, pictures along the line, and which
   picture each rule gets. What it shows comes from Python: see playground() in __init__.py. */

import { expertStyle, ruleColor, ruleLine, shortName } from "./appearance.mjs";
import { htmlNode, setText, svgNode } from "./nodes.mjs";
import { peaks } from "./peaks.mjs";
import { markerPath } from "./shapes.mjs";
import { isLike, playTo } from "./steps.mjs";
import { listNames } from "./texts.mjs";

const CLEAR = 0.75; // probability from which on a picture is read as its digit
const TILE = [30, 46]; // pixels: about the width of a picture below the line, on narrow and on wide pages

/* Fills the page around the picture once; returns the nodes that change. */
export function createStory(state, page, actions) {
  const { story } = state;
  page.root.classList.add("story");
  const steps = story.steps.map((step, i) => {
    const button = htmlNode("button", { type: "button", className: "segment", textContent: `${i + 1} ${step.title}` });
    button.onclick = () => playTo(state, step.scene, actions);
    return button;
  });
  const text = htmlNode("p", { className: "told", "aria-live": "polite" });
  const photographs = story.photographs.map((_, m) => photograph(state, m, actions));
  const film = htmlNode("div", { className: "film", role: "img", "aria-label": story.film.says });
  const outcomes = htmlNode("div", { className: "outcomes" });
  const head = htmlNode("div", { className: "head" }, [
    htmlNode("div", { className: "segments steps", role: "group", "aria-label": "Steps of the story" }, steps), text,
  ]);
  page.stage.prepend(head, htmlNode("div", { className: "photographs" }, photographs.map(({ button }) => button)));
  page.stage.append(outcomes);
  page.picture.after(film);
  return { steps, text, photographs, film, outcomes, cards: new Map() };
}

function photograph(state, m, actions) {
  const { color, marker, name } = expertStyle(state, m);
  const image = htmlNode("img", { alt: "" });
  image.style.borderColor = color;
  const icon = svgNode("svg", { width: 16, height: 16, viewBox: "-8 -8 16 16", "aria-hidden": "true" });
  svgNode("path", { d: markerPath(marker, 5.5), fill: color }, icon);
  const caption = htmlNode("span", { className: "who" }, [icon, htmlNode("span", { textContent: name })]);
  const button = htmlNode("button", { type: "button", className: "photograph" }, [image, caption]);
  button.onclick = () => {
    const expert = state.scene.experts[m];
    expert.present = !expert.present;
    actions.changed(true);
  };
  return { button, image };
}

/* All of it shows the scene as it is now. */
export function drawStory(state, page, nodes) {
  drawSteps(state, nodes);
  drawPhotographs(state, nodes);
  drawFilm(state, nodes);
  const said = state.scene.rules.filter((rule) => state.results.get(rule)).map((rule) => outcome(state, nodes, rule));
  for (const [rule, { card }] of nodes.cards) card.hidden = !state.results.get(rule);
  if (!state.drag) setText(page.status, said.length ? `${said.join(". ")}.` : "No rule is chosen.");
}

function drawSteps({ scene, story }, { steps, text }) {
  const now = story.steps.findIndex((step) => isLike(scene, step.scene));
  steps.forEach((button, i) => button.setAttribute("aria-pressed", i === now));
  setText(text, now >= 0 ? story.steps[now].text : story.own);
}

function drawPhotographs({ scene, story, styles }, { photographs }) {
  photographs.forEach(({ button, image }, m) => {
    const { pictures, digits } = story.photographs[m];
    const { mean, present } = scene.experts[m];
    const which = Math.max(digits.indexOf(story.film.reads[frameAt(story.film, mean[0])][0]), 0);
    if (image.src !== pictures[which]) image.src = pictures[which];
    button.setAttribute("aria-pressed", present);
    const shown = present ? "shown, click to hide it" : "hidden, click to show it";
    button.setAttribute("aria-label", `Photograph ${styles.experts[m].name} of a ${digits[which]}: ${shown}`);
  });
}

/* Which picture of the strip belongs to a place on the line. */
function frameAt({ reach, frames }, x) {
  return Math.min(Math.max(Math.round(((x + reach) / (2 * reach)) * (frames - 1)), 0), frames - 1);
}

/* Shows one picture of the strip in a node. */
function showFrame({ story }, node, x, side) {
  const { strip, frames } = story.film;
  const frame = frameAt(story.film, x);
  const shows = `${frame}/${side}`;
  if (node.dataset.shows === shows) return;
  node.dataset.shows = shows;
  const place = `${-frame * side}px 0 / ${frames * side}px ${side}px`;
  node.style.cssText = `width:${side}px;height:${side}px;background:url(${strip}) ${place}`;
}

/* The pictures that a rule gets, [{x, share, read}, ...]: one for each digit that it sees in its hills. */
function picturesOf({ story }, result) {
  const found = [];
  for (const { x, share } of peaks(result)) {
    const [digit, p] = story.film.reads[frameAt(story.film, x)];
    const read = p >= CLEAR ? `a ${digit}` : "something between";
    const same = found.find((picture) => picture.read === read);
    if (!same) {
      found.push({ x, share, read, most: share });
      continue;
    }
    same.share += share;
    if (share > same.most) [same.x, same.most] = [x, share];
  }
  return found;
}

function drawFilm(state, { film }) {
  const { width, unit } = state.size;
  const count = Math.max(Math.round(width / TILE[width < 560 ? 0 : 1]), 1);
  const side = width / count;
  while (film.children.length > count) film.lastChild.remove();
  while (film.children.length < count) film.append(htmlNode("div", { className: "tile" }));
  [...film.children].forEach((tile, k) => showFrame(state, tile, ((k + 0.5) * side - width / 2) / unit, side));
}

/* The card of a rule with the picture that it gets, or the pictures; returns the same in words. */
function outcome(state, { outcomes, cards }, rule) {
  if (!cards.has(rule)) cards.set(rule, outcomeCard(state, outcomes, rule));
  const { line, pictures } = cards.get(rule);
  line.setAttribute("stroke", ruleColor(state, rule));
  const found = picturesOf(state, state.results.get(rule));
  while (pictures.children.length > found.length) pictures.lastChild.remove();
  while (pictures.children.length < found.length) {
    pictures.append(htmlNode("figure", {}, [
      htmlNode("div", { className: "tile" }), htmlNode("figcaption"),
    ]));
  }
  const words = found.map(({ x, share, read }, i) => {
    const [tile, caption] = pictures.children[i].children;
    showFrame(state, tile, x, found.length > 1 ? 60 : 76);
    const often = found.length > 1 ? `${read} (${Math.round(100 * share)} in 100)` : read;
    setText(caption, often);
    return often;
  });
  return `${shortName(state, rule)} gets ${listNames(words)}`;
}

function outcomeCard(state, outcomes, rule) {
  const sample = svgNode("svg", { width: 28, height: 10, viewBox: "0 0 28 10", "aria-hidden": "true" });
  const line = svgNode("line", { x1: 1, x2: 27, y1: 5, y2: 5, ...ruleLine(state, rule) }, sample);
  const pictures = htmlNode("div", { className: "pictures", "aria-hidden": "true" });
  const card = htmlNode("div", { className: "outcome" }, [
    htmlNode("div", { className: "rule-name" }, [
      sample, htmlNode("strong", { textContent: shortName(state, rule) }),
    ]),
    htmlNode("div", { className: "note", textContent: state.story.rules[rule] ?? "" }), pictures,
  ]);
  card.dataset.rule = rule;
  outcomes.append(card);
  return { card, line, pictures };
}
