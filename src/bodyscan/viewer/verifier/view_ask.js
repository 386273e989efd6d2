/** The form in which a reader enters a use. */
import { pageData } from "./data.js";
import { el } from "./dom.js";
import { checkTerritory } from "./fields.js";
import { territory, word } from "./words.js";

/**
 * Fill the form for a record; what was entered before stays where it still fits.
 * @param {HTMLFormElement} form @param {any} record undefined where none may be shown
 */
export function fillForm(form, record) {
  const before = new FormData(form);
  const defs = pageData().schemas.record.$defs;
  const media = defs.Medium.enum.filter((medium) => medium !== "all");
  const holders = record ? [record.controller.name, ...record.licensees.map(({ name }) => name)] : [];
  const products = record?.scope.product_lines.filter((name) => name !== "all") ?? [];
  form.replaceChildren(
    choice("purpose", "For what?", [["", "No use: only whether it holds"], ...defs.Purpose.enum.map(named)]),
    suggested(
      "territory",
      "Where?",
      ["worldwide", ...pageData().countries],
      "For example DE or US-CA",
      territory,
    ),
    choice("medium", "In which medium?", [["", "Not said"], ...media.map(named)]),
    suggested("licensee", "Who uses it?", holders, "The controller"),
    products.length
      ? suggested("product_line", "Which product line?", products, "Not said")
      : el("span", { hidden: true }),
    field(
      "when",
      "When? (UTC)",
      el("input", { id: "ask-when", name: "when", type: "datetime-local", step: "1" }),
      "Left open: now.",
    ),
    contents(defs.ProhibitedUse.enum),
    el("p", { class: "field-error", id: "ask-error", role: "alert" }),
    el("button", { type: "reset", class: "button quiet" }, "Clear"),
  );
  for (const [name, value] of before) {
    const control = form.elements.namedItem(name);
    if (control instanceof HTMLSelectElement || control instanceof HTMLInputElement)
      control.value = String(value);
    else if (control instanceof RadioNodeList) {
      for (const box of control)
        if (box instanceof HTMLInputElement && box.value === value) box.checked = true;
    }
  }
}

/**
 * Read the form: the use (undefined where no purpose was chosen), the moment, and what cannot be read.
 * @param {HTMLFormElement} form
 * @returns {{use: import("./policy.js").Use | undefined, when: number | undefined, problem: string}}
 */
export function readForm(form) {
  const values = new FormData(form);
  const text = (name) => String(values.get(name) ?? "").trim();
  const when = text("when") ? Date.parse(`${text("when").padEnd(19, ":00").slice(0, 19)}Z`) : undefined;
  if (!text("purpose")) return { use: undefined, when, problem: "" };
  const place = text("territory").split(" ")[0];
  const code = place.toLowerCase() === "worldwide" ? "worldwide" : place.toUpperCase();
  /** @type {any} */
  const use = { purpose: text("purpose"), content: values.getAll("content") };
  for (const name of ["medium", "licensee", "product_line"]) if (text(name)) use[name] = text(name);
  if (!code) return { use, when, problem: "" };
  try {
    checkTerritory(code);
    return { use: { ...use, territory: code }, when, problem: "" };
  } catch {
    return {
      use,
      when,
      problem: `“${place}” is no territory: choose one of the list, for example DE or US-CA.`,
    };
  }
}

function named(code) {
  return [code, word(code)];
}

function choice(name, label, options) {
  const select = el(
    "select",
    { id: `ask-${name}`, name },
    ...options.map(([value, text]) => el("option", { value }, text)),
  );
  return field(name, label, select);
}

function field(name, label, control, hint = "") {
  return el(
    "div",
    { class: "field" },
    el("label", { for: `ask-${name}` }, label),
    control,
    hint ? el("span", { class: "fine" }, hint) : undefined,
  );
}

/** A field that takes any text and suggests some. */
function suggested(name, label, values, placeholder, words = (value) => value) {
  const list = el(
    "datalist",
    { id: `ask-${name}-list` },
    ...values.map((value) => el("option", { value }, words(value))),
  );
  const input = el("input", {
    id: `ask-${name}`,
    name,
    list: list.id,
    placeholder,
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "200",
  });
  return el("div", { class: "field" }, el("label", { for: input.id }, label), input, list);
}

function contents(kinds) {
  const boxes = kinds.map((kind) =>
    el(
      "label",
      { class: "check" },
      el("input", { type: "checkbox", name: "content", value: kind }),
      el("span", {}, word(kind)),
    ),
  );
  return el(
    "details",
    { class: "field" },
    el("summary", {}, "Does it show or promote…"),
    el(
      "fieldset",
      { class: "checks" },
      el("legend", { class: "visually-hidden" }, "What the picture shows or promotes"),
      ...boxes,
    ),
  );
}
