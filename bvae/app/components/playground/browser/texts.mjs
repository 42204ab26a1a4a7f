/* Numbers and names as texts. */

/* A place in the picture, to a tenth of a pixel. */
export function compact(value) {
  return Math.round(value * 10) / 10;
}

export function fixed2(value) {
  return (Math.abs(value) < 0.005 ? 0 : value).toFixed(2);
}

export function listNames(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
