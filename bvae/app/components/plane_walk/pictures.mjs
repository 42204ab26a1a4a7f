/* What the decoders make of the place: a row of pictures for each place that is decoded. */

import { element } from "./elements.mjs";

export function createPictures() {
  const root = element("div", { className: "rows" });
  let form = "";
  let tiles = [];

  /* New elements only when there are others: pictures that change by the frame must not flicker. */
  function build(rows, views) {
    tiles = [];
    root.replaceChildren(...rows.map((row) => {
      const figures = row.tiles.map((tile, m) => {
        const view = views[m];
        const node = "uri" in tile ? element("img") : element("div", { className: "words", role: "img" });
        const sketch = "uri" in tile ? element("canvas", { hidden: true, "aria-hidden": "true" }) : null;
        const square = element("span", { textContent: "■ " });
        square.style.color = view.color;
        const caption = element("span", { className: "seen" });
        const figure = element("figure", {}, [
          element("div", { className: "name" }, [square, view.name]),
          element("div", { className: "tile" }, sketch ? [node, sketch] : [node]), element("figcaption", {}, [caption])]);
        tiles.push({ node, caption, sketch });
        return figure;
      });
      const head = element("div", { className: "head" });
      tiles.at(-1).head = head;
      return element("div", { className: "row" }, [head, element("div", { className: "tiles" }, figures)]);
    }));
  }

  return {
    root,
    /* Sketches on top of the first row's pictures: `draw` gets a canvas and the number of the view; `read` gives the text
       of one. */
    sketch(draw, read = () => "") {
      tiles.forEach(({ sketch, node }, m) => {
        if (sketch) sketch.hidden = !draw(sketch, m);
        else if (read(m)) node.textContent = read(m);
      });
    },
    /* The pictures are those of where one is: no sketch is needed. */
    settle() {
      tiles.forEach(({ sketch }) => {
        if (sketch) sketch.hidden = true;
      });
    },
    show(rows, views) {
      const now = JSON.stringify([rows.map((row) => row.tiles.map((tile) => "uri" in tile)), views]);
      if (now !== form) build(rows, views);
      form = now;
      rows.flatMap((row) => row.tiles.map((tile, m) => ({ ...tile, head: m === row.tiles.length - 1 ? row.head : "" })))
        .forEach((tile, k) => {
          const { node, caption, head } = tiles[k];
          if ("uri" in tile) {
            node.src = tile.uri;
            node.alt = tile.alt;
          } else {
            node.textContent = tile.text;
            node.setAttribute("aria-label", tile.alt);
            node.classList.toggle("long", tile.text.length > 12);
          }
          caption.textContent = tile.caption;
          if (head) {
            head.textContent = tile.head;
            head.hidden = !tile.head;
          }
        });
    },
  };
}
