/* Stands in for Streamlit: mounts the app's components in a plain page, each in a shadow root of its own. */

const dark = matchMedia("(prefers-color-scheme: dark)");

/* What Python wrote into the page. */
export function pageData() {
  return JSON.parse(document.getElementById("data").textContent);
}

/* Mounts a component into `place`, an element with data-component and data-root.

   `data` is what Python gives it in the app; `heard` has a function for every state that it sets. Returns
   { update(data) }. */
export async function mount(place, data, heard = {}) {
  const { component: name, root } = place.dataset;
  const { default: component } = await import(`./${name}.js`);
  const shadow = place.attachShadow({ mode: "open" });
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL(`${name}.css`, import.meta.url);
  const inside = document.createElement("div");
  inside.className = root;
  const ready = new Promise((resolve) => {
    style.onload = style.onerror = resolve;
  });
  shadow.append(style, inside);
  await ready;
  let now = data;
  const setStateValue = (key, value) => heard[key]?.(value);
  const run = () => component({ key: name, name, data: now, parentElement: shadow, setStateValue,
    setTriggerValue: setStateValue });
  run();
  dark.addEventListener("change", run);
  place.dataset.mounted = "yes";
  return {
    update(next) {
      now = next;
      run();
    },
  };
}

/* Calls back now and whenever the theme changes, with whether it is dark. */
export function onTheme(call) {
  call(dark.matches);
  dark.addEventListener("change", () => call(dark.matches));
}

/* The address holds `key` from now on, with a value or several, or with null no longer; Back is not filled. */
export function hold(key, value) {
  const query = new URLSearchParams(location.search);
  query.delete(key);
  for (const each of value === null ? [] : [value].flat()) query.append(key, each);
  const text = query.toString().replaceAll("%7E", "~").replaceAll("%2C", ",");
  history.replaceState(null, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
}

export function asked(key) {
  return new URLSearchParams(location.search).get(key);
}

/* localStorage may be refused; then nothing is remembered. */
export function remembered(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // not allowed here
  }
}
