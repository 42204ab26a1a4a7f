/* A lesson: one step at a time, and a prediction before its answer. */

import { pageData, remember, remembered } from "./host.mjs";

const KEY = "bvae-predicted";
const { lesson } = pageData();
const steps = [...document.querySelectorAll("[data-step]")];
const links = [...document.querySelectorAll(".steps a")];
const asking = steps.find((step) => step.querySelector(".question"));
let shown = lesson in remembered(KEY);

function number() {
  const asked = Number(location.hash.slice(1));
  return Number.isInteger(asked) && asked >= 1 && asked <= steps.length ? asked : 1;
}

function go(focus = true) {
  const now = number();
  steps.forEach((step, k) => {
    step.hidden = k + 1 !== now;
  });
  links.forEach((link, k) => {
    if (k + 1 === now) link.setAttribute("aria-current", "step");
    else link.removeAttribute("aria-current");
  });
  if (!focus) return;
  scrollTo(0, 0);
  steps[now - 1].querySelector("h2").focus({ preventScroll: true });
}

const chosen = () => asking.querySelector("input:checked")?.value ?? null;

function reveal() {
  for (const node of asking.querySelectorAll("[data-before]")) node.hidden = shown;
  for (const node of asking.querySelectorAll("[data-after]")) node.hidden = !shown;
  asking.querySelector("[data-reveal]").hidden = shown;
  for (const input of asking.querySelectorAll("input")) input.disabled = shown;
  if (!shown) return;
  const letter = chosen();
  const others = asking.querySelector("[data-others]");
  let right = false;
  for (const why of asking.querySelectorAll("[data-why]")) {
    const mine = why.dataset.why === letter;
    right ||= mine && "right" in why.dataset;
    why.classList.toggle("mine", mine);
    if (!mine && !("right" in why.dataset)) others.append(why);
  }
  const verdict = asking.querySelector("[data-verdict]");
  verdict.textContent = letter === null ? "What happens:" : right ? "So it is." : "Not this time.";
  verdict.dataset.verdict = letter === null ? "none" : right ? "right" : "wrong";
}

if (asking) {
  const before = remembered(KEY)[lesson];
  const input = before && asking.querySelector(`input[value="${CSS.escape(before)}"]`);
  if (input) input.checked = true;
  asking.querySelector("[data-reveal]").onclick = () => {
    shown = true;
    const letter = chosen();
    if (letter) remember(KEY, { ...remembered(KEY), [lesson]: letter });
    reveal();
    asking.querySelector("[data-verdict]").scrollIntoView({ block: "nearest" });
  };
  reveal();
}
addEventListener("hashchange", () => go());
for (const step of steps) step.classList.add("ready");
go(false);
