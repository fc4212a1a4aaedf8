// The menu of a message: which apps do something with it.

import { el, wayBack } from "./dom.js";
import { use } from "./deeds.js";
import { store } from "./store.js";
import { say } from "./words.js";

const MESSAGE_MENU = 3;
const MARGIN = 8;
let open = null;

/** Open the menu of message *id* at a point; the focus returns to *before*. */
export function openMenu(id, { x, y }, before) {
  closeMenu();
  const commands = store.world.commands.filter((each) => each.type === MESSAGE_MENU);
  const menu = el(
    "div",
    { class: "menu", role: "menu", "aria-label": say("menu_of") },
    el("p", { class: "hint", role: "presentation" }, commands.length ? say("menu") : say("menu_none")),
    commands.map((each) => item(each.name, id)),
  );
  menu.addEventListener("keydown", keys);
  document.body.append(menu);
  const box = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(MARGIN, Math.min(x, innerWidth - box.width - MARGIN))}px`;
  menu.style.top = `${Math.max(MARGIN, Math.min(y, innerHeight - box.height - MARGIN))}px`;
  open = { menu, before, comeBack: wayBack(before) };
  if (before.matches(".dots")) before.setAttribute("aria-expanded", "true");
  items()[0]?.focus();
}

/** Put it away; whether there was one. */
export function closeMenu() {
  if (!open) return false;
  const { menu, before, comeBack } = open;
  open = null;
  menu.remove();
  if (before.matches(".dots")) before.setAttribute("aria-expanded", "false");
  comeBack();
  return true;
}

function item(name, message) {
  const choose = () => {
    closeMenu();
    use({ kind: "menu", name, message }, say("used", { who: "", what: name }).trim());
  };
  return el("button", { type: "button", role: "menuitem", tabIndex: -1, on: { click: choose } }, name);
}

const items = () => [...open.menu.querySelectorAll("[role=menuitem]")];

function keys(event) {
  const all = items();
  const from = all.indexOf(document.activeElement);
  const to = { ArrowDown: from + 1, ArrowUp: from - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) all.at(to % all.length)?.focus();
  else if (event.key === "Escape" || event.key === "Tab") closeMenu();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

document.addEventListener("pointerdown", (event) => open && !open.menu.contains(event.target) && closeMenu());
