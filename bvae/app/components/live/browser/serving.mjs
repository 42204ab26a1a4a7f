/* A model that the app's server has, or prepares: it answers 202 until then. */

import { open } from "./model.mjs";
import { load } from "./runtime.mjs";

const WAIT = 2500; // milliseconds until a model that is being prepared is asked for again
const TRIES = 200;

const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const idle = () => new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve, { timeout: 2000 }));

/* folder, runtime: addresses. wanted(): whether somebody still waits. preparing(on): told when it has to be waited for.
   Returns what `open` in model.mjs does, or null. It begins when the browser has nothing else to do. */
export async function opened(folder, runtime, wanted = () => true, preparing = () => {}) {
  await idle();
  try {
    for (let i = 0; i < TRIES && wanted(); i++) {
      const answer = await fetch(`${folder}model.json`);
      if (answer.status === 200) return await open(folder, { runtime: load(runtime) });
      if (answer.status !== 202) return null;
      preparing(true);
      await later(WAIT);
    }
    return null;
  } finally {
    preparing(false);
  }
}
