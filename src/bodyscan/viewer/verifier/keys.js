/** Ed25519 public keys: checked, named by their thumbprint (RFC 7638), and used to check signatures. */
import { base64urlDecode, base64urlEncode, sha256 } from "./bytes.js";
import { checkPublicPoint } from "./curve.js";
import { CannotJudge } from "./errors.js";
import { canonicalBytes, isObject } from "./json_text.js";

/** Keys that were found sound: the check takes milliseconds, and a record is judged many times. */
const sound = new Set();

/** @typedef {{kty: "OKP", crv: "Ed25519", x: string}} PublicJwk */

/**
 * Throw unless `value` is a sound public key with the members kty, crv and x alone (RFC 8037).
 * @param {any} value
 */
export function checkPublicJwk(value) {
  if (!isObject(value)) throw new Error("the public key is no JSON object");
  if ("d" in value) throw new Error("this is a private key; only public keys are ever given away");
  const odd = Object.keys(value).filter((name) => !["kty", "crv", "x"].includes(name));
  if (odd.length) throw new Error(`the public key has unknown members: ${odd.join(", ")}`);
  if (value.kty !== "OKP" || value.crv !== "Ed25519" || typeof value.x !== "string") {
    throw new Error("the public key must be an Ed25519 key: kty OKP, crv Ed25519 and x");
  }
  if (sound.has(value.x)) return;
  checkPublicPoint(base64urlDecode(value.x));
  if (sound.size < 256) sound.add(value.x);
}

/** Return the key's name: the SHA-256 thumbprint, 43 characters. @param {PublicJwk} key */
export async function thumbprint(key) {
  const members = { crv: key.crv, kty: key.kty, x: key.x };
  return base64urlEncode(await sha256(canonicalBytes(members)));
}

/** Return why this browser cannot check signatures, or "" where it can. */
export async function missingCrypto() {
  if (!globalThis.crypto?.subtle) return "this browser offers no cryptography to this page";
  if (typeof "".isWellFormed !== "function") return "this browser is too old to read signed texts safely";
  try {
    // The public key of RFC 8032, section 7.1, test 1.
    const key = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
    await importKey(/** @type {PublicJwk} */ (key));
    return "";
  } catch {
    return "this browser cannot check Ed25519 signatures";
  }
}

/** @param {PublicJwk} key */
function importKey(key) {
  const data = /** @type {BufferSource} */ (base64urlDecode(key.x));
  return crypto.subtle.importKey("raw", data, { name: "Ed25519" }, false, ["verify"]);
}

/**
 * True where `signature` (64 bytes) was made by `key` over `data`.
 * @param {PublicJwk} key @param {Uint8Array} signature @param {Uint8Array} data
 */
export async function signatureHolds(key, signature, data) {
  const missing = await missingCrypto();
  if (missing) throw new CannotJudge(`${missing}. Use a current Chrome, Edge, Firefox or Safari.`);
  const [proof, signed] = /** @type {BufferSource[]} */ ([signature, data]);
  return crypto.subtle.verify({ name: "Ed25519" }, await importKey(key), proof, signed);
}
