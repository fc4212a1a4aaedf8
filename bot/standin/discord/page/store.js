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

/** The channels of the server one is in. */
export const channelsHere = () =>
  store.world.servers.find((server) => server.channels.some((each) => each.place === store.place))?.channels ?? [];

/** The people there are. */
export const people = () => Object.values(store.world.people);

/** The roles there are. */
export const roles = () => Object.entries(store.world.roles).map(([name, id]) => ({ id, name }));

const DISMISSED = "dismissed";

/** Remember what was dismissed over a reload. */
export function dismiss(id) {
  store.dismissed.add(id);
  sessionStorage.setItem(DISMISSED, JSON.stringify([...store.dismissed]));
}

/** What was dismissed before. */
export function recall() {
  store.dismissed = new Set(JSON.parse(sessionStorage.getItem(DISMISSED) ?? "[]"));
}
