// Gives files to the room, and shows what was given with a picture and a size.

import { el } from "./dom.js";
import * as room from "./room.js";
import { say, sizeOf } from "./words.js";

/** A place for up to *most* files: by its button, dropped or pasted. `ids` are the files that the room has. */
export class FileBox {
  constructor({ id, label, most = 1, changed = () => {} }) {
    Object.assign(this, { most, changed, files: [] });
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
    for (const file of [...files].slice(0, this.most)) {
      this.trouble.textContent = say("file_taking", { name: file.name });
      const given = await room.upload(file).catch(() => ({ ok: false }));
      this.trouble.textContent = given.ok ? "" : say(given.large ? "file_large" : "file_refused", { name: file.name });
      if (given.ok) this.files = [...this.files, given].slice(-this.most);
    }
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
    this.list.replaceChildren(...this.files.map((each) => this.#one(each)));
    this.button.hidden = this.hint.hidden = this.files.length >= this.most;
  }

  #one(file) {
    const drop = () => {
      this.files = this.files.filter((each) => each !== file);
      this.#show();
      this.changed();
      this.button.focus();
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
