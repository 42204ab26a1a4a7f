/* Pictures while a point moves, before whoever decodes has answered: between the four nearest of the map's pictures.

   Where all decoding happens in the browser this module has nothing to do any more. */

export function createPreview() {
  let sheets = [];

  return {
    /* `uris`: for every view the pictures of the map in one, or null; `cells` of them a side. */
    async take(uris, cells) {
      const now = uris.map((uri) => (uri ? { image: Object.assign(new Image(), { src: uri }), cells } : null));
      sheets = now;
      await Promise.all(now.map((sheet) => sheet?.image.decode().then(() => { sheet.ready = true; })));
    },
    /* Draw view m at a place, as shares of the map from its left and top; false where it cannot. */
    draw(canvas, m, [left, top]) {
      const sheet = sheets[m];
      if (!sheet?.ready) return false;
      const { image, cells } = sheet;
      const [width, height] = [image.naturalWidth / cells, image.naturalHeight / cells];
      const [x, y] = [left, top].map((v) => Math.min(Math.max(v * cells - 0.5, 0), cells - 1));
      const [column, row] = [x, y].map((v) => Math.min(Math.floor(v), cells - 2));
      Object.assign(canvas, { width, height });
      const context = canvas.getContext("2d");
      context.globalCompositeOperation = "lighter";
      for (const [dx, dy] of [[0, 0], [1, 0], [0, 1], [1, 1]]) {
        context.globalAlpha = (dx ? x - column : 1 - x + column) * (dy ? y - row : 1 - y + row);
        context.drawImage(image, (column + dx) * width, (row + dy) * height, width, height, 0, 0, width, height);
      }
      return true;
    },
  };
}
