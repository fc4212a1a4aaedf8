// One option of a command in the composer: its name, its value, and the list that helps with it.

import { el, fresh } from "./dom.js";
import { channelEntries, mentionableEntries, peopleEntries, roleEntries } from "./entries.js";
import { FileBox } from "./files.js";
import * as room from "./room.js";
import { say } from "./words.js";

const [STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT] = [3, 4, 5, 6, 7, 8, 9, 10, 11];
const DEBOUNCE = 150;
const SHORTLY = 300;

/** A chip for *option*; *host* is the composer: its `list`, and what it does when an option goes away. */
export class Option {
  constructor(option, host) {
    Object.assign(this, { option, host, asked: 0 });
    this.id = fresh("option");
    this.isFile = option.type === ATTACHMENT;
    this.element = this.isFile ? this.#fileChip() : this.#textChip();
  }

  get name() {
    return this.option.name;
  }

  get text() {
    return this.isFile ? "" : this.input.value.trim();
  }

  get file() {
    return this.isFile ? this.box.ids[0] : undefined;
  }

  get isEmpty() {
    return !this.text && !this.file;
  }

  /** The name of a file that is on its way. */
  get taking() {
    return this.isFile ? this.box.taking : "";
  }

  focus() {
    (this.isFile ? this.box : this.input).focus();
  }

  set(text) {
    if (this.isFile) return;
    const choice = this.option.choices?.find((each) => String(each.value) === text);
    this.input.value = choice?.name ?? text;
    this.#grow();
  }

  mark(isWrong) {
    this.element.classList.toggle("wrong", isWrong);
    (this.isFile ? this.box.button : this.input).setAttribute("aria-invalid", String(isWrong));
  }

  #frame(...inner) {
    const { option } = this;
    const range =
      option.min_value !== undefined && option.max_value !== undefined
        ? say("range", { low: option.min_value, high: option.max_value })
        : "";
    const hint = [option.description, range, option.required ? say("required") : ""].filter(Boolean).join(" · ");
    const away = option.required
      ? null
      : el(
          "button",
          {
            type: "button",
            class: "plain",
            "aria-label": say("remove", { option: option.name }),
            on: { click: () => this.host.remove(this) },
          },
          "✕",
        );
    return el(
      "div",
      { class: "chip" },
      el("label", { for: this.id }, option.name),
      inner,
      away,
      el("span", { class: "unseen", id: `${this.id}-hint` }, hint),
    );
  }

  #fileChip() {
    this.box = new FileBox({
      id: `${this.id}-input`,
      label: this.option.name,
      changed: () => this.host.changed(),
      next: () => this.host.next(),
    });
    this.box.button.id = this.id;
    this.box.button.setAttribute("aria-describedby", `${this.id}-hint`);
    this.box.button.addEventListener("focus", () => this.host.explain(this.option));
    return this.#frame(this.box.element);
  }

  #textChip() {
    const isLong = this.option.type === STRING && !this.option.choices && !this.option.autocomplete;
    const helps = this.#isStrict || this.option.autocomplete;
    this.input = el(isLong ? "textarea" : "input", {
      id: this.id,
      spellcheck: "false",
      "aria-describedby": `${this.id}-hint`,
      "aria-required": this.option.required ? "true" : null,
      ...(isLong ? { rows: "1" } : { type: "text" }),
      ...([INTEGER, NUMBER].includes(this.option.type) ? { inputmode: "decimal" } : {}),
      ...(helps
        ? { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "suggestions" }
        : {}),
      on: {
        input: () => this.#changed(),
        focus: () => {
          this.host.explain(this.option);
          this.#help();
        },
        blur: () => this.host.list.control === this.input && this.host.list.close(),
        keydown: (event) => this.#key(event),
      },
    });
    return this.#frame(this.input);
  }

  get #isStrict() {
    return Boolean(this.option.choices) || [BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE].includes(this.option.type);
  }

  #changed() {
    this.mark(false);
    this.#grow();
    this.#help();
  }

  #grow() {
    if (this.input.tagName !== "TEXTAREA") return;
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
  }

  #key(event) {
    if (event.key === "Tab" && this.#isStrict && this.host.list.control === this.input) this.host.list.take();
    if (event.key === "ArrowDown" && !this.host.list.isOpen && (this.#isStrict || this.option.autocomplete)) {
      event.preventDefault();
      event.stopPropagation();
      this.#help(true);
    }
    if (event.key === "Backspace" && this.isEmpty && !this.option.required) {
      event.preventDefault();
      this.host.remove(this);
    }
  }

  #help(isAsked = false) {
    clearTimeout(this.timer);
    this.asked += 1;
    // A value that is whole already must not be changed by the Enter that sends it.
    if (this.#isStrict && this.#isWhole && !isAsked) this.host.list.close();
    else if (this.#isStrict)
      this.#offer(this.#fitting(), { note: say("no_such"), first: Boolean(this.text) && !this.#isWhole });
    else if (this.option.autocomplete) this.timer = setTimeout(() => this.#ask(), DEBOUNCE);
  }

  get #isWhole() {
    return this.#entries().some((each) => each.value.toLowerCase() === this.text.toLowerCase());
  }

  /** What fits; a value that was chosen already is no reason to hide the others. */
  #fitting() {
    if (this.#isWhole) return this.#entries();
    const typed = this.text.toLowerCase();
    return this.#entries().filter((each) => each.value.toLowerCase().includes(typed.replace(/^[@#]/, "")));
  }

  #entries() {
    const { type, choices } = this.option;
    const named = (list) => list.map(({ label }) => ({ label, value: label }));
    if (choices) return choices.map((each) => ({ label: each.name, value: each.name }));
    if (type === BOOLEAN) return [say("yes"), say("no")].map((each) => ({ label: each, value: each }));
    if (type === USER) return named(peopleEntries());
    if (type === ROLE) return named(roleEntries());
    return named(type === CHANNEL ? channelEntries() : mentionableEntries());
  }

  /** Ask the bot; an answer that comes after something else was typed is not shown, a late one is told. */
  async #ask() {
    const turn = this.asked;
    const waiting = setTimeout(() => turn === this.asked && this.#offer([], { note: say("asking") }), SHORTLY);
    const sent = await room.act({ kind: "complete", ...this.host.soFar(this) }).catch(() => ({ ok: false }));
    const found = sent.ok ? await room.outcome(sent.interaction).catch(() => ({ lapsed: true })) : { lapsed: true };
    clearTimeout(waiting);
    if (turn !== this.asked || document.activeElement !== this.input) return;
    const entries = (found.choices ?? []).map((each) => ({ label: each.name, value: String(each.value) }));
    this.#offer(entries, { note: say(found.choices ? "nothing_fits" : "no_answer") });
  }

  #offer(entries, { note, first = false }) {
    const pick = (entry) => {
      this.input.value = entry.value;
      this.mark(false);
      this.host.list.close();
    };
    this.host.list.open(this.input, entries, { label: say("choices_of", { option: this.name }), pick, note, first });
  }

  /** The option as autocomplete sends it; undefined for what it does not send. */
  sent(isFocused) {
    const { name, type, choices } = this.option;
    if (isFocused) return { name, type, value: this.input.value };
    if (this.isEmpty || ![STRING, INTEGER, NUMBER].includes(type)) return undefined;
    const value = choices?.find((each) => each.name === this.text)?.value ?? this.text;
    return { name, type, value: type === STRING ? value : Number(value) };
  }
}
