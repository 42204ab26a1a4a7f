/* A scene as a short text for a link, as `encode` and `decode` of scenes.py write and read it. */

const VERSION = "1";
const LONGEST = 1500;

function short(number) {
  return number ? number.toFixed(3).replace(/\.?0+$/, "").replace("-0.", "-.") : "0";
}

function plain(rule) {
  return rule.replace(/[^A-Za-z0-9-]/g, (c) => `_${c.codePointAt(0).toString(16)}_`);
}

export function encode(scene) {
  const experts = scene.experts.map((e, m) => [...e.mean, ...e.cov, scene.weights[m]].map(short).join(",")
    + (e.present ? "" : ",off"));
  const shown = Object.keys(scene.layers).filter((name) => scene.layers[name]);
  return [
    VERSION, ...experts, `rules.${scene.rules.map(plain).join(".")}`, `fill.${plain(scene.fill ?? "none")}`,
    `a.${short(scene.alpha)}`, `r.${short(scene.rho)}`, `show.${shown.join(".")}`, scene.view,
    ...(scene.prior ? ["withprior"] : []),
  ].join("~");
}

/* null for what is no such text; what is outside the limits of a scene the playground itself moves inside.

   `usual` is a scene without experts with the usual settings, `rules` the names of all rules. */
export function decode(text, usual, rules) {
  if (typeof text !== "string" || text.length > LONGEST) return null;
  const [version, ...parts] = text.split("~");
  if (version !== VERSION) return null;
  const known = new Map(rules.map((rule) => [plain(rule), rule]));
  const scene = { ...usual, layers: { ...usual.layers }, experts: [], weights: [] };
  for (const part of parts) {
    const dot = part.indexOf(".");
    const [name, rest] = dot < 0 ? [part, ""] : [part.slice(0, dot), part.slice(dot + 1)];
    if (part.includes(",")) {
      const values = part.split(",");
      const numbers = values.slice(0, 6).map(Number);
      if (numbers.length < 6 || !numbers.every(Number.isFinite)) return null;
      scene.experts.push({ mean: numbers.slice(0, 2), cov: numbers.slice(2, 5), present: values.at(-1) !== "off" });
      scene.weights.push(numbers[5]);
    } else if (name === "rules") scene.rules = rest.split(".").map((r) => known.get(r)).filter(Boolean);
    else if (name === "fill") scene.fill = known.get(rest) ?? null;
    else if (name === "a") scene.alpha = Number(rest);
    else if (name === "r") scene.rho = Number(rest);
    else if (name === "show") {
      const shown = rest.split(".");
      for (const layer of Object.keys(scene.layers)) scene.layers[layer] = shown.includes(layer);
    } else if (part === "plane" || part === "line") scene.view = part;
    else if (part === "withprior") scene.prior = true;
  }
  return scene.experts.length > 1 ? scene : null;
}
