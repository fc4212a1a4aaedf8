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

/** A way back to what has the focus now; where its card was built anew, to the same control in that. */
export function wayBack(node = document.activeElement) {
  const message = node?.closest(".message")?.id;
  const key = node?.dataset.key;
  return () => {
    const card = message && at(message);
    const same = key && card && [...card.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key);
    const found = [node, same, card].find((each) => each?.isConnected && each.checkVisibility());
    if (found && found !== document.body) found.focus();
    else focusComposer();
  };
}

const FIELDS = ".chip :is(input:not(.unseen), textarea), .filebox > button:not([hidden]), .adder";

/** Puts the focus where one writes: the message box, or the options that stand in for it. */
export function focusComposer() {
  const box = at("line");
  (box.hidden ? (at("chips").querySelector(FIELDS) ?? at("send")) : box).focus();
}

const told = [];

/** Says something to a screen reader only; what is said at once is said together. */
export function announce(text) {
  if (told.push(text) > 1) return;
  at("status").textContent = "";
  requestAnimationFrame(() => {
    at("status").textContent = told.splice(0).join(" ");
  });
}
