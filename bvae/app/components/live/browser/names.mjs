/* Where the names of points stand: each beside its own, within the frame, on no other point or name if that can be. */

const HIGH = 15; // a line of letters
const AWAY = 8; // from its point
const CORNERS = [[1, -7], [-1, -7], [1, 17], [-1, 17], [1, 4], [-1, 4]];
// right or left; above, below, or level with the point

/* spots: [[x, y]]; side, edge: of the square that they lie in, and of what stays free around; letter: its width;
   handle: what is dragged, or null.
   Returns [{x, y, anchor}], as SVG's text takes them. */
export function besides(spots, names, { side, edge, letter, handle = null }) {
  const taken = spots.map(([x, y]) => [x - 5, y - 5, x + 5, y + 5]);
  if (handle) taken.push([handle[0] - 9, handle[1] - 9, handle[0] + 9, handle[1] + 9]);
  return spots.map(([x, y], k) => {
    const wide = letter * names[k].length;
    const tried = CORNERS.map(([right, down]) => {
      const start = right > 0 ? x + AWAY : x - AWAY - wide;
      const box = [start, y + down - HIGH + 3, start + wide, y + down + 3];
      const outside = box[0] < edge || box[1] < edge || box[2] > side - edge || box[3] > side - edge;
      const covered = taken.filter((other) => (
        box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])).length;
      const anchor = right > 0 ? "start" : "end";
      return { x: x + AWAY * right, y: y + down, anchor, box, cost: covered + 2 * outside };
    });
    const best = tried.reduce((a, b) => (b.cost < a.cost ? b : a));
    taken.push(best.box);
    return best;
  });
}
