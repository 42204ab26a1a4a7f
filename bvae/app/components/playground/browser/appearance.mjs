/* Colours, lines and names: the theme's and those of experts and rules. */

const DASH_ARRAYS = {
  solid: "", dot: "2 4", dash: "8 5", longdash: "14 6", dashdot: "9 4 2 4", longdashdot: "15 5 2 5",
};

/* The theme where a node stands: whether it is dark, its font, and shades from paper to ink. */
export function themeAt(node) {
  const computed = getComputedStyle(node);
  const parse = (text) => (text.match(/[\d.]+/g) || [255, 255, 255]).slice(0, 3).map(Number);
  const [r, g, b] = parse(computed.backgroundColor);
  const dark = (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255 < 0.5;
  const text = parse(computed.color);
  const mix = (share) => `rgb(${[r, g, b].map((c, i) => Math.round(c + (text[i] - c) * share)).join(",")})`;
  return {
    dark, paper: mix(0), ink: mix(1), faint: mix(0.55), hair: mix(0.4), grid: mix(0.1), axis: mix(0.2),
    font: computed.fontFamily.replaceAll('"', "'"),
  };
}

export function expertStyle({ styles }, m) {
  return styles.experts[m % Math.max(styles.experts.length, 1)] ?? { name: "?", color: "#777777", marker: "circle" };
}

export function ruleWidth(rule) {
  return rule === "wasserstein" ? 3 : 2;
}

export function ruleColor({ styles, theme }, rule) {
  return styles.rules[rule]?.[theme.dark ? "dark" : "light"] ?? theme.ink;
}

export function ruleDash({ styles }, rule) {
  return DASH_ARRAYS[styles.rules[rule]?.dash] ?? "";
}

/* Attributes of a rule's line. */
export function ruleLine(state, rule) {
  return {
    stroke: ruleColor(state, rule), "stroke-width": ruleWidth(rule), "stroke-dasharray": ruleDash(state, rule),
  };
}

export function shortName({ styles }, rule) {
  return styles.rules[rule]?.short ?? rule;
}

export function longName({ styles }, rule) {
  return styles.rules[rule]?.title ?? rule;
}
