// Reads Discord's Markdown into nodes; what it does not know, and every link, is left as the text that it is.

import { written } from "./clock.js";
import { el } from "./dom.js";
import { channels, emit, people, roles, store } from "./store.js";
import { say } from "./words.js";

const DEPTH = 8;
const LATEST = 8_640_000_000_000;

/** The nodes of *text*; *key* names it, so that a spoiler that was shown stays so. */
export function markdown(text, key = "") {
  const context = { key, spoilers: 0 };
  return segments(text).flatMap((part) => {
    if (!part.fence) return blocks(part.text, context);
    return [part.hidden ? spoiler([fence(part)], context) : fence(part)];
  });
}

function fence({ language, text }) {
  return el("pre", { tabindex: "0" }, el("code", language ? { data: { language } } : {}, text));
}

const BARS = "||";

/** Text and fences, which bars on both sides hide; a fence inside of inline code or behind a backslash is none. */
function segments(text) {
  const found = [];
  let from = 0;
  let at = 0;
  while (at < text.length) {
    const end = fenceEnd(text, at);
    if (end) {
      const hidden = text.slice(from, at).endsWith(BARS) && text.startsWith(BARS, end);
      const [first, last] = hidden ? [at - BARS.length, end + BARS.length] : [at, end];
      if (first > from) found.push({ text: text.slice(from, first).replace(/\n$/, "") });
      found.push({ ...fenced(text.slice(at + 3, end - 3)), hidden });
      from = at = text[last] === "\n" ? last + 1 : last;
    } else {
      at += text[at] === "\\" ? 2 : (codeAt(text, at)?.length ?? runAt(text, at)?.length ?? 1);
    }
  }
  if (from < text.length) found.push({ text: text.slice(from) });
  return found;
}

function fenceEnd(text, at) {
  if (!text.startsWith("```", at)) return 0;
  const close = text.indexOf("```", at + 3);
  return close > 0 && text.slice(at + 3, close).trim() ? close + 3 : 0;
}

function fenced(inside) {
  const language = /^([\w+#.-]*)\n/.exec(inside);
  const text = language ? inside.slice(language[0].length) : inside;
  return { fence: true, language: language?.[1], text: text.replace(/^\n+|\n+$/g, "") };
}

const runAt = (text, at) => (text[at] === "`" ? /`+/.exec(text.slice(at))[0] : null);

/** Inline code that starts at *at*: its inside and its length. It ends at the next run of as many backticks. */
function codeAt(text, at) {
  const run = runAt(text, at);
  if (!run) return null;
  for (const match of text.slice(at + run.length).matchAll(/`+/g)) {
    if (match[0].length === run.length) {
      return {
        inside: text.slice(at + run.length, at + run.length + match.index),
        length: match.index + 2 * run.length,
      };
    }
  }
  return null;
}

