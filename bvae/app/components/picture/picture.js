/* What a page shows, as one SVG of pictures, texts, shapes and charts; PNG is that SVG drawn. Nothing is asked of the
   server, and a chart is saved as the vectors that it is. */

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 24;
const GAP = 36; // pixels: what is left of the room of controls, which are not in the picture
const MOST_PIXELS = 16e6; // of a PNG: telephones draw no larger ones
const CONTROLS = [
  "button", "input", "textarea", "select", "script", "style", ".modebar", ".gl-container .regl-canvas-pick",
  ...["Expander", "Popover", "Selectbox", "NumberInput", "TextInput", "Slider", "SelectSlider", "ButtonGroup", "Radio",
    "Checkbox", "FileUploader", "DownloadButton", "Button", "PageLink", "IconMaterial", "HeaderActionElements",
    "ElementToolbar", "Progress", "Code", "MultiSelect", "TextArea",
  ].map((name) => `[data-testid="st${name}"]`),
].join(",");
const LOOKS = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "opacity", "visibility",
  "display", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline", "color",
];

function node(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

const clear = (color) => color === "transparent" || /, 0\)$/.test(color);
const inside = (a, b) => a.right > b.left && a.left < b.right && a.bottom > b.top && a.top < b.bottom;

/* A copy of an SVG element that looks the same without the page's stylesheets. */
function copied(svg) {
  const copy = svg.cloneNode(true);
  const pairs = [[svg, copy]];
  const [from, to] = [svg.querySelectorAll("*"), copy.querySelectorAll("*")];
  from.forEach((original, i) => pairs.push([original, to[i]]));
  for (const [original, twin] of pairs) {
    const style = getComputedStyle(original);
    for (const look of LOOKS) twin.style.setProperty(look, style.getPropertyValue(look));
    const clip = original.getAttribute("clip-path");
    if (clip) twin.setAttribute("clip-path", clip.replace(/url\(["']?[^#]*(#[^"')]+)["']?\)/, "url($1)"));
  }
  return copy;
}

/* The drawing at an address, which follows the theme by a stylesheet of its own: here it is given its colour. */
function drawing(address) {
  const text = decodeURIComponent(address.slice(address.indexOf(",") + 1));
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (svg.nodeName !== "svg") return null;
  svg.querySelectorAll("style").forEach((style) => style.remove());
  svg.style.color = getComputedStyle(document.querySelector('[data-testid="stApp"]')).color;
  return document.importNode(svg, true);
}

/* A text's lines as the browser has broken them. */
function linesOf(text) {
  const lines = [];
  const range = document.createRange();
  for (const { 0: word, index } of text.data.matchAll(/\S+\s*/g)) {
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    const box = range.getClientRects()[0];
    if (!box || !box.width) continue;
    const last = lines.at(-1);
    if (last && Math.abs(last.top - box.top) < 2) {
      last.words += word;
      last.right = box.right;
    } else {
      lines.push({ words: word, left: box.left, right: box.right, top: box.top, bottom: box.bottom });
    }
  }
  return lines;
}

/* All that is seen in an element, as [{ box, element to place, solid: whether it is more than a background }]. */
function seen(root) {
  const found = [];
  const measure = document.createElement("canvas").getContext("2d");
  const add = (box, element, solid = true) => found.push({ box, element, solid });

  function text(child, style, opacity) {
    measure.font = style.font;
    const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = measure.measureText("x");
    if (style.writingMode !== "horizontal-tb" && child.data.trim()) { // the name of a vertical axis, read upwards
      const range = document.createRange();
      range.selectNodeContents(child);
      const box = range.getBoundingClientRect();
      const element = node("text", {
        "font-family": style.fontFamily, "font-size": style.fontSize, fill: style.color, opacity,
        "text-anchor": "middle", "dominant-baseline": "central",
      }, child.data.trim());
      element.dataset.upwards = "yes";
      add(box, element);
      return;
    }
    for (const line of linesOf(child)) {
      const share = up + down > 0 ? up / (up + down) : 0.8;
      const words = line.words.trimEnd();
      const element = node("text", {
        "font-family": style.fontFamily, "font-size": style.fontSize, "font-weight": style.fontWeight,
        "font-style": style.fontStyle, fill: style.color, opacity, "xml:space": "preserve",
        textLength: line.right - line.left, lengthAdjust: "spacingAndGlyphs",
      }, line.words.length > words.length && line.words.includes(" ") ? line.words.replace(/\s$/, "\u00a0") : words);
      element.dataset.rise = share * (line.bottom - line.top);
      add(line, element);
    }
  }

  function visit(element, opacity, frame) {
    if (element.matches(CONTROLS)) return;
    const style = getComputedStyle(element);
    if (style.display === "none" || style.visibility === "hidden" || style.clipPath === "inset(50%)") return;
    const shown = opacity * Number(style.opacity);
    const box = element.getBoundingClientRect();
    const there = box.width > 0 && box.height > 0;
    if (there && !inside(box, frame)) return;
    if (there && style.display !== "contents") {
      const radius = Math.min(parseFloat(style.borderTopLeftRadius) || 0, box.width / 2);
      const border = parseFloat(style.borderTopWidth) || 0;
      if (!clear(style.backgroundColor) && element !== root) {
        add(box, node("rect", { rx: radius, fill: style.backgroundColor, opacity: shown }), false);
      }
      const behind = style.backgroundImage.match(/^url\("(data:image\/svg[^"]*)"\)$/)?.[1];
      const sample = behind ? drawing(behind) : null;
      if (sample) add(box, sample);
      if (element.localName === "img") {
        const vector = element.src.startsWith("data:image/svg") ? drawing(element.src) : null;
        add(box, vector ?? node("image", {
          href: element.src, preserveAspectRatio: style.objectFit === "fill" ? "none" : "xMidYMid meet",
          style: `image-rendering: ${style.imageRendering}`, opacity: shown,
        }));
      } else if (element.localName === "canvas") {
        try {
          add(box, node("image", {
            href: element.toDataURL(), preserveAspectRatio: "none", style: `image-rendering: ${style.imageRendering}`,
          }));
        } catch {
          // a canvas that the browser does not let be read
        }
      } else if (element.localName === "svg") {
        add(box, copied(element));
        return;
      }
      if (border > 0 && style.borderTopStyle !== "none" && !clear(style.borderTopColor)) {
        const sides = ["Top", "Right", "Bottom", "Left"].every((side) => parseFloat(style[`border${side}Width`]) > 0);
        if (sides) {
          const line = node("rect", {
            rx: radius, fill: "none", stroke: style.borderTopColor, "stroke-width": border, opacity: shown,
            ...(style.borderTopStyle === "dashed" ? { "stroke-dasharray": "5 4" } : {}),
          });
          line.dataset.inset = border / 2;
          add(box, line, false);
        }
      }
    }
    const clips = /auto|scroll|hidden/.test(style.overflowX) && there ? {
      left: Math.max(frame.left, box.left), right: Math.min(frame.right, box.right),
      top: frame.top, bottom: frame.bottom,
    } : frame;
    for (const child of (element.shadowRoot ?? element).childNodes) {
      if (child.nodeType === Node.TEXT_NODE) text(child, style, shown);
      else if (child.nodeType === Node.ELEMENT_NODE) visit(child, shown, clips);
    }
  }

  visit(root, 1, { left: -Infinity, right: Infinity, top: -Infinity, bottom: Infinity });
  return found;
}

