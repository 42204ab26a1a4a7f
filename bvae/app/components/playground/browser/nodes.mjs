/* Nodes of the page: SVG, HTML, and groups whose children are found again by a key. */

export const SVG_NS = "http://www.w3.org/2000/svg";

/* Sets only the attributes that changed: writing an attribute costs more than comparing it. */
export function setAttributes(node, attributes) {
  const known = node.knownAttributes ?? (node.knownAttributes = {});
  for (const name in attributes) {
    const value = attributes[name];
    if (known[name] === value) continue;
    known[name] = value;
    if (value === null || value === undefined || value === "") node.removeAttribute(name);
    else node.setAttribute(name, value);
  }
  return node;
}

export function svgNode(tag, attributes = {}, parent = null) {
  const node = setAttributes(document.createElementNS(SVG_NS, tag), attributes);
  if (parent) parent.append(node);
  return node;
}

export function htmlNode(tag, properties = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node && !name.startsWith("aria")) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/* A group whose children are found again by a key; those not asked for between begin() and end() go, and so does one
   that is asked for as another kind of node. */
export function keyedGroup(parent, name) {
  const group = svgNode("g", { class: name }, parent);
  const nodes = new Map();
  let used = new Set();
  return {
    group,
    begin() {
      used = new Set();
    },
    get(key, tag, attributes) {
      used.add(key);
      let node = nodes.get(key);
      if (node && node.tagName !== tag) {
        node.remove();
        node = null;
      }
      if (!node) {
        node = svgNode(tag, {}, group);
        nodes.set(key, node);
      }
      return setAttributes(node, attributes);
    },
    end() {
      for (const [key, node] of nodes) {
        if (used.has(key)) continue;
        node.remove();
        nodes.delete(key);
      }
    },
  };
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/* Leaves a slider alone that stands there already. */
export function setValue(input, value) {
  if (Number(input.value) !== value) input.value = value;
}
