/**
 * Whether a consent still stands: the person's own statements and the status lists, taken together. What
 * protects the person counts, wherever it is said. Same rules as `bodyscan.consent.status_check`.
 * Times: milliseconds since 1970.
 */
import { addressOf, checkTimes, isSet, openStatusList } from "./status_list.js";
import { checkMemory } from "./status_memory.js";
import { readWithdrawal, standing, whatFollows } from "./withdrawal.js";

/**
 * @typedef {{state: "good" | "suspended" | "revoked" | "unknown", reason: string, clause: string,
 *   leftOut: string[], lists: {name: string, address: string, found: string}[]}} StatusVerdict
 */

/**
 * Return where `record` stands at `now`; both lists of texts may hold some about other records.
 * @param {any} record
 * @param {string[]} lists
 * @param {string[]} withdrawals
 * @param {number} now
 * @param {Map<string, import("./key_history.js").KeyHistory>} histories which other keys may
 *   act for those that the record names
 * @param {import("./status_memory.js").StatusMemory} [memory] of lists seen before
 * @returns {Promise<StatusVerdict>}
 */
export async function checkStatus(record, lists, withdrawals, now, histories, memory) {
  const { stands, leftOut } = await readStatements(record, withdrawals, now, histories);
  const entry = record.withdrawal.status;
  const answers = [];
  if (entry) {
    const claimed = lists.map((text) => ({ text, address: addressOf(text) }));
    for (const [field, purpose, state] of [
      ["revocation_list", "revocation", "revoked"],
      ["suspension_list", "suspension", "suspended"],
    ]) {
      const named = { field, purpose, state, address: entry[field], name: field.replace("_", " ") };
      const { answer, problems } = await ask(entry, named, claimed, now, histories, memory);
      answers.push({ ...named, clause: `withdrawal.status.${field}`, ...answer });
      leftOut.push(
        ...problems.map((problem) => `the ${named.name} ${named.address} is refused: ${problem}.`),
      );
    }
  }
  const told = answers.map(({ name, address, set }) => ({ name, address, found: wordsFor(set) }));
  return { ...decide(record, stands, answers), leftOut, lists: told };
}

function wordsFor(set) {
  return set === undefined ? "not known" : set ? "taken back" : "stands";
}

async function readStatements(record, texts, now, histories) {
  const statements = [];
  const leftOut = [];
  for (const text of texts) {
    try {
      statements.push(await readWithdrawal(text, record, histories));
    } catch (error) {
      leftOut.push(`a withdrawal statement is refused: ${error.message.replace(/\.$/, "")}.`);
    }
  }
  const stands = standing(statements, now);
  return { stands, leftOut: [...leftOut, ...stands.unusable.map((reason) => `${reason}.`)] };
}

function decide(record, stands, answers) {
  for (const [state, action, words] of /** @type {const} */ ([
    ["revoked", "revoke", "took it back"],
    ["suspended", "suspend", "suspended it"],
  ])) {
    const follows = whatFollows(record, action);
    if (stands.state === state) {
      const who = stands.by === "guardian" ? "guardian" : "person";
      return { state, reason: `the ${who} ${words} at ${stands.since}. ${follows}`, clause: "withdrawal" };
    }
    const told = answers.find((answer) => answer.set && answer.state === state);
    if (told)
      return { state, reason: `the ${told.name} says that it is ${state}. ${follows}`, clause: told.clause };
  }
  const open = answers.find((answer) => answer.set === undefined);
  if (open) return { state: /** @type {const} */ ("unknown"), reason: open.problem, clause: open.clause };
  const nothing = answers.length
    ? "no statement and no status list"
    : "the record names no status list, and no statement";
  return { state: /** @type {const} */ ("good"), reason: `${nothing} takes it back.`, clause: "" };
}

/** What the given texts say for one list: `set` is undefined where there is none to be relied upon. */
async function ask(entry, named, claimed, now, histories, memory) {
  const signed = [];
  const sound = [];
  const problems = [];
  for (const { text } of claimed.filter(({ address }) => address === named.address)) {
    try {
      const list = await openStatusList(text, entry.issuer, named.address, named.purpose, histories);
      signed.push(list);
      checkTimes(list, now);
      if (memory) await checkMemory(memory, list);
      sound.push(list);
    } catch (error) {
      problems.push(error.message.replace(/\.$/, ""));
    }
  }
  const last = Math.max(...sound.map(({ sequence }) => sequence));
  const newest = sound.filter(({ sequence }) => sequence === last);
  // A revocation is never undone, so an old list that tells of one is as good as a new one.
  const telling = named.purpose === "revocation" ? signed : newest;
  if (telling.some((list) => isSet(list, entry.index))) return { answer: { set: true }, problems };
  if (!newest.length) return { answer: { problem: whyNothing(named, problems, claimed) }, problems };
  if (newest.some(({ bits }) => entry.index >= 8 * bits.length)) {
    const problem =
      `the ${named.name} ${named.address} has ${8 * newest[0].bits.length} entries, and the record's ` +
      `index is ${entry.index}.`;
    return { answer: { problem, clause: "withdrawal.status.index" }, problems };
  }
  return { answer: { set: false }, problems };
}

function whyNothing({ name, address }, problems, claimed) {
  if (problems.length) return `the ${name} ${address} cannot be relied upon: ${problems[0]}.`;
  const others = [...new Set(claimed.map((claim) => claim.address).filter((claim) => claim !== undefined))];
  const given = others.length ? `; given: ${others.sort().join(", ")}` : "";
  return `the ${name} that the record names, ${address}, was not given${given}.`;
}
