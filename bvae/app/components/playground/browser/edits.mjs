/* Changes of the scene's experts, within its limits. */

import { axesOf, covarianceOf } from "./matrices.mjs";
import {
  clamp, cleanCov, EXPERTS_LEAST, EXPERTS_MOST, MEAN_LIMIT, NEW_WEIGHT, SCALE_MAX, SCALE_MIN,
} from "./scene.mjs";

const NEWCOMERS = [[-2, -1.2], [2, -1.2], [0, 2], [-3, 2], [3, 2], [0, -2.6]];

export function setMean({ scene }, m, x, y) {
  const mean = scene.experts[m].mean;
  mean[0] = clamp(x, -MEAN_LIMIT[0], MEAN_LIMIT[0], mean[0]);
  mean[1] = clamp(y, -MEAN_LIMIT[1], MEAN_LIMIT[1], mean[1]);
}

export function setShape({ scene, shapes }, m, theta, lengths) {
  if (!Number.isFinite(theta)) return;
  const kept = lengths.map((s, k) => clamp(s, SCALE_MIN, SCALE_MAX, shapes[m].lengths[k]));
  shapes[m] = { theta, lengths: kept };
  scene.experts[m].cov = covarianceOf(theta, kept);
}

/* The marginal standard deviation along z1; the correlation and the one along z2 stay. */
export function setWidth({ scene, shapes }, m, width) {
  const cov = scene.experts[m].cov;
  const s = clamp(width, SCALE_MIN, SCALE_MAX, Math.sqrt(cov[0]));
  const ratio = s / Math.sqrt(cov[0]);
  scene.experts[m].cov = cleanCov([s * s, cov[1] * ratio, cov[2]]);
  shapes[m] = axesOf(scene.experts[m].cov);
}

/* One more expert; false where there is no room for it. */
export function addExpert({ scene, shapes }) {
  const m = scene.experts.length;
  if (m >= EXPERTS_MOST) return false;
  scene.experts.push({ mean: NEWCOMERS[m].slice(), cov: [0.5, 0, 0.5], present: true });
  scene.weights.push(NEW_WEIGHT);
  shapes.push(axesOf([0.5, 0, 0.5]));
  return true;
}

/* The last expert goes; false where the others would be too few. */
export function removeExpert({ scene, shapes }) {
  if (scene.experts.length <= EXPERTS_LEAST) return false;
  scene.experts.pop();
  scene.weights.pop();
  shapes.pop();
  return true;
}

/* All present experts without correlation. */
export function uncorrelate({ scene, shapes }) {
  for (const [m, expert] of scene.experts.entries()) {
    if (!expert.present) continue;
    expert.cov = cleanCov([expert.cov[0], 0, expert.cov[2]]);
    shapes[m] = axesOf(expert.cov);
  }
}
