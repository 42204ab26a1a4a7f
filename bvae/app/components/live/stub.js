/* What Streamlit runs: it fetches the live view's modules, after the page has been drawn, and hands them the data. */

const HINT = "Preparing the model for this view: once for each model, about half a minute.";

/* The server's own address, also where the app lies below another one. */
const address = (path) => new URL(path, window.__streamlit?.BACKEND_BASE_URL ?? new URL(".", location.href)).href;
const idle = () => new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve, { timeout: 2000 }));

async function start(root, data) {
  await idle();
  const at = (name) => import(address(`${data.modules}${name}.mjs`));
  const view = await at(data.view);
  const openModel = async (path) => {
    const { opened } = await at("serving");
    return opened(address(path), address(data.runtime), () => root.isConnected, (on) => {
      root.dataset.hint = on ? HINT : "";
    });
  };
  return view.create(root.querySelector(".stage"), { openModel });
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".bvae-live");
  if (!root || !data) return undefined;
  // Kept on the element: this function runs again for every change of the data or of the theme.
  root.live ??= start(root, data);
  root.live.then((view) => view.update(data, (rest) => setStateValue("rest", rest)))
    .catch((error) => console.error(error)); // the page is whole without
  return () => {
    root.live?.then((view) => view.destroy()).catch(() => {});
    root.live = null;
  };
}
