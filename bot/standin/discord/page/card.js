// Builds the components of a message: buttons, selects, and everything that a card holds.

import { use } from "./deeds.js";
import { el } from "./dom.js";
import { markdown } from "./markdown.js";
import { fileCard, media } from "./media.js";
import { Select } from "./select.js";
import { store } from "./store.js";
import { say } from "./words.js";

const STYLES = { 1: "primary", 2: "", 3: "success", 4: "danger", 5: "", 6: "" };
const LINK = 5;

/** The nodes of *components*, which stand on *message*. */
export function components(list, message) {
  return list.map((each) => (BUILD[each.type] ?? unknown)(each, message));
}

const BUILD = {
  1: (part, message) => el("div", { class: "buttons" }, components(part.components, message)),
  2: button,
  3: select,
  5: select,
  6: select,
  7: select,
  8: select,
  9: section,
  10: (part, message) => el("div", { class: "text" }, markdown(part.content, `${message.id}:${part.id}`)),
  11: (part, message) => el("div", { class: "thumbnail" }, media(part.media, part, message)),
  12: (part, message) =>
    el(
      "div",
      { class: "gallery" },
      part.items.map((item) => media(item.media, item, message)),
    ),
  13: (part, message) => fileCard(fileOf(part, message), part.spoiler),
  14: (part) =>
    part.divider === false
      ? el("div", { class: `gap gap-${part.spacing}` })
      : el("hr", { class: `gap-${part.spacing}` }),
  17: container,
};

function unknown(part) {
  return part.content ? el("p", {}, part.content) : null;
}

function section(part, message) {
  return el(
    "div",
    { class: "section" },
    el("div", { class: "texts" }, components(part.components, message)),
    el("div", { class: "accessory" }, components([part.accessory], message)),
  );
}

function container(part, message) {
  const box = el("div", { class: "card" });
  if (typeof part.accent_color === "number") {
    box.classList.add("accented");
    box.style.setProperty("--accented", `#${part.accent_color.toString(16).padStart(6, "0")}`);
  }
  const build = () => components(part.components, message);
  const key = `${message.id}:${part.id}`;
  if (!part.spoiler || store.revealed.has(key)) {
    box.append(...build());
    return box;
  }
  const show = () => {
    store.revealed.add(key);
    box.replaceChildren(...build());
  };
  box.append(el("button", { type: "button", class: "spoiler", on: { click: show } }, say("spoiler_show")));
  return box;
}

const fileOf = (part, message) =>
  message.files.find((each) => each.url === part.file.url) ?? {
    ...part.file,
    // Only an address of the web is one to follow; anything else could be a script.
    url: isSafe(part.file.url) ? part.file.url : null,
    filename: part.name ?? "",
    size: part.size ?? 0,
  };

function face(part) {
  const emoji = part.emoji?.id ? null : part.emoji?.name;
  if (!emoji) return [part.label ?? ""];
  return part.label ? [el("span", { class: "emoji", "aria-hidden": "true" }, emoji), part.label] : [emoji];
}

function button(part, message) {
  if (part.style === LINK) return link(part);
  const what = say("pressed", { who: "", what: part.label ?? part.emoji?.name ?? "" }).trim();
  const press = () => use({ kind: "press", message: message.id, custom_id: part.custom_id }, what);
  return el(
    "button",
    {
      type: "button",
      class: STYLES[part.style],
      disabled: part.disabled || !part.custom_id,
      data: { key: part.custom_id ?? "" },
      on: { click: press },
    },
    face(part),
  );
}

const isSafe = (url) => /^https?:\/\//i.test(url ?? "");

function link(part) {
  if (!isSafe(part.url) || part.disabled) return el("button", { type: "button", disabled: true }, face(part));
  const label = say("link_out", { label: part.label ?? part.emoji?.name ?? "", url: part.url });
  return el(
    "a",
    {
      class: "button",
      href: part.url,
      target: "_blank",
      rel: "noopener noreferrer",
      "aria-label": label,
      title: part.url,
    },
    face(part),
    " ↗",
  );
}

function select(part, message) {
  const label = part.placeholder || say("select");
  const done = (values) => use({ kind: "press", message: message.id, custom_id: part.custom_id, values }, label);
  return new Select(part, { label, done }).element;
}
