// Gives files to the room, and shows what was given with a picture and a size.

import { el } from "./dom.js";
import * as room from "./room.js";
import { say, sizeOf } from "./words.js";

/** A place for up to *most* files: by its button, dropped or pasted. `ids` are the files that the room has. */
export class FileBox {
  constructor({ id, label, most = 1, changed = () => {}, next = null }) {
    Object.assign(this, { most, changed, next, files: [], taking: "" });
    this.input = el("input", {
      type: "file",
      class: "unseen",
      id,
      multiple: most > 1,
      tabIndex: -1,
      "aria-hidden": "true",
      on: { change: () => this.#picked() },
    });
    this.button = el(
      "button",
      { type: "button", "aria-label": `${say("file_choose")}: ${label}`, on: { click: () => this.input.click() } },
      say("file_choose"),
    );
    this.hint = el("span", { class: "hint" }, say("file_hint"));
    this.list = el("span", { class: "files" });
    this.trouble = el("span", { class: "trouble", role: "alert" });
    this.element = el(
      "span",
      { class: "filebox", on: { dragover: (event) => event.preventDefault(), drop: (event) => this.#dropped(event) } },
      this.list,
      this.button,
      this.hint,
      this.input,
      this.trouble,
    );
  }

  get ids() {
    return this.files.map((each) => each.id);
  }

  /** Take what a person brought. */
  async take(files) {
    const [taken, left] = [[...files].slice(0, this.most), [...files].slice(this.most)];
    const troubles = [];
    for (const file of taken) {
      this.taking = file.name;
      this.trouble.textContent = say("file_taking", { name: file.name });
      const given = await room.upload(file).catch(() => ({ ok: false }));
      if (given.ok) this.files = [...this.files, given].slice(-this.most);
      else troubles.push(say(given.large ? "file_large" : "file_refused", { name: file.name }));
    }
    if (left.length) troubles.push(say("file_surplus", { names: left.map((each) => each.name).join(", ") }));
    this.taking = "";
    this.trouble.textContent = troubles.join(" ");
    this.#show();
    this.changed();
  }

  /** Hold what was given before. */
  set(files) {
    this.files = files;
    this.#show();
  }

  #picked() {
    const files = [...this.input.files];
    this.input.value = "";
    return this.take(files);
  }

  #dropped(event) {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.take(event.dataTransfer.files);
  }

  #show() {
    const hadFocus = this.element.contains(document.activeElement);
    this.list.replaceChildren(...this.files.map((each) => this.#one(each)));
    this.button.hidden = this.hint.hidden = this.files.length >= this.most;
    if (hadFocus) this.#goOn();
  }

  /** The button that had the focus may be gone: the keyboard goes on from what comes next. */
  #goOn() {
    if (!this.button.hidden) this.button.focus();
    else if (this.next) this.next();
    else this.focus();
  }

  /** Put the focus on what there is: the button, or the way to take the last file out. */
  focus() {
    (this.button.hidden ? [...this.list.querySelectorAll("button")].at(-1) : this.button)?.focus();
  }

  #one(file) {
    const drop = () => {
      this.files = this.files.filter((each) => each !== file);
      this.#show();
      this.changed();
      this.focus();
    };
    return el(
      "span",
      { class: "file" },
      file.width ? el("img", { src: file.url, alt: "", class: "thumb" }) : null,
      el("span", { class: "name" }, file.filename),
      " ",
      el("span", { class: "hint" }, sizeOf(file.size)),
      el(
        "button",
        { type: "button", class: "plain", "aria-label": say("remove", { option: file.filename }), on: { click: drop } },
        "✕",
      ),
    );
  }
}
