// Asks the room: the routes under the address that only this page knows.

import { store } from "./store.js";

const where = () => ({ as: store.person, in: store.place });

const send = (path, body) =>
  fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function post(path, body) {
  const response = await send(path, { ...where(), ...body });
  // An answer that is no JSON comes from a room that is there, and did not manage.
  const answer = await response.json().catch(() => ({ broken: true }));
  return { ok: response.ok && !answer?.error && !answer?.broken, away: response.status === 503, ...answer };
}

/** Who and what there is, for this person in this place. */
export async function world() {
  return (await fetch(`world?${new URLSearchParams(where())}`)).json();
}

/** Say a whole line, or a command with its values. */
export const say = (body) => post("line", body);

/** Take a whole line apart; null where it cannot be sent. */
export async function parse(text) {
  const found = await post("parse", { text });
  return found.command ? found : null;
}

/** Do what a client can do: press, choose, use a menu, fill a form, ask for choices. */
export const act = (wish) => post("act", wish);

/** How something was answered, once it was, or once its time is up. */
export async function outcome(id) {
  return (await fetch(`interactions/${id}?wait`)).json();
}

/** Put one of NovelAI's faults on or off, the others stay as they are; whether that was done. */
export const setFault = (name, on) =>
  send("faults", { name, on }).then(
    ({ ok }) => ok,
    () => false,
  );

/** Give the room a file. */
export async function upload(file) {
  const response = await fetch(`files?${new URLSearchParams({ name: file.name })}`, { method: "POST", body: file });
  return response.ok ? { ok: true, ...(await response.json()) } : { ok: false, large: response.status === 413 };
}
