// Builds one message: who did what, what was answered, its pictures and its controls.

import { components } from "./card.js";
import { deed } from "./deeds.js";
import { el } from "./dom.js";
import { markdown } from "./markdown.js";
import { attachment } from "./media.js";
import { openMenu } from "./menu.js";
import { dismiss, emit, me, store } from "./store.js";
import { say } from "./words.js";

const LOADING = 1 << 7;
const REPLY_MAX = 80;

/** Whether the bot has not yet said anything in it. */
export const isThinking = (entry) => Boolean(entry.message.flags & LOADING);

/** The element of *entry*. */
export function build(entry) {
  const node = el("article", { class: "message", data: { id: entry.id }, tabindex: "-1", id: `message-${entry.id}` });
  node.classList.toggle("ephemeral", entry.ephemeral);
  node.append(...parts(entry));
  node.setAttribute("aria-busy", String(isThinking(entry)));
  node.addEventListener("contextmenu", (event) => !event.shiftKey && menuAt(event, entry.id));
  node.addEventListener("keydown", (event) => keys(event, entry.id));
  node.addEventListener("focusin", () => quiet(node));
  return node;
}

/**
 * Put what *entry* says now into its element. Who said it stays as it stands, or it would be told anew; pictures that
 * stay are not built anew, and the focus stays in it.
 */
export function rebuild(node, entry) {
  const body = node.querySelector(".body");
  const isIn = body.contains(document.activeElement);
  const focused = isIn ? document.activeElement.dataset.key : null;
  const kept = new Map([...node.querySelectorAll(".picture[data-key]")].map((each) => [each.dataset.key, each]));
  quiet(node);
  body.replaceChildren(...content(entry));
  if (entry.message.edited_timestamp && !node.querySelector(".edited")) node.querySelector(".dots").before(edited());
  for (const each of node.querySelectorAll(".picture[data-key]")) {
    if (kept.has(each.dataset.key)) each.replaceWith(kept.get(each.dataset.key));
  }
  node.setAttribute("aria-busy", String(isThinking(entry)));
  if (isIn) (again(node, focused) ?? node).focus();
}

/** What changes in a message once it stands there is told by the log, in one sentence, or not at all. */
const quiet = (node) => node.setAttribute("aria-live", "off");

/** The texts in it. */
export const texts = (node) => [...node.querySelectorAll(".body .text")];

/** A text without the distances in time, which go on by themselves. */
export function steady(text) {
  const copy = text.cloneNode(true);
  for (const each of copy.querySelectorAll("time[data-left]")) each.remove();
  return copy.textContent;
}

const edited = () => el("span", { class: "hint edited" }, say("edited"));

const again = (node, key) =>
  [...node.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key && each.tabIndex >= 0);

function parts(entry) {
  const { message } = entry;
  return [
    asked(entry),
    reply(message),
    el(
      "div",
      { class: "author" },
      el("span", { class: "tile", "aria-hidden": "true" }, (message.author.global_name ?? "?")[0]),
      el("strong", {}, message.author.global_name),
      " ",
      message.author.bot ? [el("span", { class: "badge" }, say("app")), " "] : null,
      clock(message.timestamp),
      " ",
      message.edited_timestamp ? edited() : null,
      menuButton(entry.id),
    ),
    el("div", { class: "body" }, content(entry)),
    entry.ephemeral ? only(entry) : null,
  ].filter(Boolean);
}

function content(entry) {
  const { message } = entry;
  if (isThinking(entry)) return [el("p", { class: "thinking" }, say("thinking"))];
  return [
    message.content ? el("div", { class: "text" }, markdown(message.content, message.id)) : null,
    ...message.attachments.map(attachment),
    ...components(message.components, message),
    message.reactions
      ? el(
          "div",
          { class: "reactions" },
          message.reactions.map((each) => reaction(each, entry)),
        )
      : null,
  ].filter(Boolean);
}

