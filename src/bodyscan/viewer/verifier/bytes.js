/** Bytes, their text forms, and SHA-256. Every text form has one spelling; a second one is refused. */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param {string} text */
export function utf8Encode(text) {
  return encoder.encode(text);
}

/** Return the text of UTF-8 bytes; throws where they are none. @param {Uint8Array} data */
export function utf8Decode(data) {
  try {
    return decoder.decode(data);
  } catch {
    throw new Error("its bytes are not UTF-8");
  }
}

/** Return the bytes of padded base64 (RFC 4648, section 4) in its one spelling. @param {string} text */
export function base64Decode(text) {
  let binary;
  try {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4) throw new Error();
    binary = atob(text);
  } catch {
    throw new Error("the text is not base64");
  }
  if (btoa(binary) !== text) throw new Error("the base64 text is not in its canonical form");
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

/** Return the bytes of unpadded base64url (RFC 7515, section 2) in its one spelling. @param {string} text */
export function base64urlDecode(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new Error("the text is not base64url");
  const padding = "=".repeat((4 - (text.length % 4)) % 4);
  const data = base64Decode(text.replaceAll("-", "+").replaceAll("_", "/") + padding);
  if (base64urlEncode(data) !== text) throw new Error("the base64url text is not in its canonical form");
  return data;
}

/** Return base64url without padding. @param {Uint8Array} data */
export function base64urlEncode(data) {
  let binary = "";
  for (const byte of data) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Return lower-case hex. @param {Uint8Array} data */
export function hex(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Uint8Array} data */
export async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (data)));
}

/** @param {Uint8Array} a @param {Uint8Array} b */
export function sameBytes(a, b) {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/**
 * Join byte arrays.
 * @param {Uint8Array[]} parts
 */
export function concatBytes(parts) {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
