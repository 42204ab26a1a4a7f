/* Work that follows a finger: once in a frame, for the newest place only. */

const KEPT = 600; // frames whose times are remembered: ten seconds

/* work: async; it is called when something has been asked for since it last began. Returns {ask, stop, busy, times,
   painted, clear}; times: milliseconds from a frame's beginning to what it has painted; painted: when that was. */
export function createFrames(work) {
  let wanted = false;
  let running = false;
  let stopped = false;
  const times = [];
  const painted = [];

  async function step() {
    if (stopped) return;
    wanted = false;
    const begun = performance.now();
    try {
      await work();
      painted.push(performance.now());
      times.push(painted.at(-1) - begun);
      for (const list of [times, painted]) if (list.length > KEPT) list.shift();
    } catch (error) {
      console.error(error);
    }
    if (wanted && !stopped) requestAnimationFrame(step);
    else running = false;
  }

  return {
    times,
    painted,
    clear() {
      [times.length, painted.length] = [0, 0];
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
