/**
 * The one form of JWS (RFC 7515) that is used: general JSON, Ed25519 (RFC 9864), fixed headers.
 * Refused: other algorithms and `none`, unprotected headers, `crit`, embedded or fetched keys (`jwk`,
 * `jku`, `x5u`), second spellings of base64url, two signatures of one role.
 */
import { base64urlDecode, utf8Encode } from "./bytes.js";
import { RefusedConsent } from "./errors.js";
import { isObject, parseStrict } from "./json_text.js";
import { signatureHolds, thumbprint } from "./keys.js";

const HEADER_MEMBERS = ["alg", "kid", "role", "typ"];
export const ROLES = ["subject", "guardian", "controller", "packer", "owner", "issuer"];

/**
 * @typedef {{role: string, kid: string, protected: string, signature: Uint8Array}} Signature
 * @typedef {{payload: Uint8Array, payloadText: string, signatures: Signature[]}} Jws
 */

/** True where a JSON value has the outline of a JWS. @param {any} value */
export function isJws(value) {
  return isObject(value) && "payload" in value && "signatures" in value;
}

/**
 * Read a JWS with signatures of the type `typ`; the signatures are not checked yet.
 * @param {any} value @param {string} typ @returns {Jws}
 */
export function parseJws(value, typ) {
  try {
    return parse(value, typ);
  } catch (error) {
    throw new RefusedConsent("altered", `${error.message.replace(/\.$/, "")}.`);
  }
}

/** The role's signature, or undefined. @param {Jws} jws @param {string} role */
export function byRole(jws, role) {
  return jws.signatures.find((signature) => signature.role === role);
}

/**
 * True where `signature` was made by `key` over the document's payload and names that key.
 * @param {Jws} jws @param {Signature} signature @param {import("./keys.js").PublicJwk} key
 */
export async function holds(jws, signature, key) {
  if (signature.kid !== (await thumbprint(key))) return false;
  return signatureHolds(key, signature.signature, utf8Encode(`${signature.protected}.${jws.payloadText}`));
}

function parse(value, typ) {
  if (!isObject(value) || Object.keys(value).sort().join() !== "payload,signatures") {
    throw new Error("the signed text must have the members payload and signatures and no other");
  }
  if (typeof value.payload !== "string" || !Array.isArray(value.signatures)) {
    throw new Error("payload must be a string and signatures a list");
  }
  const signatures = value.signatures.map((item) => parseSignature(item, typ));
  if (new Set(signatures.map((item) => item.role)).size !== signatures.length) {
    throw new Error("two signatures claim the same role");
  }
  return { payload: base64urlDecode(value.payload), payloadText: value.payload, signatures };
}

function parseSignature(value, typ) {
  if (!isObject(value) || Object.keys(value).sort().join() !== "protected,signature") {
    throw new Error("a signature must have the members protected and signature and no other");
  }
  if (typeof value.protected !== "string" || typeof value.signature !== "string") {
    throw new Error("the members of a signature must be strings");
  }
  const header = parseStrict(base64urlDecode(value.protected), "a signature's protected header");
  checkHeader(header, typ);
  const signature = base64urlDecode(value.signature);
  if (signature.length !== 64) throw new Error("a signature must have 64 bytes");
  return { role: header.role, kid: header.kid, protected: value.protected, signature };
}

function checkHeader(header, typ) {
  if (!isObject(header)) throw new Error("a signature's protected header must be a JSON object");
  if (header.alg !== "Ed25519") {
    throw new Error(`the algorithm '${header.alg}' is refused; only Ed25519 is accepted`);
  }
  if ("crit" in header) throw new Error("a critical header extension is not known");
  if (Object.keys(header).sort().join() !== HEADER_MEMBERS.join()) {
    const names = Object.keys(header).sort().join(", ");
    throw new Error(`a signature's header must have alg, kid, role and typ and no other; it has ${names}`);
  }
  if (header.typ !== typ) throw new Error(`a signature is of the type '${header.typ}', not '${typ}'`);
  if (!ROLES.includes(header.role) || typeof header.kid !== "string") {
    throw new Error(`a signature's role must be one of ${ROLES.join(", ")} and its kid a string`);
  }
}
