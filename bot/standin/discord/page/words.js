// The page's words; they are kept by the bot and only filled in here.

let known = {};

/** Fetch them, once, before anything is shown. */
export async function learn() {
  known = await (await fetch("words")).json();
}

/** The sentence of *name* with its placeholders filled. */
export function say(name, data = {}) {
  return known[name].replace(/\{(\w+)\}/g, (whole, key) => String(data[key] ?? whole));
}

/** A table or a list of words. */
export const table = (name) => known[name];

/** A file size as people write it. */
export function sizeOf(bytes) {
  if (bytes >= 100_000) return say("megabytes", { n: (bytes / 1024 ** 2).toFixed(1) });
  return bytes >= 1_000 ? say("kilobytes", { n: Math.round(bytes / 1024) }) : say("bytes", { n: bytes });
}