/** What somebody put under it; pressed, one joins in or takes one's own away. */
function reaction({ emoji, count, me: isMine }, entry) {
  const name = say("reaction", { emoji: emoji.name, n: count });
  return el(
    "button",
    {
      type: "button",
      "aria-label": name,
      "aria-pressed": String(isMine),
      data: { key: `reaction-${emoji.name}` },
      on: { click: () => deed({ kind: "react", message: entry.id, emoji: emoji.name }, name) },
    },
    `${emoji.name} ${count}`,
  );
}

function clock(text) {
  const date = new Date(text);
  const shown = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return el("time", { class: "hint", datetime: date.toISOString(), title: date.toLocaleString("en-GB") }, shown);
}

/** Who did what; what they said with it is there on hover and focus. */
function asked(entry) {
  if (!entry.asked) return null;
  const { who, verb, what, options } = entry.asked;
  const [before, after] = say(verb, { who: "\u0000", what: "\u0001" }).split("\u0000");
  const [between, behind = ""] = after.split("\u0001");
  const line = [before, el("span", { class: "name" }, who), between, el("span", { class: "what" }, what), behind];
  if (!options.length) return el("p", { class: "asked" }, line);
  const id = `asked-${entry.id}`;
  const tip = el(
    "span",
    { class: "tip", role: "tooltip", id },
    options.map(([name, value]) => el("span", { class: "pair" }, el("b", {}, `${name}: `), el("span", {}, value))),
  );
  return el(
    "p",
    { class: "asked" },
    el("span", { class: "more", tabindex: "0", "aria-describedby": id, data: { key: "asked" } }, line),
    tip,
  );
}

function reply(message) {
  const answered = message.referenced_message;
  if (!answered) return null;
  const text =
    answered.content
      .replaceAll(/[`*_|]|<[^>]*>/g, "")
      .trim()
      .slice(0, REPLY_MAX) || say("reply_empty");
  const go = () => {
    const node = document.getElementById(`message-${answered.id}`);
    node?.scrollIntoView({ block: "center" });
    node?.focus();
  };
  return el("button", { type: "button", class: "plain reply", on: { click: go } }, say("reply", { text }));
}

function only(entry) {
  const away = () => {
    dismiss(entry.id);
    emit("dismissed", entry.id);
  };
  return el(
    "p",
    { class: "only" },
    el("span", {}, say("only_you", { name: me() })),
    " · ",
    el("button", { type: "button", class: "plain", data: { key: "dismiss" }, on: { click: away } }, say("dismiss")),
  );
}

function menuButton(id) {
  const open = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    openMenu(id, { x: box.left, y: box.bottom }, event.currentTarget);
  };
  return el(
    "button",
    {
      type: "button",
      class: "dots",
      "aria-label": say("menu_of"),
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      title: say("menu"),
      data: { key: "menu" },
      on: { click: open },
    },
    "⋯",
  );
}

function menuAt(event, id) {
  event.preventDefault();
  const before = document.activeElement === document.body ? event.currentTarget : document.activeElement;
  openMenu(id, { x: event.clientX, y: event.clientY }, before);
}

function keys(event, id) {
  if (event.key !== "ContextMenu" && !(event.key === "F10" && event.shiftKey)) return;
  event.preventDefault();
  const box = event.target.getBoundingClientRect();
  openMenu(id, { x: box.left + 12, y: Math.min(box.bottom, innerHeight - 60) }, event.target);
}

/** The button with that label on the newest message that has it. */
export function newestButton(label) {
  return [...document.querySelectorAll(".message button[data-key]")]
    .reverse()
    .find((each) => [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data === label));
}

/** The menu button of the newest message with a picture. */
export function newestPicture() {
  return [...document.querySelectorAll(".message:has(.picture)")].reverse()[0]?.querySelector(".dots");
}

/** Whether somebody other than whom one is sees it. */
export const isShown = (entry) => entry.place === store.place && !store.dismissed.has(entry.id);
