// Puts the page together: learns the words, looks around, listens, and follows where one goes and who one is.

import * as backstage from "./backstage.js";
import { tick } from "./clock.js";
import { makeComposer } from "./composer.js";
import { at, focusComposer } from "./dom.js";
import { listen } from "./feed.js";
import * as form from "./form.js";
import * as log from "./log.js";
import { closeMenu } from "./menu.js";
import * as places from "./places.js";
import * as room from "./room.js";
import { emit, on, recall, settle, start, store } from "./store.js";
import * as tour from "./tour.js";
import { learn, say } from "./words.js";

let composer = null;
let commands = null;
let looking = Promise.resolve();

/** Learn who and what there is; a later look is the one that counts. */
async function look() {
  const mine = `${store.person}/${store.place}`;
  const world = await room.world();
  if (mine !== `${store.person}/${store.place}`) return;
  store.world = world;
  places.draw();
  composer.moved();
}

function moved({ person }) {
  closeMenu();
  settle();
  if (person) listen();
  log.redraw(person);
  looking = look();
}

function notice(text) {
  at("notice").textContent = text;
  at("notice").hidden = !text;
}

/** The bot came or went, or has other commands now. */
function changed({ connected, commands: now }) {
  notice(connected ? "" : say("away"));
  if (now !== commands && commands !== null) looking = look();
  commands = now;
}

function keys(event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog, [role=menu], [aria-expanded=true]")) return;
  event.preventDefault();
  focusComposer();
  const box = at("line");
  if (box.hidden || box.value) return;
  box.value = "/";
  box.dispatchEvent(new Event("input"));
}

async function begin() {
  recall();
  await learn();
  composer = makeComposer();
  await look().catch(() => {
    start();
    return look();
  });
  places.begin();
  log.begin();
  form.begin();
  backstage.begin();
  tour.begin(composer, () => looking);
  on("moved", moved);
  on("room", changed);
  on("heard", (isThere) => !isThere && notice(say("lost")));
  on("heard", (isThere) => isThere && store.room && changed(store.room));
  document.addEventListener("keydown", keys);
  log.redraw(true);
  listen();
  tick();
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    focusComposer();
  });
  at("line").focus({ preventScroll: true });
  emit("begun");
}

begin();
