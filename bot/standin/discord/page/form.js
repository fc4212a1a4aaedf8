// Forms: a dialog with fields that says what is wrong beside each, and loses nothing when it is closed.

import { el, wayBack } from "./dom.js";
import { follow, here, lost, lower } from "./deeds.js";
import { fieldOf } from "./field.js";
import { markdown } from "./markdown.js";
import * as room from "./room.js";
import { on, store } from "./store.js";
import { say } from "./words.js";

const TEXT = 10;

/** Open every form that somebody is asked to fill. */
export const begin = () => on("form", ({ id, form }) => open(id, form));

function open(interaction, form) {
  const comeBack = wayBack();
  const key = `${store.person}/${form.custom_id}`;
  const fields = form.components.filter((each) => each.type !== TEXT).map(fieldOf);
  restore(fields, store.drafts.get(key));
  const dialog = built(form, fields);
  const trouble = dialog.querySelector(".whole");
  const keep = () =>
    store.drafts.set(
      key,
      fields.map((each) => each.kept?.() ?? each.get()),
    );
  dialog.addEventListener("input", keep);
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "sent") keep();
    dialog.remove();
    comeBack();
  });
  dialog.addEventListener("paste", (event) => paste(event, fields));
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isSending(dialog) || !isFit(fields)) return;
    const values = Object.fromEntries(fields.map((each) => [each.name, each.get()]));
    const where = here();
    sending(dialog, true);
    const sent = await room.act({ kind: "fill", interaction, values }).catch(lost);
    sending(dialog, false);
    if (!sent.ok) {
      trouble.textContent = say("form_unsent", { why: sent.away ? lower(say("away")) : say("not_possible") });
      return;
    }
    store.drafts.delete(key);
    dialog.close("sent");
    follow(sent, form.title, where);
  });
  document.body.append(dialog);
  dialog.showModal();
  fields[0]?.focus();
}

function built(form, fields) {
  const left = [...fields];
  const rows = form.components.map((each) =>
    each.type === TEXT ? el("div", { class: "text" }, markdown(each.content)) : left.shift().element,
  );
  const dialog = el(
    "dialog",
    { class: "form", "aria-labelledby": "form-title" },
    el(
      "form",
      { novalidate: true, autocomplete: "off" },
      el("h2", { id: "form-title" }, form.title),
      rows,
      el("p", { class: "trouble whole", role: "alert" }),
      el(
        "p",
        { class: "row end" },
        el("button", { type: "button", on: { click: () => dialog.close() } }, say("form_cancel")),
        el("button", { type: "submit", class: "primary" }, say("form_send")),
      ),
    ),
  );
  return dialog;
}

const submitOf = (dialog) => dialog.querySelector("[type=submit]");
const isSending = (dialog) => submitOf(dialog).getAttribute("aria-disabled") === "true";

/** Not the real attribute: a button that is disabled loses the focus. */
const sending = (dialog, isOn) => submitOf(dialog).setAttribute("aria-disabled", String(isOn));

function restore(fields, held) {
  held?.forEach((value, n) => fields[n]?.set(value));
}

/** Whether every field is; else each says what is wrong, and the first of them has the focus. */
function isFit(fields) {
  const wrong = fields.filter((each) => {
    const why = each.trouble();
    each.tell(why);
    return why;
  });
  wrong[0]?.focus();
  return !wrong.length;
}

function paste(event, fields) {
  const box = fields.find((each) => each.take);
  if (!box || !event.clipboardData.files.length) return;
  event.preventDefault();
  box.take(event.clipboardData.files);
}
