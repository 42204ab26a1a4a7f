/* Work that follows a finger: once in a frame, for the newest place only. */

const KEPT = 600; // frames whose times are remembered: ten seconds

/* work: async; it is called when something has been asked for since it last began. Returns {ask, stop, times}; times:
   milliseconds from a frame's beginning to what it has painted. */
export function createFrames(work) {
  let wanted = false;
  let running = false;
  let stopped = false;
  const times = [];

  async function step() {
    if (stopped) return;
    wanted = false;
    const begun = performance.now();
    try {
      await work();
      times.push(performance.now() - begun);
      if (times.length > KEPT) times.shift();
    } catch (error) {
      console.error(error);
    }
    if (wanted && !stopped) requestAnimationFrame(step);
    else running = false;
  }

  return {
    times,
    get busy() {
      return running;
    },
    ask() {
      wanted = true;
      if (running) return;
      running = true;
      requestAnimationFrame(step);
    },
    stop() {
      stopped = true;
    },
  };
}
