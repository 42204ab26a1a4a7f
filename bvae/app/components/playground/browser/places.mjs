/* Where labels stand: beside their own line or tied to it by a leader, never on another's line or on one another. */

import { counter, crossings, emptyGrid, markLine, total, without } from "./occupancy.mjs";
import { thinned } from "./shapes.mjs";

export const HEIGHT = 16; // pixels
const GAPS = [4, 18, 34, 54, 80, 120]; // pixels between a line and its label
const AMBIGUOUS = 8; // pixels: with another's line nearer than that, a leader says whose label it is
const HALO = 2; // pixels that the paper around a text covers
const MARGIN = { left: 26, right: 4, top: 4, bottom: 24 }; // of the picture: the axes' numbers stand there
const CALM = [0.25, 40]; // price of each pixel that a label leaps within its shape, and the most

const LETTERS = [[/[MW]/, 11.6], [/[A-Z0-9]/, 8.4], [/[fijlrt.,: -]/, 4.3]]; // pixels

/* About as wide as a text is at 13 pixels, rather a little more. */
export function textWidth(text, size = 13) {
  let width = 5;
  for (const letter of text) width += (LETTERS.find(([kind]) => kind.test(letter)) ?? [null, 6.5])[1];
  return (width * size) / 13;
}

/* Whether two boxes {cx, cy, w, h} overlap. */
function overlap(a, b) {
  return Math.abs(a.cx - b.cx) < (a.w + b.w) / 2 && Math.abs(a.cy - b.cy) < (a.h + b.h) / 2;
}

/* Whether a segment touches a box. */
function touches({ cx, cy, w, h }, x0, y0, x1, y1) {
  let [from, to] = [0, 1];
  for (const [start, end, low, high] of [
    [x0, x1, cx - w / 2, cx + w / 2], [y0, y1, cy - h / 2, cy + h / 2],
  ]) {
    const delta = end - start;
    if (delta === 0) {
      if (start < low || start > high) return false;
      continue;
    }
    const [p, q] = [(low - start) / delta, (high - start) / delta];
    from = Math.max(from, Math.min(p, q));
    to = Math.min(to, Math.max(p, q));
  }
  return from <= to;
}

/* The letter of an expert beside its marker, where it covers the least: {cx, cy, w, h}. */
export function letterPlace(marker, taken) {
  const box = { cx: 0, cy: 0, w: 13, h: 14 };
  let best = null;
  for (const [dx, dy] of [[15, -12], [-15, -12], [15, 12], [-15, 12], [0, -17], [0, 17], [18, 0], [-18, 0]]) {
    const place = { ...box, cx: marker[0] + dx, cy: marker[1] + dy };
    const cost = taken.filter((other) => overlap(place, other)).length;
    if (!best || cost < best.cost) best = { cost, place };
    if (cost === 0) break;
  }
  return best.place;
}

/* Places of labels, in the order of `labels`; null where no place is free: better none than a wrong one.

   labels   [{key, w, lines: [[points, ...] of the thick line, [points, ...] of the thin one], closed}] in pixels
   soft     [points, ...]: lines that a label covers only if it must
   taken    [{cx, cy, w, h}]: boxes that no label and no leader covers
   before   Map of key -> where the label was in its shape, [dx, dy] from its middle; it is brought up to date

   A place is {cx, cy, w, h, leader: [x0, y0, x1, y1] from the label to its line, or null}. */
export function findPlaces(size, labels, soft, taken, before) {
  const own = labels.map(({ lines, closed }) => {
    const grid = emptyGrid(size);
    for (const points of lines.flat()) markLine(grid, points, closed);
    return grid;
  });
  const all = total(own, size);
  const softGrid = emptyGrid(size);
  for (const points of soft) markLine(softGrid, points, true);
  const softCount = counter(softGrid);
  const leaders = emptyGrid(size);
  const boxes = taken.slice();
  return labels.map((label, l) => {
    const others = without(all, own[l], leaders);
    const place = bestPlace(size, label, others, softCount, boxes, before);
    if (!place) {
      before.delete(label.key);
      return null;
    }
    boxes.push(place);
    if (place.leader) markLine(leaders, place.leader, false);
    before.set(label.key, place.offset);
    return place;
  });
}

