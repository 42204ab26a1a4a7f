/* Work that follows a finger: once in a frame, for the newest place only. */

const KEPT = 600; // frames whose times are remembered: ten seconds

/* work: async; it is called when something has been asked for since it last began. Returns {ask, stop, times, intervals,
   clear}; times: milliseconds from a frame's beginning to what it has painted; intervals: from the last such moment. */
export function createFrames(work) {
  let wanted = false;
  let running = false;
  let stopped = false;
  const times = [];
  const intervals = [];
  let last = 0; // when the frame before was painted, if this one follows it without a pause

  async function step() {
    if (stopped) return;
    wanted = false;
    const begun = performance.now();
    try {
      await work();
      const now = performance.now();
      times.push(now - begun);
      if (last) intervals.push(now - last);
      last = now;
      for (const list of [times, intervals]) if (list.length > KEPT) list.shift();
    } catch (error) {
      console.error(error);
    }
    if (wanted && !stopped) requestAnimationFrame(step);
    else [running, last] = [false, 0];
  }

  return {
    times,
    intervals,
    clear() {
      [times.length, intervals.length] = [0, 0];
    },
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
