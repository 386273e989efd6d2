/**
 * Statements by which the person takes a consent back, halts it or lets it go on; signed by them alone.
 * Same rules as `bodyscan.consent.withdrawal`. Times: milliseconds since 1970.
 */
import { hex, sha256 } from "./bytes.js";
import { parseUtc } from "./fields.js";
import { parseStrict } from "./json_text.js";
import { holds, parseJws } from "./jws.js";
import { CLOCK_SKEW_MS, actingKeys } from "./key_history.js";
import { thumbprint } from "./keys.js";
import { readPayload, recordSha256 } from "./record.js";

export const WITHDRAWAL_TYP = "bodyscan-withdrawal+jws";
/** From the least to the most protective. */
const PROTECTION = ["resume", "suspend", "revoke"];

/**
 * @typedef {Map<string, import("./key_history.js").KeyHistory>} Histories
 * @typedef {{statement: any, role: string, sha256: string, acting: {key: any, end: number}}} SignedWithdrawal
 * @typedef {{state: "active" | "suspended" | "revoked", since?: string, by?: string, reason?: string,
 *   unusable: string[]}} Standing
 */

/**
 * Read a statement about `record` and check who signed it, or throw.
 * @param {string | Uint8Array} text
 * @param {any} record
 * @param {Histories} histories tell by which other keys the person may sign
 * @returns {Promise<SignedWithdrawal>}
 */
export async function readWithdrawal(text, record, histories) {
  const jws = parseJws(parseStrict(text, "the text"), WITHDRAWAL_TYP);
  const { role, acting } = await checkSignature(jws, record, histories);
  const statement = readPayload(jws.payload, "withdrawal", "the statement");
  if (statement.record_id !== record.record_id || statement.record_sha256 !== (await recordSha256(record))) {
    throw new Error(`it is about another record (${statement.record_id})`);
  }
  const at = parseUtc(statement.at);
  if (at < parseUtc(record.issued_at) - CLOCK_SKEW_MS) {
    throw new Error(`it says ${statement.at}, before the record was issued (${record.issued_at})`);
  }
  const { adult_from } = record.subject;
  if (role === "guardian" && adult_from && at >= parseUtc(adult_from)) {
    throw new Error(
      `the guardian signed it at ${statement.at}, after the person came of age (${adult_from})`,
    );
  }
  return { statement, role, acting, sha256: hex(await sha256(jws.payload)) };
}

async function checkSignature(jws, record, histories) {
  if (jws.signatures.length !== 1) {
    throw new Error(`it has ${jws.signatures.length} signatures; the person signs it alone`);
  }
  const [signature] = jws.signatures;
  const { role, kid } = signature;
  const roots = { subject: record.subject.public_key, guardian: record.guardian?.public_key };
  const root = Object.hasOwn(roots, role) ? roots[role] : undefined;
  if (!root) throw new Error(`it is signed as ${role}; only the person can withdraw this consent`);
  // The key that the record names may always withdraw, whatever a history says.
  const keys = new Map([
    [await thumbprint(root), { key: root, end: Infinity }],
    ...(await actingKeys(root, histories, "record")),
  ]);
  const acting = keys.get(kid);
  if (!acting) throw new Error(`it is signed with the key ${kid.slice(0, 64)}, which is not the ${role}'s`);
  if (!(await holds(jws, signature, acting.key))) {
    throw new Error(`its signature was not made with the ${role}'s key`);
  }
  return { role, acting };
}

/**
 * Return where a consent stands by all statements about it. A revocation is final; else the highest sequence
 * of each person counts, and the more protective statement of two people.
 * @param {SignedWithdrawal[]} statements
 * @param {number} now
 * @returns {Standing}
 */
export function standing(statements, now) {
  const known = [...new Map(statements.map((signed) => [signed.sha256, signed])).values()];
  const unusable = known.map((signed) => whyUnusable(signed, now)).filter((reason) => reason);
  const usable = known.filter((signed) => !whyUnusable(signed, now));
  const revocations = usable.filter(({ statement }) => statement.action === "revoke");
  if (revocations.length) return as("revoked", revocations, unusable);
  /** @type {Map<string, SignedWithdrawal>} */
  const latest = new Map();
  for (const signed of usable.sort(byRank)) latest.set(signed.role, signed);
  const halted = [...latest.values()].filter(({ statement }) => statement.action === "suspend");
  return halted.length ? as("suspended", halted, unusable) : { state: "active", unusable };
}

/** Why a statement does not count at `now`, "" where it does. */
function whyUnusable({ statement, acting }, now) {
  if (parseUtc(statement.at) > now + CLOCK_SKEW_MS) {
    return `a statement to ${statement.action} says ${statement.at}, which is later than now`;
  }
  // Whoever holds a key that has ended may not be the person: such a key protects and lifts nothing.
  const lifts = statement.action === "resume" && now >= acting.end;
  return lifts ? "a statement to resume is signed with a key that has ended; the person signs it again" : "";
}

function byRank(a, b) {
  const protection = PROTECTION.indexOf(a.statement.action) - PROTECTION.indexOf(b.statement.action);
  return a.statement.sequence - b.statement.sequence || protection || (a.sha256 < b.sha256 ? -1 : 1);
}

function as(state, statements, unusable) {
  const order = (a, b) =>
    parseUtc(a.statement.at) - parseUtc(b.statement.at) || (a.sha256 < b.sha256 ? -1 : 1);
  const [{ statement, role }] = statements.sort(order);
  return { state, since: statement.at, by: role, reason: statement.reason, unusable };
}

/**
 * Return, in plain sentences, what a statement means by the record's own `withdrawal.effect`.
 * @param {any} record @param {"revoke" | "suspend"} action
 */
export function whatFollows(record, action) {
  const { effect } = record.withdrawal;
  const until = action === "suspend" ? "Until it is resumed, no" : "No";
  if (effect === "stop_new_uses") return `${until} new use may begin. What was published before may stay.`;
  const ends = `${until} new use may begin, and what is shown already is taken down.`;
  if (effect === "stop_all_uses") return ends;
  if (action === "suspend") return `${ends} Nothing is deleted by a suspension.`;
  return `${ends} Twin, scan and pictures are deleted, without waiting for the end of the term.`;
}
