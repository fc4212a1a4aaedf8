// Hears what happens in the room, for one person at a time, while somebody looks at the page.

import { emit, store } from "./store.js";

let source = null;
let seen = "0";

/** Listen as the person that one is now; what an earlier one saw is forgotten. */
export function listen() {
  store.messages.clear();
  seen = "0";
  resume();
}

/** A browser opens six streams to one host, and no more of anything: a hidden page must not hold one. */
function resume() {
  source?.close();
  source = document.hidden ? null : opened();
}

function opened() {
  const stream = new EventSource(`feed?${new URLSearchParams({ as: store.person, since: seen })}`);
  const hear = (name, take) =>
    stream.addEventListener(name, (event) => {
      seen = event.lastEventId || seen;
      take(JSON.parse(event.data));
    });
  hear("messages", (entries) => entries.forEach(take));
  hear("room", (room) => {
    store.room = room;
    emit("room", room);
  });
  stream.addEventListener("open", () => emit("heard", true));
  stream.addEventListener("error", () => emit("heard", false));
  return stream;
}

function take(entry) {
  if (entry.deleted) store.messages.delete(entry.id);
  else store.messages.set(entry.id, entry);
  emit("message", entry);
}

document.addEventListener("visibilitychange", resume);
