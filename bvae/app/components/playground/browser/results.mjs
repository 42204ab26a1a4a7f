/* The aggregates that are drawn: computed here at once, or, for a rule that rules.mjs does not know, the last that
   Python has sent. */

import { shortName } from "./appearance.mjs";
import { meanCov } from "./gaussians.mjs";
import { determinant } from "./matrices.mjs";
import { aggregate, RULES } from "./rules.mjs";
import { cleanScene, roundedScene } from "./scene.mjs";
import { ruleOptions, seenExperts } from "./state.mjs";
import { listNames } from "./texts.mjs";

export function isComputedHere(rule) {
  return Object.hasOwn(RULES, rule);
}

export function isGaussian(result) {
  return result.type === "mixture" && result.weights.length === 1;
}

/* The result, if it can be drawn; else null. */
export function drawable(result) {
  if (!result) return null;
  const { mean, cov } = meanCov(result);
  return [...mean, ...cov].every(Number.isFinite) && determinant(cov) > 0 ? result : null;
}

/* All of a scene that an aggregate depends on, as text. */
function question(scene) {
  const { experts, weights, alpha, rho, prior, view } = roundedScene(scene);
  return JSON.stringify([experts, weights, alpha, rho, prior, view]);
}

/* Take over what Python sends: {scene, rules: {rule: {weights, means, covs, note} or {problem}}}, or nothing. */
export function takeAnswers(state, sent) {
  if (!sent) {
    state.answers = null;
    return;
  }
  const rules = new Map(Object.entries(sent.rules).map(([rule, { weights, means, covs, note, problem }]) => [
    rule, { note, problem, result: problem ? null : { type: "mixture", weights, means, covs } },
  ]));
  state.answers = { question: question(cleanScene(sent.scene, state.ruleOrder)), rules };
}

/* Aggregates of all rules that the scene asks for, into state.results and state.waiting. */
export function findResults(state) {
  const { scene, answers } = state;
  const experts = seenExperts(state);
  state.results = new Map();
  state.waiting = new Set();
  for (const rule of new Set([...scene.rules, ...(scene.fill ? [scene.fill] : [])])) {
    if (isComputedHere(rule)) {
      state.results.set(rule, drawable(aggregate(rule, experts, scene.weights, ruleOptions(state))));
      continue;
    }
    const answer = answers?.rules.get(rule);
    const fits = answer?.result?.means[0].length === experts[0].mean.length;
    state.results.set(rule, fits ? drawable(answer.result) : null);
    if (!answer || answers.question !== question(scene)) state.waiting.add(rule);
  }
}

/* Why a rule that was asked for has no aggregate. */
export function reasonOf(state, rule) {
  if (isComputedHere(rule)) return "needs uncorrelated experts";
  const problem = state.answers?.rules.get(rule)?.problem;
  return problem && !state.waiting.has(rule) ? problem : "Python is computing it";
}

/* Sentences about rules that Python computes or that it cannot read. */
export function notesFromPython(state) {
  const { styles, answers, results } = state;
  const asked = [...results.keys()].filter((rule) => !isComputedHere(rule));
  const names = listNames(asked.map((rule) => shortName(state, rule)));
  const one = asked.length === 1;
  return [
    ...(asked.length ? [`${names} ${one ? "is" : "are"} computed by Python: ${one ? "it updates" : "they update"} ` +
      "when you let go."] : []),
    ...asked.flatMap((rule) => {
      const { problem, note } = answers?.rules.get(rule) ?? {};
      const text = problem ?? note;
      return text ? [`${shortName(state, rule)}: ${text}`] : [];
    }),
    ...Object.entries(styles.broken ?? {}).map(([name, text]) => `${name}: ${text}`),
  ];
}

/* What to say in the picture while aggregates in it are of an earlier scene. */
export function waitingNote(state) {
  const drawn = [...state.waiting].filter((rule) => state.results.get(rule));
  if (!drawn.length) return "";
  const names = listNames(drawn.map((rule) => shortName(state, rule)));
  const sent = !state.drag && JSON.stringify(roundedScene(state.scene)) === state.lastSent;
  return sent ? `Python is computing ${names}` : `${names} update${drawn.length === 1 ? "s" : ""} when you let go`;
}
