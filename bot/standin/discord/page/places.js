// Where one is and who: the servers with their channels, and the list of people.

import { announce, at, el } from "./dom.js";
import { emit, on, store, titleOf } from "./store.js";
import { say, table } from "./words.js";

const NARROW = matchMedia("(max-width: 760px)");

/** Start listening to the list of people, to the width of the window, and to Alt with arrows. */
export function begin() {
  at("person").addEventListener("change", (event) => become(event.target.value));
  NARROW.addEventListener("change", fold);
  fold();
  document.addEventListener("keydown", step);
  on("go", go);
}

/** Become somebody else. */
export function become(person) {
  if (person === store.person) return;
  store.person = person;
  emit("moved", { person: true });
  announce(say("now", { name: store.world.people[person].name }));
}

/** Go to another place. */
export function go(place) {
  if (NARROW.matches) at("fold").open = false;
  if (place === store.place) return;
  store.place = place;
  emit("moved", { person: false });
}

/** Show the servers, the people, and where one is. */
export function draw() {
  const { world } = store;
  at("person").replaceChildren(
    ...Object.entries(world.people).map(([key, { name }]) =>
      el("option", { value: key, selected: key === store.person }, say("person", { name, role: table("roles")[key] })),
    ),
  );
  const isFocused = at("servers").contains(document.activeElement);
  const direct = { name: say("direct"), channels: [{ name: world.bot.name, place: "dm", sign: "@" }] };
  at("servers").replaceChildren(...[...world.servers, direct].map(server));
  if (isFocused) at("servers").querySelector("[aria-current]")?.focus();
  const here = world.servers.find((each) => each.channels.some((channel) => channel.place === store.place));
  at("here").textContent = titleOf(store.place);
  at("server").textContent = here ? say("server_of", { server: here.name }) : say("direct");
  at("folded").textContent = `${titleOf(store.place)} · ${here?.name ?? say("direct")}`;
  document.title = `${titleOf(store.place)} · ${say("title")}`;
}

function server({ name, channels }) {
  return el(
    "section",
    {},
    el("h2", {}, name),
    el(
      "ul",
      {},
      channels.map((each) => el("li", {}, channel(each))),
    ),
  );
}

function channel({ name, place, adult, sign = "#" }) {
  const isHere = place === store.place;
  return el(
    "button",
    {
      type: "button",
      class: "channel",
      "aria-current": isHere ? "page" : null,
      data: { place },
      on: { click: () => go(place) },
    },
    el("span", { class: "sign", "aria-hidden": "true" }, sign),
    el("span", { class: "name" }, name),
    adult ? el("abbr", { class: "badge", title: say("adult_label") }, say("adult")) : null,
  );
}

function fold() {
  at("fold").open = !NARROW.matches;
}

function step(event) {
  if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  // There the keys mean something of their own, and what is open belongs to the place one is in.
  if (event.target.closest("select") || document.querySelector("dialog[open], [role=menu]")) return;
  event.preventDefault();
  const all = [...at("servers").querySelectorAll("[data-place]")].map((each) => each.dataset.place);
  go(all[(all.indexOf(store.place) + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
}