function bestPlace(size, { key, w, lines, closed }, others, softCount, boxes, before) {
  const hardCount = counter(others);
  const h = HEIGHT;
  const middle = middleOf(lines[0].flat());
  const last = before.get(key);
  let best = null;
  const consider = (cx, cy, anchor, gap, price) => {
    if (cx - w / 2 < MARGIN.left || cx + w / 2 > size.width - MARGIN.right) return;
    if (cy - h / 2 < MARGIN.top || cy + h / 2 > size.height - MARGIN.bottom) return;
    const offset = [cx - middle[0], cy - middle[1]];
    let cost = price + 0.25 * gap;
    if (last) cost += Math.min(Math.hypot(offset[0] - last[0], offset[1] - last[1]) * CALM[0], CALM[1]);
    if (best && cost >= best.cost) return;
    if (hardCount(cx, cy, w + 2 * HALO, h + 2 * HALO) > 0) return;
    const box = { cx, cy, w, h };
    if (boxes.some((other) => overlap(box, other))) return;
    cost += 5 * softCount(cx, cy, w, h);
    let leader = null;
    if (gap > GAPS[0] || hardCount(cx, cy, w + 2 * AMBIGUOUS, h + 2 * AMBIGUOUS) > 0) {
      leader = leaderOf(box, anchor);
      if (boxes.some((other) => touches(other, ...leader))) return;
      cost += 4 + crossings(others, ...leader);
    }
    if (!best || cost < best.cost) best = { ...box, cost, offset, leader };
  };
  const anchors = anchorsOf(size, lines);
  for (const { x, y, price } of anchors) {
    let [nx, ny] = [x - middle[0], y - middle[1]];
    if (!closed) ny = Math.min(ny, -0.3 * Math.abs(nx)) - 6;
    const length = Math.hypot(nx, ny) || 1;
    [nx, ny] = [nx / length, ny / length];
    // How far the middle of a box is from a line that it touches with a side or a corner.
    const reach = Math.min(w / 2 / Math.max(Math.abs(nx), 1e-6), h / 2 / Math.max(Math.abs(ny), 1e-6));
    for (const gap of GAPS) consider(x + nx * (gap + reach), y + ny * (gap + reach), [x, y], gap, price);
    if (closed) consider(x - nx * (GAPS[0] + reach), y - ny * (GAPS[0] + reach), [x, y], GAPS[0], price + 8);
  }
  if (!best) everywhere(size, w, anchors, consider);
  return best;
}

/* Points of the lines to which a label can be tied; those of the thin line are a little dearer. */
function anchorsOf(size, lines) {
  return lines.flatMap((group, i) => group.flatMap((points) => {
    const kept = thinned(points, 36);
    return Array.from({ length: kept.length / 2 }, (_, k) => ({ x: kept[2 * k], y: kept[2 * k + 1], price: 3 * i }));
  })).filter(({ x, y }) => x > 2 && y > 2 && x < size.width - 2 && y < size.height - 2);
}

/* Where the neighbourhood of a line is full: all over the picture, tied to the nearest point of the line. */
function everywhere(size, w, anchors, consider) {
  for (let cy = MARGIN.top + HEIGHT / 2; cy < size.height - MARGIN.bottom; cy += 9) {
    for (let cx = MARGIN.left + w / 2; cx < size.width - MARGIN.right; cx += 14) {
      let [near, anchor] = [Infinity, null];
      for (const { x, y } of anchors) {
        const distance = Math.hypot(x - cx, y - cy);
        if (distance < near) [near, anchor] = [distance, [x, y]];
      }
      if (anchor) consider(cx, cy, anchor, near, 40);
    }
  }
}

function middleOf(groups) {
  let [x, y, n] = [0, 0, 0];
  for (let i = 0; i < groups.length; i += 2) {
    x += groups[i];
    y += groups[i + 1];
    n += 1;
  }
  return n ? [x / n, y / n] : [0, 0];
}

/* From the border of a box to a point outside it. */
function leaderOf({ cx, cy, w, h }, [x, y]) {
  const clampTo = (value, low, high) => Math.min(Math.max(value, low), high);
  return [clampTo(x, cx - w / 2 + 3, cx + w / 2 - 3), clampTo(y, cy - h / 2 + 1, cy + h / 2 - 1), x, y];
}
