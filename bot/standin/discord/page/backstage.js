// Backstage: the queue, the ledger, the pretend balance, the last calls to NovelAI, and its faults as switches.

import { at, el } from "./dom.js";
import { setFault } from "./room.js";
import { on } from "./store.js";
import { say, table } from "./words.js";

let shown = "";

/** Show what is behind the scene, whenever it changes. */
export function begin() {
  on("room", ({ backstage }) => {
    const text = JSON.stringify(backstage);
    if (text !== shown) draw(backstage);
    shown = text;
  });
}

function draw({ queue, more, ledger, novelai }) {
  const focused = at("inside").contains(document.activeElement) ? document.activeElement.id : null;
  at("inside").replaceChildren(
    part("queue", null, lines([...queue.map(job), ...(more ? [line(say("queue_more"), "")] : [])], "queue_empty")),
    part(
      "ledger",
      "ledger_hint",
      lines(
        Object.entries(ledger).map(([id, anlas]) => line(id, say("anlas", { n: anlas }))),
        "ledger_empty",
      ),
    ),
    ...(novelai ? pretended(novelai) : []),
  );
  if (focused) at(focused)?.focus();
}

function pretended({ account, calls, faults, known }) {
  const balance = line(table("tiers")[account.tier] ?? String(account.tier), say("anlas", { n: account.anlas }));
  return [
    part("balance", "balance_hint", lines([balance])),
    part("calls", null, lines(calls.toReversed().slice(0, 8).map(call), "calls_empty")),
    part(
      "faults",
      "faults_hint",
      el(
        "ul",
        { class: "switches" },
        known.map((name) => fault(name, faults)),
      ),
    ),
  ];
}

const part = (name, hint, inside) =>
  el("section", {}, el("h3", {}, say(name)), hint ? el("p", { class: "hint" }, say(hint)) : null, inside);
const lines = (list, none) => (list.length ? el("ul", {}, list) : el("p", { class: "hint" }, say(none)));
const line = (name, value, more = null) =>
  el("li", {}, el("span", { class: "name" }, name), " ", el("span", { class: "value" }, value), more);

function job({ id, state, delivery, price }) {
  const cost = price ? say("anlas", { n: price }) : say("free");
  const words = [table("queue_states")[state] ?? state, table("queue_deliveries")[delivery] ?? delivery, cost];
  return line(say("queue_job", { id }), words.filter(Boolean).join(" · "));
}

function call({ at: when, status, billed, prompt }) {
  const time = new Date(when * 1000).toLocaleTimeString("en-GB");
  const text = `${time} · ${status} · ${say("call_billed", { n: billed })}`;
  return line(text, "", el("span", { class: "prompt" }, prompt));
}

function fault(name, faults) {
  const id = `fault-${name}`;
  const toggle = async ({ target }) => {
    const wanted = target.checked;
    if (!(await setFault(name, wanted))) target.checked = !wanted;
  };
  return el(
    "li",
    {},
    el("input", { type: "checkbox", role: "switch", id, checked: name in faults, on: { change: toggle } }),
    el("label", { for: id }, el("code", {}, name), " ", table("fault_names")[name] ?? ""),
  );
}
