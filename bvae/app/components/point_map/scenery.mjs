/* What lies under and over the points: a picture or words of the decoder, the prior, axes, and an outline being drawn. */

const TARGET = 90; // pixels of the page between two ticks
const PALE = 0.4; // opacity of a picture behind the points

/* Round numbers inside an interval, about as far from each other as wanted. */
export function ticks(low, high, apart) {
  const power = 10 ** Math.floor(Math.log10(apart));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= apart) ?? 10 * power;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k += 1) found.push([k * step, (k * step).toFixed(digits)]);
  return found;
}

const spans = ({ canvas }, camera) => [
  [camera.toX(0), camera.toX(canvas.width)], [camera.toY(canvas.height), camera.toY(0)]];

export function paintGround(context, camera, header, picture, looks, ratio) {
  const { width, height } = context.canvas;
  context.globalAlpha = 1;
  context.fillStyle = looks.paper;
  context.fillRect(0, 0, width, height);
  const { limits, words } = header.behind ?? {};
  if (limits && picture) {
    const [left, top] = [camera.left(limits[0][0]), camera.top(limits[1][1])];
    context.globalAlpha = PALE;
    context.drawImage(picture, left, top, camera.left(limits[0][1]) - left, camera.top(limits[1][0]) - top);
    context.globalAlpha = 1;
  }
  if (header.titles[0]) {
    context.strokeStyle = looks.grid;
    context.lineWidth = ratio;
    context.beginPath();
    const [across, up] = spans(context, camera);
    const apart = (TARGET * ratio) / camera.scale;
    for (const [v] of ticks(...across, apart)) {
      context.moveTo(camera.left(v), 0);
      context.lineTo(camera.left(v), height);
    }
    for (const [v] of ticks(...up, apart)) {
      context.moveTo(0, camera.top(v));
      context.lineTo(width, camera.top(v));
    }
    context.stroke();
  }
  if (limits && words) {
    context.font = `${10 * ratio}px monospace`;
    context.fillStyle = looks.muted;
    context.textAlign = "center";
    const place = ([low, high], k, n) => low + ((k + 0.5) / n) * (high - low);
    words.forEach((row, r) => row.forEach((word, c) => context.fillText(
      word, camera.left(place(limits[0], c, row.length)),
      camera.top(place(limits[1], words.length - 1 - r, words.length)))));
  }
}

export function paintAbove(context, camera, header, looks, outline, ratio) {
  context.globalAlpha = 1;
  context.strokeStyle = looks.text;
  for (const radius of header.prior ? [1, 2] : []) {
    context.lineWidth = 1.2 * ratio;
    context.setLineDash(radius === 2 ? [2 * ratio, 3 * ratio] : []);
    context.beginPath();
    context.arc(camera.left(0), camera.top(0), radius * camera.scale, 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
  if (header.titles[0]) paintTicks(context, camera, looks, ratio);
  if (!outline.length) return;
  context.beginPath();
  outline.forEach(([x, y]) => context.lineTo(camera.left(x), camera.top(y)));
  context.closePath();
  context.lineWidth = 1.5 * ratio;
  context.setLineDash([5 * ratio, 4 * ratio]);
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 0.12;
  context.fillStyle = looks.text;
  context.fill();
  context.globalAlpha = 1;
}

function paintTicks(context, camera, looks, ratio) {
  const { width, height } = context.canvas;
  const [across, up] = spans(context, camera);
  const apart = (TARGET * ratio) / camera.scale;
  context.font = `${11 * ratio}px ${looks.font}`;
  context.lineJoin = "round";
  context.lineWidth = 3 * ratio;
  context.strokeStyle = looks.paper;
  context.fillStyle = looks.muted;
  const say = (text, x, y, align) => {
    context.textAlign = align;
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  };
  for (const [v, text] of ticks(...across, apart)) {
    const x = camera.left(v);
    if (x > 50 * ratio && x < width - 20 * ratio) say(text, x, height - 5 * ratio, "center");
  }
  for (const [v, text] of ticks(...up, apart)) {
    const y = camera.top(v);
    if (y > 14 * ratio && y < height - 20 * ratio) say(text, 5 * ratio, y + 4 * ratio, "left");
  }
}
