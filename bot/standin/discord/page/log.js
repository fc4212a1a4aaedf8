// The messages of the place one is in: in order, edited where they stand, announced once each.

import { announce, at, el } from "./dom.js";
import { drop } from "./deeds.js";
import { build, isShown, isThinking, rebuild } from "./message.js";
import { on, store } from "./store.js";
import { say } from "./words.js";

const NEAR = 80;
const nodes = new Map();
let follows = true;

/** Start showing. */
export function begin() {
  on("message", take);
  on("notes", notes);
  // The room tells of itself right after everything that was said before.
  on("room", settle);
  on("did", () => {
    follows = true;
  });
  on("dismissed", (id) => remove(id));
  at("log").addEventListener("scroll", scrolled, { passive: true });
  at("newest").addEventListener("click", toEnd);
  new ResizeObserver(() => follows && toEnd()).observe(at("log"));
}

/** Show the place that one is in now, all at once and without announcing it; *later* what was said is still to come. */
export function redraw(later = false) {
  const log = at("log");
  log.setAttribute("aria-busy", "true");
  nodes.clear();
  log.replaceChildren();
  sorted().forEach(insert);
  notes();
  toEnd();
  if (!later) requestAnimationFrame(settle);
}

const settle = () => at("log").setAttribute("aria-busy", "false");
const isLater = (one, other) => BigInt(one) > BigInt(other);
const sorted = () => [...store.messages.values()].filter(isShown).sort((a, b) => (isLater(a.id, b.id) ? 1 : -1));

function take(entry) {
  if (entry.deleted) {
    if (nodes.has(entry.id)) announce(say("gone_now"));
    remove(entry.id);
  } else if (nodes.has(entry.id)) {
    update(entry);
  } else if (isShown(entry)) {
    insert(entry);
  }
  if (follows) toEnd();
  empty();
}

function insert(entry) {
  const node = build(entry);
  const before = [...nodes.values()].find((each) => isLater(each.dataset.id, entry.id));
  nodes.set(entry.id, node);
  at("log").insertBefore(node, before ?? at("log").querySelector(".notes"));
}

function update(entry) {
  const node = nodes.get(entry.id);
  const had = node.querySelectorAll(".picture").length;
  rebuild(node, entry);
  const picture = node.querySelector(".picture img");
  if (!had && picture && !isThinking(entry)) announce(say("picture_ready", { alt: picture.alt }));
}

function remove(id) {
  const node = nodes.get(id);
  if (node?.contains(document.activeElement)) at("line").focus();
  node?.remove();
  nodes.delete(id);
  empty();
}

/** What the page itself has to say, under the messages. */
function notes() {
  at("log").querySelector(".notes")?.remove();
  const here = store.notes.filter((each) => each.place === store.place && each.person === store.person);
  at("log").append(el("div", { class: "notes" }, here.map(noted)));
  if (follows) toEnd();
  empty();
}

function noted(made) {
  const away = el("button", { type: "button", class: "plain", on: { click: () => drop(made) } }, say("dismiss"));
  const isOver = made.text !== say("sending");
  return el(
    "p",
    { class: isOver ? "note lapsed" : "note" },
    made.what ? [el("span", { class: "what" }, made.what), " "] : null,
    el("span", {}, made.text),
    isOver ? [" · ", away] : null,
  );
}

function empty() {
  const log = at("log");
  const isEmpty = !nodes.size && !log.querySelector(".note");
  const shown = log.querySelector(".empty");
  if (!isEmpty) shown?.remove();
  else if (!shown)
    log.prepend(
      el("div", { class: "empty" }, el("p", {}, say("empty")), el("p", { class: "hint" }, say("empty_next"))),
    );
}

function scrolled() {
  const log = at("log");
  follows = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  at("newest").hidden = follows;
}

function toEnd() {
  const log = at("log");
  log.scrollTop = log.scrollHeight;
  follows = true;
  at("newest").hidden = true;
}
