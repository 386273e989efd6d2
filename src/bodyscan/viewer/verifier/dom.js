/** Building the page. Text goes in as text alone: nothing from a file is ever read as markup. */
import { ICONS } from "./icons.js";
import { printable } from "./errors.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * Return a new element. Attributes with the value undefined are left out; children are elements or texts.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | undefined)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== undefined).map(asNode));
  return element;
}

function asNode(child) {
  return typeof child === "string" ? printable(child, 4000) : child;
}

/** The element of the page with this id. @param {string} id @returns {any} */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Return an icon; it says nothing to a screen reader, a word beside it does.
 * @param {keyof typeof ICONS} name
 */
export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name} ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  for (const [tag, attributes] of ICONS[name]) {
    const shape = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    svg.append(shape);
  }
  return svg;
}

/** A word with its icon. @param {keyof typeof ICONS} name @param {string} text @param {string} tone */
export function mark(name, text, tone) {
  return el("span", { class: `mark ${tone}` }, icon(name), el("span", {}, text));
}

/** A key's thumbprint in groups, so that two people can compare it by voice; copied, it is whole. */
export function keyName(thumbprint) {
  const groups = (printable(thumbprint, 64).match(/.{1,4}/g) ?? []).map((group) => el("span", {}, group));
  return el("code", { class: "key" }, ...groups);
}
