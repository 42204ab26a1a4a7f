/* One question at a time, and the newest one next: whoever answers slowly is asked less often, and nothing piles up. */

const PATIENCE = 5000; // milliseconds, after which a question counts as lost

/* `send` takes a question with its number to whoever decodes: the server, or a decoder in this browser. */
export function createCourier(send) {
  let number = 0;
  let waiting = null; // the question that is under way
  let next = null; // what to ask after it
  let timer = 0;

  function go() {
    clearTimeout(timer);
    waiting = next && { ...next, number: ++number };
    next = null;
    if (!waiting) return;
    timer = setTimeout(() => {
      next = next ?? waiting;
      go();
    }, PATIENCE);
    send(waiting);
  }

  return {
    ask(question) {
      next = question;
      if (!waiting) go();
    },
    answered(answer) {
      if (waiting && answer === waiting.number) go();
    },
    get busy() {
      return waiting !== null;
    },
    stop() {
      clearTimeout(timer);
      waiting = next = null;
    },
  };
}
