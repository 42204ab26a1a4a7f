/* What Streamlit runs: it fetches the live view's modules, after the page has been drawn, and hands them the data. */

const WAIT = 2500; // milliseconds until a model that is being prepared is asked for again
const TRIES = 200;

/* The server's own address, also where the app lies below another one. */
const address = (path) => new URL(path, window.__streamlit?.BACKEND_BASE_URL ?? new URL(".", location.href)).href;
const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const idle = () => new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve, { timeout: 2000 }));

async function start(root, data) {
  await idle();
  const at = (name) => import(address(`${data.modules}${name}.mjs`));
  const view = await at(data.view);

  async function openModel(path) {
    await idle();
    for (let i = 0; i < TRIES && root.isConnected; i++) {
      const answer = await fetch(address(`${path}model.json`));
      if (answer.status === 200) {
        root.dataset.hint = "";
        const [{ open }, { load }] = await Promise.all([at("model"), at("runtime")]);
        return open(address(path), { runtime: load(address(data.runtime)) });
      }
      if (answer.status !== 202) break;
      root.dataset.hint = "Preparing the model for this view: once for each model, about half a minute.";
      await later(WAIT);
    }
    root.dataset.hint = "";
    return {};
  }

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
