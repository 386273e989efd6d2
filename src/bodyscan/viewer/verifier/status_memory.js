/**
 * What a verifier has seen of each status list, so that an older list shown again is found out. This page
 * keeps
 * no memory of its own; a reader may give it the one of `bodyscan consent verify`.
 * Same rules as `bodyscan.consent.status_memory`.
 */
import { hex, sha256, utf8Encode } from "./bytes.js";
import { formatUtc, parseUtc } from "./fields.js";
import { isObject } from "./json_text.js";

const SCHEMA = "urn:bodyscan:status-memory:1";
const MAX_LISTS = 1000;

/**
 * @typedef {{sequence: number, from: number, sha256: string}} Seen
 * @typedef {Map<string, Seen>} StatusMemory name of the list -> the newest that was seen of it
 */

/** True where a JSON value looks like a memory. @param {any} value */
export function isStatusMemory(value) {
  return isObject(value) && value.schema === SCHEMA;
}

/**
 * Read a memory from its JSON value.
 * @param {any} value
 * @returns {StatusMemory}
 */
export function readStatusMemory(value) {
  const entries = isObject(value.lists) ? Object.entries(value.lists) : [];
  if (Object.keys(value).length !== 2 || !isObject(value.lists) || entries.length > MAX_LISTS) {
    throw new Error("the status memory must have the members schema and lists and no other");
  }
  return new Map(
    entries.map(([name, seen]) => {
      const known = isObject(seen) && Object.keys(seen).sort().join() === "sequence,sha256,valid_from";
      const digests = known && [name, seen.sha256].every((text) => /^[0-9a-f]{64}$/.test(text));
      if (!digests || !Number.isSafeInteger(seen.sequence) || seen.sequence < 1) {
        throw new Error("the status memory is not valid");
      }
      return [name, { sequence: seen.sequence, from: parseUtc(seen.valid_from), sha256: seen.sha256 }];
    }),
  );
}

/**
 * Throw where a newer list, or another of the same number, was seen before.
 * @param {StatusMemory} memory
 * @param {import("./status_list.js").StatusList} list
 */
export async function checkMemory(memory, list) {
  const name = hex(await sha256(utf8Encode([list.issuer, list.purpose, list.address].join("\n"))));
  const seen = memory.get(name);
  if (!seen) {
    if (memory.size < MAX_LISTS) return;
    throw new Error(`the memory holds ${MAX_LISTS} lists already, and nothing is forgotten to make room`);
  }
  if (list.sequence < seen.sequence) {
    throw new Error(`it is replayed: its sequence number is ${list.sequence}, and ${seen.sequence} was seen`);
  }
  if (list.from < seen.from) {
    const made = `it was made at ${formatUtc(list.from)}, and one of ${formatUtc(seen.from)} was seen`;
    throw new Error(`it is replayed: ${made}`);
  }
  if (list.sequence === seen.sequence && list.sha256 !== seen.sha256) {
    throw new Error(`another list with the same sequence number ${seen.sequence} was seen`);
  }
}
