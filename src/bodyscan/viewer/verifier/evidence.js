/**
 * What a reader adds beside the file: withdrawal statements, status lists, key histories, packers' keys and a
 * memory of status lists, as in the folder that `bodyscan consent verify --evidence` takes.
 */
import { isObject, parseStrict } from "./json_text.js";
import { isJws } from "./jws.js";
import { isKeyHistory, readKeyHistory } from "./key_history.js";
import { checkPublicJwk, thumbprint } from "./keys.js";
import { isStatusList } from "./status_list.js";
import { isStatusMemory, readStatusMemory } from "./status_memory.js";

/**
 * @typedef {object} Evidence
 * @property {string[]} statusLists
 * @property {string[]} withdrawals
 * @property {import("./key_history.js").KeyHistory[]} histories
 * @property {Map<string, any>} packers keys that may attest a repacked body, by thumbprint
 * @property {import("./status_memory.js").StatusMemory | undefined} memory
 * @property {{people?: string[], controllers?: string[]}} trusted thumbprints; a missing side trusts any key
 * @property {string[]} unknown for each text that is none of these, why
 */

/**
 * Sort texts by what they are.
 * @param {string[]} texts
 * @param {number} now milliseconds since 1970
 * @param {{people?: string[], controllers?: string[]}} [trusted]
 * @returns {Promise<Evidence>}
 */
export async function evidenceOf(texts, now, trusted = {}) {
  /** @type {Evidence} */
  const sorted = {
    statusLists: [],
    withdrawals: [],
    histories: [],
    packers: new Map(),
    memory: undefined,
    trusted,
    unknown: [],
  };
  for (const text of texts) {
    try {
      await sort(text, now, sorted);
    } catch (error) {
      sorted.unknown.push(error.message);
    }
  }
  return sorted;
}

async function sort(text, now, sorted) {
  if (isStatusList(text)) {
    sorted.statusLists.push(text);
    return;
  }
  const value = parseStrict(text, "a text");
  if (isKeyHistory(value)) {
    sorted.histories.push(await readKeyHistory(value, now));
  } else if (isStatusMemory(value)) {
    sorted.memory = readStatusMemory(value);
  } else if (isObject(value) && isJws(value)) {
    sorted.withdrawals.push(text);
  } else if (isObject(value) && "kty" in value) {
    checkPublicJwk(value);
    sorted.packers.set(await thumbprint(value), value);
  } else {
    sorted.unknown.push("a text is no statement, status list, key history, packer's key or memory of lists.");
  }
}
