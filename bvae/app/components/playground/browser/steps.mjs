/* From one scene to another, in a moment that one can follow. */

import { axesOf } from "./matrices.mjs";
import { roundedScene } from "./scene.mjs";

const DURATION = 700; // milliseconds

/* Whether two scenes hold the same beliefs. */
export function isLike(a, b) {
  const beliefs = ({ experts, weights, rules }) => JSON.stringify([experts, weights, rules]);
  return beliefs(roundedScene(a)) === beliefs(roundedScene(b));
}

/* Moves the scene's experts to where they are in another scene, and says so to Python; a hand that takes one of them
   stops it. Who prefers less motion sees the end at once. */
export function playTo(state, target, actions) {
  const goal = structuredClone(target);
  const from = structuredClone(state.scene.experts);
  const start = performance.now();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const mix = (a, b, t) => a + (b - a) * t;
  const step = (now) => {
    if (state.drag || state.playing !== step) return;
    const t = still ? 1 : Math.min(Math.max((now - start) / DURATION, 0), 1);
    const eased = t * t * (3 - 2 * t);
    if (t < 1) {
      state.scene.experts.forEach((expert, m) => {
        expert.mean = goal.experts[m].mean.map((value, k) => mix(from[m].mean[k], value, eased));
        expert.cov = goal.experts[m].cov.map((value, k) => mix(from[m].cov[k], value, eased));
      });
      requestAnimationFrame(step);
    } else {
      Object.assign(state.scene, goal);
      state.playing = null;
    }
    state.shapes = state.scene.experts.map((expert) => axesOf(expert.cov));
    actions.changed(t === 1);
  };
  state.playing = step;
  requestAnimationFrame(step);
}
