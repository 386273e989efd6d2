/** What a reader adds beside the file: withdrawal statements, status lists and key histories. */
import { isObject, parseStrict } from "./json_text.js";
import { isJws } from "./jws.js";
import { isKeyHistory, readKeyHistory } from "./key_history.js";
import { isStatusList } from "./status_list.js";

/**
 * Sort texts by what they are. What is none of these is told in `unknown`, a broken key history in `broken`.
 * @param {string[]} texts @param {number} now milliseconds since 1970
 * @returns {Promise<import("./verify.js").Evidence & {unknown: string[]}>}
 */
export async function evidenceOf(texts, now) {
  const sorted = { statusLists: [], withdrawals: [], histories: [], unknown: [] };
  for (const text of texts) {
    try {
      await sort(text, now, sorted);
    } catch (error) {
      sorted.unknown.push(error.message);
    }
  }
  return sorted;
}

async function sort(text, now, { statusLists, withdrawals, histories, unknown }) {
  if (isStatusList(text)) {
    statusLists.push(text);
    return;
  }
  const value = parseStrict(text, "a text");
  if (isKeyHistory(value)) histories.push(await readKeyHistory(value, now));
  else if (isObject(value) && isJws(value)) withdrawals.push(text);
  else unknown.push("a text is no withdrawal statement, no status list and no key history.");
}