const BLOCKS = [
  [/^(#{1,3}) +(.+)$/, (match, context) => el(`h${match[1].length + 2}`, {}, inline(match[2], context))],
  [/^-# +(.+)$/, (match, context) => el("p", { class: "subtext" }, inline(match[1], context))],
];

function blocks(text, context) {
  const lines = text.split("\n");
  const nodes = [];
  while (lines.length) {
    const taken = quote(lines, context) ?? list(lines, context) ?? single(lines, context) ?? paragraph(lines, context);
    nodes.push(taken);
  }
  return nodes;
}

function single(lines, context) {
  for (const [form, make] of BLOCKS) {
    const match = form.exec(lines[0]);
    if (match) {
      lines.shift();
      return make(match, context);
    }
  }
  return null;
}

function quote(lines, context) {
  if (lines[0].startsWith(">>> ")) {
    const rest = lines.splice(0).join("\n").slice(4);
    return el("blockquote", {}, blocks(rest, context));
  }
  const quoted = [];
  while (lines.length && lines[0].startsWith("> ")) quoted.push(lines.shift().slice(2));
  return quoted.length ? el("blockquote", {}, blocks(quoted.join("\n"), context)) : null;
}

const ITEM = /^( *)([-*]|\d{1,9}\.) +(.+)$/;

function list(lines, context) {
  const first = ITEM.exec(lines[0]);
  if (!first) return null;
  const isOrdered = /\d/.test(first[2]);
  const node = el(isOrdered ? "ol" : "ul", isOrdered ? { start: parseInt(first[2], 10) } : {});
  for (let match = first; match; match = lines.length ? ITEM.exec(lines[0]) : null) {
    const isSame = /\d/.test(match[2]) === isOrdered;
    if (match[1].length < first[1].length || (match[1].length === first[1].length && !isSame)) break;
    if (match[1].length > first[1].length) {
      node.lastChild.append(list(lines, context));
    } else {
      lines.shift();
      node.append(el("li", {}, inline(match[3], context)));
    }
  }
  return node;
}

function isBlock(line) {
  return (
    line.startsWith("> ") || line.startsWith(">>> ") || ITEM.test(line) || BLOCKS.some(([form]) => form.test(line))
  );
}

function paragraph(lines, context) {
  const taken = [lines.shift()];
  while (lines.length && !isBlock(lines[0])) taken.push(lines.shift());
  return el("p", {}, inline(taken.join("\n"), context));
}

const within = (tag) => (match, context, depth) => el(tag, {}, inline(match[1], context, depth + 1));

const RULES = [
  [/^\\([^0-9A-Za-z\s])/, (match) => match[1]],
  [/^<@!?(\d{1,20})>/, (match) => person(match)],
  [/^<@&(\d{1,20})>/, (match) => role(match)],
  [/^<#(\d{1,20})>/, (match) => channel(match)],
  [/^<\/([\w -]{1,100}):(\d{1,20})>/, (match) => command(match)],
  [/^<t:(-?\d{1,13})(?::([tTdDfFR]))?>/, (match) => moment(match)],
  [/^\*\*([^]+?)\*\*(?!\*)/, within("strong")],
  [/^__([^]+?)__(?!_)/, within("u")],
  [/^\*(?=[^\s*])([^*]*[^\s*])\*(?!\*)/, within("em")],
  [/^_(?=[^\s_])([^_]*[^\s_])_(?!\w)/, within("em"), /\w/],
  [/^~~([^]+?)~~/, within("s")],
  [/^\|\|([^]+?)\|\|/, (match, context, depth) => spoiler(inline(match[1], context, depth + 1), context)],
];
const PLAIN = /^[^\\`<*_~|]+/;

/** The nodes of text without blocks. */
function inline(text, context, depth = 0) {
  if (depth > DEPTH) return [text];
  const nodes = [];
  let plain = "";
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const [node, length] = ruled(rest, context, depth, text[at - 1]) ?? [PLAIN.exec(rest)?.[0] ?? rest[0], 0];
    if (typeof node === "string") plain += node;
    else (nodes.push(...(plain ? [plain] : []), node), (plain = ""));
    at += length || node.length;
  }
  return plain ? [...nodes, plain] : nodes;
}

function ruled(rest, context, depth, before) {
  if (rest[0] === "`") return code(rest);
  for (const [form, make, notAfter] of RULES) {
    const match = notAfter && before && notAfter.test(before) ? null : form.exec(rest);
    if (match) return [make(match, context, depth), match[0].length];
  }
  return null;
}

function code(rest) {
  const found = codeAt(rest, 0);
  return found ? [el("code", {}, found.inside), found.length] : [runAt(rest, 0), 0];
}

function spoiler(nodes, context) {
  const key = `${context.key}/${context.spoilers++}`;
  if (store.revealed.has(key)) return el("span", { class: "revealed" }, nodes);
  const button = el("button", { type: "button", class: "spoiler" }, say("spoiler_show"));
  button.addEventListener("click", () => {
    store.revealed.add(key);
    const shown = el("span", { class: "revealed", tabindex: "-1" }, nodes);
    button.replaceWith(shown);
    shown.focus();
  });
  return button;
}

const mention = (text) => el("span", { class: "mention" }, text);

function person([whole, id]) {
  const found = [...people(), store.world.bot].find((each) => each.id === id);
  return found ? mention(`@${found.name}`) : whole;
}

function role([whole, id]) {
  const found = roles().find((each) => each.id === id);
  return found ? mention(`@${found.name}`) : whole;
}

function channel([whole, id]) {
  const found = channels().find((each) => each.id === id);
  if (!found) return whole;
  const go = () => emit("go", found.place);
  return el("button", { type: "button", class: "mention", on: { click: go } }, `#${found.name}`);
}

function command([whole, path, id]) {
  if (!store.world.commands.some((each) => each.id === id)) return whole;
  const compose = () => emit("compose", path);
  return el("button", { type: "button", class: "mention", on: { click: compose } }, `/${path}`);
}

function moment([whole, text, style = "f"]) {
  const seconds = Number(text);
  if (Math.abs(seconds) > LATEST) return whole;
  const shown = { datetime: new Date(seconds * 1000).toISOString(), title: written(seconds, "F") };
  return el("time", style === "R" ? { ...shown, data: { left: text } } : shown, written(seconds, style));
}
