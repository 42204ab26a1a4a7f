/* The picture as a file. */

import { expertStyle, longName, ruleLine } from "./appearance.mjs";
import { htmlNode, setAttributes, SVG_NS, svgNode } from "./nodes.mjs";
import { markerPath } from "./shapes.mjs";
import { fixed2 } from "./texts.mjs";

/* Let the two buttons save the picture. */
export function connectFiles(state, page) {
  page.svgButton.onclick = () => {
    download(page.root, new Blob([pictureText(state, page).text], { type: "image/svg+xml" }), "playground.svg");
  };
  page.pngButton.onclick = () => savePng(state, page);
}

/* A complete SVG file: background, picture, legend, triangle where it is shown. */
function pictureText(state, { picture, triangle }) {
  const { scene, theme } = state;
  const { width, height } = state.size;
  const out = svgNode("svg", { xmlns: SVG_NS, "font-family": theme.font });
  const copy = (source, x, y, w, h) => {
    const inner = svgNode("svg", { x, y, width: w, height: h, viewBox: `0 0 ${w} ${h}` }, out);
    for (const child of source.children) {
      if (child.getAttribute("class") !== "handles") inner.append(child.cloneNode(true));
    }
  };
  const background = svgNode("rect", { x: 0, y: 0, fill: theme.paper }, out);
  copy(picture, 0, 0, width, height);
  let total = drawLegend(state, out, width, height + 12);
  if (scene.layers.path && triangle.style.display !== "none" && triangle.getAttribute("viewBox")) {
    const [, , w, h] = triangle.getAttribute("viewBox").split(" ").map(Number);
    copy(triangle, Math.round((width - w) / 2), total, w, h);
    total += h + 8;
  }
  setAttributes(background, { width, height: total });
  setAttributes(out, { width, height: total, viewBox: `0 0 ${width} ${total}` });
  return { text: new XMLSerializer().serializeToString(out), width, height: total };
}

/* Draws experts and rules with their names from `top` on; returns where it ends. */
function drawLegend(state, out, width, top) {
  const { scene, results, theme } = state;
  const entries = [
    ...scene.experts.map((expert, m) => {
      const { name, color, marker } = expertStyle(state, m);
      return {
        text: `Expert ${name}, weight ${fixed2(scene.weights[m])}${expert.present ? "" : " (missing)"}`,
        draw: (x, y) => svgNode("path", {
          d: markerPath(marker, 6), transform: `translate(${x + 14} ${y})`, fill: color,
        }, out),
      };
    }),
    ...scene.rules.filter((rule) => results.get(rule)).map((rule) => ({
      text: longName(state, rule),
      draw: (x, y) => svgNode("line", { x1: x, x2: x + 28, y1: y, y2: y, ...ruleLine(state, rule) }, out),
    })),
  ];
  const columns = Math.max(Math.floor(width / 250), 1);
  entries.forEach((entry, i) => {
    const x = 12 + (i % columns) * Math.floor((width - 24) / columns);
    const y = top + 12 + 24 * Math.floor(i / columns);
    entry.draw(x, y);
    svgNode("text", { x: x + 38, y: y + 4.5, "font-size": 13, fill: theme.ink }, out).textContent = entry.text;
  });
  return top + 24 * Math.ceil(entries.length / columns) + 8;
}

function download(root, blob, name) {
  const address = URL.createObjectURL(blob);
  const link = htmlNode("a", { href: address, download: name });
  root.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function savePng(state, page) {
  const { text, width, height } = pictureText(state, page);
  const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  const image = new Image();
  image.onload = () => {
    const canvas = htmlNode("canvas", { width: 2 * width, height: 2 * height });
    canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
    URL.revokeObjectURL(address);
    canvas.toBlob((blob) => blob && download(page.root, blob, "playground.png"), "image/png");
  };
  image.src = address;
}
