/**
 * Status lists: which consents were taken back (W3C Bitstring Status List v1.0), as `vc+jwt` in compact
 * serialization. Same rules as `bodyscan.consent.status_list`. Times: milliseconds since 1970.
 */
import { base64urlDecode, concatBytes, hex, sha256, utf8Encode } from "./bytes.js";
import { formatUtc, parseUtc } from "./fields.js";
import { isObject, parseStrict } from "./json_text.js";
import { CLOCK_SKEW_MS, actingKeys } from "./key_history.js";
import { signatureHolds, thumbprint } from "./keys.js";

const MIN_ENTRIES = 131_072;
const MAX_ENTRIES = 2 ** 24;
const MAX_TEXT = 256 * 1024;
const CONTEXT = "https://www.w3.org/ns/credentials/v2";
const REFUSED_HEADERS = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"];
const REFUSED_MEMBERS = ["vc", "vp", "exp", "nbf"];

/**
 * @typedef {object} StatusList
 * @property {string} address
 * @property {string} purpose
 * @property {number} sequence
 * @property {number} from
 * @property {number} until
 * @property {Uint8Array} bits
 * @property {string} issuer thumbprint of the key that the record names
 * @property {string} sha256 digest of the signed bytes
 * @property {{key: any, end: number}} acting the key that signed it
 */

/** True where a text has the outline of a status list. @param {string} text */
export function isStatusList(text) {
  return text.length <= MAX_TEXT && /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(text.trim());
}

/**
 * The address that a list claims to be of, nothing checked; undefined where it cannot be read.
 * @param {string} text
 */
