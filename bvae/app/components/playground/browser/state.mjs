/* What the playground knows at any moment, and the questions that several parts ask of it. */

/* Drawing reads this; gestures, keys and controls change the scene in it; only playground.mjs replaces the scene. */
export function createState() {
  return {
    styles: { experts: [], rules: {} }, // names, colours, markers and lines, from Python
    ruleOrder: [],
    story: null, // what the small form tells, from Python; null in the whole one
    playing: null, // the step of a scene that moves by itself
    scene: null,
    shapes: [], // angle and standard deviations of every expert: a handle keeps its axis when another gets longer
    answers: null, // what Python has computed for rules that are not known here, see results.mjs
    results: new Map(), // by rule: its aggregate, or null where there is none
    waiting: new Set(), // rules whose aggregate, if there is one, is of an earlier scene
    lastSent: "",
    theme: null,
    size: { width: 0, height: 0, unit: 1, halfX: 5, halfY: 4, base: 0, rise: 1 },
    drag: null, // what is in the hand
    controls: [], // the places in the picture that a hand can take
    corners: [], // of the triangle of weights, in its pixels
    labelPlaces: new Map(), // where the labels of the last frame were
    describeSoon: true, // the words for the scene are to be renewed
  };
}

/* The experts as the view sees them: in the plane, or along z1 only. */
export function seenExperts({ scene }) {
  if (scene.view === "plane") return scene.experts;
  return scene.experts.map((e) => ({ mean: [e.mean[0]], cov: [e.cov[0]], present: e.present }));
}

export function presentIndices({ scene }) {
  return scene.experts.map((_, m) => m).filter((m) => scene.experts[m].present);
}

/* The options of the rules, as aggregate() takes them. */
export function ruleOptions({ scene }, extra = {}) {
  return { alpha: scene.alpha, rho: scene.rho, prior: scene.prior, ...extra };
}
