/* Which part of the map is seen, and how large: places of the map to pixels of the drawing and back. */

const CLOSEST = 400; // times as large as the whole map
const FARTHEST = 0.5;
const AIR = 0.03; // of the whole map's size, around its points

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export function createCamera() {
  let [width, height] = [1, 1]; // of the drawing, in its pixels
  let whole = { x: 0, y: 0, scale: 1, wide: 1, high: 1 };
  const camera = {
    x: 0,
    y: 0, // what lies in the middle
    scale: 1, // pixels for one unit
    toX: (left) => camera.x + (left - width / 2) / camera.scale,
    toY: (top) => camera.y - (top - height / 2) / camera.scale,
    left: (x) => width / 2 + (x - camera.x) * camera.scale,
    top: (y) => height / 2 - (y - camera.y) * camera.scale,
    /* The drawing has another size: the same stays in the middle, as large as before beside the whole map. */
    size(w, h) {
      const closer = camera.scale / whole.scale;
      [width, height] = [w, h];
      whole.scale = Math.min(width / whole.wide, height / whole.high);
      camera.scale = closer * whole.scale;
    },
    /* The window that the whole map is. */
    hold([[x0, x1], [y0, y1]]) {
      const [wide, high] = [x1 - x0 || 1, y1 - y0 || 1].map((side) => side * (1 + 2 * AIR));
      whole = { x: (x0 + x1) / 2, y: (y0 + y1) / 2, wide, high, scale: Math.min(width / wide, height / high) };
    },
    reset() {
      [camera.x, camera.y, camera.scale] = [whole.x, whole.y, whole.scale];
    },
    move(right, down) {
      camera.x = clamp(camera.x - right / camera.scale, whole.x - whole.wide, whole.x + whole.wide);
      camera.y = clamp(camera.y + down / camera.scale, whole.y - whole.high, whole.y + whole.high);
    },
    /* What lies at a place of the drawing stays there. */
    zoom(times, left = width / 2, top = height / 2) {
      const [x, y] = [camera.toX(left), camera.toY(top)];
      camera.scale = clamp(camera.scale * times, FARTHEST * whole.scale, CLOSEST * whole.scale);
      camera.x = x - (left - width / 2) / camera.scale;
      camera.y = y + (top - height / 2) / camera.scale;
    },
    get closer() {
      return camera.scale / whole.scale;
    },
  };
  return camera;
}
