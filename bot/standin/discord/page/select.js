// A select of entries, people, roles or channels: a button that opens its list below itself.

import { el, fresh } from "./dom.js";
import { channelEntries, mentionableEntries, peopleEntries, roleEntries } from "./entries.js";
import { Listbox } from "./listbox.js";
import { say } from "./words.js";

const [STRING, USER, ROLE, MENTIONABLE, CHANNEL] = [3, 5, 6, 7, 8];

/** A select component; *done* gets the values that were chosen. `element`, `values` and `button` are its outside. */
export class Select {
  constructor(component, { label, done = () => {} }) {
    this.component = component;
    this.label = label;
    this.done = done;
    this.low = component.min_values ?? 1;
    this.high = component.max_values ?? 1;
    this.entries = entriesOf(component);
    this.values = this.entries.filter((each) => each.isDefault).map((each) => each.value);
    this.#build();
    this.#show();
  }

  get isMany() {
    return this.high > 1 || this.low === 0;
  }

  /** Choose *values*. */
  set(values) {
    this.values = values;
    this.#show();
  }

  #build() {
    const id = fresh("select");
    this.button = el("button", {
      type: "button",
      id,
      class: "choose",
      role: "combobox",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      disabled: this.component.disabled,
      data: { key: this.component.custom_id },
      on: { click: () => this.#toggle(), keydown: (event) => this.#key(event), blur: () => this.#leave() },
    });
    const list = el("ul", {
      role: "listbox",
      id: `${id}-list`,
      class: "listbox",
      hidden: true,
      "aria-multiselectable": this.isMany ? "true" : null,
    });
    this.list = new Listbox(list);
    this.button.setAttribute("aria-controls", list.id);
    this.note = el("p", { class: "hint", id: `${id}-note`, hidden: true, role: "status" });
    this.ready = el(
      "button",
      {
        type: "button",
        hidden: true,
        on: { mousedown: (event) => event.preventDefault(), click: () => this.#finish() },
      },
      say("select_done"),
    );
    this.element = el("div", { class: "select" }, this.button, list, this.note, this.ready);
  }

  #show() {
    const chosen = this.entries.filter((each) => this.values.includes(each.value)).map((each) => each.label);
    const text = chosen.join(", ") || this.component.placeholder || say("select");
    this.button.replaceChildren(el("span", {}, text), el("span", { class: "arrow", "aria-hidden": "true" }, "▾"));
    this.button.setAttribute("aria-label", this.label && this.label !== text ? `${this.label}: ${text}` : text);
  }

  #toggle() {
    if (this.list.isOpen) this.#shut();
    else this.#open();
  }

  #open() {
    this.before = this.values;
    const options = {
      label: this.label || this.component.placeholder || say("select"),
      pick: (entry) => this.#pick(entry),
      note: say("select_none"),
      first: true,
      chosen: this.values,
    };
    this.list.open(this.button, this.entries, options);
    this.list.node.setAttribute("aria-label", options.label);
    this.ready.hidden = this.note.hidden = !this.isMany;
    if (this.isMany) this.note.textContent = say("select_many", { low: this.low, high: this.high });
    this.element.scrollIntoView({ block: "nearest" });
  }

  #pick(entry) {
    if (!this.isMany) {
      this.values = [entry.value];
      this.#finish();
      return;
    }
    const isIn = this.values.includes(entry.value);
    if (!isIn && this.values.length >= this.high) return this.#say(say("select_most", { n: this.high }));
    this.values = isIn ? this.values.filter((value) => value !== entry.value) : [...this.values, entry.value];
    this.list.choose(this.values);
    this.#show();
    return undefined;
  }

  #say(text) {
    this.note.textContent = text;
  }

  #finish() {
    if (this.values.length < this.low) return this.#say(say("form_few", { n: this.low }));
    this.#close();
    this.#show();
    this.done(this.values);
    return undefined;
  }

  #shut() {
    this.values = this.before;
    this.#close();
    this.#show();
  }

  #close() {
    this.list.close();
    this.ready.hidden = this.note.hidden = true;
  }

  #leave() {
    if (this.list.isOpen) this.#shut();
  }

  #key(event) {
    if (!this.list.isOpen) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        this.#open();
      }
    } else if (event.key === " ") {
      event.preventDefault();
      this.list.take();
    } else if (event.key === "Enter" && this.isMany) {
      event.preventDefault();
      this.#finish();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.#shut();
    } else if (!this.list.key(event) && event.key.length === 1) {
      this.list.seek(event.key);
    }
  }
}

function entriesOf(component) {
  const held = (component.default_values ?? []).map((each) => each.id);
  const of = (list) => list.map(({ id, label }) => ({ value: id, label, isDefault: held.includes(id) }));
  switch (component.type) {
    case STRING:
      return (component.options ?? []).map((each) => ({
        value: each.value,
        label: each.label,
        hint: each.description,
        lead: each.emoji?.name,
        isDefault: each.default,
      }));
    case USER:
      return of(peopleEntries());
    case ROLE:
      return of(roleEntries());
    case MENTIONABLE:
      return of(mentionableEntries());
    case CHANNEL:
      return of(channelEntries());
    default:
      return [];
  }
}
