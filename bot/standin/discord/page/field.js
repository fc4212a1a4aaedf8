// The fields of a form, one kind each: what they hold, and what is wrong with it.

import { el, fresh } from "./dom.js";
import { FileBox } from "./files.js";
import { Select } from "./select.js";
import { say } from "./words.js";

const LONGEST = 4_000;
const PARAGRAPH = 2;

/** The field of a form's *part*: `element`, `id`, `get()`, `set(value)`, `trouble()` and `focus()`. */
export function fieldOf(part) {
  const component = part.component ?? part.components[0];
  const label = part.label ?? component.label;
  const make = { 4: text, 19: files, 21: radios, 22: checks, 23: check }[component.type] ?? select;
  return framed(make(component, label), component, label, part.description);
}

function framed(inner, component, label, description) {
  const [hint, wrong] = [fresh("hint"), fresh("wrong")];
  const isOptional = component.required === false || component.min_values === 0;
  const note = [description, isOptional && component.type !== 23 ? say("form_optional") : null]
    .filter(Boolean)
    .join(" · ");
  const trouble = el("p", { class: "trouble", id: wrong, role: "alert" });
  const title = inner.group
    ? el("legend", {}, label)
    : el("label", { for: inner.id, id: inner.labelId ?? null }, label);
  const element = el(
    inner.group ? "fieldset" : "div",
    { class: "field" },
    title,
    note ? el("p", { class: "hint", id: hint }, note) : null,
    inner.element,
    inner.counter ?? null,
    trouble,
  );
  for (const each of inner.controls())
    each.setAttribute("aria-describedby", [note ? hint : "", wrong].join(" ").trim());
  const tell = (why) => {
    trouble.textContent = why;
    for (const each of inner.controls()) each.setAttribute("aria-invalid", String(Boolean(why)));
  };
  return { ...inner, element, name: component.custom_id, tell };
}

const between = (count, component, low, high) => {
  if (component.required === false && !count) return "";
  if (count < low) return low === 1 ? say("form_empty") : say("form_few", { n: low });
  return count > high ? say("form_many", { n: high }) : "";
};

function text(component) {
  const id = fresh("text");
  const [low, high] = [component.min_length ?? 0, component.max_length ?? LONGEST];
  const props = { id, value: component.value ?? "", placeholder: component.placeholder, spellcheck: "false" };
  const isLong = component.style === PARAGRAPH;
  const input = el(isLong ? "textarea" : "input", isLong ? { ...props, rows: "5" } : { ...props, type: "text" });
  const counter = el("p", { class: "count hint" });
  const count = () => {
    counter.textContent = say("form_count", { n: input.value.length, limit: high });
    counter.classList.toggle("over", input.value.length > high);
  };
  input.addEventListener("input", count);
  count();
  const trouble = () => {
    const length = input.value.length;
    if (!length && (component.required ?? true)) return say("form_empty");
    if (length && length < low) return say("form_short", { n: low });
    return length > high ? say("form_long", { n: high }) : "";
  };
  const set = (value) => {
    input.value = value;
    count();
  };
  return {
    id,
    element: input,
    counter,
    get: () => input.value,
    set,
    trouble,
    focus: () => input.focus(),
    controls: () => [input],
  };
}

function select(component, label) {
  const made = new Select(component, { label });
  return {
    id: made.button.id,
    element: made.element,
    get: () => made.values,
    set: (values) => made.set(values),
    trouble: () => between(made.values.length, component, made.low, made.high),
    focus: () => made.button.focus(),
    controls: () => [made.button],
  };
}

function files(component, label) {
  const [low, high] = [component.min_values ?? 1, component.max_values ?? 1];
  const id = fresh("file");
  const box = new FileBox({ id: `${id}-input`, label, most: high });
  box.button.id = id;
  return {
    id,
    element: box.element,
    get: () => box.ids,
    kept: () => box.files,
    set: (kept) => box.set(kept),
    trouble: () =>
      box.taking ? say("file_still", { name: box.taking }) : between(box.ids.length, component, low, high),
    focus: () => box.focus(),
    controls: () => [box.button],
    take: (given) => box.take(given),
  };
}

function choices(component, type) {
  const name = fresh("choice");
  return component.options.map((option) => {
    const id = fresh("choice");
    const input = el("input", { type, name, id, value: option.value, checked: Boolean(option.default) });
    const line = el(
      "div",
      { class: "choice" },
      input,
      el("label", { for: id }, option.label),
      option.description ? el("span", { class: "hint" }, option.description) : null,
    );
    return { input, line };
  });
}

function radios(component) {
  const all = choices(component, "radio");
  const chosen = () => all.find(({ input }) => input.checked)?.input.value ?? null;
  return {
    group: true,
    element: el(
      "div",
      {},
      all.map(({ line }) => line),
    ),
    get: chosen,
    set: (value) =>
      all.forEach(({ input }) => {
        input.checked = input.value === value;
      }),
    trouble: () => (chosen() === null && (component.required ?? true) ? say("form_empty") : ""),
    focus: () => (all.find(({ input }) => input.checked) ?? all[0]).input.focus(),
    controls: () => all.map(({ input }) => input),
  };
}

function checks(component) {
  const all = choices(component, "checkbox");
  const chosen = () => all.filter(({ input }) => input.checked).map(({ input }) => input.value);
  return {
    group: true,
    element: el(
      "div",
      {},
      all.map(({ line }) => line),
    ),
    get: chosen,
    set: (values) =>
      all.forEach(({ input }) => {
        input.checked = values.includes(input.value);
      }),
    trouble: () => between(chosen().length, component, component.min_values ?? 1, component.max_values ?? all.length),
    focus: () => all[0].input.focus(),
    controls: () => all.map(({ input }) => input),
  };
}

function check(component) {
  const id = fresh("check");
  const input = el("input", { type: "checkbox", id, checked: Boolean(component.default) });
  return {
    id,
    element: input,
    get: () => input.checked,
    set: (value) => {
      input.checked = value;
    },
    trouble: () => "",
    focus: () => input.focus(),
    controls: () => [input],
  };
}
