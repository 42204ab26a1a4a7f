/* What an item shows in one view, and what a decoder makes of a point: pictures, texts, rows of columns. */

export function element(tag, properties = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/* An item's picture out of a sheet, or its text. `k`: its place among the carried items. */
export function tile(view, k, alt) {
  if (!view.present[k]) return element("span", { className: "bvae-frame absent", textContent: "missing" });
  if (!view.sheet) return element("span", { className: "text-tile", textContent: view.texts[k] });
  const { file, columns, size: [wide, high], count } = view.sheet;
  const rows = Math.ceil(count / columns);
  const node = element("span", { className: "sheet-tile", role: "img", "aria-label": alt });
  node.style.backgroundImage = `url("${file}")`;
  node.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
  node.style.backgroundPosition = `${columns > 1 ? (100 * (k % columns)) / (columns - 1) : 0}% ${
    rows > 1 ? (100 * Math.floor(k / columns)) / (rows - 1) : 0}%`;
  node.style.aspectRatio = `${wide} / ${high}`;
  return node;
}

const round = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))));

function painted(canvas, values, [channels, high, wide]) {
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d");
  const picture = context.createImageData(wide, high);
  const cells = wide * high;
  for (let i = 0; i < cells; i += 1) {
    for (let c = 0; c < 3; c += 1) {
      picture.data[4 * i + c] = 255 * Math.min(Math.max(values[(channels > 1 ? c : 0) * cells + i], 0), 1);
    }
    picture.data[4 * i + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

/* The most probable characters of (places x alphabet) shares. */
export function read(values, [places, size], alphabet) {
  let text = "";
  for (let p = 0; p < places; p += 1) {
    let best = 0;
    for (let a = 1; a < size; a += 1) if (values[p * size + a] > values[p * size + best]) best = a;
    text += alphabet[best];
  }
  return text;
}

/* Of each column its name and what it is: a number, or its most probable word with its probability. */
export function cells(values, columns) {
  let at = 0;
  return columns.map(({ name, type, categories }) => {
    const width = type === "category" ? categories.length : 1;
    const own = values.subarray(at, at + width);
    at += width;
    if (type === "category" || type === "binary") {
      const shares = type === "binary" ? [1 - own[0], own[0]] : [...own];
      const best = shares.indexOf(Math.max(...shares));
      return [name, `${categories?.[best] ?? best} ${Math.round(100 * shares[best])}%`];
    }
    return [name, round(own[0])];
  });
}

const drawable = ({ kind, shape }) => kind === "image" && shape.length === 3 && [1, 3, 4].includes(shape[0]);

/* A place for what is decoded of one modality, as model.json describes it: {node, show(values)}. */
export function place(modality, alt) {
  if (drawable(modality)) {
    const [, height, width] = modality.shape;
    const canvas = element("canvas", { className: "decoded", role: "img", "aria-label": alt, width, height });
    return { node: canvas, show: (values) => painted(canvas, values, modality.shape) };
  }
  const node = element("span", { className: "text-tile" });
  if (modality.kind === "text" && modality.alphabet) {
    return { node, show: (values) => {
      node.textContent = read(values, modality.shape, modality.alphabet).trim() || "(blank)";
    } };
  }
  if (modality.columns) {
    return { node, show: (values) => {
      const list = cells(values, modality.columns);
      node.replaceChildren(...list.slice(0, 12).map(([name, said]) => element("span", { className: "cell" }, [
        element("b", { textContent: name }), ` ${said}`])),
      ...(list.length > 12 ? [`and ${list.length - 12} more columns`] : []));
    } };
  }
  return { node, show: (values) => {
    node.textContent = `${values.length} numbers from ${round(Math.min(...values))} to ${round(Math.max(...values))}`;
  } };
}
