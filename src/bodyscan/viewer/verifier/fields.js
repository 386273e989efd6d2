/** Rules for single values that a schema cannot say. Same rules as `bodyscan.consent.fields`. */
import { inRanges, pageData } from "./data.js";

export const UTC_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$";
export const WORLDWIDE = "worldwide";

/**
 * Throw where a text would look different from what it is: control, direction and invisible characters,
 * another normal form than C, words that mix scripts whose letters look alike (Unicode TR 36 and 39).
 * @param {string} text
 */
export function checkText(text) {
  if (text !== text.trim()) throw new Error("begins or ends with a space");
  const { refusedCharacters, scripts } = pageData();
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (inRanges(refusedCharacters, code)) {
      throw new Error(`holds the control character U+${code.toString(16).toUpperCase().padStart(4, "0")}`);
    }
  }
  if (text.normalize("NFC") !== text) throw new Error("is not in the Unicode normal form C (NFC)");
  for (const [word] of text.matchAll(/[\p{L}\p{N}_]+/gu)) {
    const mixed = Object.keys(scripts).filter((name) =>
      Array.from(word).some((char) => inRanges(scripts[name], char.codePointAt(0) ?? 0)),
    );
    if (mixed.length > 1) {
      throw new Error(`the word '${word}' mixes ${mixed.join(" and ")} letters, which look alike`);
    }
  }
}

/** Return milliseconds since 1970 of `2026-01-31T12:00:00Z`, or throw. @param {string} text */
export function parseUtc(text) {
  const time = new RegExp(UTC_PATTERN).test(text) ? Date.parse(text) : NaN;
  // A day that does not exist is moved to another one, or refused, by the browser.
  if (Number.isNaN(time) || formatUtc(time) !== text || text.startsWith("0000")) {
    throw new Error(`'${text}' is no time: write UTC to the second, as 2026-01-31T12:00:00Z`);
  }
  return time;
}

/** Return a time as text, to the second. @param {number} time milliseconds since 1970 */
export function formatUtc(time) {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** @param {string} text */
export function checkAddress(text) {
  const web = /^https:\/\/[^\s/]+\.[^\s/]+(\/\S*)?$/.test(text);
  const mail = /^mailto:[^\s@:?]+@[^\s@:?]+\.[^\s@:?]+$/.test(text);
  if (!web && !mail) throw new Error(`'${text}' is no address: give https://... or mailto:name@example.org`);
}

/** @param {string} text */
export function checkWebAddress(text) {
  if (!text.startsWith("https://")) throw new Error(`'${text}' must begin with https://`);
  checkAddress(text);
}

/** @param {string} code */
export function checkTerritory(code) {
  const known =
    pageData().countries.includes(code.split("-", 1)[0]) && /^[A-Z]{2}(-[A-Z0-9]{1,3})?$/.test(code);
  if (code !== WORLDWIDE && !known) {
    throw new Error(
      `'${code}' is no territory: give 'worldwide', a country (DE, US) or a part of one (US-CA)`,
    );
  }
}

/** True where `granted` holds the whole of `asked`: a country holds its parts. */
export function territoryCovers(granted, asked) {
  return granted === WORLDWIDE || granted === asked || asked.startsWith(`${granted}-`);
}
