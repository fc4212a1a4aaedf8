// The message box: a list of commands, the options of one as chips, or a whole line.

import { at, el, focusComposer } from "./dom.js";
import { deed, follow, here, lost, note } from "./deeds.js";
import { Listbox } from "./listbox.js";
import { Option } from "./option.js";
import * as room from "./room.js";
import { emit, me, on, store, titleOf } from "./store.js";
import { say } from "./words.js";

const SLASH = 1;
const [SUBCOMMAND, GROUP] = [1, 2];

/** Every command and subcommand one may use here, by the path one types. */
function commands() {
  const within = (path, part, types) => {
    const inner = (part.options ?? []).filter((each) => each.type === SUBCOMMAND || each.type === GROUP);
    if (!inner.length) return [{ path, types, description: part.description, options: part.options ?? [] }];
    return inner.flatMap((each) => within(`${path} ${each.name}`, each, [...types, each.type]));
  };
  return store.world.commands
    .filter((each) => each.type === SLASH)
    .flatMap((each) => within(each.name, each, []))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
}

class Composer {
  constructor() {
    this.list = new Listbox(at("suggestions"));
    this.line = at("line");
    this.command = null;
    this.options = [];
    this.turn = 0;
    at("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    at("image").addEventListener("click", () => at("picker").click());
    at("picker").addEventListener("change", () => this.#post());
    at("composer").addEventListener("keydown", (event) => this.#key(event));
    this.line.addEventListener("input", (event) => this.#typed(event));
    this.line.addEventListener("blur", () => this.list.control === this.line && this.list.close());
    this.line.addEventListener("focus", () => this.#suggest());
    // Everywhere, because a file that is dropped beside it would take the whole page away.
    for (const event of ["dragover", "drop"])
      document.addEventListener(event, (given) => this.#brought(given, given.dataTransfer));
    document.addEventListener(
      "paste",
      (event) => !event.target.closest("dialog") && this.#brought(event, event.clipboardData),
    );
    on("compose", (path) => this.choose(commands().find((each) => each.path === path)));
  }

  /** Say where one writes. */
  moved() {
    this.line.setAttribute("aria-label", say("composer", { place: titleOf(store.place) }));
    if (this.command && !commands().some((each) => each.path === this.command.path)) this.clear();
    this.#tell("");
    // The list that was opened meanwhile is of what one might use before.
    if (this.list.control === this.line) this.#suggest();
  }

  /** Whether nothing stands there that somebody wrote: it is empty, or as it was filled. */
  get isFree() {
    const written = this.#written();
    return !written || written === this.filled;
  }

  /** Put a line in; a whole one is shown by its options. */
  async fill(text) {
    this.clear();
    this.line.value = text;
    this.#grow();
    this.line.focus();
    this.list.close();
    await this.#apart();
    this.filled = this.#written();
  }

  #written() {
    return this.command ? JSON.stringify(this.#body()) : this.line.value.trim();
  }

  /** Begin with a command. */
  choose(command, values = {}) {
    if (!command) return;
    this.clear();
    this.command = command;
    const shown = command.options.filter((each) => each.required || each.name in values);
    this.options = shown.map((each) => new Option(each, this));
    this.#draw();
    // Only what stands on the page can tell how high its text is.
    for (const each of this.options) if (each.name in values) each.set(values[each.name]);
    const next = this.options.find((each) => each.isEmpty) ?? this.options.at(-1);
    (next ?? this.adder ?? at("send")).focus();
  }

  /** Go on after an option has its file: to the next that is empty, else to where it is sent. */
  next() {
    (this.options.find((each) => each.isEmpty) ?? at("send")).focus();
  }

  /** Empty it. */
  clear() {
    this.turn += 1;
    this.list.close();
    Object.assign(this, { command: null, options: [], adder: null, filled: "" });
    this.line.value = "";
    this.#grow();
    at("chips").replaceChildren();
    at("chips").hidden = true;
    this.line.hidden = false;
    at("image").hidden = false;
    this.#tell("");
    at("keys").textContent = say("keys");
  }

  /** Send what is there. */
  async send() {
    const text = this.line.value.trim();
    if (!this.command && !text) return this.line.focus();
    const chosen =
      this.command ??
      commands().find((each) => `/${each.path}` === text && each.options.some((option) => option.required));
    if (chosen && !this.command) return this.choose(chosen);
    const taking = this.options.find((each) => each.taking)?.taking;
    if (taking) return this.#tell(say("file_still", { name: taking }));
    const body = this.command ? this.#body() : { text };
    const what = this.command ? `/${this.command.path}` : text.split(/\s/, 1)[0];
    const where = here();
    // Emptied at once: what is sent is not sent twice, and what is typed meanwhile is something new.
    const held = { command: this.command, options: this.options, text: this.line.value };
    this.clear();
    this.line.focus();
    const sent = await room.say(body).catch(lost);
    if (sent.ok) {
      emit("said");
      follow(sent, what, where);
    } else if (this.command) {
      // Another command stands there by now; what was refused can only be told.
      note(what, say("not_sent", { why: sent.error ?? say("not_possible") }), 0, where);
    } else {
      this.#restore(held);
      if (sent.away) note(what, say("away"), 0, where);
      else this.#refused(sent);
    }
    return undefined;
  }

  /** Post the files that were picked, as anybody can, with what is written if that is no command. */
  async #post() {
    const picked = [...at("picker").files];
    at("picker").value = "";
    const text = this.line.value.startsWith("/") ? "" : this.line.value.trim();
    const files = [];
    for (const file of picked) {
      const given = await room.upload(file).catch(() => ({ ok: false }));
      if (!given.ok) return this.#tell(say(given.large ? "file_large" : "file_refused", { name: file.name }));
      files.push(given.id);
    }
    if (text) this.clear();
    emit("said");
    return files.length && deed({ kind: "post", text, files }, say("image"));
  }

  /** Put back what was refused, before what was typed since. */
  #restore({ command, options, text }) {
    if (command) {
      Object.assign(this, { command, options });
      this.#draw();
      if (document.activeElement === document.body) focusComposer();
    } else {
      this.line.value = text + this.line.value;
      this.#grow();
      this.list.close();
    }
  }

  /** Take an option out again. */
  remove(option) {
    this.options = this.options.filter((each) => each !== option);
    this.#draw();
    (this.options.at(-1) ?? this.adder ?? at("send")).focus();
  }

  /** Say what an option is for. */
  explain(option) {
    at("keys").textContent = `${option.name}: ${option.description}`;
  }

  /** The command as autocomplete sends it, with *focused* being typed. */
  soFar(focused) {
    const path = this.command.path.split(" ");
    const given = this.options.map((each) => each.sent(each === focused)).filter(Boolean);
    const options = path
      .slice(1)
      .reduceRight((inner, name, n) => [{ name, type: this.command.types[n], options: inner }], given);
    return { name: path[0], focused: focused.name, options };
  }

  #body() {
    const values = Object.fromEntries(this.options.filter((each) => each.text).map((each) => [each.name, each.text]));
    const files = Object.fromEntries(this.options.filter((each) => each.file).map((each) => [each.name, each.file]));
    return { command: this.command.path, values, files };
  }

  #refused({ error, option }) {
    const wrong = this.options.find((each) => each.name === option);
    wrong?.mark(true);
    wrong?.focus();
    this.list.close();
    this.#tell(say("not_sent", { why: error ?? say("not_possible") }));
  }

  /** Hear that a file arrived, or was refused. */
  changed() {
    this.#tell("");
  }

  #tell(text) {
    at("trouble").textContent = text;
  }

  #key(event) {
    if (event.isComposing) return;
    const isWhole = event.key === "Enter" && this.#isWhole();
    if (!isWhole && this.list.key(event)) return;
    if (this.list.isOpen && event.key === "Tab" && this.list.control === this.line && this.list.take())
      event.preventDefault();
    else if (event.key === "Enter" && !event.shiftKey && event.target.matches("input, textarea")) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape" && this.command && this.options.every((each) => each.isEmpty)) {
      this.clear();
      this.line.focus();
    }
  }

  /** Whether a command stands there by its whole name and needs nothing more. */
  #isWhole() {
    const active = this.list.control === this.line ? this.list.entries[this.list.index]?.each : null;
    return (
      Boolean(active) && this.line.value.trim() === `/${active.path}` && !active.options.some((each) => each.required)
    );
  }

  #typed(event) {
    this.#grow();
    this.#tell("");
    this.#suggest();
    if (event.inputType === "insertFromPaste" || event.inputType === "insertFromDrop") this.#apart();
  }

  /** Show a whole line by its options, unless something else was typed meanwhile. */
  async #apart() {
    const turn = (this.turn += 1);
    const text = this.line.value;
    if (!/^\/\S+\s+\S/.test(text)) return;
    const found = await room.parse(text).catch(() => null);
    if (!found || turn !== this.turn || this.line.value !== text) return;
    this.choose(
      commands().find((each) => each.path === found.command),
      found.values,
    );
  }

  #suggest() {
    const text = this.line.value;
    if (!text.startsWith("/") || this.command) return this.list.close();
    const typed = text.slice(1).toLowerCase();
    const all = commands();
    const isBegun = all.some((each) => typed.startsWith(`${each.path} `));
    if (isBegun) return this.list.close();
    const fitting = all.filter((each) => each.path.startsWith(typed));
    const entries = fitting.map((each) => ({ label: `/${each.path}`, hint: each.description, value: each.path, each }));
    this.list.open(this.line, entries, {
      label: say("commands"),
      pick: ({ each }) => this.choose(each),
      note: say("no_commands", { name: me() }),
      first: true,
    });
    return undefined;
  }

  #grow() {
    this.line.style.height = "auto";
    this.line.style.height = `${this.line.scrollHeight}px`;
  }

  #draw() {
    const chips = at("chips");
    const path = `/${this.command.path}`;
    const leave = () => {
      this.clear();
      this.line.focus();
    };
    const name = el(
      "span",
      { class: "command" },
      path,
      el(
        "button",
        { type: "button", class: "plain", "aria-label": say("leave", { command: path }), on: { click: leave } },
        "✕",
      ),
    );
    const rest = this.command.options.filter((each) => !this.options.some((option) => option.name === each.name));
    this.adder = rest.length ? this.#adder(rest) : null;
    chips.setAttribute("role", "group");
    chips.setAttribute("aria-label", say("options_of", { command: path }));
    chips.replaceChildren(name, ...this.options.map((each) => each.element), ...(this.adder ? [this.adder] : []));
    chips.hidden = false;
    this.line.hidden = true;
    at("image").hidden = true;
  }

  #adder(rest) {
    const offer = () => {
      const typed = input.value.trim().toLowerCase();
      const entries = rest
        .filter((each) => each.name.includes(typed))
        .map((each) => ({ label: each.name, hint: each.description, value: each.name, each }));
      const pick = ({ each }) => this.#add(each);
      this.list.open(input, entries, {
        label: say("options_of", { command: `/${this.command.path}` }),
        pick,
        note: say("no_such"),
        first: Boolean(typed),
      });
    };
    const open = (event) => {
      if (event.key !== "ArrowDown" || this.list.isOpen) return;
      event.preventDefault();
      event.stopPropagation();
      offer();
    };
    const close = () => this.list.control === input && this.list.close();
    const input = el("input", {
      type: "text",
      class: "adder",
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": "suggestions",
      "aria-label": say("more_options_label"),
      placeholder: say("more_options"),
      on: { input: offer, click: offer, keydown: open, blur: close },
    });
    return input;
  }

  #add(option) {
    const added = new Option(option, this);
    this.options.push(added);
    this.list.close();
    this.#draw();
    added.focus();
    return added;
  }

  /** A file goes to the first option that has room for one. */
  #brought(event, carried) {
    if (!carried?.types?.includes("Files")) return;
    event.preventDefault();
    if (event.type === "dragover" || !carried.files.length || document.querySelector("dialog[open]")) return;
    const free = this.options.find((each) => each.isFile && !each.file) ?? this.#freeFile();
    if (free) free.box.take(carried.files);
    else this.#tell(say("file_nowhere"));
  }

  #freeFile() {
    const open = this.options.map((each) => each.name);
    const option = this.command?.options.find((each) => each.type === 11 && !open.includes(each.name));
    return option ? this.#add(option) : null;
  }
}

export const makeComposer = () => new Composer();
