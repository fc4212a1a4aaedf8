// Does what a person does, and follows it until it is answered: by a message, a form, or by nothing.

import * as room from "./room.js";
import { emit, store } from "./store.js";
import { say } from "./words.js";

const SHORTLY = 400;

/** Press, choose or use a menu; what is on the screen stays where it is. */
export async function use(wish, what) {
  const where = here();
  emit("pressing", wish.message);
  follow(await room.act(wish).catch(lost), what, where);
}

/** Do what nobody has to answer: post, react; whether it was done. */
export async function deed(wish, what) {
  const where = here();
  const sent = await room.act(wish).catch(lost);
  if (!sent.ok) note(what, say("not_sent", { why: sent.error ?? say("not_possible") }), 0, where);
  return sent.ok;
}

/** Whom one is and where one is, to be remembered over a wait. */
export const here = () => ({ place: store.place, person: store.person });

/** Follow what was sent, and say so where it was not. */
export function follow(sent, what, where) {
  if (sent.ok) wait(sent.interaction, what, where);
  else note(what, say("not_sent", { why: sent.away ? lower(say("away")) : say("not_possible") }), 0, where);
}

export const lost = () => ({ ok: false, away: true });

/** A sentence as the end of another one. */
export const lower = (text) => text[0].toLowerCase() + text.slice(1).replace(/\.$/, "");

/** Wait for the first answer; a form opens, and silence is shown as a user would see it. */
async function wait(id, what, where) {
  const waiting = note(what, say("sending"), SHORTLY, where);
  const found = await room.outcome(id).catch(() => ({ lapsed: true }));
  drop(waiting);
  // Who became somebody else meanwhile would fill in a form that is not theirs.
  if (found.form) where.person === store.person && emit("form", { id, form: found.form });
  else if (found.lapsed) note(what, say("lapsed"), 0, where);
}

/** A line of the page's own under the messages of a place, for one person. */
export function note(what, text, after, where) {
  const made = { what, text, ...where, isGone: false };
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