/* Where a height of the page lies in the picture, in which empty room is no larger than GAP. */
function compacted(parts) {
  const spans = parts.filter((part) => part.solid).map(({ box }) => [box.top, box.bottom]).sort((a, b) => a[0] - b[0]);
  const cuts = []; // [from which height on, how much is left out]
  let end = spans[0][0];
  let out = end;
  cuts.push([-Infinity, out]);
  for (const [top, bottom] of spans) {
    if (top - end > GAP) {
      out += top - end - GAP;
      cuts.push([top, out]);
    }
    end = Math.max(end, bottom);
  }
  return { height: end - out, at: (y) => y - cuts.filter(([from]) => y >= from).at(-1)[1] };
}

export function picture(root, address) {
  const parts = seen(root);
  const solid = parts.filter((part) => part.solid);
  if (!solid.length) return null;
  const { height, at } = compacted(parts);
  const left = Math.min(...solid.map(({ box }) => box.left));
  const width = Math.max(...solid.map(({ box }) => box.right)) - left + 2 * MARGIN;
  const app = getComputedStyle(document.querySelector('[data-testid="stApp"]'));
  const whole = height + 2 * MARGIN + 20;
  const svg = node("svg", { xmlns: SVG, width, height: whole, viewBox: `0 0 ${width} ${whole}` });
  svg.append(node("title", {}, document.title), node("rect", { width, height: whole, fill: app.backgroundColor }));
  for (const { box, element, solid: filled } of parts) {
    const [x, y] = [box.left - left + MARGIN, at(box.top) + MARGIN];
    if (element.dataset?.upwards) {
      const turned = [x + (box.right - box.left) / 2, y + (box.bottom - box.top) / 2];
      element.setAttribute("transform", `translate(${turned.join(" ")}) rotate(-90)`);
    } else if (element.localName === "text") {
      element.setAttribute("x", x);
      element.setAttribute("y", y + Number(element.dataset.rise));
    } else {
      const inset = Number(element.dataset?.inset ?? 0);
      const tall = filled ? box.bottom - box.top : at(box.bottom) - at(box.top);
      const places = { x: x + inset, y: y + inset, width: box.right - box.left - 2 * inset, height: tall - 2 * inset };
      for (const [key, value] of Object.entries(places)) element.setAttribute(key, Math.max(0, value));
    }
    delete element.dataset.rise;
    delete element.dataset.inset;
    delete element.dataset.upwards;
    svg.append(element);
  }
  svg.append(node("text", {
    x: MARGIN, y: whole - MARGIN / 2, "font-family": "sans-serif", "font-size": 11, fill: app.color, opacity: 0.7,
  }, address));
  return svg;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function rastered(svg, text) {
  const [width, height] = ["width", "height"].map((side) => Number(svg.getAttribute(side)));
  const scale = Math.min(2, Math.sqrt(MOST_PIXELS / (width * height)));
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => { canvas.toBlob(done, "image/png"); });
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

function createButtons(root) {
  let file = "";
  const said = document.createElement("span");
  said.className = "saved";
  said.setAttribute("role", "status");
  const button = (text, ending) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.onclick = async () => {
      said.textContent = "";
      try {
        const svg = picture(document.querySelector('[data-testid="stMainBlockContainer"]'), window.location.href);
        const text = new XMLSerializer().serializeToString(svg);
        save(ending === "svg" ? new Blob([text], { type: "image/svg+xml" }) : await rastered(svg, text),
          `${file}.${ending}`);
        said.textContent = `Saved as ${file}.${ending}`;
      } catch {
        said.textContent = "This browser could not draw the picture.";
      }
    };
    return made;
  };
  root.replaceChildren(button("Save the picture as PNG", "png"), button("Save it as SVG", "svg"), said);
  return { update(data) { file = data.file; } };
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".bvae-picture");
  if (!root || !data) return undefined;
  root.buttons = root.buttons ?? createButtons(root);
  root.buttons.update(data);
  return () => { root.buttons = null; };
}
