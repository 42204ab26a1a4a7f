/* What Python sent: a header, and for each point its place, its item, its two numbers, its colour and its marker. */

/* The parts of the bytes; see `packed` in __init__.py. Arrays are views of the bytes: nothing is copied. */
export function unpacked(bytes) {
  const whole = bytes.byteOffset % 4 ? bytes.slice() : bytes; // numbers lie at multiples of four bytes
  const length = new DataView(whole.buffer, whole.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(4, 4 + length)));
  const n = header.count;
  let at = whole.byteOffset + 4 + length;
  const take = (Kind) => {
    const made = new Kind(whole.buffer, at, n);
    at += n * Kind.BYTES_PER_ELEMENT;
    return made;
  };
  const cloud = {
    x: take(Float32Array), y: take(Float32Array), item: take(Int32Array),
    uncertainty: take(Float32Array), disagreement: take(Float32Array),
    color: take(Uint8Array), symbol: take(Uint8Array), names: null,
  };
  const rest = new Uint8Array(whole.buffer, at, whole.byteOffset + whole.byteLength - at);
  cloud.inflate = async () => {
    const stream = new Blob([rest]).stream().pipeThrough(new DecompressionStream("deflate"));
    return (await new Response(stream).text()).split("\n");
  };
  return { header, cloud };
}

/* The nearest point to a place of the drawing, not farther than `reach` pixels; -1 if there is none. */
export function nearest(cloud, camera, left, top, reach) {
  const [x, y, scale] = [camera.toX(left), camera.toY(top), camera.scale];
  let best = (reach / scale) ** 2;
  let found = -1;
  for (let i = 0; i < cloud.x.length; i += 1) {
    const far = (cloud.x[i] - x) ** 2 + (cloud.y[i] - y) ** 2;
    if (far < best) [best, found] = [far, i];
  }
  return found;
}

/* The points inside a polygon of places [x, y] of the map. */
export function within(cloud, corners) {
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const found = [];
  for (let i = 0; i < cloud.x.length; i += 1) {
    const [x, y] = [cloud.x[i], cloud.y[i]];
    if (x < left || x > right || y < low || y > high) continue;
    let inside = false;
    for (let a = 0, b = corners.length - 1; a < corners.length; b = a, a += 1) {
      const above = ys[a] > y;
      if (above !== ys[b] > y && x < ((xs[b] - xs[a]) * (y - ys[a])) / (ys[b] - ys[a]) + xs[a]) inside = !inside;
    }
    if (inside) found.push(i);
  }
  return found;
}

/* Items of some points, each once; of more than `most` as many from everywhere, for items are sorted by class. */
export function itemsOf(cloud, points, most) {
  const items = [...new Set(points.map((i) => cloud.item[i]))];
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, k) => items[Math.floor((k * items.length) / most)]);
}
