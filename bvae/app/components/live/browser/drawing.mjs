/* A drawing as a view, while it is being drawn: what bvae/data/drawings.py and the data sets do with it. */

export const SIDE = 28;
const BOX = 20;

/* To the nearest whole number, halves to the even one, as Python and PyTorch round. */
function rounded(value) {
  const low = Math.floor(value);
  if (value - low === 0.5) return low % 2 === 0 ? low : low + 1;
  return Math.round(value);
}

/* For every one of `to` places, which of `from` cells it is made of: linear, smoothed where it becomes smaller. */
function resampling(from, to) {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5);
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const last = Math.min(Math.trunc(centre + reach + 0.5), from);
    const weights = [];
    for (let j = first; j < last; j++) weights.push(Math.max(1 - Math.abs((j + 0.5 - centre) / reach), 0));
    const total = weights.reduce((sum, w) => sum + w, 0);
    return { first, weights: weights.map((w) => w / total) };
  });
}

/* As MNIST's digits are: scaled to fit 20 x 20, the centre of mass in the middle. ink: SIDE x SIDE, 0 to 255. */
export function centred(ink) {
  const rows = [...Array(SIDE).keys()].filter((r) => ink.subarray(r * SIDE, (r + 1) * SIDE).some(Boolean));
  if (!rows.length) return ink;
  const columns = [...Array(SIDE).keys()].filter((c) => rows.some((r) => ink[r * SIDE + c]));
  const [top, left] = [rows[0], columns[0]];
  const cut = [rows.at(-1) - top + 1, columns.at(-1) - left + 1];
  const scale = BOX / Math.max(...cut);
  const [height, width] = cut.map((side) => Math.max(1, rounded(side * scale)));
  const across = resampling(cut[1], width);
  const down = resampling(cut[0], height);
  const rowsOf = Array.from({ length: cut[0] }, (_, r) => across.map(({ first, weights }) =>
    weights.reduce((sum, w, k) => sum + w * ink[(top + r) * SIDE + left + first + k], 0)));
  const scaled = down.map(({ first, weights }) => across.map((_, c) =>
    weights.reduce((sum, w, k) => sum + w * rowsOf[first + k][c], 0)));
  const total = scaled.flat().reduce((sum, v) => sum + v, 0);
  const mass = [0, 1].map((axis) => scaled.flatMap((row, r) => row.map((v, c) => v * ((axis ? c : r) + 0.5)))
    .reduce((sum, v) => sum + v, 0) / total);
  const [y, x] = mass.map((m) => rounded(SIDE / 2 - m));
  const out = new Float32Array(SIDE * SIDE);
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      const [row, column] = [y + r, x + c];
      if (row < 0 || row >= SIDE || column < 0 || column >= SIDE) continue;
      out[row * SIDE + column] = Math.min(Math.max(rounded(scaled[r][c]), 0), 255);
    }
  }
  return out;
}

/* The drawing as the encoder of its view takes it. recipe: {blank, full: Float32Array, what an empty and a full field
   become; above: at more ink than this a pixel is as in `full`, or null where it lies between both in proportion}. */
export function entered(ink, { blank, full, above }) {
  const size = SIDE * SIDE;
  return blank.map((value, i) => {
    const own = ink[i % size];
    const share = above === null ? own / 255 : Number(own > above);
    return value + share * (full[i] - value);
  });
}
