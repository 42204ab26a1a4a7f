/* Python's numbers: packed for the way, and how far they are from those that were computed here. */

/* {name: base64} -> {name: Float32Array}: bytes for pictures, float32 for all else. */
export function unpacked(packed, views) {
  const kinds = new Map(views.map(({ name, kind }) => [name, kind]));
  return Object.fromEntries(Object.entries(packed).map(([name, text]) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return [name, kinds.get(name) === "image" ? Float32Array.from(bytes, (v) => v / 255) :
      new Float32Array(bytes.buffer)];
  }));
}

/* The largest difference: of pictures in levels of 1/255, of other numbers as a share of the larger of 1 and their size,
   in parts of 1/255 too. At most 1 means that they look the same. */
export function difference(ours, theirs, views) {
  let worst = 0;
  for (const { name, kind } of views) {
    const [own, exact] = [ours[name], theirs[name]];
    if (!own || !exact) continue;
    for (let i = 0; i < exact.length; i++) {
      const apart = kind === "image" ? Math.abs(Math.round(255 * own[i]) - Math.round(255 * exact[i])) :
        (255 * Math.abs(own[i] - exact[i])) / Math.max(1, Math.abs(exact[i]));
      worst = Math.max(worst, apart);
    }
  }
  return worst;
}