export function addressOf(text) {
  try {
    const value = parseStrict(base64urlDecode(text.trim().split(".")[1]));
    return typeof value.id === "string" ? value.id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Read a list and check its form and signature, whatever the time, or throw.
 * @param {string} text
 * @param {any} issuer key that the record names
 * @param {string} address
 * @param {string} purpose revocation or suspension
 * @param {Map<string, import("./key_history.js").KeyHistory>} histories tell which keys may act for the
 *   issuer's
 * @returns {Promise<StatusList>}
 */
export async function openStatusList(text, issuer, address, purpose, histories) {
  const { header, payload, signature, signed } = split(text);
  checkHeader(parseStrict(header, "its protected header"));
  // The `kid` is a hint alone, and other programs write it in other ways: the keys are few, each is tried.
  let acting;
  for (const candidate of (await actingKeys(issuer, histories, "status")).values()) {
    if (await signatureHolds(candidate.key, signature, signed)) acting = candidate;
  }
  if (!acting) {
    throw new Error(
      `it was not signed with the issuer's key that the record names (${await thumbprint(issuer)})`,
    );
  }
  const value = parseStrict(payload, "its credential");
  checkCredential(value, address);
  const bits = await readSubject(value.credentialSubject, purpose);
  const [from, until] = [timeOf(value, "validFrom"), timeOf(value, "validUntil")];
  if (!(from < until)) throw new Error("its validUntil is not later than its validFrom");
  const sequence = value.bodyscanSequence;
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw new Error("it has no bodyscanSequence from 1");
  const [issuerName, digest] = [await thumbprint(issuer), hex(await sha256(payload))];
  return { address, purpose, issuer: issuerName, sequence, from, until, bits, acting, sha256: digest };
}

/**
 * Throw where a list is not valid at `now`, give or take 5 minutes.
 * @param {StatusList} list
 * @param {number} now
 */
export function checkTimes({ from, until, acting }, now) {
  if (now < from - CLOCK_SKEW_MS) throw new Error(`it is not valid yet: it begins at ${formatUtc(from)}`);
  if (now > until + CLOCK_SKEW_MS) throw new Error(`it is stale: it ended at ${formatUtc(until)}`);
  if (now >= acting.end) throw new Error("it is signed with a key that has ended");
}

/** True where the bit at `index` is there and set. @param {StatusList} list @param {number} index */
export function isSet({ bits }, index) {
  return index < 8 * bits.length && Boolean(bits[index >> 3] & (0x80 >> (index & 7)));
}

function split(text) {
  const size = utf8Encode(text).length;
  if (size > MAX_TEXT) throw new Error(`it has ${size} bytes, more than the ${MAX_TEXT} that are read`);
  const parts = text.trim().split(".");
  if (parts.length !== 3)
    throw new Error("it is not a JWS in compact serialization: three parts with a dot between");
  const [header, payload, signature] = parts.map(base64urlDecode);
  if (signature.length !== 64) throw new Error("its signature must have 64 bytes");
  return { header, payload, signature, signed: utf8Encode(`${parts[0]}.${parts[1]}`) };
}

function checkHeader(header) {
  if (!isObject(header)) throw new Error("its protected header must be a JSON object");
  if (header.alg !== "Ed25519")
    throw new Error(`the algorithm '${header.alg}' is refused; only Ed25519 is accepted`);
  const odd = REFUSED_HEADERS.find((name) => name in header);
  if (odd) throw new Error(`the header ${odd} is refused; the record names the key, and nothing else does`);
  if (header.typ !== "vc+jwt") throw new Error(`it is of the type '${header.typ}', not 'vc+jwt'`);
}

function checkCredential(value, address) {
  if (!isObject(value)) throw new Error("it holds no credential");
  const [context, type] = [value["@context"], value.type];
  if (!Array.isArray(context) || context[0] !== CONTEXT)
    throw new Error(`its @context must begin with ${CONTEXT}`);
  const wanted = ["VerifiableCredential", "BitstringStatusListCredential"];
  if (!Array.isArray(type) || !wanted.every((name) => type.includes(name))) {
    throw new Error(`its type must hold ${wanted.join(" and ")}`);
  }
  if (value.id !== address) throw new Error(`it is the list '${value.id}'; the record names ${address}`);
  const issuer = isObject(value.issuer) ? value.issuer.id : value.issuer;
  if (typeof issuer !== "string" || !issuer.includes(":"))
    throw new Error("its issuer must be named by a URL");
  const odd = REFUSED_MEMBERS.find((name) => name in value);
  if (odd) throw new Error(`the member ${odd} has no place in it`);
}

async function readSubject(subject, purpose) {
  if (!isObject(subject) || subject.type !== "BitstringStatusList") {
    throw new Error("its credentialSubject must be one BitstringStatusList");
  }
  const stated = Array.isArray(subject.statusPurpose) ? subject.statusPurpose : [subject.statusPurpose];
  if (!stated.includes(purpose)) throw new Error(`it is not for ${purpose}`);
  if ("statusSize" in subject && subject.statusSize !== 1) throw new Error("its statusSize must be 1");
  const { ttl, encodedList: encoded } = subject;
  if (ttl !== undefined && ttl !== null && !(Number.isSafeInteger(ttl) && ttl >= 0)) {
    throw new Error("its ttl must be a whole number of milliseconds");
  }
  if (typeof encoded !== "string" || !encoded.startsWith("u")) {
    throw new Error("its encodedList must be multibase base64url, which begins with u");
  }
  const bits = await unpack(base64urlDecode(encoded.slice(1)));
  if (8 * bits.length < MIN_ENTRIES)
    throw new Error(`it has ${8 * bits.length} entries, fewer than ${MIN_ENTRIES}`);
  return bits;
}

/** Return what one GZIP member holds; it is never unpacked further than `MAX_ENTRIES` bits. */
async function unpack(data) {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    let step;
    try {
      step = await reader.read();
    } catch {
      throw new Error("its encodedList is not sound GZIP, is cut off, or goes on after the end of the bits");
    }
    if (step.done) return concatBytes(parts);
    parts.push(step.value);
    size += step.value.length;
    if (size > MAX_ENTRIES / 8) {
      reader.cancel().catch(() => undefined);
      throw new Error(`it unpacks to more than ${MAX_ENTRIES} entries`);
    }
  }
}

function timeOf(value, name) {
  if (typeof value[name] !== "string") throw new Error(`its ${name} is missing`);
  return parseUtc(value[name]);
}
