/* All lessons: a mark at those that were predicted. Only this browser remembers it. */

import { asked, remember, remembered } from "./host.mjs";

const KEY = "bvae-predicted";
const progress = document.getElementById("progress");
const reset = document.getElementById("reset");
const cards = [...document.querySelectorAll("[data-lesson]")];

function show() {
  const predicted = remembered(KEY);
  const count = cards.filter((card) => card.dataset.lesson in predicted).length;
  for (const card of cards) card.classList.toggle("predicted", card.dataset.lesson in predicted);
  progress.textContent = count ? `${count} of ${cards.length} predicted. Only this browser remembers it.` : "";
  reset.hidden = !count;
}

reset.onclick = () => {
  remember(KEY, {});
  show();
};
show();

// A link of the app, such as learn?lesson=poe&step=2, leads to the same step here.
const lesson = asked("lesson");
if (cards.some((card) => card.dataset.lesson === lesson)) {
  const step = /^\d+$/.test(asked("step") ?? "") ? `#${asked("step")}` : "";
  location.replace(`lesson-${lesson}.html${step}`);
}
