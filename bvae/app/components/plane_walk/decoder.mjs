/* Pictures of a place, decoded in this browser by the live views' modules; until those are there, none. */

const address = (path) => new URL(path, window.__streamlit?.BACKEND_BASE_URL ?? new URL(".", location.href)).href;

export function createDecoder() {
  let known = "";
  let model = null;
  let drawing = null; // pictures.mjs
  let stopped = false;

  return {
    get ready() {
      return model !== null;
    },
    /* live: {model, modules, runtime} of the server, or null where there are none. */
    async take(live) {
      if (!live || live.model === known) return;
      known = live.model;
      model = null;
      try {
        const at = (name) => import(address(`${live.modules}${name}.mjs`));
        const [{ opened }, pictures] = await Promise.all([at("serving"), at("pictures")]);
        const found = await opened(address(live.model), address(live.runtime), () => !stopped);
        if (!found || known !== live.model) return;
        await found.ready("decoder");
        [model, drawing] = [found, pictures];
      } catch (error) {
        console.error(error); // the map's own pictures serve as before
      }
    },
    /* What the decoders make of a place: (canvas, m) => whether it could be drawn, and (m) => a text or "". */
    async look(z) {
      const { modalities } = model.manifest;
      const values = await model.decode(Float32Array.from(z), 1);
      return {
        draw(canvas, m) {
          const { name, kind, shape } = modalities[m];
          if (kind !== "image") return false;
          drawing.paintImage(canvas, values[name], shape);
          return true;
        },
        text(m) {
          const { name, kind, shape, alphabet } = modalities[m];
          return kind === "text" ? drawing.readText(values[name], shape, alphabet) : "";
        },
      };
    },
    stop() {
      stopped = true;
    },
  };
}
