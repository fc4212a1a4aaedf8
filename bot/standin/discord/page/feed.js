// Hears what happens in the room, for one person at a time.

import { emit, store } from "./store.js";

let source = null;

/** Listen as the person that one is now; what an earlier one saw is forgotten. */
export function listen() {
  source?.close();
  store.messages.clear();
  const stream = new EventSource(`feed?${new URLSearchParams({ as: store.person })}`);
  stream.addEventListener("messages", (event) => JSON.parse(event.data).forEach(take));
  stream.addEventListener("room", (event) => {
    store.room = JSON.parse(event.data);
    emit("room", store.room);
  });
  stream.addEventListener("open", () => emit("heard", true));
  stream.addEventListener("error", () => emit("heard", false));
  source = stream;
}

function take(entry) {
  if (entry.deleted) store.messages.delete(entry.id);
  else store.messages.set(entry.id, entry);
  emit("message", entry);
}
