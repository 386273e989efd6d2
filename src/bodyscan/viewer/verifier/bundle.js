/** The consent text that a twin carries: the signed record, its binding, and what proves them later. */
import { base64Decode } from "./bytes.js";
import { pageData } from "./data.js";
import { RefusedConsent } from "./errors.js";
import { isObject, parseStrict } from "./json_text.js";
import { isJws } from "./jws.js";

const MEMBER = "bodyscan_consent";
const MEMBERS = [MEMBER, "record", "binding", "attestations", "stamps", "keys"];
const MAX_STAMP_TEXT = Math.floor((16 * 1024 * 4) / 3) + 4;

/** @typedef {{record: any, binding: any, attestations: any[], stamps: {of: string}[], keys: any[]}} Bundle */

/**
 * Read a signed record or a bundle; signatures are not looked at.
 * @param {string | undefined} text @returns {Bundle}
 */
export function readBundle(text) {
  if (text === undefined || !text.trim()) {
    throw new RefusedConsent("stripped", "there is no consent record.", { geometry: "stripped" });
  }
  try {
    return read(parseStrict(text, "the consent"));
  } catch (error) {
    if (error instanceof RefusedConsent) throw error;
    throw new RefusedConsent("altered", `${error.message.replace(/\.$/, "")}.`);
  }
}

function read(value) {
  if (isJws(value)) return { record: value, binding: undefined, attestations: [], stamps: [], keys: [] };
  if (isObject(value) && (value[MEMBER] ?? null) !== null && "record" in value) {
    if (value[MEMBER] !== 1) throw new Error("its version is not known; this page reads 1");
    const odd = Object.keys(value).filter((name) => !MEMBERS.includes(name));
    if (odd.length) throw new Error(`it has the unknown members ${odd.join(", ")}`);
    return {
      record: value.record,
      binding: value.binding ?? undefined,
      attestations: list(value, "attestations", pageData().limits.bundle.attestations),
      stamps: list(value, "stamps", pageData().limits.bundle.stamps).map(stamp),
      keys: list(value, "keys", 4),
    };
  }
  if (isObject(value) && ["subject", "controller", "scope"].every((name) => name in value)) {
    throw new RefusedConsent("stripped", "it is a record that nobody has signed.");
  }
  throw new Error("it is neither a signed record nor a bound consent");
}

function list(value, name, most) {
  if (!(name in value)) return [];
  const items = value[name];
  if (!Array.isArray(items) || !items.length || items.length > most) {
    throw new Error(`its member '${name}' must be a list of 1 to ${most}`);
  }
  return items;
}

function stamp(item) {
  const known = isObject(item) && Object.keys(item).sort().join() === "of,token";
  if (!known || !["record", "binding", "attestation"].includes(item.of)) {
    throw new Error("a stamp must have 'of' (record, binding, attestation) and 'token'");
  }
  if (typeof item.token !== "string" || item.token.length > MAX_STAMP_TEXT) {
    throw new Error("a stamp's token must be base64 text of at most 16 KiB");
  }
  base64Decode(item.token);
  return { of: item.of };
}
