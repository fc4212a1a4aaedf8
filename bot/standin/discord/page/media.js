// Shows files: pictures that open the viewer, pictures that hide first, and everything else as a name to download.

import { el } from "./dom.js";
import { store } from "./store.js";
import { view } from "./viewer.js";
import { say, sizeOf } from "./words.js";

const MOST = 400;
const SPOILER = 1 << 3;

const isPicture = (file) => (file.content_type ?? "").startsWith("image/") && file.width;
const isSpoiler = (file) => Boolean(file.flags & SPOILER) || file.filename.startsWith("SPOILER_");

/** An attachment of a message. */
export const attachment = (file) =>
  isPicture(file) ? picture(file, isSpoiler(file)) : fileCard(file, isSpoiler(file));

/** A picture that a card shows; one that lies elsewhere is named and not fetched. */
export function media(item, { description, spoiler }, message) {
  const file = message.files.find((each) => each.url === item.url);
  if (!file) return el("p", { class: "hint" }, say("picture_elsewhere", { url: item.url }));
  const shown = { ...file, description: description || file.description };
  return isPicture(file) ? picture(shown, spoiler || isSpoiler(file)) : fileCard(shown, spoiler);
}

function picture(file, isHidden) {
  const box = el("div", { class: "picture", data: { key: `picture:${file.id}` } });
  const build = () => {
    const alt = file.description || say("picture_no_alt");
    const scale = Math.min(1, MOST / file.width, MOST / file.height);
    const image = el("img", {
      src: file.url,
      alt,
      width: Math.floor(file.width * scale),
      height: Math.floor(file.height * scale),
      decoding: "async",
    });
    return el(
      "button",
      {
        type: "button",
        class: "open",
        "aria-label": say("picture_open", { alt }),
        data: { key: `open:${file.id}` },
        on: { click: () => view(file) },
      },
      image,
    );
  };
  return hidden(box, build, isHidden && `file:${file.id}`);
}

/** A file by its name, with its size and a way to take it along. */
export function fileCard(file, isHidden) {
  const build = () =>
    el(
      "div",
      { class: "file" },
      el("span", { class: "sheet", "aria-hidden": "true" }, "📄"),
      el("span", { class: "name" }, file.filename),
      " ",
      el("span", { class: "hint" }, sizeOf(file.size)),
      " ",
      el(
        "a",
        {
          class: "button",
          href: file.url,
          download: file.filename,
          "aria-label": say("file_download_of", { name: file.filename }),
        },
        say("file_download"),
      ),
    );
  return hidden(el("div", { class: "sheetbox" }), build, isHidden && `file:${file.id}`);
}

/** What hides first is not even built before somebody asks for it. */
function hidden(box, build, key) {
  if (!key || store.revealed.has(key)) {
    box.append(build());
    return box;
  }
  const show = () => {
    store.revealed.add(key);
    box.replaceChildren(build());
    box.querySelector("button, a")?.focus();
  };
  box.append(
    el("button", { type: "button", class: "spoiler", data: { key }, on: { click: show } }, say("spoiler_show")),
  );
  return box;
}
