/* What the other views make of a drawing, at every stroke: its view is encoded, and the belief's mean decoded, here.

   The canvas is another component; it tells the page of every stroke by the event "bvae-drawing". */

import { moments } from "./aggregation.mjs";
import { difference, unpacked } from "./answers.mjs";
import { centred, entered } from "./drawing.mjs";
import { htmlNode, setText } from "../../playground/browser/nodes.mjs";
import { createFrames } from "./frames.mjs";
import { createPictures } from "./pictures.mjs";

const STEP = 85; // grey levels of the canvas, of 255

export function create(root, { openModel }) {
  let scene = null;
  let model = null;
  let cells = null; // what is being drawn
  let live = null; // {key, values}: what was decoded last
  let pictures = null;
  let recipe = null;

  const place = htmlNode("div", { className: "place" });
  const status = htmlNode("p", { className: "said" });
  root.classList.add("single");
  root.replaceChildren(place);

  const frames = createFrames(async () => {
    if (!model || !cells) return;
    const now = cells;
    const ink = Float32Array.from(now, (v) => v * STEP);
    if (!ink.some(Boolean)) return;
    const x = entered(scene.centre ? centred(ink) : ink, recipe);
    const { [scene.view]: q } = await model.encode({ [scene.view]: x });
    const own = scene.views.map(({ name }) => (name === scene.view ? q : null));
    const joint = model.aggregate(scene.rule, own.map((e) => e && e.loc), own.map((e) => e && e.scale),
      scene.views.map(() => 1));
    if (!joint) return; // a rule that Python alone knows
    const values = await model.decode(moments(joint).mean, 1);
    live = { key: now.join(""), values };
    pictures.show(values, "decoded while you draw");
    pictures.caption({});
    setText(status, "Decoded in your browser while you draw.");
    root.dataset.frames = frames.times.length + 1;
  });

  const drawn = ({ detail }) => {
    cells = detail.cells;
    frames.ask();
  };
  window.addEventListener("bvae-drawing", drawn);
  root.live = { frames }; // benchmarks read it

  return {
    async update(data) {
      if (data.scene.revision !== scene?.revision) {
        const before = scene;
        scene = data.scene;
        recipe = { above: scene.above, ...unpacked({ blank: scene.blank, full: scene.full }, []) };
        if (JSON.stringify(before?.views) !== JSON.stringify(scene.views)) {
          pictures = createPictures(scene.views);
          place.replaceChildren(pictures.root, status);
        }
        if (before?.model !== scene.model) {
          model = null;
          root.dataset.ready = "";
          openModel(scene.model).then(async (opened) => {
            if (!opened || scene.model !== data.scene.model) return;
            await Promise.all([opened.ready("encoder", [scene.view]), opened.ready("decoder")]);
            model = opened;
            root.dataset.ready = "true";
          });
        }
      }
      const { answer } = data;
      const exact = unpacked(answer.values, scene.views);
      if (live?.key === answer.drawing) root.dataset.difference = difference(live.values, exact, scene.views);
      if (!frames.busy && (!cells || cells.join("") === answer.drawing)) {
        pictures.show(exact, answer.alt);
        pictures.caption(answer.judged);
        setText(status, answer.said);
      }
      root.dataset.drawing = answer.drawing;
    },
    destroy() {
      window.removeEventListener("bvae-drawing", drawn);
      frames.stop();
    },
  };
}
