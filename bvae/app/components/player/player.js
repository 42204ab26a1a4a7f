/* Frames of several modalities, side by side, played to and fro. */

const PERIOD = 110; // milliseconds a frame
const REST = 6; // frames at either end

function element(tag, properties = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function createPlayer(root) {
  let data = null;
  let known = "";
  let screens = [];
  let frame = 0;
  let direction = 1;
  let resting = 0;
  let timer = 0;
  let playing = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  const stage = element("div", { className: "screens" });
  const toggle = element("button", { type: "button" });
  const slider = element("input", { type: "range", min: 0, step: 1, "aria-label": "Frame of the path" });
  const now = element("p", { className: "now" });
  root.replaceChildren(stage, element("div", { className: "bar" }, [toggle, slider]), now);

  function show() {
    screens.forEach(({ view, node }) => {
      if (view.kind === "image") node.src = view.frames[frame];
      else node.textContent = view.frames[frame];
    });
    slider.value = frame;
    slider.setAttribute("aria-valuetext", data.captions[frame]);
    now.textContent = data.captions[frame];
    toggle.textContent = playing ? "❚❚ Pause" : "▶ Play";
    toggle.setAttribute("aria-label", playing ? "Pause the animation" : "Play the animation");
    root.dataset.playing = playing;
  }

  function tick() {
    if (resting > 0) {
      resting -= 1;
      return;
    }
    const last = data.captions.length - 1;
    if (frame + direction < 0 || frame + direction > last) direction = -direction;
    frame += direction;
    if (frame === 0 || frame === last) resting = REST;
    show();
  }

  function run() {
    clearInterval(timer);
    if (playing && data) timer = setInterval(tick, PERIOD);
    show();
  }

  toggle.onclick = () => {
    playing = !playing;
    run();
  };
  slider.oninput = () => {
    playing = false;
    frame = Number(slider.value);
    run();
  };

  return {
    update(next) {
      const text = JSON.stringify(next);
      if (text === known) return;
      known = text;
      data = next;
      frame = Math.min(frame, data.captions.length - 1);
      slider.max = data.captions.length - 1;
      screens = data.views.map((view) => {
        const image = view.kind === "image";
        const node = image ? element("img", { alt: `${view.name}, the current frame` })
          : element("div", { className: "words" });
        const long = !image && view.frames.some((words) => words.length > 12);
        const square = element("span", { textContent: "■ " });
        square.style.color = view.color;
        const caption = element("figcaption", {}, [square, view.name]);
        stage.append(element("figure", { className: long ? "screen wide" : "screen" }, [caption, node]));
        return { view, node };
      });
      stage.replaceChildren(...[...stage.children].slice(-screens.length));
      run();
    },
    destroy() {
      clearInterval(timer);
    },
  };
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".bvae-player");
  if (!root || !data) return undefined;
  root.player = root.player ?? createPlayer(root);
  root.player.update(data);
  return () => {
    root.player?.destroy();
    root.player = null;
  };
}
