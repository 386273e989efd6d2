/**
 * A person's or studio's keys over time: which key may sign what, from when until when. A chain of signed
 * lists, the first signed by the key that records name (the root). Same rules as
 * `bodyscan.consent.key_history`. Times: milliseconds since 1970.
 */
import { formatUtc, parseUtc } from "./fields.js";
import { RefusedConsent } from "./errors.js";
import { canonicalText, isObject } from "./json_text.js";
import { byRole, holds, parseJws } from "./jws.js";
import { thumbprint } from "./keys.js";
import { readPayload } from "./record.js";

export const CLOCK_SKEW_MS = 5 * 60 * 1000;
const MEMBER = "bodyscan_keys";
const MAX_LISTS = 64;

/**
 * @typedef {{kid: string, key: any, uses: string[], from: number, end: number}} ListedKey
 * @typedef {{owner: string, lists: any[], entries: ListedKey[]}} KeyHistory entries of the newest list
 */

/** True where a JSON value looks like a key history. @param {any} value */
export function isKeyHistory(value) {
  return isObject(value) && MEMBER in value;
}

/**
 * Read a history and check every link.
 * @param {any} value
 * @param {number} now
 * @returns {Promise<KeyHistory>}
 */
export async function readKeyHistory(value, now) {
  try {
    return await read(value, now);
  } catch (error) {
    throw new RefusedConsent(
      "altered",
      `the key history does not hold: ${error.message.replace(/\.$/, "")}.`,
    );
  }
}

/**
 * Return owner -> the longest history; one must be the beginning of the other.
 * @param {KeyHistory[]} histories
 */
export function newestHistories(histories) {
  /** @type {Map<string, KeyHistory>} */
  const newest = new Map();
  for (const history of histories) {
    const other = newest.get(history.owner) ?? history;
    const shared = Math.min(history.lists.length, other.lists.length);
    if (canonicalText(history.lists.slice(0, shared)) !== canonicalText(other.lists.slice(0, shared))) {
      const reason = `there are two different histories of the keys of ${history.owner}`;
      throw new RefusedConsent("altered", `the key history does not hold: ${reason}.`);
    }
    newest.set(history.owner, history.lists.length > other.lists.length ? history : other);
  }
  return newest;
}

/**
 * Return the key named `kid` where its signature counts, or throw. No time-stamp authority is believed by
 * this
 * page, so a key that has ended no longer counts, as in the Python package without `--stamp-root`.
 * @param {KeyHistory | undefined} history @param {any} root @param {string} kid @param {string} use
 * @param {{signedAt: number, stamped: boolean, now: number}} when `stamped`: a time stamp stands beside it
 */
export async function checkKey(history, root, kid, use, { signedAt, stamped, now }) {
  const name = kid.slice(0, 64);
  if (!history) {
    const rootName = await thumbprint(root);
    if (kid === rootName) return root;
    throw new RefusedConsent(
      "untrusted",
      `it is signed with the key ${name}, where the record names ${rootName} ` +
        "and no key history allows another.",
    );
  }
  const listed = history.entries.find((entry) => entry.kid === kid);
  if (!listed || !listed.uses.includes(use)) {
    throw new RefusedConsent("untrusted", `the key ${name} is not listed for the use '${use}' by its owner.`);
  }
  // Records name the root itself, so it counted before its owner began a history.
  if (kid !== history.owner && signedAt < listed.from - CLOCK_SKEW_MS) {
    throw new RefusedConsent(
      "untrusted",
      `the key ${name} was in use only from ${formatUtc(listed.from)} on.`,
    );
  }
  if (now >= listed.end) {
    const proof = stamped
      ? "and this page cannot check the time stamp that stands in the file; 'bodyscan consent verify' can"
      : "and that is missing";
    throw new RefusedConsent(
      "untrusted",
      `the key ${name} ended at ${formatUtc(listed.end)}; its signature counts only with a time stamp from ` +
        `before, ${proof}.`,
    );
  }
  return listed.key;
}

