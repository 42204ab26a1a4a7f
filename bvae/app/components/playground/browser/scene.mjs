/* A scene: what is shown, as plain JSON. Its fields, limits and defaults are those of the schema. */

import { axesOf, covarianceOf } from "./matrices.mjs";
import schema from "../scene.schema.json" with { type: "json" };

const FIELDS = schema.properties;
const EXPERT = FIELDS.experts.items.properties;

export const EXPERTS_LEAST = FIELDS.experts.minItems;
export const EXPERTS_MOST = FIELDS.experts.maxItems;
export const [SCALE_MIN, SCALE_MAX] = schema.$defs.scale.reach;
export const MEAN_LIMIT = EXPERT.mean.prefixItems.map((axis) => axis.reach[1]);
export const VIEWS = FIELDS.view.enum;
export const NEW_WEIGHT = FIELDS.weights.items.default;

/* Least and greatest value of a number of the scene. */
export function limits(name) {
  const field = name === "weights" ? FIELDS.weights.items : FIELDS[name];
  return [field.minimum, field.maximum];
}

export function clamp(value, low, high, fallback = low) {
  const number = Number(value);
  return Number.isFinite(number) ? Math.min(Math.max(number, low), high) : fallback;
}

/* Any covariance as one that can be drawn: standard deviations along its axes within the limits. */
export function cleanCov(cov) {
  const values = Array.isArray(cov) && cov.length === 3 && cov.every(Number.isFinite) ? cov : EXPERT.cov.default;
  const { theta, lengths } = axesOf(values);
  if (lengths.every((s) => s >= SCALE_MIN && s <= SCALE_MAX) && values[0] * values[2] - values[1] ** 2 > 0) {
    return values.slice();
  }
  return covarianceOf(theta, lengths.map((s) => clamp(s, SCALE_MIN, SCALE_MAX)));
}

function number(given, name) {
  return clamp(given[name], ...limits(name), FIELDS[name].default);
}

function isTrue(given, field) {
  return typeof given === "boolean" ? given : field.default;
}

/* Any object as a scene that can be drawn; unknown keys are dropped, bad values fall back. */
export function cleanScene(raw, knownRules) {
  const given = raw && typeof raw === "object" ? raw : {};
  const list = Array.isArray(given.experts) ? given.experts.slice(0, EXPERTS_MOST) : [];
  const experts = list.map((expert) => ({
    mean: EXPERT.mean.prefixItems.map((axis, i) => clamp(expert?.mean?.[i], ...axis.reach, axis.default)),
    cov: cleanCov(expert?.cov),
    present: isTrue(expert?.present, EXPERT.present),
  }));
  while (experts.length < EXPERTS_LEAST) {
    experts.push({ mean: [experts.length ? 1.5 : -1.5, 0], cov: EXPERT.cov.default.slice(), present: true });
  }
  const rules = Array.isArray(given.rules) ? given.rules : FIELDS.rules.default;
  const layers = given.layers && typeof given.layers === "object" ? given.layers : {};
  return {
    v: FIELDS.v.const,
    experts,
    weights: experts.map((_, m) => clamp(given.weights?.[m], ...limits("weights"), NEW_WEIGHT)),
    rules: knownRules.filter((rule) => rules.includes(rule)),
    fill: knownRules.includes(given.fill) ? given.fill : FIELDS.fill.default,
    alpha: number(given, "alpha"),
    rho: number(given, "rho"),
    prior: isTrue(given.prior, FIELDS.prior),
    layers: Object.fromEntries(
      Object.entries(FIELDS.layers.properties).map(([name, field]) => [name, isTrue(layers[name], field)])),
    view: VIEWS.includes(given.view) ? given.view : FIELDS.view.default,
  };
}

/* A scene with its numbers rounded to three decimals, as it is sent. */
export function roundedScene(scene) {
  const round = (value) => Math.round(value * 1000) / 1000;
  return {
    v: FIELDS.v.const,
    experts: scene.experts.map((e) => ({ mean: e.mean.map(round), cov: e.cov.map(round), present: e.present })),
    weights: scene.weights.map(round),
    rules: scene.rules.slice(),
    fill: scene.fill,
    alpha: round(scene.alpha),
    rho: round(scene.rho),
    prior: scene.prior,
    layers: { ...scene.layers },
    view: scene.view,
  };
}
