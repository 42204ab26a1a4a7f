/* Python's answers against the playground's own modules: node tests/support/parity.mjs cases.json

   The cases come from tests/support/parity.py. A browser imports this file and calls compare() itself. */

import { meanCov } from "../../bvae/app/components/playground/browser/gaussians.mjs";
import { aggregate, RULES } from "../../bvae/app/components/playground/browser/rules.mjs";
import { cleanScene } from "../../bvae/app/components/playground/browser/scene.mjs";

function close(ours, theirs, tolerance) {
  return ours.length === theirs.length &&
    ours.every((value, i) => Math.abs(value - theirs[i]) <= tolerance * (1 + Math.abs(theirs[i])));
}

/* What differs in one case, as a sentence, or "". */
function difference({ rule, options, experts, weights, tolerance, answer }) {
  const result = aggregate(rule, experts, weights, options);
  if (!answer && !result) return "";
  if (!answer || !result) return `one of both has no answer: ${JSON.stringify({ answer, result })}`;
  const { mean, cov } = meanCov(result);
  if (!close(mean, answer.mean, tolerance)) return `mean ${mean}, in Python ${answer.mean}`;
  if (!close(cov, answer.cov, tolerance)) return `covariance ${cov}, in Python ${answer.cov}`;
  if (!answer.components) return "";
  const theirs = answer.components;
  const found = result.weights.map((w, k) => [w, ...result.means[k], ...result.covs[k]]);
  if (found.length !== theirs.length) return `${found.length} components, in Python ${theirs.length}`;
  for (const component of found) { // in any order
    const apart = theirs.map((other) => Math.max(...component.map((value, i) => Math.abs(value - other[i]))));
    if (!(Math.min(...apart) < 10 * tolerance)) return `component ${component} is not among ${theirs.join("; ")}`;
  }
  return "";
}

/* {rules: the browser's, groups: {name: {cases, differences}}, scenes: each as the browser takes it}. */
export function compare({ aggregates, scenes, rules }) {
  const groups = {};
  for (const given of aggregates) {
    const group = (groups[given.group] ??= { cases: 0, differences: [] });
    group.cases += 1;
    const found = difference(given);
    if (found) group.differences.push(found);
  }
  return { rules: Object.keys(RULES), groups, scenes: scenes.map((scene) => cleanScene(scene, rules)) };
}

if (typeof process !== "undefined") {
  const { readFileSync } = await import("node:fs");
  console.log(JSON.stringify(compare(JSON.parse(readFileSync(process.argv[2], "utf-8")))));
}
