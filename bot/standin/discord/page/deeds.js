// Does what a person does, and follows it until it is answered: by a message, a form, or by nothing.

import * as room from "./room.js";
import { emit, store } from "./store.js";
import { say } from "./words.js";

const SHORTLY = 400;

/** Press, choose or use a menu. */
export async function use(wish, what) {
  follow(await room.act(wish).catch(lost), what);
}

/** Follow what was sent, and say so where it was not. */
export function follow(sent, what) {
  if (sent.ok) wait(sent.interaction, what);
  else note(what, say("not_sent", { why: sent.away ? lower(say("away")) : say("not_possible") }));
}

export const lost = () => ({ ok: false, away: true });

const lower = (text) => text.replace(/\.$/, "");

/** Wait for the first answer; a form opens, and silence is shown as a user would see it. */
async function wait(id, what) {
  emit("did");
  const waiting = note(what, say("sending"), SHORTLY);
  const found = await room.outcome(id).catch(() => ({ lapsed: true }));
  drop(waiting);
  if (found.form) emit("form", { id, form: found.form });
  else if (found.lapsed) note(what, say("lapsed"));
}

/** A line of the page's own under the messages of this place, for whom one is. */
export function note(what, text, after = 0) {
  const made = { what, text, place: store.place, person: store.person, isGone: false };
  setTimeout(() => {
    if (made.isGone) return;
    store.notes.push(made);
    emit("notes");
  }, after);
  return made;
}

/** Take such a line away. */
export function drop(made) {
  made.isGone = true;
  store.notes = store.notes.filter((each) => each !== made);
  emit("notes");
}
