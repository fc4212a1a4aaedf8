// Try this: five things to do, each a button that does the first half of it.

import { announce, at, el } from "./dom.js";
import { newestButton, newestPicture } from "./message.js";
import { become, go } from "./places.js";
import { on, room } from "./store.js";
import { say, table } from "./words.js";

const STUDIO = "studio";

/** Show the five things; *composer* takes their lines. */
export function begin(composer, moved) {
  const told = el("p", { class: "hint", id: "told", role: "status" });
  const steps = table("try_steps").map((text, n) =>
    step(text, async () => {
      told.textContent = "";
      told.textContent = await doIt((await room()).tour[n].next, composer, moved);
    }),
  );
  at("tour").replaceChildren(...steps.map(({ node }) => node));
  at("tour").after(told);
  on("room", ({ tour }) => tour.forEach(({ done }, n) => steps[n].tick(done)));
}

function step(text, press) {
  const mark = el("span", { class: "mark", "aria-hidden": "true" });
  const done = el("span", { class: "unseen" });
  const node = el("li", {}, el("button", { type: "button", on: { click: press } }, mark, el("span", {}, text), done));
  const tick = (isDone) => {
    node.classList.toggle("done", isDone);
    mark.textContent = isDone ? "✓" : "";
    done.textContent = isDone ? ` (${say("try_done")})` : "";
  };
  return { node, tick };
}

async function doIt(next, composer, moved) {
  if (next.line && !composer.isFree) return say("try_kept");
  if (next.as) become(next.as);
  go(next.place ?? STUDIO);
  await moved();
  if (next.wait) return say("try_wait");
  if (next.line) {
    await composer.fill(next.line);
    return say("try_filled");
  }
  return next.press ? pressNext(next.press) : menuNext(next.menu);
}

/** The newest button of that label, which may be on its way. */
async function comes(label) {
  for (let n = 0; n < 20; n++) {
    const button = newestButton(label);
    if (button) return button;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

async function pressNext(label) {
  const button = await comes(label);
  if (!button) return say("try_first");
  button.scrollIntoView({ block: "nearest" });
  button.focus();
  return say("try_press", { label });
}

function menuNext(item) {
  const dots = newestPicture();
  if (!dots) return say("try_first");
  dots.scrollIntoView({ block: "nearest" });
  dots.click();
  announce(say("try_menu", { item }));
  return say("try_menu", { item });
}
