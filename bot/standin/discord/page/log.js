// The messages of the place one is in: in order, edited where they stand, announced once each.

import { announce, at, el, focusComposer } from "./dom.js";
import { drop } from "./deeds.js";
import { build, isShown, isThinking, rebuild, steady, texts } from "./message.js";
import { on, store } from "./store.js";
import { say } from "./words.js";

const NEAR = 80;
const LULL = 600;
const nodes = new Map();
const tellings = new WeakMap();
let follows = true;
let isHeld = false;

/** Start showing. */
export function begin() {
  on("message", take);
  on("notes", notes);
  // The room tells of itself right after everything that was said before.
  on("room", settle);
  on("said", toEnd);
  on("pressing", stay);
  on("dismissed", (id) => remove(id));
  at("log").addEventListener("scroll", scrolled, { passive: true });
  for (const name of ["wheel", "touchmove", "keydown", "pointerdown"])
    at("log").addEventListener(name, release, { passive: true });
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
  settleScroll();
  empty();
}

/** What is pressed in an older message stays in sight; its answer does not take the page away from it. */
function stay(id) {
  const last = [...at("log").querySelectorAll(":scope > .message")].at(-1);
  if (!last || last.dataset.id === id) return;
  follows = false;
  isHeld = true;
}

/** Only who scrolls by hand leaves what was pressed; that the answer makes the log longer is no reason. */
function release(event) {
  if (event.type !== "pointerdown" || event.target === at("log")) isHeld = false;
}

function settleScroll() {
  if (follows) toEnd();
  else at("newest").hidden = isNearEnd();
}

function insert(entry) {
  const node = build(entry);
  const before = [...nodes.values()].find((each) => isLater(each.dataset.id, entry.id));
  nodes.set(entry.id, node);
  at("log").insertBefore(node, before ?? at("log").querySelector(".notes"));
}

function update(entry) {
  const node = nodes.get(entry.id);
  const hadPicture = node.querySelector(".picture");
  const had = texts(node).map(steady);
  rebuild(node, entry);
  if (isThinking(entry)) return undefined;
  const picture = node.querySelector(".picture img");
  if (!picture || hadPicture) return tell(node, had);
  clearTimeout(tellings.get(node));
  return announce(say("picture_ready", { alt: picture.alt }));
}

/** Say the words that an edit brought; edits that follow each other closely are one thing to a listener. */
function tell(node, had) {
  const brought = texts(node).filter((each) => !had.includes(steady(each)));
  if (!brought.length) return;
  clearTimeout(tellings.get(node));
  const words = brought.map((each) => each.textContent).join(" ");
  tellings.set(
    node,
    setTimeout(() => node.isConnected && announce(words), LULL),
  );
}

function remove(id) {
  const node = nodes.get(id);
  const hadFocus = node?.contains(document.activeElement);
  node?.remove();
  nodes.delete(id);
  if (hadFocus) focusComposer();
  empty();
}

/** What the page itself has to say, under the messages. */
function notes() {
  const box = at("log").querySelector(".notes") ?? el("div", { class: "notes" });
  const here = store.notes.filter((each) => each.place === store.place && each.person === store.person);
  const shown = here.map((each) => (each.node ??= noted(each)));
  const hadFocus = box.contains(document.activeElement);
  // What stays is not put in anew: it would be told once more, and lose the focus.
  for (const each of [...box.children]) if (!shown.includes(each)) each.remove();
  for (const each of shown) if (each.parentNode !== box) box.append(each);
  if (!box.isConnected) at("log").append(box);
  if (hadFocus && !box.contains(document.activeElement)) focusComposer();
  settleScroll();
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

function isNearEnd() {
  const log = at("log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
}

function scrolled() {
  if (!isHeld) follows = isNearEnd();
  at("newest").hidden = isNearEnd();
}

function toEnd() {
  const log = at("log");
  log.scrollTop = log.scrollHeight;
  follows = true;
  isHeld = false;
  at("newest").hidden = true;
}
