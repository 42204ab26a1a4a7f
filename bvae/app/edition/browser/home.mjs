/* Home: the story, which one can take over; the address holds the scene that one has made. */

import { asked, hold, mount, pageData } from "./host.mjs";
import { decode, encode } from "./scene-link.mjs";

const { scene, styles, story } = pageData();
let revision = 1;
const rules = Object.keys(styles.rules);
const began = encode(scene);
const start = decode(asked("scene"), { ...scene, experts: [], weights: [] }, rules) ?? scene;

const given = (shown) => ({ scene: shown, revision, styles, answers: null, story });
const canvas = await mount(document.querySelector(".mount"), given(start), {
  scene({ revision: of, ...next }) {
    if (of !== revision) return;
    const text = encode(next);
    hold("scene", text === began ? null : text);
  },
});
document.getElementById("reset").onclick = () => {
  revision += 1;
  hold("scene", null);
  canvas.update(given(scene));
};
