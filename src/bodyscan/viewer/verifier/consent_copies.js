/**
 * Where a glTF document carries its consent. Tools drop unknown parts, so the text is written three times:
 * in the root extension, in an XMP packet, and in the extras of the body node.
 */
import { RefusedConsent } from "./errors.js";
import { isObject } from "./json_text.js";

const KEY = "bodyscan";
const EXTENSION = "BODYSCAN_consent";
const XMP = "KHR_xmp_json_ld";

/** @typedef {{kind: "extension" | "xmp" | "extras", place: string, text: any}} Copy */

/** The three places in which a twin carries its consent. */
export const PLACES = [
  { kind: "extension", label: "Root extension BODYSCAN_consent" },
  { kind: "xmp", label: "XMP packet (KHR_xmp_json_ld)" },
  { kind: "extras", label: "Extras of the body node" },
];

/** Return every copy of a consent in the document. @param {any} document @returns {Copy[]} */
export function consentCopies(document) {
  /** @type {Copy[]} */
  const copies = [];
  const extensions = object(document.extensions);
  if (EXTENSION in extensions) {
    const text = object(extensions[EXTENSION]).record;
    copies.push({ kind: "extension", place: `the extension ${EXTENSION}`, text });
  }
  list(object(extensions[XMP]).packets).forEach((packet, index) => {
    if (`${KEY}:consent` in object(packet)) {
      copies.push({ kind: "xmp", place: `XMP packet ${index}`, text: packet[`${KEY}:consent`] });
    }
  });
  for (const kind of ["nodes", "meshes", "scenes"]) {
    list(document[kind]).forEach((item, index) => {
      const ours = object(object(object(item).extras)[KEY]);
      if ("consent" in ours) {
        copies.push({ kind: "extras", place: `the extras of ${kind}[${index}]`, text: ours.consent });
      }
    });
  }
  return copies;
}

/**
 * Return the text that all copies agree on, undefined where there is none; throws where they differ.
 * @param {Copy[]} copies @returns {string | undefined}
 */
export function agreedConsent(copies) {
  for (const copy of copies) {
    if (typeof copy.text !== "string" || !copy.text.trim()) {
      throw new RefusedConsent(
        "altered",
        `the consent copy in ${copy.place} is not a text: the file was altered.`,
      );
    }
  }
  const texts = new Set(copies.map((copy) => copy.text));
  if (texts.size > 1) {
    const places = copies.map((copy) => copy.place).join(", ");
    throw new RefusedConsent(
      "altered",
      `the file holds ${texts.size} different consent texts (${places}). ` +
        "One of them was exchanged: do not use the file, ask for it again from its source.",
    );
  }
  return copies[0]?.text;
}

function object(value) {
  return isObject(value) ? value : {};
}

function list(value) {
  return Array.isArray(value) ? value : [];
}
