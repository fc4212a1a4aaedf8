// What lists of people, roles and channels hold, for options of commands and for selects alike.

import { channels, channelsHere, people, rolesHere } from "./store.js";

const signed = (list, sign, name = "name") => list.map((each) => ({ ...each, label: sign + each[name] }));

/** Everybody. */
export const peopleEntries = () => signed(people(), "@");

/** The roles of this server. */
export const roleEntries = () => signed(rolesHere(), "@");

/** People and roles. */
export const mentionableEntries = () => [...peopleEntries(), ...roleEntries()];

/** The channels of this server; in a direct message those of all, told apart. */
export const channelEntries = () =>
  channelsHere().length ? signed(channelsHere(), "#") : signed(channels(), "#", "place");
