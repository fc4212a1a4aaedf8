// Builds elements; whatever is text stays text, because nothing here ever parses markup.

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "selected", "open", "tabIndex", "multiple"]);
let count = 0;

/** An element: *props* are attributes, `on` holds listeners, `data` the dataset; children are nodes or text. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(node, name, value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function set(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
  else if (name === "data") Object.assign(node.dataset, value);
  else if (PROPERTIES.has(name)) node[name] = value;
  else node.setAttribute(name, value === true ? "" : value);
}

/** An element of the page itself. */
export const at = (id) => document.getElementById(id);

/** An id that nothing else has. */
export const fresh = (stem) => `${stem}-${++count}`;

/** Puts the focus back where it was, if that is still there. */
export function comeBack(node) {
  if (node?.isConnected) node.focus();
  else at("line").focus();
}

/** Says something to a screen reader only. */
export function announce(text) {
  at("status").textContent = "";
  requestAnimationFrame(() => {
    at("status").textContent = text;
  });
}
