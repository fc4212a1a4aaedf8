// What the page knows: who one is, where, what was said; and who wants to hear of it.

export const store = {
  person: "member",
  place: "studio",
  world: { people: {}, roles: {}, servers: [], commands: [], bot: {} },
  messages: new Map(),
  notes: [],
  room: null,
  dismissed: new Set(),
  revealed: new Set(),
  drafts: new Map(),
};

const bus = new EventTarget();

/** Hear of *name*. */
export const on = (name, listener) => bus.addEventListener(name, (event) => listener(event.detail));

/** Tell everybody who wants to hear. */
export const emit = (name, detail) => bus.dispatchEvent(new CustomEvent(name, { detail }));

/** The room's own state, as soon as it was told. */
export const room = () =>
  store.room
    ? Promise.resolve(store.room)
    : new Promise((resolve) => {
        bus.addEventListener("room", (event) => resolve(event.detail), { once: true });
      });

/** The name of whom one is. */
export const me = () => store.world.people[store.person]?.name ?? "";

/** Every channel, with its server's name. */
export const channels = () =>
  store.world.servers.flatMap((server) => server.channels.map((each) => ({ ...each, server: server.name })));

/** How a place is written. */
export function titleOf(place) {
  const channel = channels().find((each) => each.place === place);
  return channel ? `#${channel.name}` : (store.world.bot.name ?? "");
}

const serverHere = () =>
  store.world.servers.find((server) => server.channels.some((each) => each.place === store.place));

/** The channels of the server one is in. */
export const channelsHere = () => serverHere()?.channels ?? [];

/** The people there are. */
export const people = () => Object.values(store.world.people);

/** Every role there is. */
export function roles() {
  const known = Object.entries(store.world.roles ?? {}).map(([name, id]) => ({ id, name }));
  const listed = store.world.servers.flatMap((server) => server.roles ?? []);
  return listed.length ? listed : known;
}

/** The roles of the server one is in; in a direct message those there are. */
export const rolesHere = () => serverHere()?.roles ?? roles();

const DISMISSED = "dismissed";
const WHERE = "where";

/** Remember what was dismissed over a reload. */
export function dismiss(id) {
  store.dismissed.add(id);
  sessionStorage.setItem(DISMISSED, JSON.stringify([...store.dismissed]));
}

/** Remember whom one is and where over a reload. */
export function settle() {
  sessionStorage.setItem(WHERE, JSON.stringify({ person: store.person, place: store.place }));
}

/** What was dismissed before, whom one was, and where. */
export function recall() {
  store.dismissed = new Set(JSON.parse(sessionStorage.getItem(DISMISSED) ?? "[]"));
  Object.assign(store, JSON.parse(sessionStorage.getItem(WHERE) ?? "{}"));
}

/** Whom one is and where in a room that knows nobody of whom was remembered. */
export const start = () => Object.assign(store, { person: "member", place: "studio" });
