// When the first picture of a page is there and the browser has nothing else to do, fetch what other parts of it and
// other pages need, one file after the other. Nothing of it is run: the browser keeps it until somebody asks for it.
(() => {
  const files = LATER;
  const PICTURE = '[data-testid="stMain"] :is(img, table, canvas, svg[role="img"], .main-svg)';
  const QUIET = 1000;  // milliseconds
  const SOONEST = 500;
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 100));
  const fetchNext = () => {
    const file = files.shift();
    if (!file) return;
    const link = document.createElement("link");
    Object.assign(link, {rel: "prefetch", as: "script", crossOrigin: "anonymous", href: file});
    link.onload = link.onerror = () => idle(fetchNext);
    document.head.append(link);
  };
  const COMPONENT = '[data-testid="stBidiComponentIsolated"]';
  const drawn = () => document.querySelector(PICTURE)
    || [...document.querySelectorAll(COMPONENT)].some((host) => host.shadowRoot?.querySelector("img, canvas, svg"));
  const look = () => {
    const app = document.querySelector('[data-testid="stApp"]');
    if (app?.getAttribute("data-test-script-state") === "notRunning" && drawn()) {
      setTimeout(() => idle(fetchNext), QUIET);
    } else {
      setTimeout(look, SOONEST);
    }
  };
  if (!navigator.connection?.saveData) addEventListener("load", look);
})();
