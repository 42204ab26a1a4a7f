/* Points painted into pixels by the processor: fifty thousand take some milliseconds, with or without a graphics card. */

const STEADY = 0x9e3779b1; // its multiples go through positions in what looks like no order
const ALPHA = 190; // of 256: of a point
const FADED = 50; // and of one that is not selected, while others are
const [SIZE, LARGE] = [4.5, 9]; // pixels of a point, and of a selected one
const CLOSE = 1.7; // how much larger points are at the most when one comes nearer

const around = (count, radius, from = -Math.PI / 2) => Array.from({ length: count }, (_, k) => {
  const far = Array.isArray(radius) ? radius[k % radius.length] : radius;
  return [far * Math.cos(from + (2 * Math.PI * k) / count), far * Math.sin(from + (2 * Math.PI * k) / count)];
});
const PLUS = [[-1, -3], [1, -3], [1, -1], [3, -1], [3, 1], [1, 1], [1, 3], [-1, 3], [-1, 1], [-3, 1], [-3, -1],
  [-1, -1]].map((place) => place.map((v) => v / 3));
/* Outlines of Plotly's markers, about the middle of a circle of radius 1. */
const OUTLINES = {
  circle: around(24, 1), square: around(4, 1.25, Math.PI / 4), diamond: around(4, 1.3), cross: PLUS,
  x: PLUS.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]), star: around(10, [1.4, 0.6]),
  "triangle-up": around(3, 1.35), "triangle-down": around(3, 1.35, Math.PI / 2), pentagon: around(5, 1.15),
  hexagram: around(12, [1.35, 0.75]),
};

/* How much of each pixel around a point a marker covers, 0 to 256: offsets right and down, and the shares. */
function markerOf(symbol, diameter) {
  const side = 2 * Math.ceil(0.75 * diameter) + 3;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.translate(side / 2, side / 2);
  context.scale(diameter / 2, diameter / 2);
  context.beginPath();
  (OUTLINES[symbol] ?? OUTLINES.circle).forEach(([x, y]) => context.lineTo(x, y));
  context.fill();
  const alpha = context.getImageData(0, 0, side, side).data;
  const cells = [];
  for (let k = 0; k < side * side; k += 1) {
    const cover = alpha[4 * k + 3];
    if (cover > 12) cells.push([(k % side) - (side - 1) / 2, Math.floor(k / side) - (side - 1) / 2, cover + (cover > 127)]);
  }
  return { right: Int32Array.from(cells, (c) => c[0]), down: Int32Array.from(cells, (c) => c[1]),
    cover: Int32Array.from(cells, (c) => c[2]), reach: (side - 1) / 2 };
}

/* "#0072B2" -> blue << 16 | green << 8 | red, as pixels lie in memory. */
const packedColor = (hex) => {
  const value = parseInt(hex.slice(1), 16);
  return ((value & 255) << 16) | (value & 0xff00) | (value >> 16);
};

export function createPainter() {
  const markers = new Map();
  const marker = (symbol, diameter) => {
    const key = `${symbol} ${diameter}`;
    if (!markers.has(key)) markers.set(key, markerOf(symbol, diameter));
    return markers.get(key);
  };

  /* One point over what is there already. */
  function put(pixels, width, at, { right, down, cover }, color, alpha) {
    const [rb, green] = [color & 0xff00ff, color & 0xff00];
    for (let k = 0; k < cover.length; k += 1) {
      const place = at + down[k] * width + right[k];
      const share = (cover[k] * alpha) >> 8;
      const below = pixels[place];
      const rest = 256 - share;
      pixels[place] = 0xff000000
        | (((rb * share + (below & 0xff00ff) * rest) >>> 8) & 0xff00ff)
        | (((green * share + (below & 0xff00) * rest) >>> 8) & 0xff00);
    }
  }

  return {
    /* All points over what a canvas's context shows.
       cloud: see cloud.mjs; look: { colors, symbols }; picked: Set of items that stand out; ratio: pixels for a pixel of
       the page. Points lie in no order, so that no class covers the others; those that stand out lie above. */
    paint(context, camera, cloud, look, picked, ratio) {
      const { width, height } = context.canvas;
      if (!width || !height) return;
      const image = context.getImageData(0, 0, width, height);
      const pixels = new Uint32Array(image.data.buffer);
      const colors = look.colors.map(packedColor);
      const near = Math.min(Math.max(camera.closer, 1) ** 0.25, CLOSE) * ratio;
      const small = look.symbols.map((symbol) => marker(symbol, Math.round(2 * SIZE * near) / 2));
      const { x, y, item, color, symbol } = cloud;
      const n = x.length;
      const step = coprime(STEADY % n || 1, n);
      const some = picked.size > 0;
      const edge = Math.max(...small.map((one) => one.reach), 0);
      const [s, x0, y0] = [camera.scale, camera.left(0), camera.top(0)];
      const above = [];
      for (let k = 0, i = 0; k < n; k += 1, i = (i + step) % n) {
        const left = Math.round(x0 + x[i] * s);
        const top = Math.round(y0 - y[i] * s);
        if (!(left >= edge && left < width - edge && top >= edge && top < height - edge)) continue;
        if (some && picked.has(item[i])) above.push(i);
        else put(pixels, width, top * width + left, small[symbol[i]], colors[color[i]], some ? FADED : ALPHA);
      }
      const large = look.symbols.map((one) => marker(one, Math.round(LARGE * ratio)));
      for (const i of above) {
        const [left, top] = [Math.round(x0 + x[i] * s), Math.round(y0 - y[i] * s)];
        const { reach } = large[symbol[i]];
        if (left < reach || left >= width - reach || top < reach || top >= height - reach) continue;
        put(pixels, width, top * width + left, large[symbol[i]], colors[color[i]], 256);
      }
      context.putImageData(image, 0, 0);
    },
  };
}

/* The first number from `from` on that has no divisor in common with n: its multiples go through all positions. */
function coprime(from, n) {
  const divisor = (a, b) => (b ? divisor(b, a % b) : a);
  let step = from;
  while (divisor(step, n) !== 1) step += 1;
  return step;
}
