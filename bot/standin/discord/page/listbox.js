// One list of entries under a control that keeps the focus: which entry is active, and what choosing means.

import { announce, el, fresh } from "./dom.js";

/** A listbox in *node*, for one control at a time; entries are {label, hint, lead, value}. */
export class Listbox {
  constructor(node) {
    this.node = node;
    this.close();
    // Pressing an entry must not take the focus out of the control.
    node.addEventListener("mousedown", (event) => event.preventDefault());
  }

  get isOpen() {
    return !this.node.hidden;
  }

  /** Show *entries* for *control*; *note* stands where there are none. */
  open(control, entries, { label, pick, note = "", first = false, chosen = [] }) {
    if (this.control && this.control !== control) this.close();
    const index =
      first && entries.length
        ? Math.max(
            0,
            entries.findIndex((each) => chosen.includes(each.value)),
          )
        : -1;
    const isNews = !entries.length && note && note !== this.note;
    Object.assign(this, { control, entries, pick, chosen, index, note: entries.length ? "" : note });
    this.node.setAttribute("aria-label", label);
    this.node.replaceChildren(...(entries.length ? entries.map((each, n) => this.#entry(each, n)) : [empty(note)]));
    this.node.hidden = !entries.length && !note;
    control.setAttribute("aria-expanded", String(this.isOpen));
    control.setAttribute("aria-controls", this.node.id);
    this.#mark();
    if (isNews) announce(note);
  }

  /** Put it away. */
  close() {
    this.node.hidden = true;
    this.node.replaceChildren();
    this.control?.setAttribute("aria-expanded", "false");
    this.control?.removeAttribute("aria-activedescendant");
    Object.assign(this, { control: null, entries: [], index: -1, note: "" });
  }

  /** Make another entry the active one. */
  move(by) {
    const count = this.entries.length;
    if (!count) return;
    this.index = this.index < 0 ? (by > 0 ? 0 : count - 1) : (this.index + by + count) % count;
    this.#mark();
  }

  /** Make the next entry active that begins with a letter. */
  seek(letter) {
    const from = this.index + 1;
    const turned = [...this.entries.slice(from), ...this.entries.slice(0, from)];
    const found = turned.find((each) => each.label.replace(/^[@#]/, "").toLowerCase().startsWith(letter.toLowerCase()));
    if (found) this.index = this.entries.indexOf(found);
    this.#mark();
  }

  /** Choose the active entry; whether there was one. */
  take() {
    const entry = this.entries[this.index];
    if (entry) this.pick(entry);
    return Boolean(entry);
  }

  /** What a key means while the list is open; whether it meant anything. */
  key(event) {
    if (!this.isOpen) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.move(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && !event.shiftKey) return this.take() && stop(event);
    else return false;
    return stop(event);
  }

  /** Show which entries are chosen. */
  choose(values) {
    this.chosen = values;
    [...this.node.children].forEach((node, n) => node.setAttribute("aria-selected", String(this.#isChosen(n))));
  }

  #isChosen(n) {
    const isMany = this.node.hasAttribute("aria-multiselectable");
    return isMany || this.chosen.length ? this.chosen.includes(this.entries[n]?.value) : n === this.index;
  }

  #entry(entry, n) {
    return el(
      "li",
      {
        role: "option",
        id: fresh("entry"),
        class: "entry",
        on: {
          click: () => {
            this.index = n;
            this.take();
          },
        },
      },
      entry.lead ? el("span", { class: "lead", "aria-hidden": "true" }, entry.lead) : null,
      el("span", { class: "label" }, entry.label),
      entry.hint ? el("span", { class: "hint" }, entry.hint) : null,
    );
  }

  #mark() {
    [...this.node.children].forEach((node, n) => {
      node.classList.toggle("active", n === this.index);
      if (node.role === "option") node.setAttribute("aria-selected", String(this.#isChosen(n)));
    });
    const active = this.node.children[this.index];
    if (active && this.index >= 0) {
      this.control.setAttribute("aria-activedescendant", active.id);
      active.scrollIntoView({ block: "nearest" });
    } else {
      this.control?.removeAttribute("aria-activedescendant");
    }
  }
}

const empty = (note) => el("li", { role: "presentation", class: "note" }, note);

function stop(event) {
  event.preventDefault();
  event.stopPropagation();
  return true;
}
