// Asks the room: the routes under the address that only this page knows.

import { store } from "./store.js";

const where = () => ({ as: store.person, in: store.place });

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...where(), ...body }),
  });
  const answer = await response.json();
  return { ok: response.ok && !answer?.error, away: response.status === 503, ...answer };
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

/** Put NovelAI's faults on and off. */
export const setFaults = (faults) =>
  fetch("faults", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(faults) });

/** Give the room a file. */
export async function upload(file) {
  const response = await fetch(`files?${new URLSearchParams({ name: file.name })}`, { method: "POST", body: file });
  return response.ok ? { ok: true, ...(await response.json()) } : { ok: false, large: response.status === 413 };
}
