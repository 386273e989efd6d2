/**
 * Where a glTF document carries its consent. Tools drop unknown parts, so the text is written three times:
 * in the root extension, in an XMP packet, and in the extras of the body node.
 */
import { openConsent } from "./binding.js";
import { readBundle } from "./bundle.js";
import { RefusedConsent } from "./errors.js";
import { canonicalText, isObject } from "./json_text.js";
import { contradictions } from "./rights.js";

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
  for (const { place, text } of copies) {
    if (typeof text !== "string" || !text.trim()) {
      const kind = typeof text === "string" ? "an empty text" : typeof text;
      throw altered(`the consent copy in ${place} is not a record but ${kind}: the file was altered.`);
    }
  }
  const texts = new Set(copies.map(({ text }) => text));
  if (texts.size > 1) {
    const places = copies.map(({ place }) => place).join(", ");
    throw altered(
      `the file holds ${texts.size} different consent records (${places}). One of them was exchanged: do ` +
        "not use the file, ask for it again from its source.",
    );
  }
  return copies[0]?.text;
}

/**
 * Throw where the rights terms beside a copy say something else than the record in it: nobody signed them.
 * @param {any} document @param {string | undefined} text what all copies agree on @param {number} now
 */
export async function checkRights(document, text, now) {
  const record = await recordOf(text, now);
  if (!record) return; // the consent itself is refused, by whoever judges it
  for (const packet of list(object(object(document.extensions)[XMP]).packets)) {
    const wrong = `${KEY}:consent` in object(packet) ? contradictions(packet, record) : [];
    if (wrong.length) {
      throw altered(
        `the file's rights terms contradict its consent: ${wrong.join(", ")}. One of them was exchanged: ` +
          "do not use the file, ask for it again from its source.",
      );
    }
  }
}

/** The record that all signed, undefined where there is none; the binding beside it is not looked at. */
async function recordOf(text, now) {
  try {
    const { record } = readBundle(text);
    return (await openConsent(canonicalText(record), [], now)).record;
  } catch (error) {
    if (error instanceof RefusedConsent) return undefined;
    throw error;
  }
}

function altered(reason) {
  return new RefusedConsent("altered", reason, { geometry: "altered" });
}

function object(value) {
  return isObject(value) ? value : {};
}

function list(value) {
  return Array.isArray(value) ? value : [];
}