/**
 * Return the keys that were ever listed for `use`, by thumbprint, each with its end; without a history of
 * this
 * owner, the root alone. Same rules as `bodyscan.consent.acting_keys`.
 * @param {any} root
 * @param {Map<string, KeyHistory>} histories
 * @param {string} use
 * @returns {Promise<Map<string, {key: any, end: number}>>}
 */
export async function actingKeys(root, histories, use) {
  const name = await thumbprint(root);
  const history = histories.get(name);
  if (!history) return new Map([[name, { key: root, end: Infinity }]]);
  const listed = history.entries.filter(({ uses }) => uses.includes(use));
  return new Map(listed.map(({ kid, key, end }) => [kid, { key, end }]));
}

async function read(value, now) {
  if (!isObject(value) || Object.keys(value).sort().join() !== `${MEMBER},lists`) {
    throw new Error(`it must have the members ${MEMBER} and lists and no other`);
  }
  if (value[MEMBER] !== 1) throw new Error("its version is not known");
  if (!Array.isArray(value.lists) || !value.lists.length || value.lists.length > MAX_LISTS) {
    throw new Error(`it must hold 1 to ${MAX_LISTS} lists`);
  }
  const lists = [];
  /** @type {ListedKey[]} */
  let before = [];
  for (const item of value.lists) {
    const jws = parseJws(item, "bodyscan-keys+jws");
    const list = readPayload(jws.payload, "keys", "a list of keys");
    const entries = await entriesOf(list);
    checkOrder(list, entries, lists, before, now);
    await checkSigner(jws, list, lists.length ? before : entries, lists.length + 1);
    lists.push(list);
    before = entries;
  }
  return { owner: lists[0].owner, lists, entries: before };
}

async function entriesOf(list) {
  const entries = [];
  for (const { key, uses, active_from, active_until, compromised_at } of list.keys) {
    const ends = [active_until, compromised_at].filter((end) => end !== undefined).map(parseUtc);
    entries.push({
      kid: await thumbprint(key),
      key,
      uses,
      from: parseUtc(active_from),
      end: Math.min(...ends),
    });
  }
  const names = entries.map(({ kid }) => kid);
  if (new Set(names).size !== names.length) throw new Error("a key is listed twice");
  if (!names.includes(list.owner)) throw new Error("the owner's root key is not listed");
  return entries;
}

function checkOrder(list, entries, lists, before, now) {
  const number = lists.length + 1;
  if (list.sequence !== number) throw new Error(`list ${number} says that it is number ${list.sequence}`);
  if (parseUtc(list.issued_at) > now + CLOCK_SKEW_MS) throw new Error(`list ${number} is later than now`);
  if (number === 1) return;
  const last = lists[lists.length - 1];
  if (list.owner !== last.owner || parseUtc(list.issued_at) < parseUtc(last.issued_at)) {
    throw new Error(`list ${number} does not follow the one before it`);
  }
  for (const old of before) {
    const current = entries.find(({ kid }) => kid === old.kid);
    if (!current) throw new Error(`list ${number} leaves out the key ${old.kid}`);
    if (current.from !== old.from || !current.uses.every((use) => old.uses.includes(use))) {
      throw new Error(`list ${number} gives the key ${old.kid} more than it had`);
    }
    if (current.end > old.end) throw new Error(`list ${number} takes back the end of the key ${old.kid}`);
  }
}

async function checkSigner(jws, list, allowed, number) {
  const signature = byRole(jws, "owner");
  if (!signature || jws.signatures.length !== 1) {
    throw new Error(`list ${number} does not carry its owner's signature alone`);
  }
  if (number === 1 && signature.kid !== list.owner)
    throw new Error("the first list is not signed by the root key");
  const signer = allowed.find(({ kid }) => kid === signature.kid);
  if (!signer || !signer.uses.includes("keys")) {
    throw new Error(`list ${number} is signed by ${signature.kid.slice(0, 64)}, which may not sign lists`);
  }
  if (number > 1 && parseUtc(list.issued_at) >= signer.end) {
    throw new Error(`list ${number} is signed by ${signer.kid}, which had ended`);
  }
  if (!(await holds(jws, signature, signer.key)))
    throw new Error(`the signature of list ${number} does not hold`);
}
