/**
 * Whether a record covers a use. Same rules as `bodyscan.consent.policy`. All times: milliseconds since
 * 1970.
 */
import { formatUtc, parseUtc, territoryCovers, WORLDWIDE } from "./fields.js";
import { thumbprint } from "./keys.js";
import { AI_PURPOSES } from "./record.js";

/**
 * @typedef {{state: string, clause: string, reason: string}} Gap
 * @typedef {object} Use one use of a likeness; a fact that is missing is not known
 * @property {string} purpose
 * @property {string} [territory] `worldwide`, an ISO 3166-1 code or a subdivision
 * @property {string} [medium]
 * @property {string} [licensee] a licensee's name or key thumbprint; missing: the controller
 * @property {string} [product_line]
 * @property {string[]} [content] what is shown, of the kinds that a person may prohibit
 * @property {number} [when] moment of the use; missing: now
 */

const PRIVATE_PURPOSES = ["make_twin"];

/**
 * Return why the record does not hold at a moment, or undefined where it does.
 * @param {any} record @param {number} moment @returns {Gap | undefined}
 */
export function termGap({ term, subject }, moment) {
  if (moment < parseUtc(term.not_before)) {
    const reason = `it begins at ${term.not_before}, after ${formatUtc(moment)}`;
    return { state: "not_yet_valid", clause: "term.not_before", reason };
  }
  if (moment >= parseUtc(term.not_after)) {
    const reason = `it ended at ${term.not_after}; it is ${formatUtc(moment)}`;
    return { state: "expired", clause: "term.not_after", reason };
  }
  if (subject.adult_from && moment >= parseUtc(subject.adult_from)) {
    const reason =
      `the person came of age at ${subject.adult_from}, and their guardian's consent ended then; ` +
      "they sign a record of their own";
    return { state: "expired", clause: "subject.adult_from", reason };
  }
  return undefined;
}

/**
 * Return why the record's terms do not cover the use, or undefined where they do. What denies goes before
 * what is unknown.
 * @param {any} record @param {Use} use
 */
export async function coverageGap(record, use) {
  const found = [
    purposeGap(record, use),
    contentGap(record, use),
    await licenseeGap(record, use),
    territoryGap(record, use),
    listGap(record, use, "media", "medium", "all"),
    listGap(record, use, "product_lines", "product_line", "all"),
  ].filter((gap) => gap !== undefined);
  return found.find((gap) => gap.state !== "unknown") ?? found[0];
}

function purposeGap({ ai, scope }, { purpose }) {
  if (Object.hasOwn(AI_PURPOSES, purpose)) {
    const field = AI_PURPOSES[purpose];
    const what = purpose.replace("_", " ").replace("ai ", "AI ");
    return ai[field]
      ? undefined
      : denied(`ai.${field}`, `the person does not allow ${what} with their likeness`);
  }
  if (scope.purposes.includes(purpose)) return undefined;
  const allowed = scope.purposes.join(", ");
  return denied("scope.purposes", `the purpose ${purpose} is not allowed; allowed: ${allowed}`);
}

function contentGap({ scope }, { content = [] }) {
  const shown = content.filter((kind) => scope.prohibited_uses.includes(kind));
  if (!shown.length) return undefined;
  return denied("scope.prohibited_uses", `the person is never shown in or with ${shown.join(", ")}`);
}

/** @param {any} record @param {Use} use */
async function licenseeGap(record, { purpose, licensee }) {
  const anyone = purpose === "export" && record.scope.redistribution === "anyone";
  const holders = [record.controller, ...record.licensees];
  const names = holders.map(({ name }) => name).join(", ");
  if (!licensee) {
    if (purpose !== "export" || anyone) return undefined;
    return missing("scope.redistribution", "it is not stated to whom the file goes", names);
  }
  if (anyone) return undefined;
  for (const { name, public_key } of holders) {
    if (licensee === name || (public_key && licensee === (await thumbprint(public_key)))) return undefined;
  }
  return denied("licensees", `${licensee} is no licensee; those are: ${names}`);
}

/** @param {any} record @param {Use} use */
function territoryGap({ scope }, { purpose, territory }) {
  const clause = "scope.territories";
  const allowed = scope.territories.join(", ");
  if (!territory) {
    if (PRIVATE_PURPOSES.includes(purpose) || scope.territories.includes(WORLDWIDE)) return undefined;
    return missing(clause, "no territory is stated for the use", allowed);
  }
  if (scope.territories.some((granted) => territoryCovers(granted, territory))) return undefined;
  return denied(clause, `the territory ${territory} is not allowed; allowed: ${allowed}`);
}

function listGap({ scope }, use, field, fact, all) {
  const [granted, asked, clause] = [scope[field], use[fact], `scope.${field}`];
  const name = fact.replace("_", " ");
  if (granted.includes(all) || (!asked && PRIVATE_PURPOSES.includes(use.purpose))) return undefined;
  if (!asked) return missing(clause, `no ${name} is stated for the use`, granted.join(", "));
  if (granted.includes(asked)) return undefined;
  return denied(clause, `the ${name} ${asked} is not allowed; allowed: ${granted.join(", ")}`);
}

function denied(clause, reason) {
  return { state: "not_covered", clause, reason };
}

function missing(clause, reason, allowed) {
  return { state: "unknown", clause, reason: `${reason}, and the record allows only: ${allowed}` };
}
