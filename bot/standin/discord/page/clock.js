// Writes moments in time, and lets those that are told as a distance go on by themselves.

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};
const distance = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** A moment in unix seconds as text. */
export function written(seconds, style) {
  if (style === "R") return away(seconds - Date.now() / 1000);
  return new Intl.DateTimeFormat("en-GB", STYLES[style] ?? STYLES.f).format(seconds * 1000);
}

function away(left) {
  for (const [unit, size] of UNITS) {
    if (Math.abs(left) >= size) return distance.format(Math.round(left / size), unit);
  }
  return distance.format(Math.round(left), "second");
}

/** Let every moment on the page that is told as a distance go on. */
export function tick() {
  setInterval(() => {
    for (const node of document.querySelectorAll("time[data-left]")) {
      const text = written(Number(node.dataset.left), "R");
      if (node.textContent === text) continue;
      // Each second would be told otherwise.
      node.setAttribute("aria-live", "off");
      node.textContent = text;
    }
  }, 1_000);
}
