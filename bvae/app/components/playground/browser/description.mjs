/* The scene in words, for those who do not see it. */

import { shortName } from "./appearance.mjs";
import { meanCov } from "./gaussians.mjs";
import { reasonOf } from "./results.mjs";
import { presentIndices } from "./state.mjs";
import { fixed2 } from "./texts.mjs";

export function description(state) {
  const { scene, results } = state;
  const plane = scene.view === "plane";
  const parts = scene.rules.map((rule) => {
    const result = results.get(rule);
    if (!result) return `${shortName(state, rule)}: ${reasonOf(state, rule)}`;
    const { mean, cov } = meanCov(result);
    const spread = plane
      ? `standard deviations ${fixed2(Math.sqrt(cov[0]))} and ${fixed2(Math.sqrt(cov[2]))}`
      : `standard deviation ${fixed2(Math.sqrt(cov[0]))}`;
    return `${shortName(state, rule)}: mean ${plane ? `(${mean.map(fixed2).join(", ")})` : fixed2(mean[0])}, ${spread}`;
  });
  const nobody = !presentIndices(state).some((m) => scene.weights[m] > 0);
  const lead = nobody ? "No expert takes part: every joint belief is the prior. " : "";
  return parts.length ? `${lead}${parts.join("; ")}.` : `${lead}No joint belief is drawn.`;
}
