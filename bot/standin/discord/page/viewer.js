// Shows one picture large, with its description, its original and a download.

import { at, el, wayBack } from "./dom.js";
import { say } from "./words.js";

/** Open the viewer on *file*; the focus returns to where it was. */
export function view(file) {
  at("viewer")?.remove();
  const comeBack = wayBack();
  const alt = file.description || say("picture_no_alt");
  const close = () => dialog.close();
  const dialog = el(
    "dialog",
    { id: "viewer", "aria-label": say("viewer") },
    el("img", { src: file.url, alt }),
    el("p", { class: "alt" }, alt),
    el(
      "p",
      { class: "row" },
      el(
        "a",
        { class: "button", href: file.url, target: "_blank", rel: "noopener noreferrer" },
        say("viewer_original"),
      ),
      el("a", { class: "button", href: file.url, download: file.filename }, say("file_download")),
      el("button", { type: "button", class: "primary", on: { click: close } }, say("close")),
    ),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    comeBack();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  document.body.append(dialog);
  dialog.showModal();
}
