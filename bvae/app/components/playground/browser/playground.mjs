/* The playground: Gaussian experts that one drags, and their aggregates, which follow at the screen's rate.

   The scene lives here; Python gets it when a gesture ends and may replace it by a new revision. Everything drawn is
   SVG with its style in attributes, so that a copy of it is a complete file. */

import { themeAt } from "./appearance.mjs";
import { drawAxes } from "./axes.mjs";
import { buildControls, connectControls, syncControls } from "./controls.mjs";
import { description } from "./description.mjs";
import { noiseFor } from "./draws.mjs";
import { connectFiles } from "./files.mjs";
import { drawHandles } from "./handles.mjs";
import { listenToKeys } from "./keyboard.mjs";
import { syncLegend } from "./legend.mjs";
import { drawLine } from "./line.mjs";
import { axesOf } from "./matrices.mjs";
import { setAttributes, setText } from "./nodes.mjs";
import { createPage } from "./page.mjs";
import { drawPlane } from "./plane.mjs";
import { listenToPointers } from "./pointer.mjs";
import { findResults, takeAnswers } from "./results.mjs";
import { cleanScene, roundedScene } from "./scene.mjs";
import { pictureSize, smallSize } from "./shapes.mjs";
import { createState, seenExperts } from "./state.mjs";
import { createStory, drawStory } from "./story.mjs";
import { drawTriangle } from "./triangle.mjs";

const DRAWS = 150;
const WIDE = 860; // pixels: from there on the controls stand beside the picture
const NOISE = noiseFor(DRAWS);

/* A function that draws one frame. */
function painter(state, page) {
  let averageMs = 0;
  return () => {
    if (!state.scene || !state.size.width) return;
    const start = performance.now();
    findResults(state);
    const layers = Object.values(page.layers);
    for (const layer of layers) layer.begin();
    drawAxes(state, page.layers);
    const draw = state.scene.view === "plane" ? drawPlane : drawLine;
    draw(state, page.layers, seenExperts(state), NOISE);
    drawHandles(state, page.layers);
    for (const layer of layers) layer.end();
    drawTriangle(state, page);
    syncLegend(state, page.legend);
    syncControls(state, page);
    if (page.story) drawStory(state, page, page.story);
    else if (state.describeSoon && !state.drag) {
      state.describeSoon = false;
      setText(page.status, description(state));
    }
    const spent = performance.now() - start;
    averageMs = averageMs ? 0.85 * averageMs + 0.15 * spent : spent;
    page.root.dataset.frameMs = averageMs.toFixed(2);
  };
}

/* What gestures, keys and controls call when they have changed the scene. `send` takes a scene to Python. */
function createActions(state, page, send) {
  const paint = painter(state, page);
  let frame = 0;
  let keyTimer = 0;
  const actions = {
    /* Draw soon. */
    schedule() {
      if (frame) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        paint();
      });
    },
    /* The scene changed; `finished` if no more of the same gesture will come. */
    changed(finished) {
      actions.schedule();
      if (finished) actions.commit();
    },
    /* A native slider ends a gesture when the button is released, but with every key press too: wait for a pause. */
    released() {
      if (page.root.dataset.input === "keys") actions.commitSoon();
      else actions.commit();
    },
    commitSoon() {
      clearTimeout(keyTimer);
      keyTimer = setTimeout(actions.commit, 250);
    },
    commit() {
      actions.forget();
      const next = roundedScene(state.scene);
      const text = JSON.stringify(next);
      state.describeSoon = true;
      actions.schedule();
      if (text === state.lastSent) return;
      state.lastSent = text;
      send(next);
    },
    /* Nothing is waiting to be sent any more. */
    forget() {
      clearTimeout(keyTimer);
    },
    stop() {
      cancelAnimationFrame(frame);
      clearTimeout(keyTimer);
    },
  };
  return actions;
}

function createPlayground(root) {
  const state = createState();
  const page = createPage(root);
  let revision = null;
  let setScene = () => {};
  let themeTimer = 0;
  let measuring = 0;
  const actions = createActions(state, page, (scene) => setScene({ ...scene, revision }));
  connectControls(state, page, actions);
  connectFiles(state, page);
  listenToPointers(state, page, actions);
  listenToKeys(state, page, actions);

  function adopt(raw) {
    state.scene = cleanScene(raw, state.ruleOrder);
    state.shapes = state.scene.experts.map((expert) => axesOf(expert.cov));
    state.labelPlaces.clear();
    state.lastSent = JSON.stringify(roundedScene(state.scene));
    state.drag = null;
    actions.forget();
  }

  /* Whether the theme is another one than before. */
  function readTheme() {
    const next = themeAt(page.probe);
    const isNew = JSON.stringify(next) !== JSON.stringify(state.theme);
    state.theme = next;
    root.dataset.theme = next.dark ? "dark" : "light";
    return isNew;
  }

  function refreshTheme() {
    if (!state.scene || !readTheme()) return;
    buildControls(state, page, actions);
    actions.schedule();
  }

  function measure() {
    const total = root.clientWidth;
    if (!total) return;
    root.classList.toggle("wide", total >= WIDE);
    const { clientWidth } = page.box;
    state.size = state.story ? smallSize(clientWidth) : pictureSize(clientWidth, window.innerHeight);
    const { width, height } = state.size;
    setAttributes(page.picture, { width, height, viewBox: `0 0 ${width} ${height}` });
    actions.schedule();
  }

  const measureSoon = () => {
    // Measured in the next frame: changing sizes inside the observer's callback would raise a loop error.
    cancelAnimationFrame(measuring);
    measuring = requestAnimationFrame(measure);
  };
  const observer = new ResizeObserver(measureSoon);
  observer.observe(root);
  window.addEventListener("resize", measureSoon); // of its height, too

  return {
    update(data, setStateValue) {
      setScene = (next) => setStateValue("scene", next);
      let rebuild = readTheme();
      if (JSON.stringify(data.styles) !== JSON.stringify(state.styles)) {
        state.styles = data.styles;
        state.ruleOrder = Object.keys(state.styles.rules);
        rebuild = true;
      }
      if (revision !== data.revision || !state.scene) {
        revision = data.revision;
        adopt(data.scene);
        rebuild = true;
      }
      state.story = data.story ?? null;
      if (state.story) page.story ??= createStory(state, page, actions);
      takeAnswers(state, data.answers);
      state.describeSoon = true;
      if (rebuild) buildControls(state, page, actions);
      measure();
      actions.schedule();
      // The theme's variables may be set only after this call.
      clearTimeout(themeTimer);
      themeTimer = setTimeout(refreshTheme, 120);
    },
    destroy() {
      observer.disconnect();
      window.removeEventListener("resize", measureSoon);
      actions.stop();
      cancelAnimationFrame(measuring);
      clearTimeout(themeTimer);
    },
  };
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".bvae-playground");
  if (!root || !data) return undefined;
  // Kept on the element: this function runs again for every change of the data or of the theme.
  root.playground = root.playground ?? createPlayground(root);
  root.playground.update(data, setStateValue);
  return () => {
    root.playground?.destroy();
    root.playground = null;
  };
}
